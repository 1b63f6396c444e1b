//! What was asked and answered: for tests that look at requests, and for people who look at
//! `GET /_sandbox/requests`. No API of Bitbucket's; the house's own (design.md §8).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hyper::header::AUTHORIZATION;
use serde::Serialize;

use super::request::Request;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The method, upper case.
    pub method: String,
    /// The path as sent, percent-encoded.
    pub path: String,
    /// The query as sent, without its question mark.
    pub query: Option<String>,
    /// The request's headers with lower-case names, in the order sent. Of `authorization` only the scheme is kept.
    pub request_headers: Vec<(String, String)>,
    /// The request's body. Of a token request the secrets are blotted out.
    pub request_body: String,
    /// The status, or 0 when a fault took the answer away.
    pub status: u16,
    /// The answer's content type.
    pub content_type: Option<String>,
    /// The answer's body, whole even when a fault cut it off. Of a token answer the secrets are blotted out.
    pub response_body: String,
}

/// How much was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests under `/2.0` by method.
    pub requests: BTreeMap<String, u64>,
    /// Requests to the token endpoint.
    pub token_fetches: u64,
    /// Answers with 429, by the rate limit or as a fault.
    pub rate_limited: u64,
    /// Requests that met a fault.
    pub faults: u64,
    /// The most requests that were open at the same moment.
    pub most_in_flight: u64,
}

/// Keeps counters, and exchanges if it is told to.
#[derive(Debug)]
pub(super) struct Journal {
    record: bool,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    arrived: u64,
    in_flight: u64,
    counters: Counters,
    exchanges: BTreeMap<u64, Exchange>,
}

/// What kind of request arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Under `/2.0`, or anything else that is not the token endpoint.
    Api,
    /// The token endpoint.
    Token,
}

/// A request that has arrived and is not answered yet.
#[derive(Debug)]
pub(super) struct Visit<'a> {
    journal: &'a Journal,
    /// The number in the order of arrival.
    order: u64,
    /// The number among those through the same door, from 0.
    pub(super) number: u64,
}

impl Journal {
    pub(super) fn new(record: bool) -> Self {
        Self { record, pages: Mutex::default() }
    }

    /// Notes an arrival; the request counts as in flight until the visit is dropped.
    pub(super) fn arrive(&self, door: Door, method: &str) -> Visit<'_> {
        self.write(|pages| {
            let order = pages.arrived;
            pages.arrived += 1;
            pages.in_flight += 1;
            let counters = &mut pages.counters;
            counters.most_in_flight = counters.most_in_flight.max(pages.in_flight);
            let number = match door {
                Door::Api => {
                    let number = counters.requests.values().sum();
                    *counters.requests.entry(method.to_owned()).or_default() += 1;
                    number
                }
                Door::Token => {
                    counters.token_fetches += 1;
                    counters.token_fetches - 1
                }
            };
            Visit { journal: self, order, number }
        })
    }

    pub(super) fn counters(&self) -> Counters {
        self.write(|pages| pages.counters.clone())
    }

    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.write(|pages| pages.exchanges.values().cloned().collect())
    }

    fn write<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        change(&mut self.pages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Visit<'_> {
    pub(super) fn count_fault(&self) {
        self.journal.write(|pages| pages.counters.faults += 1);
    }

    pub(super) fn count_rate_limited(&self) {
        self.journal.write(|pages| pages.counters.rate_limited += 1);
    }

    /// Keeps the exchange, if exchanges are kept. `answer` is status, content type and body.
    pub(super) fn record(&self, door: Door, request: &Request, answer: Option<(u16, Option<&str>, &[u8])>) {
        if !self.journal.record {
            return;
        }
        let (status, content_type, body) = answer.unwrap_or((0, None, b""));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (request_body, response_body) = match door {
            Door::Api => (text(&request.body), text(body)),
            Door::Token => (blot_form(&text(&request.body)), blot_json(&text(body))),
        };
        let exchange = Exchange {
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.clone(),
            request_headers: headers(request),
            request_body,
            status,
            content_type: content_type.map(str::to_owned),
            response_body,
        };
        self.journal.write(|pages| pages.exchanges.insert(self.order, exchange));
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.journal.write(|pages| pages.in_flight -= 1);
    }
}

fn headers(request: &Request) -> Vec<(String, String)> {
    let headers = request.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let kept = if name == AUTHORIZATION { value.split(' ').next().unwrap_or_default() } else { &*value };
        (name.as_str().to_owned(), kept.to_owned())
    });
    headers.collect()
}

/// Names whose values are secrets, in token requests and in their answers.
const SECRETS: [&str; 5] = ["client_secret", "password", "refresh_token", "access_token", "assertion"];

fn blot_form(body: &str) -> String {
    let blot = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if SECRETS.contains(&name) => format!("{name}=…"),
        _ => pair.to_owned(),
    };
    body.split('&').map(blot).collect::<Vec<_>>().join("&")
}

fn blot_json(body: &str) -> String {
    let Ok(serde_json::Value::Object(mut object)) = serde_json::from_str(body) else {
        return body.to_owned();
    };
    for (name, value) in &mut object {
        if SECRETS.contains(&name.as_str()) {
            *value = "…".into();
        }
    }
    serde_json::Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_counted_while_they_last() {
        let journal = Journal::new(false);
        let first = journal.arrive(Door::Api, "GET");
        let second = journal.arrive(Door::Api, "POST");
        assert_eq!((first.number, second.number), (0, 1));
        drop(first);
        let token = journal.arrive(Door::Token, "POST");
        assert_eq!(token.number, 0);
        drop((second, token));
        let counters = journal.counters();
        assert_eq!(counters.most_in_flight, 2);
        assert_eq!(counters.token_fetches, 1);
        assert_eq!(counters.requests, BTreeMap::from([("GET".to_owned(), 1), ("POST".to_owned(), 1)]));
    }

    #[test]
    fn secrets_of_the_token_endpoint_are_blotted_out() {
        assert_eq!(
            blot_form("grant_type=refresh_token&refresh_token=abc&client_secret=x"),
            "grant_type=refresh_token&refresh_token=…&client_secret=…",
        );
        assert_eq!(blot_json(r#"{"access_token":"t","expires_in":1}"#), r#"{"access_token":"…","expires_in":1}"#);
    }
}
