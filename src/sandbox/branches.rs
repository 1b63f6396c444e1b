//! Branches, and the one way to make them here: `POST …/src` and `GET …/refs/branches` (operation groups Source and Refs).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::operation::{Errand, Route, get, post};
use super::random;
use super::repositories::visible;
use super::repository::Repository;
use super::request::percent_encode;
use super::scopes::scopes;
use super::store::Store;
use super::timestamp;
use super::workspace::Workspace;

/// The branch of a first commit that names none.
const FIRST_BRANCH: &str = "main";

const MERGE_STRATEGIES: [&str; 6] =
    ["merge_commit", "squash", "fast_forward", "squash_fast_forward", "rebase_fast_forward", "rebase_merge"];

pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "repositories/{}/{}/refs/branches",
        endpoints: &[get(scopes(&["repository"], &["read:repository:bitbucket"]), list).open()],
    },
    Route {
        path: "repositories/{}/{}/src",
        endpoints: &[post(scopes(&["repository:write"], &["write:repository:bitbucket"]), push)],
    },
];

/// `POST /repositories/{workspace}/{repo_slug}/src`: of the commit only its branch is kept.
fn push(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let call = errand.call;
    let place = visible(store, call, errand.name(0), errand.name(1))?;
    let hash = random::hex("commit", store.mint(), 40);
    let (workspace, before) = store.get(place)?;
    let mut repository = before.clone();
    let branch = call.request.form_field("branch").filter(|branch| !branch.is_empty());
    let branch = branch.or_else(|| repository.mainbranch.clone()).unwrap_or_else(|| FIRST_BRANCH.to_owned());
    let location = format!("{}/commit/{hash}", repository.url(workspace, &call.request.api()));
    repository.branches.insert(branch.clone(), hash);
    repository.mainbranch.get_or_insert(branch);
    repository.size += u64::try_from(call.request.body.len()).unwrap_or(u64::MAX);
    repository.updated_on = timestamp::now();
    store.set(place, repository)?;
    Ok(Answer::empty(StatusCode::CREATED).with_location(&location))
}

/// `GET /repositories/{workspace}/{repo_slug}/refs/branches`, in the order of `git branch --list`.
fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let call = errand.call;
    let place = visible(store, call, errand.name(0), errand.name(1))?;
    let (workspace, repository) = store.get(place)?;
    let branches: Vec<_> = repository.branches.iter().collect();
    let api = call.request.api();
    let page = call.page(branches.len(), |range, _| {
        let page = branches.get(range).unwrap_or_default().iter();
        page.map(|(name, hash)| branch(workspace, repository, &api, name, hash)).collect()
    })?;
    Ok(Answer::ok(page))
}

pub(super) fn branch(workspace: &Workspace, repository: &Repository, api: &str, name: &str, hash: &str) -> Value {
    let url = repository.url(workspace, api);
    let html = format!("https://bitbucket.org/{}/{}", workspace.slug, repository.slug);
    let encoded = percent_encode(name);
    json!({
        "type": "branch",
        "name": name,
        "default_merge_strategy": "merge_commit",
        "merge_strategies": MERGE_STRATEGIES,
        "links": {
            "self": { "href": format!("{url}/refs/branches/{encoded}") },
            "commits": { "href": format!("{url}/commits/{encoded}") },
            "html": { "href": format!("{html}/branch/{encoded}") },
        },
        "target": {
            "type": "commit",
            "hash": hash,
            "links": {
                "self": { "href": format!("{url}/commit/{hash}") },
                "html": { "href": format!("{html}/commits/{hash}") },
            },
        },
    })
}
