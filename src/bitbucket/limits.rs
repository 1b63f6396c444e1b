//! Limits that somebody sets to a run: it stops in time to say how far it came, and running again continues.

use tokio::time::{Duration, Instant};

use super::error::Error;

/// See the module. By default there are none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// So many requests to the API are sent, and not one more.
    pub max_requests: Option<usize>,
    /// The run must have ended by then.
    pub deadline: Option<Deadline>,
}

/// An end that is known beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    given: Duration,
    last_start: Instant,
}

impl Deadline {
    /// From now on for so long. What is on its way at the end needs time to come back, at most as long as one request may
    /// take: no request begins in that last part, which is never more than a tenth.
    #[must_use]
    pub fn after(given: Duration, timeout: Duration) -> Self {
        Self { given, last_start: Instant::now() + given.saturating_sub(timeout.min(given / 10)) }
    }
}

impl Limits {
    /// When the last request may begin.
    pub(super) fn last_start(&self) -> Option<Instant> {
        self.deadline.map(|deadline| deadline.last_start)
    }

    /// A wait that would end too late is not begun.
    pub(super) fn allow_wait(&self, delay: Duration, tried: bool) -> Result<(), Error> {
        match self.last_start() {
            Some(until) if Instant::now() + delay >= until => Err(self.too_late(tried)),
            _ => Ok(()),
        }
    }

    pub(super) fn too_late(&self, tried: bool) -> Error {
        let given = self.deadline.map(|deadline| deadline.given).unwrap_or_default();
        Error::Stopped { why: format!("--deadline {}", humantime::format_duration(given)), tried }
    }

    pub(super) fn too_many(&self, tried: bool) -> Error {
        Error::Stopped { why: format!("--max-requests {}", self.max_requests.unwrap_or_default()), tried }
    }
}
