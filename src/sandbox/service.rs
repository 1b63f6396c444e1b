//! From a request to its answer, without a socket: who asks, how often, may they, and what then (api.md §1.3, §1.4, §6).

use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::json;
use tokio::time::Instant;

use super::answer::{Answer, Refusal};
use super::auth::{self, Door, Kind, Principal};
use super::listing::{Call, Pages};
use super::operation::{Operation, Verb};
use super::rate::{RateLimit, Windows};
use super::request::Request;
use super::scopes::Required;
use super::store::Store;
use super::{Options, account, branches, oauth, projects, repositories};

/// The path of the token endpoint.
pub(super) const TOKEN_PATH: &str = "/site/oauth2/access_token";

/// The emulated Bitbucket.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) door: Door,
    windows: Option<Mutex<Windows>>,
    pages: Pages,
    longest_page: usize,
    store: Mutex<Store>,
}

impl Service {
    pub(super) fn new(options: &Options, store: Store) -> Self {
        Self {
            door: Door::new(options.credentials.clone(), options.scopes.clone(), options.token_lifetime),
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
        let found = request.segments().and_then(|segments| Operation::find(&request.method, &segments));
        let operation = match found {
            Ok(operation) => operation,
            Err(refusal) => return refusal.into(),
        };
        if request.lacks_length() {
            return Answer::error(StatusCode::LENGTH_REQUIRED, "Length Required");
        }
        let principal = match self.door.identify(request, now) {
            Ok(principal) => principal,
            Err(refusal) => return refusal.into(),
        };
        let budget = self.admit(principal.as_ref(), now);
        let answer = match budget {
            Budget::Spent(_) => Answer::rate_limited(),
            Budget::Unlimited | Budget::Left(..) => {
                self.perform(&operation, request, principal.as_ref()).unwrap_or_else(Answer::from)
            }
        };
        match principal {
            Some(principal) => introduce(answer, &principal, operation.required(), budget),
            None => answer,
        }
    }

    fn admit(&self, principal: Option<&Principal>, now: Instant) -> Budget {
        let Some(windows) = &self.windows else {
            return Budget::Unlimited;
        };
        let mut windows = windows.lock().unwrap_or_else(PoisonError::into_inner);
        let account = principal.map_or("", |principal| principal.account.as_str());
        match windows.admit(account, now) {
            Some(left) => Budget::Left(windows.limit(), left),
            None => Budget::Spent(windows.limit()),
        }
    }

    fn perform(
        &self,
        operation: &Operation,
        request: &Request,
        principal: Option<&Principal>,
    ) -> Result<Answer, Refusal> {
        match (principal, operation.required()) {
            (None, _) if operation.needs_caller() => return Err(auth::anonymous()),
            (Some(principal), Some(required)) => principal.granted.check(required)?,
            _ => {}
        }
        let (known, pages, longest_page) = (principal.is_some(), self.pages, self.longest_page);
        let call = Call { request, known, pages, longest_page };
        let store = &mut *self.store();
        match (operation, principal) {
            (Operation::Gone, _) => Ok(Answer::gone()),
            (Operation::User, Some(principal)) => account::user(call, principal),
            (Operation::User, None) => Err(auth::anonymous()),
            (Operation::UserWorkspaces, _) => account::workspaces(store, call),
            (Operation::Workspace { workspace }, _) => account::workspace(store, call, workspace),
            (Operation::Repositories { workspace }, _) => repositories::list(store, call, workspace),
            (Operation::Repository { verb, workspace, repository }, _) => match verb {
                Verb::Get => repositories::get(store, call, workspace, repository),
                Verb::Create => repositories::create(store, call, workspace, repository),
                Verb::Put => repositories::put(store, call, workspace, repository),
                Verb::Delete => repositories::delete(store, call, workspace, repository),
            },
            (Operation::Branches { workspace, repository }, _) => branches::list(store, call, workspace, repository),
            (Operation::Push { workspace, repository }, _) => branches::push(store, call, workspace, repository),
            (Operation::Projects { workspace }, _) => projects::list(store, call, workspace),
            (Operation::NewProject { workspace }, _) => projects::create(store, call, workspace),
            (Operation::Project { verb, workspace, project }, _) => match verb {
                Verb::Get => projects::get(store, call, workspace, project),
                Verb::Create | Verb::Put => projects::put(store, call, workspace, project),
                Verb::Delete => projects::delete(store, workspace, project),
            },
        }
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
fn introduce(mut answer: Answer, principal: &Principal, required: Option<Required>, budget: Budget) -> Answer {
    const SCOPES: HeaderName = HeaderName::from_static("x-oauth-scopes");
    const ACCEPTED: HeaderName = HeaderName::from_static("x-accepted-oauth-scopes");
    const TYPE: HeaderName = HeaderName::from_static("x-credential-type");
    const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
    const RESOURCE: HeaderName = HeaderName::from_static("x-ratelimit-resource");
    const NEAR_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-nearlimit");

    let accepted = required.and_then(|required| principal.granted.required(required));
    answer = answer
        .with(SCOPES, &principal.granted.join(", "))
        .with(ACCEPTED, accepted.unwrap_or_default())
        .with(TYPE, principal.kind.name());
    let (limit, left) = match budget {
        Budget::Left(limit, left) if principal.kind == Kind::AccessToken => (limit.requests, left),
        Budget::Spent(limit) if principal.kind == Kind::AccessToken => (limit.requests, 0),
        _ => return answer,
    };
    let near = u64::from(left) * 5 < u64::from(limit);
    answer.with(LIMIT, &limit.to_string()).with(RESOURCE, "api").with(NEAR_LIMIT, if near { "true" } else { "false" })
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
