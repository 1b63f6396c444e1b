//! What may happen to branches: the restrictions of a repository (api.md §5.2; schema `branchrestriction`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, post, put};
use super::super::people;
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::permissions::{Level, access};
use super::{gone, missing, wrong};

const ADMIN: Required = scopes(&["repository:admin"], &["admin:repository:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}/{}/branch-restrictions", endpoints: &[get(ADMIN, list), post(ADMIN, create)] },
    Route {
        path: "repositories/{}/{}/branch-restrictions/{}",
        endpoints: &[get(ADMIN, one), put(ADMIN, update), delete(ADMIN, remove)],
    },
];

const SECTION: &str = "branch-restrictions";

const KINDS: [&str; 18] = [
    "push",
    "delete",
    "force",
    "restrict_merges",
    "require_tasks_to_be_completed",
    "require_approvals_to_merge",
    "require_review_group_approvals_to_merge",
    "require_default_reviewer_approvals_to_merge",
    "require_no_changes_requested",
    "require_passing_builds_to_merge",
    "require_commits_behind",
    "reset_pullrequest_approvals_on_change",
    "smart_reset_pullrequest_approvals",
    "reset_pullrequest_changes_requested_on_change",
    "require_all_dependencies_merged",
    "enforce_merge_checks",
    "allow_auto_merge_when_builds_pass",
    "require_all_comments_resolved",
];

/// The kinds that count something.
const COUNTING: [&str; 4] = [
    "require_approvals_to_merge",
    "require_default_reviewer_approvals_to_merge",
    "require_passing_builds_to_merge",
    "require_commits_behind",
];

/// The kinds that somebody can be exempt from.
const EXEMPTING: [&str; 2] = ["push", "restrict_merges"];

/// The kinds that only a Premium plan has.
const PREMIUM: [&str; 3] =
    ["enforce_merge_checks", "smart_reset_pullrequest_approvals", "allow_auto_merge_when_builds_pass"];

const BRANCH_TYPES: [&str; 6] = ["feature", "bugfix", "release", "hotfix", "development", "production"];

/// A restriction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Restriction {
    kind: String,
    /// For `glob`; empty for a branching model.
    pattern: String,
    /// For `branching_model`.
    branch_type: Option<String>,
    value: Option<u64>,
    /// UUIDs and slugs, sorted: Bitbucket keeps no order.
    users: Vec<String>,
    groups: Vec<String>,
}

impl Restriction {
    fn exempts(&self) -> bool {
        EXEMPTING.contains(&self.kind.as_str())
    }

    /// Whether both restrict the same in the same branches.
    fn collides(&self, other: &Self) -> bool {
        self.kind == other.kind && self.pattern == other.pattern && self.branch_type == other.branch_type
    }
}

/// `GET …/branch-restrictions?kind=&pattern=`
fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let mut all: Vec<(u64, Restriction)> = store.sections(owner)?.all(SECTION);
    let asked = |name| errand.call.request.parameter(name).filter(|value| !value.is_empty());
    let (kind, pattern) = (asked("kind"), asked("pattern"));
    all.retain(|(_, restriction)| {
        kind.is_none_or(|kind| restriction.kind == kind) && pattern.is_none_or(|pattern| restriction.pattern == pattern)
    });
    let shown = all.iter().map(|(id, restriction)| show(store, errand, owner, *id, restriction));
    let shown = shown.collect::<Result<Vec<_>, _>>()?;
    errand.page(&shown, Value::clone)
}

/// The restriction that a path names.
fn find(store: &Store, errand: &Errand<'_>, owner: Owner) -> Result<(u64, Restriction), Refusal> {
    let id = errand.item().parse().ok();
    let found = id.and_then(|id| Some((id, store.sections(owner).ok()?.get(SECTION, id)?)));
    found.ok_or_else(|| missing(&format!("There is no branch restriction with the id {}.", errand.item())))
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, restriction) = find(store, errand, owner)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, id, &restriction)?))
}

fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let object = errand.call.request.object()?;
    if refuses_empty_groups(&object) {
        return Err(Refusal::from(Answer::error(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong")));
    }
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let restriction = read(store, errand, owner, object, Restriction { kind, ..Restriction::default() })?;
    if PREMIUM.contains(&restriction.kind.as_str()) {
        errand.subscription.check_premium(&restriction.kind)?;
    }
    unique(store, owner, None, &restriction)?;
    let id = store.mint();
    store.sections_mut(owner)?.set(SECTION, id, &restriction)?;
    Ok(errand.show(StatusCode::CREATED, &show(store, errand, owner, id, &restriction)?))
}

/// A client's tests have met this: exempt users with an empty list of groups beside them are a server error, when the
/// restriction is new.
fn refuses_empty_groups(object: &Map<String, Value>) -> bool {
    let length = |name: &str| object.get(name).and_then(Value::as_array).map(Vec::len);
    length("groups") == Some(0) && length("users").is_some_and(|users| users > 0)
}

/// `PUT`: what the body does not name stays.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, before) = find(store, errand, owner)?;
    let restriction = read(store, errand, owner, errand.call.request.object()?, before)?;
    unique(store, owner, Some(id), &restriction)?;
    store.sections_mut(owner)?.set(SECTION, id, &restriction)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, id, &restriction)?))
}

fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, _) = find(store, errand, owner)?;
    store.sections_mut(owner)?.remove(SECTION, id);
    Ok(gone())
}

/// Kind and match must be unique. What Bitbucket answers to a second is not known: this is how it answers a second
/// project.
fn unique(store: &Store, owner: Owner, own: Option<u64>, restriction: &Restriction) -> Result<(), Refusal> {
    let all: Vec<(u64, Restriction)> = store.sections(owner)?.all(SECTION);
    if all.iter().any(|(id, other)| Some(*id) != own && other.collides(restriction)) {
        return Err(wrong("__all__", "A branch restriction with this kind and match already exists."));
    }
    Ok(())
}

/// Reads a body over what there was.
fn read(
    store: &Store,
    errand: &Errand<'_>,
    owner: Owner,
    object: Map<String, Value>,
    mut restriction: Restriction,
) -> Result<Restriction, Refusal> {
    let mut body = Body::new(object);
    match body.get("kind").map(Value::as_str) {
        None if restriction.kind.is_empty() => body.missing("kind"),
        Some(kind) if !kind.is_some_and(|kind| KINDS.contains(&kind)) => {
            body.problem("kind", "This is no kind of branch restriction.");
        }
        // Whether Bitbucket lets a restriction change its kind is not known. A client that does not need it is safe.
        Some(Some(kind)) if kind != restriction.kind => body.problem("kind", "The kind cannot be changed."),
        None | Some(_) => {}
    }
    read_match(&mut body, &mut restriction);
    read_value(&mut body, &mut restriction);
    // The document wants both lists for the kinds with exemptions, and clients leave one out: what is not there is
    // empty.
    for (name, whom) in [("users", "uuid"), ("groups", "slug")] {
        let Some(named) = named(&mut body, name, whom) else { continue };
        if !named.is_empty() && !restriction.exempts() {
            body.problem(name, "Only restrictions of push and restrict_merges have exemptions.");
        } else if name == "users" {
            restriction.users = users(store, errand, owner, &mut body, &named)?;
        } else {
            if named.iter().any(|slug| !errand.people.has_group(slug)) {
                body.problem("groups", "There is no such group.");
            }
            restriction.groups = named;
        }
    }
    body.finish()?;
    for list in [&mut restriction.users, &mut restriction.groups] {
        list.sort();
        list.dedup();
    }
    Ok(restriction)
}

