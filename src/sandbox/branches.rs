//! Branches, and the one way to make them here: `POST …/src` and `GET …/refs/branches` (operation groups Source and Refs).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Refusal};
use super::listing::Call;
use super::random;
use super::repositories::visible;
use super::repository::Repository;
use super::request::percent_encode;
use super::store::Store;
use super::timestamp;
use super::workspace::Workspace;

/// The branch of a first commit that names none.
const FIRST_BRANCH: &str = "main";

const MERGE_STRATEGIES: [&str; 6] =
    ["merge_commit", "squash", "fast_forward", "squash_fast_forward", "rebase_fast_forward", "rebase_merge"];

/// `POST /repositories/{workspace}/{repo_slug}/src`: of the commit only its branch is kept.
pub(super) fn push(store: &mut Store, call: Call<'_>, workspace: &str, name: &str) -> Result<Answer, Refusal> {
    let place = visible(store, call, workspace, name)?;
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
pub(super) fn list(store: &mut Store, call: Call<'_>, workspace: &str, name: &str) -> Result<Answer, Refusal> {
    let place = visible(store, call, workspace, name)?;
    let (workspace, repository) = store.get(place)?;
    let branches: Vec<_> = repository.branches.iter().collect();
    let api = call.request.api();
    let page = call.page(branches.len(), |range, _| {
        let page = branches.get(range).unwrap_or_default().iter();
        page.map(|(name, hash)| branch(workspace, repository, &api, name, hash)).collect()
    })?;
    Ok(Answer::ok(page))
}

fn branch(workspace: &Workspace, repository: &Repository, api: &str, name: &str, hash: &str) -> Value {
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
