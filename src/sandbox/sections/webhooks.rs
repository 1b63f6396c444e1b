//! Who is told what happens: the webhooks of a repository or a workspace (api.md §5.6; schema `webhook_subscription`).

use std::net::IpAddr;

use hyper::StatusCode;
use hyper::Uri;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, post, put};
use super::super::repository::Detail;
use super::super::request::percent_encode;
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::super::{random, timestamp};
use super::{gone, missing};

// The document lists API tokens alone for webhooks, but in a place that tells them from Forge: OAuth is let in, too.
const READ: Required = scopes(&["webhook"], &["read:webhook:bitbucket"]);
const WRITE: Required = scopes(&["webhook"], &["read:webhook:bitbucket", "write:webhook:bitbucket"]);
const DELETE: Required = scopes(&["webhook"], &["delete:webhook:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}/{}/hooks", endpoints: &[get(READ, list), post(WRITE, create)] },
    Route {
        path: "repositories/{}/{}/hooks/{}",
        endpoints: &[get(READ, one), put(WRITE, update), delete(DELETE, remove)],
    },
    Route { path: "workspaces/{}/hooks", endpoints: &[get(READ, list), post(WRITE, create)] },
    Route { path: "workspaces/{}/hooks/{}", endpoints: &[get(READ, one), put(WRITE, update), delete(DELETE, remove)] },
];

const SECTION: &str = "hooks";

/// The longest secret.
const LONGEST_SECRET: usize = 128;

/// Everything one can be told, sorted. The `issue:` events are still accepted, though nothing can cause them any more.
pub(super) const EVENTS: [&str; 29] = [
    "issue:comment_created",
    "issue:created",
    "issue:updated",
    "pipeline:span_created",
    "project:updated",
    "pullrequest:approved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:comment_created",
    "pullrequest:comment_deleted",
    "pullrequest:comment_reopened",
    "pullrequest:comment_resolved",
    "pullrequest:comment_updated",
    "pullrequest:created",
    "pullrequest:fulfilled",
    "pullrequest:push",
    "pullrequest:rejected",
    "pullrequest:unapproved",
    "pullrequest:updated",
    "repo:commit_comment_created",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "repo:created",
    "repo:deleted",
    "repo:fork",
    "repo:imported",
    "repo:push",
    "repo:transfer",
    "repo:updated",
];

/// A webhook. Of its secret nobody will ever see more than that there is one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Hook {
    uuid: String,
    url: String,
    description: String,
    active: bool,
    /// Sorted: Bitbucket keeps no order.
    events: Vec<String>,
    secret_set: bool,
    skip_cert_verification: bool,
    created_at: String,
}

fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let hooks: Vec<(u64, Hook)> = store.sections(owner)?.all(SECTION);
    let shown = hooks.iter().map(|(_, hook)| show(store, errand, owner, hook)).collect::<Result<Vec<_>, _>>()?;
    errand.page(&shown, Value::clone)
}

/// The hook that a path names.
fn find(store: &Store, errand: &Errand<'_>, owner: Owner) -> Result<(u64, Hook), Refusal> {
    let found = store.sections(owner)?.find(SECTION, |hook: &Hook| hook.uuid == errand.item());
    if let Some(found) = found {
        return Ok(found);
    }
    // Bitbucket was recorded to name the repository here, not the hook.
    let name = match owner {
        Owner::Repository(place) => &store.get(place)?.1.slug,
        Owner::Workspace(_) | Owner::Project { .. } => &store.at(owner.workspace())?.slug,
    };
    Err(missing(&format!("{name} is not a valid hook")))
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (_, hook) = find(store, errand, owner)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, &hook)?))
}

fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let fresh = Hook { active: true, ..Hook::default() };
    let read = read(errand, errand.call.request.object()?, fresh, &["url", "events"])?;
    let id = store.mint();
    // Webhooks write their times with Z.
    let created_at = timestamp::now().replace("+00:00", "Z");
    let hook = Hook { uuid: random::uuid("webhook", id), created_at, ..read };
    store.sections_mut(owner)?.set(SECTION, id, &hook)?;
    Ok(errand.show(StatusCode::CREATED, &show(store, errand, owner, &hook)?))
}

/// `PUT`: the secret stays unless it is named. That the rest does too is not written, but neither is that it would go.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, before) = find(store, errand, owner)?;
    let hook = read(errand, errand.call.request.object()?, before, &[])?;
    store.sections_mut(owner)?.set(SECTION, id, &hook)?;
    Ok(errand.show(StatusCode::OK, &show(store, errand, owner, &hook)?))
}

fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, _) = find(store, errand, owner)?;
    store.sections_mut(owner)?.remove(SECTION, id);
    Ok(gone())
}