/// How the branches are matched. A body that names one way leaves the other.
fn read_match(body: &mut Body, restriction: &mut Restriction) {
    let by_model = match body.get("branch_match_kind").map(Value::as_str) {
        None => restriction.branch_type.is_some(),
        Some(Some("glob")) => false,
        Some(Some("branching_model")) => true,
        Some(_) => return body.problem("branch_match_kind", "Must be glob or branching_model."),
    };
    let pattern = body.text("pattern");
    let branch_type = body.text("branch_type").filter(|branch_type| !branch_type.is_empty());
    if by_model {
        if pattern.is_some_and(|pattern| !pattern.is_empty()) {
            body.problem("pattern", "pattern is only valid when branch_match_kind is glob");
        }
        restriction.pattern.clear();
        restriction.branch_type = branch_type.or(restriction.branch_type.take());
        match restriction.branch_type.as_deref() {
            None => body.missing("branch_type"),
            Some(known) if BRANCH_TYPES.contains(&known) => {}
            Some(_) => body.problem("branch_type", "This is no type of branch."),
        }
        return;
    }
    if branch_type.is_some() {
        body.problem("branch_type", "branch_type is only valid when branch_match_kind is branching_model");
    }
    restriction.branch_type = None;
    if let Some(pattern) = pattern {
        restriction.pattern = pattern;
    }
    if restriction.pattern.is_empty() {
        body.missing("pattern");
    }
}

/// The number that some kinds count to; `null` is what the others answer.
fn read_value(body: &mut Body, restriction: &mut Restriction) {
    let counts = COUNTING.contains(&restriction.kind.as_str());
    match body.get("value").map(|value| (value.is_null(), value.as_u64())) {
        Some((false, Some(value))) if counts => restriction.value = Some(value),
        Some((false, _)) if counts => body.problem("value", "A valid integer is required."),
        Some((false, _)) => body.problem("value", "This kind of branch restriction has no value."),
        Some((true, _)) | None => {}
    }
    if counts && restriction.value.is_none() {
        body.missing("value");
    }
}

/// What a list of accounts or groups names.
fn named(body: &mut Body, list: &str, by: &str) -> Option<Vec<String>> {
    let name = |item: &Value| {
        let id = item.get(by).or_else(|| item.get("account_id").filter(|_| by == "uuid"));
        id.and_then(Value::as_str).map(str::to_owned)
    };
    let named = body.get(list)?.as_array().and_then(|items| items.iter().map(name).collect());
    if named.is_none() {
        body.problem(list, &format!("Must be a list of objects with {by}."));
    }
    named
}

/// The UUIDs of those who are named. They must be able to write, exempt or not.
fn users(
    store: &Store,
    errand: &Errand<'_>,
    owner: Owner,
    body: &mut Body,
    named: &[String],
) -> Result<Vec<String>, Refusal> {
    let mut users = Vec::new();
    for id in named {
        let Some(account) = errand.people.named(id, errand.principal) else {
            body.problem("users", &format!("{id} is not a valid user."));
            continue;
        };
        if access(store, errand, owner, &account)? < Some(Level::Write) {
            body.problem("users", &format!("{} does not have write access to this repository.", account.display_name));
        }
        users.push(account.uuid);
    }
    Ok(users)
}

/// A kind without exemptions shows no lists of them, and a pattern no type of branch.
fn show(
    store: &Store,
    errand: &Errand<'_>,
    owner: Owner,
    id: u64,
    restriction: &Restriction,
) -> Result<Value, Refusal> {
    let api = errand.api();
    let mut shown = json!({
        "type": "branchrestriction",
        "id": id,
        "kind": restriction.kind,
        "branch_match_kind": if restriction.branch_type.is_some() { "branching_model" } else { "glob" },
        "pattern": restriction.pattern,
        "value": restriction.value,
        "links": { "self": { "href": format!("{}/{SECTION}/{id}", store.url(owner, &api)?) } },
    });
    if let Some(branch_type) = &restriction.branch_type {
        shown["branch_type"] = branch_type.as_str().into();
    }
    if restriction.exempts() {
        let users = restriction.users.iter().filter_map(|uuid| errand.people.named(uuid, errand.principal));
        shown["users"] = users.map(|account| account.representation(&api)).collect();
        let workspace = &store.at(owner.workspace())?.slug;
        shown["groups"] = restriction.groups.iter().map(|slug| people::group(workspace, slug)).collect();
    }
    Ok(shown)
}
