//! Bitbucket Cloud over HTTP: the two arrows between the states and the world.
//!
//! The planner is given something that can [`Read`], the executor something that can [`Write`]; that a plan changes
//! nothing is a fact of the types. Behind both is a [`Client`] with one credential, one [`gate`] and one rule for [`retry`];
//! or several, side by side, where workspaces have credentials of their own ([`Clients`]).

mod allowance;
mod answer;
mod auth;
mod clients;
pub mod credential;
pub mod error;
pub mod gate;
mod http;
mod limits;
pub mod page;
mod repeated;
pub mod retry;
mod watched;
pub mod whole;
mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;

use crate::progress::{Event, Listen};
use crate::resource::{Method, Request};
pub use clients::{Clients, Owner};
pub use credential::Credential;
pub use error::Error;
use http::Http;
pub use limits::{Deadline, Limits};
use page::Page;
pub use watched::Watched;
use wire::Wire;

/// Where the API is if nothing else is said.
pub const API_URL: &str = "https://api.bitbucket.org/2.0";

/// Where tokens are fetched if nothing else is said.
pub const TOKEN_URL: &str = "https://bitbucket.org/site/oauth2/access_token";

/// How many requests an hour most credentials are allowed (api.md §6).
pub const HOURLY: usize = 1_000;

/// How to talk to Bitbucket.
#[derive(Debug, Clone)]
pub struct Options {
    /// The API's URL, with its version.
    pub api_url: String,
    /// Where tokens are fetched.
    pub token_url: String,
    /// The credential.
    pub credential: Credential,
    /// How many requests may be on their way at once.
    pub concurrency: usize,
    /// How long one request may take.
    pub timeout: Duration,
    /// How long to wait before a request is sent again.
    pub pace: retry::Pace,
    /// When to stop although there is more to do.
    pub limits: Limits,
}

impl Options {
    /// Bitbucket Cloud itself, with eight requests at once and thirty seconds for each.
    #[must_use]
    pub fn new(credential: Credential) -> Self {
        Self {
            api_url: API_URL.to_owned(),
            token_url: TOKEN_URL.to_owned(),
            credential,
            concurrency: 8,
            timeout: Duration::from_secs(30),
            pace: retry::Pace::default(),
            limits: Limits::default(),
        }
    }
}

/// Somebody who can look, and nothing else.
pub trait Read: Sync {
    /// Reads one object; nothing if it is not there, or not for this credential to see.
    fn get(&self, path: &str) -> impl Future<Output = Result<Option<Value>, Error>> + Send;

    /// Reads a page by its path and query.
    fn page(&self, target: String) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Reads the page that another one's `next` leads to.
    fn next(&self, page: &Page, link: String) -> impl Future<Output = Result<Page, Error>> + Send;

    /// The scopes of the credential for a workspace, if Bitbucket said which.
    fn scopes(&self, workspace: &str) -> impl Future<Output = Option<Vec<String>>> + Send;

    /// The number of the credential for a workspace, from 0. Workspaces with different ones never wait for each other.
    fn lane(&self, _workspace: &str) -> usize {
        0
    }

    /// How many requests were sent to the API so far.
    fn requests(&self) -> usize;

    /// How many requests are allowed in an hour: what Bitbucket says, or what it grants to most.
    fn hourly(&self) -> usize;

    /// How many requests may be on their way at once with one credential.
    fn concurrency(&self) -> usize;
}

/// Somebody who can change things.
pub trait Write: Read {
    /// Sends a request and gives the answer's body, null if there is none.
    fn send(&self, request: &Request) -> impl Future<Output = Result<Value, Error>> + Send;

    /// From now on nothing more is sent, and nobody waits to send: what is on its way is finished.
    fn halt(&self);

    /// From now on none of these secrets is shown, whoever repeats them in an answer.
    fn conceal(&self, secrets: &mut dyn Iterator<Item = &SecretString>);
}

/// A connection to Bitbucket Cloud.
#[derive(Debug)]
pub struct Client {
    http: Http,
    wire: Wire,
    concurrency: usize,
}

impl Client {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// URLs that are none or would carry the credential unprotected, and a system without TLS.
    pub fn new(options: Options, listener: Arc<dyn Listen>) -> Result<Self, Error> {
        let wire = Wire::new(&options)?;
        Ok(Self::over(wire, options, Traffic { listener, ..Traffic::default() }))
    }

