//! Bitbucket Cloud over HTTP: the two arrows between the states and the world.
//!
//! The planner is given something that can [`Read`], the executor something that can [`Write`]; that a plan changes
//! nothing is a fact of the types. Behind both is one [`Client`] with one credential, one [`gate`] and one rule for
//! [`retry`].

mod auth;
pub mod credential;
pub mod error;
pub mod gate;
mod http;
mod limits;
pub mod page;
pub mod retry;
pub mod whole;
mod wire;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;

use crate::progress::{Event, Listen};
use crate::resource::{Method, Request};
pub use credential::Credential;
pub use error::Error;
use http::Http;
pub use limits::{Deadline, Limits};
use page::Page;

/// Where the API is if nothing else is said.
pub const API_URL: &str = "https://api.bitbucket.org/2.0";

/// Where tokens are fetched if nothing else is said.
pub const TOKEN_URL: &str = "https://bitbucket.org/site/oauth2/access_token";

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

    /// The scopes of the credential, if Bitbucket said which.
    fn scopes(&self) -> impl Future<Output = Option<Vec<String>>> + Send;

    /// How many requests were sent to the API so far.
    fn requests(&self) -> usize;

    /// How many requests may be on their way at once.
    fn concurrency(&self) -> usize;
}

/// Somebody who can change things.
pub trait Write: Read {
    /// Sends a request and gives the answer's body, null if there is none.
    fn send(&self, request: &Request) -> impl Future<Output = Result<Value, Error>> + Send;

    /// From now on nothing more is sent, and nobody waits to send: what is on its way is finished.
    fn halt(&self);
}

/// A connection to Bitbucket Cloud.
#[derive(Debug)]
pub struct Client {
    http: Http,
    concurrency: usize,
}

impl Client {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// URLs that are none or would carry the credential unprotected, and a system without TLS.
    pub fn new(options: Options, listener: Arc<dyn Listen>) -> Result<Self, Error> {
        let concurrency = options.concurrency.max(1);
        let traffic = Traffic { listener, ..Traffic::default() };
        Ok(Self { http: Http::new(options, traffic)?, concurrency })
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

    async fn scopes(&self) -> Option<Vec<String>> {
        self.http.scopes().await
    }

    fn requests(&self) -> usize {
        self.http.traffic.requests.load(Ordering::Relaxed)
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
        self.http.halt();
    }
}

/// What has passed over the wire, and whoever listens.
struct Traffic {
    requests: AtomicUsize,
    scopes: OnceLock<Vec<String>>,
    listener: Arc<dyn Listen>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { requests: AtomicUsize::default(), scopes: OnceLock::default(), listener: Arc::new(()) }
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

    fn scopes(&self) -> Option<Vec<String>> {
        self.scopes.get().cloned()
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
