//! One request from end to end: authorise → gate → send → classify → wait or repeat → decode.

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, LOCATION};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::{Duration, Instant};

use super::answer;
use super::auth::{Auth, Authorization};
use super::error::{Error, Line, Refusal, excerpt};
use super::gate::{Counted, Gate, Pass};
use super::limits::Patience;
use super::retry::{Attempts, Decision, Outcome, Pace, decide};
use super::wire::{self, Attempt, Wire, content_type, jitter, target};
use super::{Options, Traffic};
use crate::resource::Method;

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
    patience: Arc<Patience>,
    pub(super) traffic: Traffic,
}

impl Http {
    pub(super) fn new(wire: Wire, options: Options, traffic: Traffic) -> Self {
        let Wire { base, client, token_url, token_client } = wire;
        let patience = Arc::new(Patience::new(options.limits, options.timeout));
        let auth = Auth::new(options.credential, token_url, token_client, options.pace, Arc::clone(&patience));
        let gate = Gate::new(options.concurrency, options.pace.limit);
        Self { client, auth, gate, base, pace: options.pace, patience, traffic }
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
        // `.` and `..` mean another place, however they are written.
        let is_dots = |segment: &str| matches!(segment.to_lowercase().replace("%2e", ".").as_str(), "." | "..");
        if target.split('?').next().unwrap_or_default().split('/').any(is_dots) {
            return Err(Error::Setup(format!("{url} leads to another place than it says")));
        }
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
    pub(super) async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, Error> {
        let mut failures = Failures::default();
        let answer = self.send_until(method, url, body, &mut failures).await;
        let lost = failures.count > 0 && method != Method::Get;
        answer.map_err(|error| if lost { error.after_lost_answer() } else { error })
    }

    /// The same, counting how often the network or the server failed.
    async fn send_until(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        failures: &mut Failures,
    ) -> Result<Value, Error> {
        let line = Line::new(method, &target(&url));
        let mut url = url;
        let mut redirects = 0;
        let mut renewed = false;
        loop {
            // Nobody holds a place at the gate while a token is fetched.
            self.auth.current(&self.traffic).await?;
            // What the rate limit refused was not tried.
            let mut pass = self.enter(Counted::by_path(url.path()), failures.count > 0).await?;
            // Whoever waited long at the gate takes the token of now, not the one of then.
            let authorization = self.auth.current(&self.traffic).await?;
            let attempt = self.attempt(method, &url, body, &authorization).await;
            let outcome = attempt.outcome().0;
            if !matches!(outcome, Outcome::Status(status) if status < 500) {
                failures.count += 1;
                failures.first.get_or_insert_with(Instant::now);
            }
            let (status, headers, bytes) = match self.judge(&line, method, attempt, &mut pass, failures) {
                Verdict::Take(status, headers, bytes) => (status, headers, bytes),
                Verdict::Again(delay) => {
                    drop(pass);
                    self.patience.sleep(delay, failures.count > 0).await?;
                    continue;
                }
                Verdict::Stop(error) => return Err(error),
            };
            drop(pass);
            if status == 401 && is_about_the_request(&bytes) {
                return Err(Error::Refused(Box::new(Refusal::read(line, status, content_type(&headers), &bytes))));
            }
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
            self.traffic.learn_hourly(&headers);
            if (300..400).contains(&status) {
                redirects += 1;
                url = self.redirected(&line, &url, &headers, redirects)?;
                continue;
            }
            return read(line, status, &headers, &bytes);
        }
    }

    /// From now on these secrets are shown as little as the credential.
    pub(super) fn conceal(&self, secrets: &mut dyn Iterator<Item = &SecretString>) {
        self.auth.learn(secrets);
    }

    /// From now on nothing is sent, for this reason.
    pub(super) fn halt(&self, why: &str) {
        self.patience.end(why);
    }

    /// Waits at the gate, as long as the limits allow, and takes one request from what they allow.
    async fn enter(&self, counted: Counted, tried: bool) -> Result<Pass<'_>, Error> {
        let told = |until: Instant| self.traffic.wait(until);
        let limits = self.patience.limits;
        let entered = self.patience.unless_ended(tried, self.gate.enter(counted, limits.last_start(), told));
        let Some(pass) = entered.await? else { return Err(limits.too_late(tried)) };
        // Whoever got in at the last moment is too late as well.
        if limits.last_start().is_some_and(|until| until <= Instant::now()) {
            return Err(limits.too_late(tried));
        }
        if !self.traffic.count_request(limits.max_requests) {
            return Err(limits.too_many(tried));
        }
        Ok(pass)
    }

