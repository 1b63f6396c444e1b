//! Whether Pipelines runs for a repository (api.md §5.8; schema `pipelines_config`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, get, put};
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::{environments, missing};

const ADMIN: Required = scopes(&["repository:admin"], &["admin:repository:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] =
    &[Route { path: "repositories/{}/{}/pipelines_config", endpoints: &[get(ADMIN, one), put(ADMIN, update)] }];

const SECTION: &str = "pipelines_config";

/// Kept from when it was enabled for the first time.
#[derive(Debug, Serialize, Deserialize)]
struct Configuration {
    enabled: bool,
}

/// `GET …/pipelines_config`: 404 as long as it was never enabled.
fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let kept: Vec<(u64, Configuration)> = store.sections(owner)?.settled(SECTION);
    let (_, kept) =
        kept.into_iter().next().ok_or_else(|| missing("Pipelines is not configured for this repository."))?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, &kept)?))
}

/// `PUT …/pipelines_config`: who enables it for the first time gets environments, too. Where things settle late, a new
/// repository is not known here for a while.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    if store.sections(owner)?.is_younger(errand.settling) {
        return Err(Refusal::from(Answer::no_repository()));
    }
    let mut body = Body::new(errand.call.request.object()?);
    let enabled = body.flag("enabled");
    if body.get("enabled").is_none() {
        body.missing("enabled");
    }
    body.finish()?;
    let after = Configuration { enabled: enabled.unwrap_or_default() };
    let first = store.sections(owner)?.get::<Configuration>(SECTION, 0).is_none();
    if after.enabled || !first {
        errand.delay(store, owner, SECTION)?;
        store.sections_mut(owner)?.set(SECTION, 0, &after)?;
    }
    if after.enabled && first {
        environments::furnish(store, owner)?;
    }
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, &after)?))
}

fn show(store: &Store, errand: &Errand<'_>, owner: Owner, kept: &Configuration) -> Result<Value, Refusal> {
    let mut shown = json!({ "type": "repository_pipelines_configuration", "enabled": kept.enabled });
    if let Owner::Repository(place) = owner {
        let (workspace, repository) = store.get(place)?;
        shown["repository"] = repository.embedded(workspace, &errand.api());
    }
    Ok(shown)
}
