//! From a request to its answer, without a socket: who asks, how often, may they, and what then (api.md §1.3, §1.4, §6).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::json;
use tokio::time::Instant;

use super::answer::{Answer, Refusal};
use super::auth::{Door, Kind, Principal};
use super::listing::{Call, Pages};
use super::operation::{self, Errand, Found};
use super::people::People;
use super::rate::{RateLimit, Resource, Windows};
use super::request::Request;
use super::scopes::Required;
use super::store::Store;
use super::subscription::Subscription;
use super::{Options, oauth};

/// The path of the token endpoint.
pub(super) const TOKEN_PATH: &str = "/site/oauth2/access_token";

/// The emulated Bitbucket.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) door: Door,
    people: People,
    settling: Duration,
    subscription: Subscription,
    windows: Option<Mutex<Windows>>,
    pages: Pages,
    longest_page: usize,
    store: Mutex<Store>,
}

impl Service {
    pub(super) fn new(options: &Options, store: Store) -> Self {
        Self {
            door: Door::new(options.credentials.clone(), options.scopes.clone(), options.token_lifetime),
            people: People::new(options.credentials.as_ref(), &options.members),
            settling: options.settling,
            subscription: options.subscription,
            windows: options.rate_limit.map(|limit| Mutex::new(Windows::new(limit))),
            pages: options.pages,
            longest_page: options.longest_page,
            store: Mutex::new(store),
        }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request to the token endpoint.
    pub(super) fn token(&self, request: &Request, now: Instant) -> Answer {
        oauth::token(&self.door, request, now)
    }

    /// Answers a request under `/2.0`.
    pub(super) fn answer(&self, request: &Request, now: Instant) -> Answer {
        let segments = match request.segments() {
            Ok(segments) => segments,
            Err(refusal) => return refusal.into(),
        };
        let found = match operation::find(&request.method, &segments) {
            Ok(found) => found,
            Err(refusal) => return refusal.into(),
        };
        if request.lacks_length() {
            return Answer::error(StatusCode::LENGTH_REQUIRED, "Length Required");
        }
        let principal = match self.door.identify(request, now) {
            Ok(principal) => principal,
            Err(refusal) => return refusal.into(),
        };
        let resource = Resource::of(&segments);
        let budget = self.admit(principal.as_ref(), resource, now);
        let answer = match budget {
            Budget::Spent(_) => Answer::rate_limited(),
            Budget::Unlimited | Budget::Left(..) => {
                self.perform(&found, request, principal.as_ref()).unwrap_or_else(Answer::from)
            }
        };
        match principal {
            Some(principal) => introduce(answer, &principal, found.endpoint.required, resource, budget),
            None => answer,
        }
    }

    fn admit(&self, principal: Option<&Principal>, resource: Resource, now: Instant) -> Budget {
        let Some(windows) = &self.windows else {
            return Budget::Unlimited;
        };
        let mut windows = windows.lock().unwrap_or_else(PoisonError::into_inner);
        let account = principal.map_or("", |principal| principal.account.as_str());
        match windows.admit(account, resource, now) {
            Some(left) => Budget::Left(windows.limit(), left),
            None => Budget::Spent(windows.limit()),
        }
    }

    fn perform(&self, found: &Found<'_>, request: &Request, principal: Option<&Principal>) -> Result<Answer, Refusal> {
        let (known, pages, longest_page) = (principal.is_some(), self.pages, self.longest_page);
        let call = Call { request, known, pages, longest_page };
        let Self { people, settling, subscription, .. } = self;
        let (settling, subscription) = (*settling, *subscription);
        let (route, names) = (found.route, &found.names);
        let errand = Errand { call, route, names, principal, people, settling, subscription };
        found.endpoint.perform(&mut self.store(), &errand)
    }
}

/// What is left of a credential's requests.
#[derive(Debug, Clone, Copy)]
enum Budget {
    Unlimited,
    Left(RateLimit, u32),
    Spent(RateLimit),
}

/// Says in headers what kind of credential came and what it may do; to access tokens also how much is left.
fn introduce(
    mut answer: Answer,
    principal: &Principal,
    required: Required,
    resource: Resource,
    budget: Budget,
) -> Answer {
    const SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");
    const ACCEPTED: HeaderName = HeaderName::from_static("x-accepted-oauth-scopes");
    const TYPE: HeaderName = HeaderName::from_static("x-credential-type");
    const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
    const RESOURCE: HeaderName = HeaderName::from_static("x-ratelimit-resource");
    const NEAR_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-nearlimit");

    answer = answer
        .with(SCOPES, &principal.granted.join(", "))
        .with(ACCEPTED, &principal.granted.required(required).join(", "))
        .with(TYPE, principal.kind.name());
    let (limit, left) = match budget {
        Budget::Left(limit, left) if principal.kind == Kind::AccessToken => (limit.requests, left),
        Budget::Spent(limit) if principal.kind == Kind::AccessToken => (limit.requests, 0),
        _ => return answer,
    };
    let near = u64::from(left) * 5 < u64::from(limit);
    let near = if near { "true" } else { "false" };
    answer.with(LIMIT, &limit.to_string()).with(RESOURCE, resource.name()).with(NEAR_LIMIT, near)
}

/// What the sandbox says of itself to whoever opens it in a browser.
pub(super) fn greeting() -> Answer {
    Answer::text(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        format!(
            "An in-memory Bitbucket Cloud for trying things out. Nothing here is real.\n\n  /2.0                   \
             the API\n  {TOKEN_PATH}  tokens for OAuth consumers\n  /_sandbox/requests     what has been asked so far\n"
        ),
    )
}

/// What has been asked so far.
pub(super) fn requests(journal: &super::exchange::Journal) -> Answer {
    Answer::ok(json!({ "counters": journal.counters(), "exchanges": journal.exchanges() }))
}
