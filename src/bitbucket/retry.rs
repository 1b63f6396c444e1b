//! Whether and when to send a request again: one pure decision.
//!
//! Facts: api.md §6. A 429 usually comes without `Retry-After`; 5xx are undocumented; a POST whose answer was lost may have
//! been carried out, so it is never simply repeated.

use std::time::Duration;

use crate::resource::Method;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer with this status.
    Status(u16),
    /// No connection came about: nothing was sent.
    NoConnection,
    /// The server's certificate was not accepted.
    Certificate,
    /// The request was sent, at least in part, and no whole answer came.
    Lost,
    /// It was answered, and the answer has no end that anybody would wait for.
    Endless,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is an answer: take it.
    Take,
    /// Send it again after this long.
    Again(Duration),
    /// It was refused for the rate limit, and nothing was done: everybody waits, as long as the server asks or as the gate
    /// has learned; then it is sent again.
    EverybodyWaits,
    /// Give up.
    GiveUp,
    /// Give up, and find out whether it was carried out.
    Unclear,
}

/// What is known about the attempts so far.
#[derive(Debug, Clone, Copy)]
pub struct Attempts {
    /// How often the network or the server failed, this time included.
    pub failures: u32,
    /// How long ago the network or the server failed first.
    pub failing: Duration,
    /// For how long the rate limit has let nobody through.
    pub refused: Duration,
    /// A random number in 0..1, which spreads those who wait.
    pub jitter: f64,
}

/// How long to wait, where the server does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// After the first failure of the network or the server; doubled after each further one, up to 32 times this.
    pub failure: Duration,
    /// The shortest window that a rate limit is thought to have. The longest is 3,600 times this.
    pub limit: Duration,
    /// How long a server may ask everybody to wait, and how long one request is tried in all. A rolling hour frees its
    /// allowance within the hour.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            failure: Duration::from_millis(250),
            limit: Duration::from_secs(1),
            patience: Duration::from_secs(65 * 60),
        }
    }
}

/// After so many failures of the network or the server there is no use in more.
const MOST_FAILURES: u32 = 5;

/// Decides. `wait` is what the server asked for, by `Retry-After` or `X-RateLimit-Reset`.
#[must_use]
pub fn decide(method: Method, outcome: Outcome, wait: Option<Duration>, attempts: Attempts, pace: Pace) -> Decision {
    match outcome {
        // Refused before anything was done, whatever the method.
        Outcome::Status(429) => {
            // An hour frees everything there is; a server that goes on refusing after it will not stop.
            let hopeless = attempts.refused.max(wait.unwrap_or_default()) > pace.patience;
            if hopeless { Decision::GiveUp } else { Decision::EverybodyWaits }
        }
        Outcome::Status(500 | 502 | 503 | 504) | Outcome::Lost | Outcome::Endless if method == Method::Post => {
            Decision::Unclear
        }
        Outcome::Certificate | Outcome::Endless => Decision::GiveUp,
        Outcome::Status(500 | 502 | 503 | 504) | Outcome::Lost | Outcome::NoConnection => {
            let delay = wait.unwrap_or_else(|| pace.backoff(attempts));
            let too_late = attempts.failing.saturating_add(delay) > pace.patience;
            let hopeless = attempts.failures >= MOST_FAILURES || too_late;
            if hopeless { Decision::GiveUp } else { Decision::Again(delay) }
        }
        Outcome::Status(_) => Decision::Take,
    }
}

impl Pace {
    /// Doubling with each failure, of which a random part between half and all is waited.
    #[must_use]
    pub fn backoff(self, attempts: Attempts) -> Duration {
        let factor = 1u32.checked_shl(attempts.failures.saturating_sub(1)).map_or(32, |factor| factor.min(32));
        (self.failure * factor).mul_f64(0.5 + 0.5 * attempts.jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];

    fn first(method: Method, outcome: Outcome) -> Decision {
        let attempts = Attempts { failures: 1, failing: Duration::ZERO, refused: Duration::ZERO, jitter: 1.0 };
        decide(method, outcome, None, attempts, Pace::default())
    }

    #[test]
    fn every_status_and_method() {
        for status in 100..600 {
            for method in METHODS {
                let expected = match (status, method) {
                    (429, _) => Decision::EverybodyWaits,
                    (500 | 502 | 503 | 504, Method::Post) => Decision::Unclear,
                    (500 | 502 | 503 | 504, _) => Decision::Again(Duration::from_millis(250)),
                    _ => Decision::Take,
                };
                assert_eq!(first(method, Outcome::Status(status)), expected, "{status} {method:?}");
            }
        }
    }

    #[test]
    fn every_failure_and_method() {
        for method in METHODS {
            assert_eq!(first(method, Outcome::NoConnection), Decision::Again(Duration::from_millis(250)));
            assert_eq!(first(method, Outcome::Certificate), Decision::GiveUp);
        }
        assert_eq!(first(Method::Post, Outcome::Endless), Decision::Unclear);
        assert_eq!(first(Method::Get, Outcome::Endless), Decision::GiveUp);
        assert_eq!(first(Method::Post, Outcome::Lost), Decision::Unclear);
        assert_eq!(first(Method::Delete, Outcome::Lost), Decision::Again(Duration::from_millis(250)));
    }

    #[test]
    fn patience_ends() {
        let tired = Attempts { failures: 5, failing: Duration::ZERO, refused: Duration::from_secs(3), jitter: 0.0 };
        assert_eq!(decide(Method::Get, Outcome::Lost, None, tired, Pace::default()), Decision::GiveUp);
        let asked = |wait, attempts| decide(Method::Get, Outcome::Status(429), wait, attempts, Pace::default());
        assert_eq!(asked(Some(Duration::from_secs(7)), tired), Decision::EverybodyWaits);
        assert_eq!(asked(Some(Duration::MAX), tired), Decision::GiveUp);
        assert_eq!(asked(None, Attempts { refused: Pace::default().patience * 2, ..tired }), Decision::GiveUp);
        let asks = Some(Duration::from_secs(9));
        let unavailable = |failures| Attempts { failures, ..tired };
        let decided =
            |failures| decide(Method::Put, Outcome::Status(503), asks, unavailable(failures), Pace::default());
        assert_eq!((decided(1), decided(5)), (Decision::Again(Duration::from_secs(9)), Decision::GiveUp));
        // Who asks for half an hour each time is not waited for all day.
        let half = Some(Pace::default().patience / 2);
        let since = |failing| {
            decide(Method::Get, Outcome::Status(503), half, Attempts { failing, ..unavailable(2) }, Pace::default())
        };
        assert!(matches!(since(Duration::ZERO), Decision::Again(_)));
        assert_eq!(since(Pace::default().patience * 2 / 3), Decision::GiveUp);
    }

    #[test]
    fn each_failure_is_waited_for_twice_as_long_and_never_at_the_same_moment_as_others() {
        let after = |failures, jitter| {
            Pace::default().backoff(Attempts { failures, failing: Duration::ZERO, refused: Duration::ZERO, jitter })
        };
        assert_eq!([1, 2, 3, 40].map(|failures| after(failures, 1.0).as_millis()), [250, 500, 1_000, 8_000]);
        assert_eq!((after(1, 0.0).as_millis(), after(1, 0.5).as_millis()), (125, 187));
    }
}
