//! Where a repository is deployed to (api.md §5.9; schema `deployment_environment`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, post};
use super::super::random;
use super::super::scopes::{Required, scopes};
use super::super::slug::slugify;
use super::super::store::{Owner, Store};
use super::{gone, missing, pipelines_error, variables, wrong};

const READ: Required = scopes(&["pipeline"], &["read:pipeline:bitbucket"]);
/// To write, too, the classic scope is the one to read.
const WRITE: Required = scopes(&["pipeline"], &["admin:pipeline:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}/{}/environments", endpoints: &[get(READ, list), post(WRITE, create)] },
    Route { path: "repositories/{}/{}/environments/{}", endpoints: &[get(READ, one), delete(WRITE, remove)] },
    Route { path: "repositories/{}/{}/environments/{}/changes", endpoints: &[post(WRITE, change)] },
];

const SECTION: &str = "environments";

/// The types, in the order of their ranks.
const TYPES: [&str; 3] = ["Test", "Staging", "Production"];

/// An environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Environment {
    uuid: String,
    name: String,
    /// The rank of its type.
    rank: usize,
    admin_only: bool,
}

/// What a repository has when it gets Pipelines: one environment of each type, named after it.
pub(super) fn furnish(store: &mut Store, owner: Owner) -> Result<(), Refusal> {
    for (rank, name) in TYPES.into_iter().enumerate() {
        if named(store, owner, name)?.is_none() {
            insert(store, owner, name.to_owned(), rank, false)?;
        }
    }
    Ok(())
}

/// The UUID of the environment that a path names.
pub(super) fn uuid(store: &Store, owner: Owner, uuid: &str) -> Result<String, Refusal> {
    find(store, owner, uuid).map(|(_, environment)| environment.uuid)
}

fn find(store: &Store, owner: Owner, uuid: &str) -> Result<(u64, Environment), Refusal> {
    let found = store.sections(owner)?.find(SECTION, |known: &Environment| known.uuid == uuid);
    found.ok_or_else(|| missing(&format!("There is no environment {uuid}.")))
}

fn named(store: &Store, owner: Owner, name: &str) -> Result<Option<u64>, Refusal> {
    Ok(store.sections(owner)?.find(SECTION, |known: &Environment| known.name == name).map(|(id, _)| id))
}

fn insert(
    store: &mut Store,
    owner: Owner,
    name: String,
    rank: usize,
    admin_only: bool,
) -> Result<Environment, Refusal> {
    let id = store.mint();
    let environment = Environment { uuid: random::uuid("environment", id), name, rank, admin_only };
    store.sections_mut(owner)?.set(SECTION, id, &environment)?;
    Ok(environment)
}

fn taken() -> Refusal {
    pipelines_error(
        StatusCode::CONFLICT,
        "Conflict",
        "deploy-service.environment.already-exists",
        &json!({ "reason": "An environment with this name exists already." }),
    )
}

fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let all: Vec<(u64, Environment)> = store.sections(owner)?.settled(SECTION);
    errand.numbered_page(&all, |(_, environment)| show(environment))
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, environment) = find(store, owner, errand.item())?;
    let shown: Vec<(u64, Environment)> = store.sections(owner)?.settled(SECTION);
    let shown = shown.into_iter().find(|(known, _)| *known == id).map_or(environment, |(_, shown)| shown);
    Ok(errand.show(StatusCode::OK, &show(&shown)))
}

/// `POST …/environments`: the type is an object, and a text in its place is wrong.
fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let mut body = Body::new(errand.call.request.object()?);
    let name = body.name("name");
    if body.get("name").is_none() {
        body.missing("name");
    }
    let kind = body.get("environment_type").and_then(|kind| kind.get("name")).and_then(Value::as_str);
    let rank = TYPES.iter().position(|known| Some(*known) == kind);
    if rank.is_none() {
        body.problem("environment_type", "Must be an object with one of the names Test, Staging, Production.");
    }
    let restrictions = body.get("restrictions").cloned().unwrap_or_default();
    body.finish()?;
    let (name, rank) = name.zip(rank).ok_or_else(|| wrong("name", "This field is required."))?;
    if named(store, owner, &name)?.is_some() {
        return Err(taken());
    }
    let environment = insert(store, owner, name, rank, restrictions["admin_only"] == true)?;
    Ok(errand.show(StatusCode::CREATED, &show(&environment)))
}

/// `DELETE`: its variables go with it.
fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, environment) = find(store, owner, errand.item())?;
    let sections = store.sections_mut(owner)?;
    sections.remove(SECTION, id);
    sections.clear(&variables::of_environment(&environment.uuid));
    Ok(gone())
}

/// `POST …/changes`: an envelope with one change, of the name or of who may deploy. The answer is 202 and empty, as
/// Bitbucket only queues it; here it has happened by then, unless things are to settle late.
fn change(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, mut environment) = find(store, owner, errand.item())?;
    let body = errand.call.request.object()?;
    let refused = |key: &str| pipelines_error(StatusCode::BAD_REQUEST, "Bad request", key, &json!({}));
    let invalid = "deploy-service.request.validation-error";
    let change = body.get("change").and_then(Value::as_object).ok_or_else(|| refused(invalid))?;
    let unsupported = || refused("deploy-service.environment.change-not-supported");
    if change.is_empty() {
        return Err(unsupported());
    }
    for (what, value) in change {
        match (what.as_str(), value) {
            ("name", Value::String(name)) if !name.trim().is_empty() => {
                if named(store, owner, name)?.is_some_and(|other| other != id) {
                    return Err(taken());
                }
                environment.name.clone_from(name);
            }
            ("restrictions", restrictions) => {
                let admin_only = restrictions.get("admin_only").and_then(Value::as_bool);
                environment.admin_only = admin_only.ok_or_else(|| refused(invalid))?;
            }
            _ => return Err(unsupported()),
        }
    }
    errand.delay(store, owner, SECTION)?;
    store.sections_mut(owner)?.set(SECTION, id, &environment)?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

fn show(environment: &Environment) -> Value {
    let kind = TYPES.get(environment.rank).copied().unwrap_or_default();
    json!({
        "type": "deployment_environment",
        "uuid": environment.uuid,
        "name": environment.name,
        "slug": slugify(&environment.name),
        "rank": environment.rank,
        "hidden": false,
        "category": { "name": kind.to_uppercase() },
        "environment_type": { "type": "deployment_environment_type", "name": kind, "rank": environment.rank },
        "deployment_gate_enabled": false,
        "environment_lock_enabled": true,
        "lock": { "type": "deployment_environment_lock_open", "name": "OPEN" },
        "restrictions": { "type": "deployment_restrictions_configuration", "admin_only": environment.admin_only },
        "change_request_config": { "configured": false },
    })
}
