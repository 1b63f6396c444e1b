//! The operations on projects (api.md §4; `/workspaces/{workspace}/projects` and below).

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal};
use super::body::Body;
use super::listing::{Call, compare};
use super::operation::{Errand, Route, delete, get, post, put};
use super::project::{FILTERABLE, Project};
use super::query::Query;
use super::repository::Detail;
use super::scopes::{Required, scopes};
use super::sections::Sections;
use super::slug::{KEY_RULE, is_project_key};
use super::store::Store;
use super::workspace::Workspace;
use super::{random, timestamp};

const READ: Required = scopes(&["project"], &["read:project:bitbucket"]);
const ADMIN: Required = scopes(&["project:admin"], &["admin:project:bitbucket"]);

pub(super) const ROUTES: &[Route] = &[
    Route { path: "workspaces/{}/projects", endpoints: &[get(READ, list).open(), post(ADMIN, create)] },
    Route {
        path: "workspaces/{}/projects/{}",
        endpoints: &[get(READ, one).open(), put(ADMIN, replace), delete(ADMIN, remove)],
    },
];

/// The members that a body may have; any other is refused, `type` too.
const MEMBERS: [&str; 5] = ["key", "name", "description", "is_private", "links"];

/// What a body says about a project.
#[derive(Debug)]
struct ProjectBody {
    key: Option<String>,
    name: Option<String>,
    description: Option<String>,
    is_private: Option<bool>,
    avatar: Option<String>,
}

impl ProjectBody {
    /// Reads the members; `required` have to be there.
    fn read(object: Map<String, Value>, required: &[&str]) -> Result<Self, Refusal> {
        let mut body = Body::new(object);
        body.only(&MEMBERS);
        let read = Self {
            key: body.text("key"),
            name: body.name("name"),
            description: body.text("description"),
            is_private: body.flag("is_private"),
            avatar: avatar(&mut body),
        };
        if read.key.as_ref().is_some_and(|key| !is_project_key(key)) {
            body.problem("key", KEY_RULE);
        }
        for name in required {
            if body.get(name).is_none() {
                body.missing(name);
            }
        }
        body.finish()?;
        Ok(read)
    }

    fn describe(&self, project: &mut Project) {
        if let Some(name) = &self.name {
            project.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            project.description.clone_from(description);
        }
        if let Some(is_private) = self.is_private {
            project.is_private = is_private;
        }
        if let Some(avatar) = &self.avatar {
            project.avatar = Some(avatar.clone());
        }
    }
}

/// `links` is only good for an avatar, and must have one.
fn avatar(body: &mut Body) -> Option<String> {
    let avatar = body.get("links")?.get("avatar");
    let Some(href) = avatar.map(|avatar| avatar.get("href").and_then(Value::as_str)) else {
        body.missing("links.avatar");
        return None;
    };
    let href = href.map(str::to_owned);
    if href.is_none() {
        body.missing("links.avatar.href");
    }
    href
}

/// `GET /workspaces/{workspace}/projects`
fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let call = errand.call;
    let index = store.locate(errand.name(0))?;
    let sort = call.sort(&FILTERABLE)?;
    let q = call.request.parameter("q").filter(|q| !q.trim().is_empty());
    let query = q.map(|q| Query::parse(q, &FILTERABLE)).transpose()?;
    let workspace = store.at(index)?;
    let mut shown: Vec<&Project> = workspace.projects.values().collect();
    shown.retain(|project| {
        (call.known || !project.is_private)
            && query.as_ref().is_none_or(|query| query.matches(&|field| project.field(field)))
    });
    if let Some((field, descending)) = sort {
        shown.sort_by(|left, right| {
            let order = compare(&left.field(field), &right.field(field));
            if descending { order.reverse() } else { order }
        });
    }
    let api = call.request.api();
    let page = call.page(shown.len(), |range, detail| {
        let page = shown.get(range).unwrap_or_default().iter();
        page.map(|project| project.representation(workspace, &api, detail)).collect()
    })?;
    Ok(Answer::ok(page))
}

/// `GET /workspaces/{workspace}/projects/{project_key}`
fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let call = errand.call;
    let index = store.locate(errand.name(0))?;
    let workspace = store.at(index)?;
    let id = find(workspace, errand.name(1))?;
    let hidden = workspace.projects.get(&id).is_none_or(|project| project.is_private && !call.known);
    if hidden { Err(Refusal::from(Answer::no_project())) } else { show(store, call, index, id, StatusCode::OK) }
}

/// The project that a URL names.
pub(super) fn find(workspace: &Workspace, name: &str) -> Result<u64, Refusal> {
    workspace.project_named(name).ok_or_else(|| Refusal::from(Answer::no_project()))
}

