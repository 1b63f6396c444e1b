//! What goes wrong between a client and Bitbucket, on purpose and repeatably (api.md §6, "5xx and timeouts").
//!
//! Whether a request meets a fault, and which, follows from the seed and the request's number alone: the same seed and
//! the same order of requests give the same faults.

use std::str::FromStr;

use thiserror::Error;

use super::random::{seed, splitmix64};

/// How often requests go wrong, as in `0.2` or `0.2:42` (`RATE[:SEED]`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// The share of requests that meet a fault, from 0 to 1.
    pub rate: f64,
    /// What the choice of requests and faults follows from.
    pub seed: u64,
}

/// Why a text is not a [`Faults`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("faults are RATE or RATE:SEED with a rate from 0 to 1, such as 0.2 or 0.2:42, not {0:?}")]
pub struct InvalidFaults(String);

impl FromStr for Faults {
    type Err = InvalidFaults;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (rate, seed) = text.trim().split_once(':').unwrap_or((text.trim(), "0"));
            let rate: f64 = rate.parse().ok().filter(|rate| (0.0..=1.0).contains(rate))?;
            Some(Self { rate, seed: seed.parse().ok()? })
        };
        read().ok_or_else(|| InvalidFaults(text.to_owned()))
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection is reset; nothing was written.
    ResetBefore,
    /// The connection is reset; what was asked has happened, the answer is lost.
    ResetAfter,
    /// The connection ends in the middle of the answer's body.
    Truncated,
    /// 502 with a page of HTML.
    BadGateway { done: bool },
    /// 503 with `Retry-After: 1`; nothing was written.
    Unavailable,
    /// 429 although there is budget left; nothing was written.
    RateLimited,
    /// No answer for a long time, then the end of the connection.
    Hang { done: bool },
    /// The token dies early: 401, and so for every later request with it. Nothing was written.
    ExpiredToken,
}

impl Fault {
    /// Whether what was asked happens all the same.
    pub(super) fn happens(self) -> bool {
        match self {
            Self::ResetAfter | Self::Truncated => true,
            Self::BadGateway { done } | Self::Hang { done } => done,
            Self::ResetBefore | Self::Unavailable | Self::RateLimited | Self::ExpiredToken => false,
        }
    }
}

impl Faults {
    /// What goes wrong with the `number`th request under `/2.0`.
    pub(super) fn of_request(&self, number: u64) -> Option<Fault> {
        let roll = splitmix64(self.seed ^ splitmix64(number));
        if !self.hits(roll) {
            return None;
        }
        let choice = splitmix64(roll);
        let done = choice & (1 << 40) != 0;
        Some(match choice % 8 {
            0 => Fault::ResetBefore,
            1 => Fault::ResetAfter,
            2 => Fault::Truncated,
            3 => Fault::BadGateway { done },
            4 => Fault::Unavailable,
            5 => Fault::RateLimited,
            6 => Fault::Hang { done },
            _ => Fault::ExpiredToken,
        })
    }

    /// What goes wrong with the `number`th fetch of a token: never more than one fetch in each four.
    ///
    /// Only faults that happen before anything is written: a refresh token rotates, and an answer lost there could not
    /// be had again by any client.
    pub(super) fn of_token_fetch(&self, number: u64) -> Option<Fault> {
        let turn = splitmix64(self.seed ^ seed("token") ^ (number / 4));
        let roll = splitmix64(self.seed ^ seed("token") ^ splitmix64(number));
        if number % 4 != turn % 4 || !self.hits(roll) {
            return None;
        }
        Some(match splitmix64(roll) % 4 {
            0 => Fault::ResetBefore,
            1 => Fault::BadGateway { done: false },
            2 => Fault::Unavailable,
            _ => Fault::RateLimited,
        })
    }

    fn hits(&self, roll: u64) -> bool {
        let [a, b, c, d, ..] = roll.to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) < self.rate * 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn texts_are_read() {
        assert_eq!("0.2".parse(), Ok(Faults { rate: 0.2, seed: 0 }));
        assert_eq!("0.2:42".parse(), Ok(Faults { rate: 0.2, seed: 42 }));
        for bad in ["", "1.5", "-0.1", "NaN", "0.2:", "0.2:x", "x"] {
            assert!(bad.parse::<Faults>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let run = |seed| (0..500).map(|n| Faults { rate: 0.3, seed }.of_request(n)).collect::<Vec<_>>();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn the_rate_is_kept_and_every_kind_comes() {
        let faults = Faults { rate: 0.2, seed: 7 };
        let met: Vec<_> = (0..10_000).filter_map(|n| faults.of_request(n)).collect();
        assert!((1_800..2_200).contains(&met.len()), "{}", met.len());
        let kinds: HashSet<_> = met.iter().map(|fault| format!("{fault:?}")).collect();
        assert_eq!(kinds.len(), 10, "{kinds:?}");
        assert!((0..1000).all(|n| Faults { rate: 0.0, seed: 7 }.of_request(n).is_none()));
        assert!((0..1000).all(|n| Faults { rate: 1.0, seed: 7 }.of_request(n).is_some()));
    }

    #[test]
    fn one_token_fetch_in_four_at_most() {
        let faults = Faults { rate: 1.0, seed: 3 };
        for block in 0..100 {
            let met: Vec<_> = (block * 4..block * 4 + 4).filter_map(|n| faults.of_token_fetch(n)).collect();
            assert_eq!(met.len(), 1);
            assert!(!met[0].happens());
        }
    }
}
