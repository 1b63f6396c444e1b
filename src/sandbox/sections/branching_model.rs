//! What branches are called and are for: the branching model of a repository or a project (api.md §5.3; schemas
//! `branching_model_settings` and `branching_model`).

mod settings;

use hyper::StatusCode;
use serde_json::{Value, json};

use self::settings::{Branch, Settings};
use super::super::answer::{Answer, Refusal};
use super::super::branches;
use super::super::operation::{Errand, Route, get, put};
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Place, Store};
use super::override_settings::Inheritance;

const READ: Required = scopes(&["repository"], &["read:repository:bitbucket"]);
const ADMIN: Required = scopes(&["repository:admin"], &["admin:repository:bitbucket"]);
const PROJECT_READ: Required = scopes(&["project:admin"], &["read:repository:bitbucket"]);
const PROJECT_ADMIN: Required = scopes(&["project:admin"], &["admin:project:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}/{}/branching-model", endpoints: &[get(READ, applied).open()] },
    Route { path: "repositories/{}/{}/effective-branching-model", endpoints: &[get(READ, effective).open()] },
    Route {
        path: "repositories/{}/{}/branching-model/settings",
        endpoints: &[get(ADMIN, settings), put(ADMIN, update)],
    },
    Route { path: "workspaces/{}/projects/{}/branching-model", endpoints: &[get(PROJECT_READ, applied)] },
    Route {
        path: "workspaces/{}/projects/{}/branching-model/settings",
        endpoints: &[get(PROJECT_ADMIN, settings), put(PROJECT_ADMIN, update)],
    },
];

const SECTION: &str = "branching-model";

fn kept(store: &Store, owner: Owner) -> Result<Settings, Refusal> {
    Ok(store.sections(owner)?.get(SECTION, 0).unwrap_or_default())
}

/// `GET …/branching-model/settings`: a repository's own, inherited or not.
fn settings(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let settings = kept(store, owner)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, &settings)?))
}

/// `PUT …/branching-model/settings`: what is not named stays, at every level. It does not end the inheritance: the
/// document announced the end of that for 2022.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let mut settings = kept(store, owner)?;
    settings.change(errand.call.request.object()?, &|name| exists(store, owner, name))?;
    store.sections_mut(owner)?.set(SECTION, 0, &settings)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, &settings)?))
}

/// Whether a branch is there. To a project every name is right: it is for repositories that are not made yet.
fn exists(store: &Store, owner: Owner, name: &str) -> bool {
    match owner {
        Owner::Repository(place) => {
            store.get(place).is_ok_and(|(_, repository)| repository.branches.contains_key(name))
        }
        Owner::Workspace(_) | Owner::Project { .. } => true,
    }
}

/// Only a repository can tell whether the branches are there.
fn show(store: &Store, errand: &Errand<'_>, owner: Owner, settings: &Settings) -> Result<Value, Refusal> {
    let branch = |branch: &Branch| {
        let mut shown = json!({ "name": branch.name, "use_mainbranch": branch.use_mainbranch });
        if matches!(owner, Owner::Repository(_)) {
            shown["is_valid"] = branch.is_valid(&|name| exists(store, owner, name)).into();
        }
        shown
    };
    let mut production = branch(&settings.production);
    production["enabled"] = settings.production_enabled.into();
    let url = format!("{}/branching-model/settings", store.url(owner, &errand.api())?);
    Ok(json!({
        "type": "branching_model_settings",
        "development": branch(&settings.development),
        "production": production,
        "branch_types": settings.branch_types,
        // A text, as everywhere in this API.
        "default_branch_deletion": settings.default_branch_deletion.to_string(),
        "links": { "self": { "href": url } },
    }))
}

/// `GET …/branching-model`: the own settings with the branches that they mean.
fn applied(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (place, kind) = match owner {
        Owner::Repository(place) => (Some(place), "branching_model"),
        Owner::Workspace(_) | Owner::Project { .. } => (None, "project_branching_model"),
    };
    let mut shown = resolve(store, errand, &kept(store, owner)?, place)?;
    shown["type"] = kind.into();
    shown["links"] = json!({ "self": { "href": format!("{}/branching-model", store.url(owner, &errand.api())?) } });
    Ok(errand.show(StatusCode::OK, &shown))
}

/// `GET …/effective-branching-model`: the project's settings with the repository's branches, if it inherits them.
fn effective(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let Owner::Repository(place) = owner else {
        return Err(Refusal::from(Answer::no_resource()));
    };
    let project = Owner::Project { workspace: place.workspace, project: store.get(place)?.1.project };
    let inherits = Inheritance::of(store.sections(owner)?).branching_model;
    let settings = kept(store, if inherits { project } else { owner })?;
    let mut shown = resolve(store, errand, &settings, Some(place))?;
    shown["type"] = "effective_repo_branching_model".into();
    Ok(errand.show(StatusCode::OK, &shown))
}

/// What is enabled of the settings, with the branches of a repository.
fn resolve(store: &Store, errand: &Errand<'_>, settings: &Settings, place: Option<Place>) -> Result<Value, Refusal> {
    let repository = place.map(|place| store.get(place)).transpose()?;
    let branch = |branch: &Branch| {
        let main = repository.and_then(|(_, repository)| repository.mainbranch.clone());
        let name = if branch.use_mainbranch { main } else { branch.name.clone() };
        let mut shown = json!({ "name": name, "use_mainbranch": branch.use_mainbranch });
        let found = repository.zip(name).and_then(|((workspace, repository), name)| {
            let hash = repository.branches.get(&name)?;
            Some(branches::branch(workspace, repository, &errand.api(), &name, hash))
        });
        if let Some(found) = found {
            shown["branch"] = found;
        }
        shown
    };
    let enabled = settings.branch_types.iter().filter(|branch_type| branch_type.enabled);
    let mut shown = json!({
        "development": branch(&settings.development),
        "branch_types": enabled.map(|one| json!({ "kind": one.kind, "prefix": one.prefix })).collect::<Vec<_>>(),
    });
    if settings.production_enabled {
        shown["production"] = branch(&settings.production);
    }
    Ok(shown)
}
