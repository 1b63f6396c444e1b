//! Who reviews every new pull request: the default reviewers of a repository or a project (api.md §5.5; schema
//! `default_reviewer_and_type`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::operation::{Errand, Route, delete, get, put};
use super::super::people::Person;
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::permissions::access;
use super::{gone, missing};

const READ: Required = scopes(&["pullrequest"], &["read:pullrequest:bitbucket"]);
const WRITE: Required = scopes(&["repository:admin"], &["admin:repository:bitbucket"]);
const PROJECT_READ: Required = scopes(&["project:admin"], &["read:pullrequest:bitbucket"]);
const PROJECT_WRITE: Required = scopes(&["project:admin"], &["admin:project:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}/{}/default-reviewers", endpoints: &[get(READ, list)] },
    Route {
        path: "repositories/{}/{}/default-reviewers/{}",
        endpoints: &[get(READ, one), put(WRITE, add), delete(WRITE, remove)],
    },
    Route { path: "repositories/{}/{}/effective-default-reviewers", endpoints: &[get(READ, effective)] },
    Route { path: "workspaces/{}/projects/{}/default-reviewers", endpoints: &[get(PROJECT_READ, list)] },
    Route {
        path: "workspaces/{}/projects/{}/default-reviewers/{}",
        endpoints: &[get(PROJECT_READ, one), put(PROJECT_WRITE, add), delete(PROJECT_WRITE, remove)],
    },
];

const SECTION: &str = "default-reviewers";

/// A reviewer, by UUID.
#[derive(Debug, Serialize, Deserialize)]
struct Reviewer {
    user: String,
}

/// The reviewers that are named at one place, as far as they still exist.
fn reviewers(store: &Store, errand: &Errand<'_>, owner: Owner) -> Result<Vec<Person>, Refusal> {
    let all: Vec<(u64, Reviewer)> = store.sections(owner)?.all(SECTION);
    let named = |(_, reviewer): (u64, Reviewer)| errand.people.named(&reviewer.user, errand.principal);
    Ok(all.into_iter().filter_map(named).collect())
}

/// A repository lists accounts, a project says of each what it is.
fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let reviewers = reviewers(store, errand, owner)?;
    let api = errand.api();
    match owner {
        Owner::Project { .. } => errand.page(&reviewers, |account| with_type("project", account, &api)),
        Owner::Workspace(_) | Owner::Repository(_) => errand.page(&reviewers, |account| account.representation(&api)),
    }
}

fn with_type(kind: &str, account: &Person, api: &str) -> Value {
    json!({ "type": "default_reviewer", "reviewer_type": kind, "user": account.representation(api) })
}

/// `GET …/effective-default-reviewers`: those of the repository and those of its project. Whether somebody who is both
/// is listed twice is not known; here the nearer one wins.
fn effective(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let own = reviewers(store, errand, owner)?;
    let mut all: Vec<_> = own.iter().map(|account| ("repository", account.clone())).collect();
    if let Owner::Repository(place) = owner {
        let project = store.get(place)?.1.project;
        let inherited = reviewers(store, errand, Owner::Project { workspace: place.workspace, project })?;
        let others = inherited.into_iter().filter(|account| own.iter().all(|known| known.uuid != account.uuid));
        all.extend(others.map(|account| ("project", account)));
    }
    let api = errand.api();
    errand.page(&all, |(kind, account)| with_type(kind, account, &api))
}

/// Who a path names, and under which number they review, if they do.
fn find(store: &Store, errand: &Errand<'_>, owner: Owner) -> Result<(Person, Option<u64>), Refusal> {
    let name = errand.item();
    let account = errand.people.named(name, errand.principal);
    let account = account.ok_or_else(|| missing(&format!("{name} does not exist.")))?;
    let known = store.sections(owner)?.find(SECTION, |reviewer: &Reviewer| reviewer.user == account.uuid);
    Ok((account, known.map(|(id, _)| id)))
}

/// Somebody who is no reviewer: 404 for a repository, 400 for a project.
fn no_reviewer(owner: Owner, account: &Person) -> Refusal {
    let message = format!("{} is not a default reviewer.", account.display_name);
    match owner {
        Owner::Project { .. } => Refusal::from(Answer::error(StatusCode::BAD_REQUEST, &message)),
        Owner::Workspace(_) | Owner::Repository(_) => missing(&message),
    }
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    match find(store, errand, owner)? {
        (account, Some(_)) => Ok(errand.show(StatusCode::OK, &account.representation(&errand.api()))),
        (account, None) => Err(no_reviewer(owner, &account)),
    }
}

/// `PUT`: the path says it all; who is a reviewer already stays one. There may be a body, but an empty one that claims
/// to be JSON is refused.
fn add(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    errand.call.request.object()?;
    let (account, known) = find(store, errand, owner)?;
    if access(store, errand, owner, &account)?.is_none() {
        let message = format!("{} does not have access and cannot be a reviewer.", account.display_name);
        return Err(Refusal::from(Answer::error(StatusCode::BAD_REQUEST, &message)));
    }
    if known.is_none() {
        let id = store.mint();
        store.sections_mut(owner)?.set(SECTION, id, &Reviewer { user: account.uuid.clone() })?;
    }
    Ok(errand.show(StatusCode::OK, &account.representation(&errand.api())))
}

/// `DELETE`: what a repository answers of somebody who is no reviewer is not known; this is what it answers to `GET`.
fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (account, known) = find(store, errand, owner)?;
    let id = known.ok_or_else(|| no_reviewer(owner, &account))?;
    store.sections_mut(owner)?.remove(SECTION, id);
    Ok(gone())
}