fn show(store: &Store, call: Call<'_>, index: usize, id: u64, status: StatusCode) -> Result<Answer, Refusal> {
    let workspace = store.at(index)?;
    let project = workspace.projects.get(&id).ok_or_else(|| Refusal::from(Answer::no_project()))?;
    let api = call.request.api();
    let answer = Answer::json(status, call.shape(|detail: Detail| project.representation(workspace, &api, detail)));
    Ok(answer)
}

fn with_location(store: &Store, call: Call<'_>, index: usize, id: u64, answer: Answer) -> Result<Answer, Refusal> {
    let workspace = store.at(index)?;
    let project = workspace.projects.get(&id).ok_or_else(|| Refusal::from(Answer::no_project()))?;
    Ok(answer.with_location(&project.url(workspace, &call.request.api())))
}

/// `POST /workspaces/{workspace}/projects`
fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let call = errand.call;
    let index = store.locate(errand.name(0))?;
    let body = ProjectBody::read(call.request.object()?, &["key", "name"])?;
    let key = body.key.clone().unwrap_or_default();
    insert(store, call, index, key, &body)
}

fn insert(store: &mut Store, call: Call<'_>, index: usize, key: String, body: &ProjectBody) -> Result<Answer, Refusal> {
    if store.at(index)?.project_like(&key).is_some() {
        return Err(already_exists());
    }
    let number = store.mint();
    let now = timestamp::now();
    let mut project = Project {
        uuid: random::uuid("project", number),
        key,
        name: String::new(),
        description: String::new(),
        // Unknown for a body without `is_private`; private is the value that shows nothing to the world.
        is_private: true,
        avatar: None,
        created_on: now.clone(),
        updated_on: now,
        sections: Sections::default(),
        repositories: 0,
        public: 0,
    };
    body.describe(&mut project);
    store.at_mut(index)?.set_project(number, project);
    let answer = show(store, call, index, number, StatusCode::CREATED)?;
    with_location(store, call, index, number, answer)
}

/// `PUT /workspaces/{workspace}/projects/{project_key}`: updates what is there, and creates what is not.
fn replace(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let (call, name) = (errand.call, errand.name(1));
    let index = store.locate(errand.name(0))?;
    if let Some(id) = store.at(index)?.project_named(name) {
        return update(store, call, index, id);
    }
    if name.starts_with('{') {
        return Err(Refusal::from(Answer::no_project()));
    }
    if !is_project_key(name) {
        return Err(Refusal::from(Answer::invalid_field("key", KEY_RULE)));
    }
    let body = ProjectBody::read(call.request.object()?, &["name"])?;
    // The document asks to leave the key out of the body here; one that contradicts the URL cannot be meant.
    if body.key.as_ref().is_some_and(|key| key != name) {
        return Err(Refusal::from(Answer::invalid_field("key", "The key is already in the URL.")));
    }
    insert(store, call, index, name.to_owned(), &body)
}

fn update(store: &mut Store, call: Call<'_>, index: usize, id: u64) -> Result<Answer, Refusal> {
    let body = ProjectBody::read(call.request.object()?, &[])?;
    let workspace = store.at(index)?;
    let mut project = workspace.projects.get(&id).cloned().ok_or_else(|| Refusal::from(Answer::no_project()))?;
    let renamed = body.key.as_ref().filter(|key| **key != project.key);
    if let Some(key) = renamed {
        if workspace.project_like(key).is_some_and(|other| other != id) {
            return Err(already_exists());
        }
        project.key.clone_from(key);
    }
    body.describe(&mut project);
    if project.is_private && project.public > 0 {
        return Err(Refusal::from(Answer::invalid_field(
            "is_private",
            "Private projects cannot contain public repositories.",
        )));
    }
    project.updated_on = timestamp::now();
    store.at_mut(index)?.set_project(id, project);
    let answer = show(store, call, index, id, StatusCode::OK)?;
    if renamed.is_some() { with_location(store, call, index, id, answer) } else { Ok(answer) }
}

/// `DELETE /workspaces/{workspace}/projects/{project_key}`: 403 as long as there is a repository in it.
fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let index = store.locate(errand.name(0))?;
    let workspace = store.at(index)?;
    let id = find(workspace, errand.name(1))?;
    if workspace.projects.get(&id).is_some_and(|project| project.repositories > 0) {
        let message = "You cannot delete a project that still contains repositories.";
        return Err(Refusal::from(Answer::error(StatusCode::FORBIDDEN, message)));
    }
    store.at_mut(index)?.remove_project(id);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn already_exists() -> Refusal {
    let mut fields = Map::new();
    fields.insert("__all__".to_owned(), json!(["Project with this Owner and Key already exists."]));
    Refusal::from(Answer::invalid("Bad request", fields))
}
