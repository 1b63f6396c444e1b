//! One request from end to end: authorise → gate → send → classify → wait or repeat → decode.

use std::net::IpAddr;
use std::time::SystemTime;

use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::{Response, Url};
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::auth::{Auth, Authorization};
use super::error::{Error, Line, Refusal, excerpt};
use super::gate::{Gate, Pass};
use super::retry::{Attempts, Decision, Outcome, Pace, decide};
use super::{Options, Traffic};
use crate::progress::Event;
use crate::resource::Method;

/// No answer of Bitbucket's comes near this; a server that sends more is not Bitbucket.
const MAX_BODY: usize = 32 << 20;

/// So many redirects are followed, on the API's own origin only.
const MAX_REDIRECTS: usize = 5;

/// The connection to one API with one credential.
#[derive(Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    auth: Auth,
    gate: Gate,
    base: Url,
    pace: Pace,
    pub(super) traffic: Traffic,
}

/// What an answer holds that somebody asks for.
#[derive(Debug)]
pub(super) struct Answer {
    pub json: Value,
}

/// An attempt's result before anybody decided what to do about it.
enum Attempt {
    Answered { status: u16, headers: HeaderMap, body: Vec<u8> },
    Failed { outcome: Outcome, why: String },
}

impl Http {
    pub(super) fn new(options: Options, traffic: Traffic) -> Result<Self, Error> {
        let base = checked_url(&options.api_url, "--api-url")?;
        let token_url = checked_url(&options.token_url, "--token-url")?;
        let client = client(&options, &base)?;
        let token_client = self::client(&options, &token_url)?;
        let auth = Auth::new(options.credential, token_url, token_client);
        Ok(Self { client, auth, gate: Gate::new(options.concurrency), base, pace: options.pace, traffic })
    }

    /// The scopes of the token, as far as the token endpoint or any answer said.
    pub(super) async fn scopes(&self) -> Option<Vec<String>> {
        match self.auth.scopes().await {
            Some(scopes) => Some(scopes),
            None => self.traffic.scopes(),
        }
    }

    /// Where a path of the API is.
    pub(super) fn url(&self, target: &str) -> Result<Url, Error> {
        let url = format!("{}{target}", self.base.as_str().trim_end_matches('/'));
        Url::parse(&url).map_err(|error| Error::Setup(format!("{url} is not a URL: {error}")))
    }

    /// Where a `next` link leads: the same path and query under the configured API, and nowhere else.
    pub(super) fn next_url(&self, line: &Line, link: &str) -> Result<Url, Error> {
        let refuse = |why: String| Error::Unusable { line: line.clone(), why };
        let next = Url::parse(link).or_else(|_| self.base.join(link));
        let next = next.map_err(|error| refuse(format!("its `next` is not a link ({error})")))?;
        let official = next.host_str() == Some("api.bitbucket.org");
        if next.origin() != self.base.origin() && !official {
            let host = next.host_str().unwrap_or("nowhere");
            return Err(refuse(format!("its `next` leads to another host, {host}, which gets no credential of yours")));
        }
        let below = next.path().split_once("/2.0/").map_or(next.path(), |(_, below)| below);
        let query = next.query().map_or(String::new(), |query| format!("?{query}"));
        self.url(&format!("/{}{query}", below.trim_start_matches('/')))
    }

    /// Sends a request until there is an answer to take, within the rules of [`decide`].
    pub(super) async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, Error> {
        let line = Line::new(method, &target(&url));
        let started = Instant::now();
        let mut url = url;
        let mut redirects = 0;
        let mut renewed = false;
        let mut sent = 0;
        loop {
            let authorization = self.auth.current(&self.traffic).await?;
            let Some(pass) = self.gate.enter().await else {
                return Err(Error::Setup("the gate is closed".into()));
            };
            sent += 1;
            let attempt = self.attempt(method, &url, body, &authorization).await;
            let (status, headers, bytes) = match self.judge(&line, method, attempt, &pass, started, sent) {
                Verdict::Take(status, headers, bytes) => (status, headers, bytes),
                Verdict::Again(delay) => {
                    drop(pass);
                    tokio::time::sleep(delay).await;
                    continue;
                }
                Verdict::Stop(error) => return Err(error),
            };
            drop(pass);
            if status == 401 && !renewed {
                renewed = true;
                if self.auth.renewed(&authorization, &self.traffic).await?.is_some() {
                    continue;
                }
            }
            if status == 401 {
                let refusal = Refusal::read(line, status, content_type(&headers), &bytes);
                return Err(self.auth.refused(&refusal));
            }
            self.auth.accepted(&authorization).await;
            self.traffic.learn_scopes(&headers);
            if (300..400).contains(&status) {
                redirects += 1;
                url = self.redirected(&line, &url, &headers, redirects)?;
                continue;
            }
            return read(line, status, &headers, &bytes);
        }
    }

