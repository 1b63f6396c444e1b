//! Limits that somebody sets to a run: it stops in time to say how far it came, and running again continues.

use reqwest::RequestBuilder;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::error::Error;

/// No run takes longer.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

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
    end: Instant,
}

impl Deadline {
    /// From now on for so long. What is on its way at the end needs time to come back, at most as long as one request may
    /// take: no request begins in that last part, which is never more than a tenth.
    #[must_use]
    pub fn after(given: Duration, timeout: Duration) -> Self {
        // Whoever gives a run centuries gives it no end.
        let given = given.min(A_YEAR);
        let now = Instant::now();
        Self { given, last_start: now + given.saturating_sub(timeout.min(given / 10)), end: now + given }
    }
}

impl Limits {
    /// When the last request may begin.
    pub(super) fn last_start(&self) -> Option<Instant> {
        self.deadline.map(|deadline| deadline.last_start)
    }

    pub(super) fn too_late(&self, tried: bool) -> Error {
        let given = self.deadline.map(|deadline| deadline.given).unwrap_or_default();
        Error::Stopped { why: format!("--deadline {}", humantime::format_duration(given)), tried }
    }

    pub(super) fn too_many(&self, tried: bool) -> Error {
        Error::Stopped { why: format!("--max-requests {}", self.max_requests.unwrap_or_default()), tried }
    }
}

/// How long whoever waits may go on waiting: until the limits end it, or somebody.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) limits: Limits,
    /// How long one request may take.
    timeout: Duration,
    /// Why nothing more is sent, once that is so.
    ended: watch::Sender<Option<String>>,
}

impl Patience {
    pub(super) fn new(limits: Limits, timeout: Duration) -> Self {
        Self { limits, timeout, ended: watch::Sender::new(None) }
    }

    /// What is on its way when the time is up has no more time.
    pub(super) fn bound(&self, request: RequestBuilder) -> RequestBuilder {
        let left = self.limits.deadline.map(|deadline| deadline.end.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if left < self.timeout => request.timeout(left),
            _ => request,
        }
    }

    /// From now on nobody waits, for this reason. The first one counts.
    pub(super) fn end(&self, why: &str) {
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert_with(|| why.to_owned());
            first
        });
    }

    /// Waits for something, unless somebody says that nothing more is sent. `tried` says whether the request that waits was
    /// sent before.
    pub(super) async fn unless_ended<T>(&self, tried: bool, wait: impl Future<Output = T>) -> Result<T, Error> {
        let mut ended = self.ended.subscribe();
        tokio::select! {
            biased;
            Ok(ended) = ended.wait_for(Option::is_some) => {
                Err(Error::Stopped { why: ended.clone().unwrap_or_default(), tried })
            }
            done = wait => Ok(done),
        }
    }

    /// Waits before a request is sent again. A wait that would end too late is not begun.
    pub(super) async fn sleep(&self, delay: Duration, tried: bool) -> Result<(), Error> {
        match self.limits.last_start() {
            Some(until) if Instant::now() + delay >= until => Err(self.limits.too_late(tried)),
            _ => self.unless_ended(tried, tokio::time::sleep(delay)).await,
        }
    }
}
