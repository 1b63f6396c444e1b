//! The wire itself: clients for one origin, one attempt of one request, and what its failure is called.

use std::net::IpAddr;
use std::time::SystemTime;

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, Url};
use tokio::time::Duration;

use super::Options;
use super::error::Error;
use super::retry::Outcome;

/// No answer of Bitbucket's comes near this; a server that sends more is not Bitbucket.
const MAX_BODY: usize = 32 << 20;

/// An attempt's result before anybody decided what to do about it.
pub(super) enum Attempt {
    Answered { status: u16, headers: HeaderMap, body: Vec<u8> },
    Failed { outcome: Outcome, why: String },
}

/// Sends a request once.
pub(super) async fn attempt(request: RequestBuilder) -> Attempt {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Attempt::Failed { outcome: outcome_of(&error), why: plain_words(&error) },
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    match body_of(response).await {
        Ok(body) => Attempt::Answered { status, headers, body },
        Err((outcome, why)) => Attempt::Failed { outcome, why },
    }
}

impl Attempt {
    /// What came back, and how long the server wants to be left alone.
    pub(super) fn outcome(&self) -> (Outcome, Option<Duration>) {
        match self {
            Self::Answered { status, headers, .. } => (Outcome::Status(*status), asked_wait(headers)),
            Self::Failed { outcome, .. } => (*outcome, None),
        }
    }
}

/// The ways to an API and to its token endpoint. All credentials go the same ways.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub base: Url,
    pub client: reqwest::Client,
    pub token_url: Url,
    pub token_client: reqwest::Client,
}

impl Wire {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let base = checked_url(&options.api_url, "--api-url")?;
        let token_url = checked_url(&options.token_url, "--token-url")?;
        Ok(Self { client: client(options, &base)?, token_client: client(options, &token_url)?, base, token_url })
    }
}

/// A client for one origin. What is meant for this machine goes through no proxy: it may be plain http.
fn client(options: &Options, origin: &Url) -> Result<reqwest::Client, Error> {
    // The first one in the program stays, whoever named it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("bbprov/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers())
        .timeout(options.timeout)
        .connect_timeout(options.timeout.min(Duration::from_secs(15)))
        .pool_max_idle_per_host(options.concurrency)
        .redirect(reqwest::redirect::Policy::none());
    let builder = if is_loopback(origin) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| Error::Setup(format!("cannot set up TLS: {}", plain_words(&error))))
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    // Messages may be translated otherwise (api.md §2.1).
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    headers
}

pub(super) fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The whole body, within bounds.
async fn body_of(response: Response) -> Result<Vec<u8>, (Outcome, String)> {
    let mut response = response;
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => {
                return Err((Outcome::Endless, format!("the answer is longer than {} MB", MAX_BODY >> 20)));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err((Outcome::Lost, plain_words(&error))),
        }
    }
}

/// `Retry-After` in seconds or as a date, or `X-RateLimit-Reset`, which is seconds left (api.md §6).
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        let seconds = after.parse().ok().map(Duration::from_secs);
        return seconds.or_else(|| {
            let at = httpdate::parse_http_date(after).ok()?;
            Some(at.duration_since(SystemTime::now()).unwrap_or_default())
        });
    }
    // Seconds left. What would be days is an instant in time, as other APIs write it, and says nothing here.
    text("x-ratelimit-reset")?.parse().ok().filter(|seconds| *seconds < 24 * 60 * 60).map(Duration::from_secs)
}

/// Whether less than a fifth of the allowance is left, which only some credentials are told (api.md §6).
pub(super) fn is_near_limit(headers: &HeaderMap) -> bool {
    headers.get("x-ratelimit-nearlimit").is_some_and(|near| near.as_bytes().eq_ignore_ascii_case(b"true"))
}

fn outcome_of(error: &reqwest::Error) -> Outcome {
    let words = chain(error).to_lowercase();
    if words.contains("certificate") {
        return Outcome::Certificate;
    }
    if error.is_connect() { Outcome::NoConnection } else { Outcome::Lost }
}

/// A network error in a sentence, without the URL, which stands beside it.
fn plain_words(error: &reqwest::Error) -> String {
    let words = chain(error);
    let lower = words.to_lowercase();
    let host = error.url().and_then(Url::host_str).unwrap_or("the server");
    if lower.contains("certificate") {
        return format!(
            "{host}'s certificate is not accepted by this system ({words}); if a company proxy signs traffic, install its \
             certificate in the system's store"
        );
    }
    if lower.contains("dns error") || lower.contains("lookup") {
        return format!("the name {host} cannot be found; is there a network, or a proxy to set in HTTPS_PROXY?");
    }
    if error.is_timeout() {
        return "no answer in time (--timeout)".to_owned();
    }
    if lower.contains("connection refused") {
        return format!("{host} refuses connections");
    }
    if lower.contains("reset by peer")
        || lower.contains("connection closed")
        || lower.contains("incompletemessage")
        || lower.contains("end of file")
    {
        return "the connection broke off".to_owned();
    }
    words
}

/// The innermost causes of an error: the outer ones only repeat the URL.
fn chain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    if words.is_empty() { error.to_string() } else { words.join(": ") }
}

pub(super) fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// A random number in 0..1, good enough to spread those who wait.
pub(super) fn jitter() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let random = u32::try_from(RandomState::new().hash_one(0u8) >> 32).unwrap_or_default();
    f64::from(random) / f64::from(u32::MAX)
}

/// Plain HTTP only towards this machine: a credential is never sent readable over a network.
fn checked_url(text: &str, flag: &str) -> Result<Url, Error> {
    // Not shown before it is known to hold no credential.
    let url = Url::parse(text).map_err(|error| Error::Setup(format!("{flag} is not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Setup(format!("{flag} holds a credential: give it by the environment instead")));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::Setup(format!("{flag} {text}: leave out what begins with `?` or `#`")));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(Error::Setup(format!(
            "{flag} {text} would send the credential unprotected: use https, plain http is for this machine only"
        ))),
        other => Err(Error::Setup(format!("{flag} {text}: {other} is not http or https"))),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in
            ["https://api.bitbucket.org/2.0", "http://127.0.0.1:7990/2.0", "http://[::1]:1/", "http://localhost:1"]
        {
            assert!(checked_url(good, "--api-url").is_ok(), "{good}");
        }
        for bad in [
            "http://api.bitbucket.org/2.0",
            "ftp://x",
            "http://127.0.0.1.evil.org",
            "https://u:p@x",
            "x",
            "https://x/?a",
        ] {
            assert!(checked_url(bad, "--api-url").is_err(), "{bad}");
        }
    }

    #[test]
    fn every_way_to_ask_for_patience_is_understood() {
        let wait = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            asked_wait(&headers)
        };
        assert_eq!(wait("retry-after", "7"), Some(Duration::from_secs(7)));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        let seconds = wait("retry-after", &date).unwrap().as_secs();
        assert!((87..=90).contains(&seconds), "{seconds}");
        assert_eq!(wait("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("retry-after", "soon"), None);
        assert_eq!(wait("x-ratelimit-reset", "745"), Some(Duration::from_secs(745)));
        assert_eq!(wait("x-ratelimit-reset", "1764000000"), None);
    }
}