    async fn attempt(&self, method: Method, url: &Url, body: Option<&Value>, authorization: &Authorization) -> Attempt {
        let has_body = matches!(method, Method::Post | Method::Put);
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let request = self.client.request(method, url.clone()).header(AUTHORIZATION, authorization.value.clone());
        let request = match body {
            Some(body) => request.json(body),
            // A PUT of nothing must say that it is nothing (api.md §9.8).
            None if has_body => request.header(CONTENT_LENGTH, 0),
            None => request,
        };
        match wire::attempt(self.patience.bound(request)).await {
            // All but the JSON of a success may be shown to somebody.
            Attempt::Answered { status, headers, body }
                if !(200..300).contains(&status) || !content_type(&headers).contains("json") =>
            {
                Attempt::Answered { status, headers, body: self.auth.conceal(Some(authorization), body) }
            }
            attempt => attempt,
        }
    }

    fn judge(
        &self,
        line: &Line,
        method: Method,
        attempt: Attempt,
        pass: &mut Pass<'_>,
        failures: &Failures,
    ) -> Verdict {
        let (outcome, wait) = attempt.outcome();
        let refused = match &attempt {
            Attempt::Answered { status: 429, .. } => pass.refused(wait).since.elapsed(),
            Attempt::Answered { headers, .. } => {
                pass.accepted(wire::is_near_limit(headers));
                Duration::ZERO
            }
            Attempt::Failed { .. } => Duration::ZERO,
        };
        let failing = failures.first.map_or(Duration::ZERO, |first| first.elapsed());
        let attempts = Attempts { failures: failures.count, failing, refused, jitter: jitter() };
        let decision = decide(method, outcome, wait, attempts, self.pace);
        match (decision, attempt) {
            (Decision::Take, Attempt::Answered { status, headers, body }) => Verdict::Take(status, headers, body),
            (Decision::Again(delay), _) => Verdict::Again(delay),
            (Decision::EverybodyWaits, _) => Verdict::Again(Duration::ZERO),
            // Nothing was done, and nothing else will be let through either: the run ends here, and is continued later.
            (_, Attempt::Answered { status: 429, .. }) => {
                let asked = wait.map(|wait| format!(", which asks to wait {} minutes", wait.as_secs().div_ceil(60)));
                let asked = asked.unwrap_or_default();
                let why = format!("Bitbucket's rate limit{asked}");
                self.halt(&why);
                Verdict::Stop(Error::Stopped { why, tried: false })
            }
            (_, Attempt::Answered { status, headers, body }) => {
                let refusal = Refusal::read(line.clone(), status, content_type(&headers), &body);
                Verdict::Stop(Error::Refused(Box::new(refusal)))
            }
            (decision, Attempt::Failed { why, .. }) => {
                let why =
                    if attempts.failures > 1 { format!("{why} (tried {} times)", attempts.failures) } else { why };
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

/// Whether a 401 is no matter of the credential: that a repository has as many schedules as it may is said in this way
/// (api.md §5.9). Pipelines, and nobody else, gives the reasons of its errors keys.
fn is_about_the_request(body: &[u8]) -> bool {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    json.is_some_and(|json| json.pointer("/error/data/key").is_some_and(Value::is_string))
}

/// How often the network or the server failed a request, and since when.
#[derive(Debug, Default)]
struct Failures {
    count: u32,
    first: Option<Instant>,
}

enum Verdict {
    Take(u16, HeaderMap, Vec<u8>),
    Again(Duration),
    Stop(Error),
}

/// A success must be JSON, or nothing at all.
fn read(line: Line, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Value, Error> {
    let content_type = content_type(headers);
    if !(200..300).contains(&status) {
        return Err(Error::Refused(Box::new(Refusal::read(line, status, content_type, body))));
    }
    // What a POST made is known by its answer alone.
    let made = |json: Value| match line.method == Method::Post.as_str() && !json.is_object() {
        true => Err(Error::Unusable { line: line.clone(), why: format!("{status} without the object that was made") }),
        false => Ok(json),
    };
    if body.is_empty() {
        // What is only queued has made nothing yet (api.md §5.9).
        return if status == 202 { Ok(Value::Null) } else { made(Value::Null) };
    }
    if !content_type.is_empty() && !content_type.contains("json") {
        let why = format!("{status} with {content_type} in place of JSON: {}", excerpt(body, 80));
        return Err(Error::Unusable { line, why });
    }
    match answer::read(body) {
        Ok(json) => made(json),
        Err(error) => {
            Err(Error::Unusable { line, why: format!("{status} with JSON that breaks off or is none ({error})") })
        }
    }
}
