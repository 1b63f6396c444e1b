//! What pipelines are told: the variables of a repository, a workspace or an environment (api.md §5.8; schemas
//! `pipeline_variable` and `deployment_variable`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, post, put};
use super::super::random;
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::{environments, gone, missing, pipelines_error};

const READ: Required = scopes(&["pipeline"], &["read:pipeline:bitbucket"]);
const WRITE: Required = scopes(&["pipeline:variable"], &["admin:pipeline:bitbucket"]);

/// Repositories write `pipelines_config`, workspaces `pipelines-config`; an environment's variables cannot be had one
/// by one.
pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}/{}/pipelines_config/variables", endpoints: &[get(READ, list), post(WRITE, create)] },
    Route {
        path: "repositories/{}/{}/pipelines_config/variables/{}",
        endpoints: &[get(READ, one), put(WRITE, update), delete(WRITE, remove)],
    },
    Route { path: "workspaces/{}/pipelines-config/variables", endpoints: &[get(READ, list), post(WRITE, create)] },
    Route {
        path: "workspaces/{}/pipelines-config/variables/{}",
        endpoints: &[get(READ, one), put(WRITE, update), delete(WRITE, remove)],
    },
    Route {
        path: "repositories/{}/{}/deployments_config/environments/{}/variables",
        endpoints: &[get(READ, list), post(WRITE, create)],
    },
    Route {
        path: "repositories/{}/{}/deployments_config/environments/{}/variables/{}",
        endpoints: &[put(WRITE, update), delete(WRITE, remove)],
    },
];

const SECTION: &str = "variables";

/// A variable. The value of a secured one is not kept: nobody will ever see it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Variable {
    uuid: String,
    key: String,
    value: String,
    secured: bool,
}

/// Where the variables of a path are kept, and what each calls itself.
struct Holder {
    owner: Owner,
    section: String,
    kind: &'static str,
}

/// Where an environment's variables are kept.
pub(super) fn of_environment(uuid: &str) -> String {
    format!("{SECTION} of {uuid}")
}

impl Holder {
    fn of(store: &mut Store, errand: &Errand<'_>) -> Result<Self, Refusal> {
        let owner = errand.owner(store)?;
        if !errand.route.contains("/deployments_config/") {
            return Ok(Self { owner, section: SECTION.to_owned(), kind: "pipeline_variable" });
        }
        let uuid = environments::uuid(store, owner, errand.name(2))?;
        Ok(Self { owner, section: of_environment(&uuid), kind: "deployment_variable" })
    }

    fn find(&self, store: &Store, is: impl Fn(&Variable) -> bool) -> Result<Option<(u64, Variable)>, Refusal> {
        Ok(store.sections(self.owner)?.find(&self.section, is))
    }

    /// The variable that a path names.
    fn named(&self, store: &Store, uuid: &str) -> Result<(u64, Variable), Refusal> {
        let found = self.find(store, |known| known.uuid == uuid)?;
        found.ok_or_else(|| missing(&format!("There is no variable {uuid}.")))
    }

    /// 409 when another variable has the key.
    fn check_key(&self, store: &Store, own: Option<u64>, key: &str) -> Result<(), Refusal> {
        match self.find(store, |known| known.key == key)? {
            Some((id, _)) if Some(id) != own => Err(pipelines_error(
                StatusCode::CONFLICT,
                "Conflict",
                "variable-service.variable.already-exists",
                &json!({ "key": key }),
            )),
            _ => Ok(()),
        }
    }

    /// Announces a change: a list of an environment's variables is some seconds old.
    fn delay(&self, store: &mut Store, errand: &Errand<'_>) -> Result<(), Refusal> {
        if self.section == SECTION { Ok(()) } else { errand.delay(store, self.owner, &self.section) }
    }

    fn keep(&self, store: &mut Store, id: u64, variable: &Variable) -> Result<(), Refusal> {
        let value = if variable.secured { String::new() } else { variable.value.clone() };
        store.sections_mut(self.owner)?.set(&self.section, id, &Variable { value, ..variable.clone() })
    }

    fn show(&self, variable: &Variable) -> Value {
        let mut shown = json!({
            "type": self.kind,
            "uuid": variable.uuid,
            "key": variable.key,
            "secured": variable.secured,
        });
        if !variable.secured {
            shown["value"] = variable.value.as_str().into();
        }
        shown
    }
}

fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let holder = Holder::of(store, errand)?;
    let all: Vec<(u64, Variable)> = store.sections(holder.owner)?.settled(&holder.section);
    errand.numbered_page(&all, |(_, variable)| holder.show(variable))
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let holder = Holder::of(store, errand)?;
    let (_, variable) = holder.named(store, errand.item())?;
    Ok(errand.show(StatusCode::OK, &holder.show(&variable)))
}

fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let holder = Holder::of(store, errand)?;
    let fresh = Variable { uuid: String::new(), key: String::new(), value: String::new(), secured: false };
    let read = read(errand.call.request.object()?, fresh, &["key", "value"])?;
    holder.check_key(store, None, &read.key)?;
    let id = store.mint();
    let variable = Variable { uuid: random::uuid("variable", id), ..read };
    holder.delay(store, errand)?;
    holder.keep(store, id, &variable)?;
    Ok(errand.show(StatusCode::CREATED, &holder.show(&variable)))
}

/// `PUT`: that what is not named stays is not written, but neither is that it would go.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let holder = Holder::of(store, errand)?;
    let (id, before) = holder.named(store, errand.item())?;
    let was_secured = before.secured;
    let variable = read(errand.call.request.object()?, before, &[])?;
    // Believed, not seen: a secret does not become plain, one has to make the variable anew.
    if was_secured && !variable.secured {
        return Err(super::wrong("secured", "A secured variable cannot be made plain."));
    }
    holder.check_key(store, Some(id), &variable.key)?;
    holder.delay(store, errand)?;
    holder.keep(store, id, &variable)?;
    Ok(errand.show(StatusCode::OK, &holder.show(&variable)))
}

fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let holder = Holder::of(store, errand)?;
    let (id, _) = holder.named(store, errand.item())?;
    holder.delay(store, errand)?;
    store.sections_mut(holder.owner)?.remove(&holder.section, id);
    Ok(gone())
}

/// Reads a body over what there was.
fn read(object: Map<String, Value>, before: Variable, needed: &[&str]) -> Result<Variable, Refusal> {
    let mut body = Body::new(object);
    for name in needed {
        if body.get(name).is_none() {
            body.missing(name);
        }
    }
    let variable = Variable {
        key: body.name("key").unwrap_or(before.key),
        value: body.text("value").unwrap_or(before.value),
        secured: body.flag("secured").unwrap_or(before.secured),
        uuid: before.uuid,
    };
    body.finish()?;
    Ok(variable)
}