/// Reads a body over what there was.
fn read(errand: &Errand<'_>, object: Map<String, Value>, mut hook: Hook, needed: &[&str]) -> Result<Hook, Refusal> {
    let mut body = Body::new(object);
    for name in needed {
        if body.get(name).is_none() {
            body.missing(name);
        }
    }
    if let Some(url) = body.text("url") {
        if !is_public(&url) {
            body.problem("url", "Enter a valid URL that can be reached from the internet.");
        }
        hook.url = url;
    }
    hook.description = body.text("description").unwrap_or(hook.description);
    hook.active = body.flag("active").unwrap_or(hook.active);
    hook.skip_cert_verification = body.flag("skip_cert_verification").unwrap_or(hook.skip_cert_verification);
    if let Some(secret) = body.text("secret") {
        if secret.chars().count() > LONGEST_SECRET {
            body.problem("secret", "Ensure this field has no more than 128 characters.");
        }
        hook.secret_set = !secret.is_empty();
    }
    if let Some(events) = events(&mut body) {
        hook.events = events;
    }
    body.finish()?;
    for event in &hook.events {
        if let (Some(required), Some(principal)) = (event_scope(event), errand.principal) {
            principal.granted.check(required)?;
        }
    }
    Ok(hook)
}

/// At least one event, each that is known.
fn events(body: &mut Body) -> Option<Vec<String>> {
    let named = body.get("events")?.as_array();
    let events = named.and_then(|events| events.iter().map(|event| event.as_str().map(str::to_owned)).collect());
    let mut events: Vec<String> = events.unwrap_or_default();
    events.sort();
    events.dedup();
    if events.is_empty() {
        body.problem("events", "At least one event is required.");
    }
    if let Some(unknown) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        let problem = format!("\"{unknown}\" is not a valid choice.");
        body.problem("events", &problem);
    }
    Some(events)
}

/// To be told of something, one needs what it takes to look at it.
fn event_scope(event: &str) -> Option<Required> {
    let (about, _) = event.split_once(':')?;
    Some(match about {
        "repo" => scopes(&["repository"], &["read:repository:bitbucket"]),
        "pullrequest" => scopes(&["pullrequest"], &["read:pullrequest:bitbucket"]),
        "project" => scopes(&["project"], &["read:project:bitbucket"]),
        "pipeline" => scopes(&["pipeline"], &["read:pipeline:bitbucket"]),
        "issue" => scopes(&["issue"], &["read:issue:bitbucket"]),
        _ => return None,
    })
}

/// Whether a URL leads out: one cannot know here whether it resolves, but what is this machine or an inner network is
/// written in some of them.
fn is_public(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(host) = uri.host().filter(|_| matches!(uri.scheme_str(), Some("http" | "https"))) else { return false };
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()),
        Ok(IpAddr::V6(ip)) => !(ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified()),
        Err(_) => host != "localhost" && !host.ends_with(".localhost"),
    }
}

fn show(store: &Store, errand: &Errand<'_>, owner: Owner, hook: &Hook) -> Result<Value, Refusal> {
    let api = errand.api();
    let workspace = store.at(owner.workspace())?;
    let (kind, subject) = match owner {
        Owner::Repository(place) => ("repository", store.get(place)?.1.embedded(workspace, &api)),
        Owner::Workspace(_) | Owner::Project { .. } => ("workspace", workspace.embedded(&api, Detail::Condensed)),
    };
    // The link leads into the web's own API, which takes no credential of ours.
    let url = store.url(owner, "https://bitbucket.org/!api/2.0")?;
    Ok(json!({
        "type": "webhook_subscription",
        "uuid": hook.uuid,
        "url": hook.url,
        "description": hook.description,
        "subject_type": kind,
        "subject": subject,
        "active": hook.active,
        "created_at": hook.created_at,
        "events": hook.events,
        "secret_set": hook.secret_set,
        "skip_cert_verification": hook.skip_cert_verification,
        "read_only": false,
        "source": null,
        "history_enabled": false,
        "links": { "self": { "href": format!("{url}/{SECTION}/{}", percent_encode(&hook.uuid)) } },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_lead_out() {
        for good in ["https://example.com/a?b=c", "http://8.8.8.8:8080/"] {
            assert!(is_public(good), "{good}");
        }
        for bad in ["", "example.com", "ftp://example.com", "http://localhost:1/", "https://10.0.0.1/", "http://[::1]/"]
        {
            assert!(!is_public(bad), "{bad}");
        }
    }

    #[test]
    fn every_event_has_its_scope() {
        assert!(EVENTS.is_sorted() && EVENTS.iter().all(|event| event_scope(event).is_some()));
    }
}