    /// Prepares a connection to the same place with another credential, a gate of its own and the same limits: its requests
    /// are counted together with this one's.
    #[must_use]
    pub fn beside(&self, options: Options) -> Self {
        let Traffic { requests, listener, .. } = &self.http.traffic;
        let traffic = Traffic { requests: requests.clone(), listener: listener.clone(), ..Traffic::default() };
        Self::over(self.wire.clone(), options, traffic)
    }

    fn over(wire: Wire, options: Options, traffic: Traffic) -> Self {
        let concurrency = options.concurrency.max(1);
        Self { http: Http::new(wire.clone(), options, traffic), wire, concurrency }
    }
}

impl Read for Client {
    async fn get(&self, path: &str) -> Result<Option<Value>, Error> {
        match self.http.send(Method::Get, self.http.url(path)?, None).await {
            Ok(answer) => Ok(Some(answer)),
            Err(Error::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn page(&self, target: String) -> Result<Page, Error> {
        self.read_page(self.http.url(&target)?).await
    }

    async fn next(&self, page: &Page, link: String) -> Result<Page, Error> {
        let line = page.line.clone().unwrap_or_else(|| error::Line::new(Method::Get, "/"));
        self.read_page(self.http.next_url(&line, &link)?).await
    }

    async fn scopes(&self, _: &str) -> Option<Vec<String>> {
        self.http.scopes().await
    }

    fn requests(&self) -> usize {
        self.http.traffic.requests.load(Ordering::Relaxed)
    }

    fn hourly(&self) -> usize {
        self.http.traffic.hourly.get().copied().unwrap_or(HOURLY)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }
}

impl Write for Client {
    async fn send(&self, request: &Request) -> Result<Value, Error> {
        let answer = self.http.send(request.method, self.http.url(&request.path)?, request.body.as_ref()).await;
        match answer {
            Ok(answer) => Ok(answer),
            // What is to go is gone, be it by an earlier attempt whose answer was lost (api.md §6).
            Err(Error::Refused(refusal)) if request.method == Method::Delete && refusal.status == 404 => {
                Ok(Value::Null)
            }
            Err(error) => Err(error),
        }
    }

    fn halt(&self) {
        self.http.halt("interrupted");
    }

    fn conceal(&self, secrets: &mut dyn Iterator<Item = &SecretString>) {
        self.http.conceal(secrets);
    }
}

/// Shorter waits are not worth a word.
const NOTICED: Duration = Duration::from_secs(1);

/// What has passed over the wire, and whoever listens.
struct Traffic {
    waits: Mutex<Option<Instant>>,
    /// Shared by connections that are limited together.
    requests: Arc<AtomicUsize>,
    scopes: OnceLock<Vec<String>>,
    hourly: OnceLock<usize>,
    listener: Arc<dyn Listen>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            waits: Mutex::default(),
            requests: Arc::default(),
            scopes: OnceLock::default(),
            hourly: OnceLock::default(),
            listener: Arc::new(()),
        }
    }
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traffic").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl Traffic {
    /// Counts one more request, unless that would be too many.
    fn count_request(&self, most: Option<usize>) -> bool {
        let next = |sent: usize| (most.is_none_or(|most| sent < most)).then_some(sent + 1);
        self.requests.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }

    fn event(&self, event: Event) {
        self.listener.event(event);
    }

    /// Tells of a wait that a person would notice, and of each only once.
    fn wait(&self, until: Instant) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if until > Instant::now() + NOTICED && waits.is_none_or(|waits| until > waits + NOTICED) {
            *waits = Some(until);
            self.event(Event::Waiting { until: until.into_std(), why: "Bitbucket's rate limit" });
        }
    }

    fn scopes(&self) -> Option<Vec<String>> {
        self.scopes.get().cloned()
    }

    /// Credentials whose allowance grows with a plan are told how large it is: `5000`, or `60, 60;w=3600` (api.md §6).
    fn learn_hourly(&self, headers: &reqwest::header::HeaderMap) {
        let text = || headers.get("x-ratelimit-limit")?.to_str().ok()?.split(',').next()?.trim().parse().ok();
        if self.hourly.get().is_none()
            && let Some(hourly) = text()
        {
            let _ = self.hourly.set(hourly);
        }
    }

    /// Every answer to an authenticated request names the credential's scopes (api.md §1.1).
    fn learn_scopes(&self, headers: &reqwest::header::HeaderMap) {
        if self.scopes.get().is_none()
            && let Some(text) = headers.get("x-oauth-scopes").and_then(|value| value.to_str().ok())
        {
            let scopes: Vec<_> = text.split([',', ' ']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
            if !scopes.is_empty() {
                let _ = self.scopes.set(scopes);
            }
        }
    }
}
