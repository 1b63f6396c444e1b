//! How many requests Bitbucket serves an hour: a rolling window for each credential (api.md §6).

use std::collections::{HashMap, VecDeque};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

/// So many requests in so much time, as in `1000/1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The requests that are answered within [`per`](Self::per).
    pub requests: u32,
    /// The length of the rolling window.
    pub per: Duration,
}

/// Why a text is not a [`RateLimit`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a rate limit is REQUESTS/TIME with both above zero, such as 1000/1h or 100/10s, not {0:?}")]
pub struct InvalidRateLimit(String);

impl FromStr for RateLimit {
    type Err = InvalidRateLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (requests, per) = text.trim().split_once('/')?;
            let requests = requests.trim().parse().ok().filter(|requests| *requests > 0)?;
            let per = duration(per.trim())?;
            Some(Self { requests, per })
        };
        read().ok_or_else(|| InvalidRateLimit(text.to_owned()))
    }
}

/// A whole number with a unit from milliseconds to days; a unit alone counts once (`100/h`).
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = if number.is_empty() { 1 } else { number.parse().ok()? };
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).filter(|millis| *millis > 0).map(Duration::from_millis)
}

/// What is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// Repositories, and most of the rest.
    Data,
    /// Webhooks, wherever they hang.
    Webhooks,
}

impl Resource {
    /// What a path counts as.
    pub(super) fn of(path: &[String]) -> Self {
        if path.iter().any(|segment| segment == "hooks") { Self::Webhooks } else { Self::Data }
    }

    /// The value of `X-RateLimit-Resource`. Which words Bitbucket has for it is not in the notes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Data => "api",
            Self::Webhooks => "webhooks",
        }
    }
}

/// The answers given so far, for each credential.
#[derive(Debug)]
pub(super) struct Windows {
    limit: RateLimit,
    given: HashMap<String, Given>,
}

/// The answers given to one credential, by what they count as.
#[derive(Debug, Default)]
struct Given {
    data: VecDeque<Instant>,
    webhooks: VecDeque<Instant>,
}

impl Windows {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self { limit, given: HashMap::new() }
    }

    /// Takes one request from a credential's budget and says how many are left, or `None` when it is spent.
    ///
    /// What is refused does not count, so that a client which waits long enough is served again.
    pub(super) fn admit(&mut self, credential: &str, resource: Resource, now: Instant) -> Option<u32> {
        let given = match self.given.get_mut(credential) {
            Some(given) => given,
            None => self.given.entry(credential.to_owned()).or_default(),
        };
        let given = match resource {
            Resource::Data => &mut given.data,
            Resource::Webhooks => &mut given.webhooks,
        };
        while given.front().is_some_and(|first| now.duration_since(*first) >= self.limit.per) {
            given.pop_front();
        }
        let spent = u32::try_from(given.len()).unwrap_or(u32::MAX);
        let left = self.limit.requests.checked_sub(spent)?.checked_sub(1)?;
        given.push_back(now);
        Some(left)
    }

    pub(super) fn limit(&self) -> RateLimit {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        let limit = |requests, seconds| Ok(RateLimit { requests, per: Duration::from_secs(seconds) });
        assert_eq!("1000/1h".parse(), limit(1000, 3600));
        assert_eq!("100/10s".parse(), limit(100, 10));
        assert_eq!("60/min".parse(), limit(60, 60));
        for bad in ["", "10", "0/1h", "10/0s", "10/1y", "-1/1h", "x/1h", "10/"] {
            assert!(bad.parse::<RateLimit>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_window_rolls() {
        let start = Instant::now();
        let second = |seconds| start + Duration::from_secs(seconds);
        let mut windows = Windows::new(RateLimit { requests: 2, per: Duration::from_secs(10) });
        let mut admit = |credential, now| windows.admit(credential, Resource::Data, now);
        assert_eq!(admit("a", second(0)), Some(1));
        assert_eq!(admit("a", second(4)), Some(0));
        assert_eq!(admit("a", second(9)), None);
        assert_eq!(admit("b", second(9)), Some(1), "each credential has its own budget");
        assert_eq!(admit("a", second(10)), Some(0), "the first request has left the window");
        assert_eq!(admit("a", second(13)), None);
        assert_eq!(admit("a", second(14)), Some(0));
    }

    #[test]
    fn webhooks_are_counted_apart() {
        let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(Resource::of(&path("repositories/acme/ledger/hooks/{1}")), Resource::Webhooks);
        assert_eq!(Resource::of(&path("repositories/acme/ledger")), Resource::Data);
        let mut windows = Windows::new(RateLimit { requests: 1, per: Duration::from_secs(10) });
        let now = Instant::now();
        assert_eq!(windows.admit("a", Resource::Data, now), Some(0));
        assert_eq!(windows.admit("a", Resource::Webhooks, now), Some(0));
        assert_eq!(windows.admit("a", Resource::Data, now), None);
    }
}
