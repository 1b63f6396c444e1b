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
    /// Everybody waits this long; then it is sent again.
    EverybodyWaits(Duration),
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
    /// How often in a row the rate limit refused whoever tried, this time included.
    pub refusals: u32,
    /// How long ago it was sent first.
    pub since: Duration,
    /// A random number in 0..1, which spreads those who wait.
    pub jitter: f64,
}

/// How long to wait, where the server does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// After the first failure of the network or the server; doubled after each further one, up to 32 times this.
    pub failure: Duration,
    /// After the first refusal for the rate limit; doubled after each further one, up to 36 times this. By default that is
    /// three minutes: twenty tries in an hour, of the thousand requests that it has.
    pub limit: Duration,
    /// How long a server may ask everybody to wait. A rolling hour frees its allowance within the hour.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            failure: Duration::from_millis(250),
            limit: Duration::from_secs(5),
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
            // Whoever asks for no patience time and again is given some all the same.
            let least = backoff(pace.limit / 250, 250, attempts.refusals, attempts.jitter);
            let delay = wait
                .map_or_else(|| backoff(pace.limit, 36, attempts.refusals, attempts.jitter), |wait| wait.max(least));
            // An hour frees everything there is; a server that goes on refusing after several will not stop.
            let hopeless = delay > pace.patience || attempts.since > pace.patience * 4;
            if hopeless { Decision::GiveUp } else { Decision::EverybodyWaits(delay) }
        }
        Outcome::Status(500 | 502 | 503 | 504) | Outcome::Lost | Outcome::Endless if method == Method::Post => {
            Decision::Unclear
        }
        Outcome::Certificate | Outcome::Endless => Decision::GiveUp,
        Outcome::Status(500 | 502 | 503 | 504) | Outcome::Lost | Outcome::NoConnection => {
            let delay = wait.unwrap_or_else(|| backoff(pace.failure, 32, attempts.failures, attempts.jitter));
            let hopeless = attempts.failures >= MOST_FAILURES || delay > pace.patience;
            if hopeless { Decision::GiveUp } else { Decision::Again(delay) }
        }
        Outcome::Status(_) => Decision::Take,
    }
}

/// Doubling each time from `first` to so many times that, of which a random part between half and all is waited.
fn backoff(first: Duration, most: u32, times: u32, jitter: f64) -> Duration {
    let factor = 1u32.checked_shl(times.saturating_sub(1).min(16)).unwrap_or(most).min(most);
    (first * factor).mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];

    fn first(method: Method, outcome: Outcome) -> Decision {
        let attempts = Attempts { failures: 1, refusals: 1, since: Duration::ZERO, jitter: 1.0 };
        decide(method, outcome, None, attempts, Pace::default())
    }

    #[test]
    fn every_status_and_method() {
        for status in 100..600 {
            for method in METHODS {
                let expected = match (status, method) {
                    (429, _) => Decision::EverybodyWaits(Duration::from_secs(5)),
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
        let tired = Attempts { failures: 5, refusals: 5, since: Duration::from_secs(3), jitter: 0.0 };
        assert_eq!(decide(Method::Get, Outcome::Lost, None, tired, Pace::default()), Decision::GiveUp);
        let late = Attempts { failures: 2, refusals: 2, since: Pace::default().patience * 5, jitter: 0.0 };
        assert_eq!(decide(Method::Get, Outcome::Status(429), None, late, Pace::default()), Decision::GiveUp);
        let asked = |wait| decide(Method::Get, Outcome::Status(429), Some(wait), tired, Pace::default());
        assert_eq!(asked(Duration::from_secs(7)), Decision::EverybodyWaits(Duration::from_secs(7)));
        assert_eq!(asked(Duration::MAX), Decision::GiveUp);
        assert_eq!(asked(Duration::ZERO), Decision::EverybodyWaits(Duration::from_millis(160)));
    }
}