    async fn attempt(&self, method: Method, url: &Url, body: Option<&Value>, authorization: &Authorization) -> Attempt {
        self.traffic.count_request();
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.client.request(method, url.clone()).header(AUTHORIZATION, authorization.value.clone());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Attempt::Failed { outcome: outcome_of(&error), why: plain_words(&error) },
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let is_success = response.status().is_success() && content_type(&headers).contains("json");
        match body_of(response).await {
            // Everything else may be shown to somebody.
            Ok(body) if !is_success => {
                Attempt::Answered { status, headers, body: self.auth.conceal(Some(authorization), body) }
            }
            Ok(body) => Attempt::Answered { status, headers, body },
            Err((outcome, why)) => Attempt::Failed { outcome, why },
        }
    }

    fn judge(
        &self,
        line: &Line,
        method: Method,
        attempt: Attempt,
        pass: &Pass<'_>,
        started: Instant,
        sent: u32,
    ) -> Verdict {
        let attempts = Attempts { sent, since: started.elapsed(), jitter: jitter() };
        let (outcome, wait) = match &attempt {
            Attempt::Answered { status, headers, .. } => (Outcome::Status(*status), asked_wait(headers)),
            Attempt::Failed { outcome, .. } => (*outcome, None),
        };
        if outcome != Outcome::Status(429) {
            pass.accepted();
        }
        let decision = decide(method, outcome, wait, attempts, self.pace);
        match (decision, attempt) {
            (Decision::Take, Attempt::Answered { status, headers, body }) => Verdict::Take(status, headers, body),
            (Decision::Again(delay), _) => Verdict::Again(delay),
            (Decision::EverybodyWaits(delay), _) => {
                let until = self.gate.pause(delay);
                self.traffic.event(Event::Waiting { until: until.into_std(), why: "Bitbucket's rate limit" });
                Verdict::Again(Duration::ZERO)
            }
            (_, Attempt::Answered { status, headers, body }) => {
                let refusal = Refusal::read(line.clone(), status, content_type(&headers), &body);
                Verdict::Stop(Error::Refused(Box::new(refusal)))
            }
            (decision, Attempt::Failed { why, .. }) => {
                let why = if sent > 1 { format!("{why} (tried {sent} times)") } else { why };
                let unclear = decision == Decision::Unclear;
                Verdict::Stop(Error::NoAnswer { line: line.clone(), why, unclear })
            }
        }
    }

    /// Redirects are followed by hand, and never to another origin: the credential would go along.
    fn redirected(&self, line: &Line, from: &Url, headers: &HeaderMap, count: usize) -> Result<Url, Error> {
        let refuse = |why: String| Error::Unusable { line: line.clone(), why };
        let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let location = location.ok_or_else(|| refuse("a redirect without a location".into()))?;
        let to = from.join(location).map_err(|error| refuse(format!("a redirect to no place ({error})")))?;
        if to.origin() != self.base.origin() {
            let host = to.host_str().unwrap_or("nowhere");
            return Err(refuse(format!("it redirects to another host, {host}, which gets no credential of yours")));
        }
        if line.method != Method::Get.as_str() {
            return Err(refuse(format!("it redirects to {}, and nothing is written anywhere else", target(&to))));
        }
        if count > MAX_REDIRECTS {
            return Err(refuse("it redirects in a circle".to_owned()));
        }
        Ok(to)
    }
}

/// A client for one origin. What is meant for this machine goes through no proxy: it may be plain http.
fn client(options: &Options, origin: &Url) -> Result<reqwest::Client, Error> {
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

enum Verdict {
    Take(u16, HeaderMap, Vec<u8>),
    Again(Duration),
    Stop(Error),
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    // Messages may be translated otherwise (api.md §2.1).
    headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
    headers
}

/// A success must be JSON, or nothing at all.
fn read(line: Line, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Error> {
    let content_type = content_type(headers);
    if !(200..300).contains(&status) {
        return Err(Error::Refused(Box::new(Refusal::read(line, status, content_type, body))));
    }
    // What a POST made is known by its answer alone.
    let made = |json: Value| match line.method == Method::Post.as_str() && !json.is_object() {
        true => Err(Error::Unusable { line: line.clone(), why: format!("{status} without the object that was made") }),
        false => Ok(Answer { json }),
    };
    if body.is_empty() {
        return made(Value::Null);
    }
    if !content_type.is_empty() && !content_type.contains("json") {
        let why = format!("{status} with {content_type} in place of JSON: {}", excerpt(body, 80));
        return Err(Error::Unusable { line, why });
    }
    match serde_json::from_slice(body) {
        Ok(json) => made(json),
        Err(error) => {
            Err(Error::Unusable { line, why: format!("{status} with JSON that breaks off or is none ({error})") })
        }
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The whole body, within bounds.
pub(super) async fn body_of(response: Response) -> Result<Vec<u8>, (Outcome, String)> {
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
    text("x-ratelimit-reset")?.parse().ok().map(Duration::from_secs)
}

fn outcome_of(error: &reqwest::Error) -> Outcome {
    let words = chain(error).to_lowercase();
    if words.contains("certificate") {
        return Outcome::Certificate;
    }
    if error.is_connect() { Outcome::NoConnection } else { Outcome::Lost }
}

/// A network error in a sentence, without the URL, which stands beside it.
pub(super) fn plain_words(error: &reqwest::Error) -> String {
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

fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// A random number in 0..1, good enough to spread those who wait.
fn jitter() -> f64 {
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
            "https://x/#a",
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
    }
}
