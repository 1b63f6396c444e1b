//! Who may read over SSH: the deploy keys of a repository or a project (api.md §5.7; schemas `deploy_key` and
//! `project_deploy_key`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::auth::Kind;
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, post, put};
use super::super::repository::Detail;
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::super::timestamp;
use super::{gone, missing, wrong};

const READ: Required = scopes(&["repository", "repository:admin"], &["admin:repository:bitbucket"]);
const WRITE: Required =
    scopes(&["repository", "repository:admin"], &["admin:repository:bitbucket", "write:ssh-key:bitbucket"]);
const DELETE: Required =
    scopes(&["repository", "repository:admin"], &["admin:repository:bitbucket", "delete:ssh-key:bitbucket"]);
const PROJECT_READ: Required = scopes(&["project", "project:admin"], &["admin:project:bitbucket"]);
const PROJECT_WRITE: Required =
    scopes(&["project", "project:admin"], &["admin:project:bitbucket", "write:ssh-key:bitbucket"]);
const PROJECT_DELETE: Required =
    scopes(&["project", "project:admin"], &["admin:project:bitbucket", "delete:ssh-key:bitbucket"]);

/// Access tokens may look at a repository's keys, no more. Of a project's nothing is said. The document lists API
/// tokens alone, but in a place that tells them from Forge: OAuth is let in, too.
const CHANGE: &[Kind] = &[Kind::AccessToken];

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route {
        path: "repositories/{}/{}/deploy-keys",
        endpoints: &[get(READ, list), post(WRITE, create).barring(CHANGE)],
    },
    Route {
        path: "repositories/{}/{}/deploy-keys/{}",
        endpoints: &[get(READ, one), put(WRITE, update).barring(CHANGE), delete(DELETE, remove).barring(CHANGE)],
    },
    Route {
        path: "workspaces/{}/projects/{}/deploy-keys",
        endpoints: &[get(PROJECT_READ, list), post(PROJECT_WRITE, create)],
    },
    Route {
        path: "workspaces/{}/projects/{}/deploy-keys/{}",
        endpoints: &[get(PROJECT_READ, one), delete(PROJECT_DELETE, remove)],
    },
];

const SECTION: &str = "deploy-keys";

/// A key. What makes it this key is its material: type and base64.
#[derive(Debug, Serialize, Deserialize)]
struct DeployKey {
    key: String,
    comment: String,
    label: String,
    created_on: String,
}

/// Takes a line of an `authorized_keys` file apart: material and comment.
fn parse(line: &str) -> Option<(String, String)> {
    let mut parts = line.trim().splitn(3, char::is_whitespace);
    let (kind, base64) = (parts.next()?, parts.next()?);
    let is_kind = kind.starts_with("ssh-") || kind.starts_with("ecdsa-sha2-") || kind.starts_with("sk-");
    let is_base64 = base64.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
    // In base64 every key begins with the length of its type, which is far below 2^16.
    let sound = is_kind && is_base64 && base64.starts_with("AAAA");
    sound.then(|| (format!("{kind} {base64}"), parts.next().unwrap_or_default().trim().to_owned()))
}

fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let keys: Vec<(u64, DeployKey)> = store.sections(owner)?.all(SECTION);
    let shown = keys.iter().map(|(id, key)| show(store, errand, owner, *id, key)).collect::<Result<Vec<_>, _>>()?;
    errand.page(&shown, Value::clone)
}

/// The key that a path names.
fn find(store: &Store, errand: &Errand<'_>, owner: Owner) -> Result<(u64, DeployKey), Refusal> {
    let id = errand.item().parse().ok();
    let found = id.and_then(|id| Some((id, store.sections(owner).ok()?.get(SECTION, id)?)));
    found.ok_or_else(|| missing(&format!("There is no deploy key with the id {}.", errand.item())))
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, key) = find(store, errand, owner)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, id, &key)?))
}

/// `POST`: 200, as the document says.
fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let mut body = Body::new(errand.call.request.object()?);
    let line = body.text("key");
    if line.is_none() {
        body.missing("key");
    }
    let label = body.text("label").unwrap_or_default();
    body.finish()?;
    let (key, comment) = line.as_deref().and_then(parse).ok_or_else(|| wrong("key", "Invalid SSH key."))?;
    // Bitbucket's words for this are not known, nor is it refused to put a key on a second repository: that it is
    // somebody's own key, or is here already, is what clients have met.
    let known = store.sections(owner)?.find(SECTION, |known: &DeployKey| known.key == key).is_some();
    if known || errand.people.ssh_keys().filter_map(parse).any(|(own, _)| own == key) {
        return Err(wrong("key", "Someone has already registered that SSH key."));
    }
    let id = store.mint();
    let key = DeployKey { key, comment, label, created_on: timestamp::now() };
    store.sections_mut(owner)?.set(SECTION, id, &key)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, id, &key)?))
}

/// `PUT` is documented, but was answered with 400 whatever was sent.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    find(store, errand, owner)?;
    Err(Refusal::from(Answer::error(StatusCode::BAD_REQUEST, "Bad request")))
}

fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, _) = find(store, errand, owner)?;
    store.sections_mut(owner)?.remove(SECTION, id);
    Ok(gone())
}

fn show(store: &Store, errand: &Errand<'_>, owner: Owner, id: u64, key: &DeployKey) -> Result<Value, Refusal> {
    let api = errand.api();
    let workspace = store.at(owner.workspace())?;
    let (kind, name, object) = match owner {
        Owner::Repository(place) => ("deploy_key", "repository", store.get(place)?.1.embedded(workspace, &api)),
        Owner::Project { project, .. } => {
            let project = workspace.projects.get(&project).ok_or_else(|| Refusal::from(Answer::no_project()))?;
            ("project_deploy_key", "project", project.embedded(workspace, &api, Detail::Condensed))
        }
        Owner::Workspace(_) => return Err(Refusal::from(Answer::no_resource())),
    };
    let mut shown = json!({
        "type": kind,
        "id": id,
        "key": key.key,
        "comment": key.comment,
        "label": key.label,
        "created_on": key.created_on,
        "last_used": null,
        "links": { "self": { "href": format!("{}/{SECTION}/{id}", store.url(owner, &api)?) } },
    });
    shown[name] = object;
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_their_comments() {
        let parsed = |line| parse(line).map(|(key, comment)| format!("{key}|{comment}"));
        assert_eq!(parsed(" ssh-ed25519 AAAAC3 me@here there \n").as_deref(), Some("ssh-ed25519 AAAAC3|me@here there"));
        assert_eq!(parsed("ssh-rsa AAAAB3").as_deref(), Some("ssh-rsa AAAAB3|"));
        for bad in ["", "AAAAB3", "ssh-rsa", "ssh-rsa BBBB", "ssh-rsa AAAA?", "pgp AAAAB3"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
