//! How pipelines speak SSH: the key pair of a repository and the hosts it knows (api.md §5.9; schemas
//! `pipeline_ssh_key_pair` and `pipeline_known_host`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, post, put};
use super::super::random;
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::{gone, missing, pipelines_error};

const READ: Required = scopes(&["pipeline"], &["read:pipeline:bitbucket"]);
const WRITE: Required = scopes(&["pipeline:variable"], &["admin:pipeline:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route {
        path: "repositories/{}/{}/pipelines_config/ssh/key_pair",
        endpoints: &[get(READ, key_pair), put(WRITE, set_key_pair), delete(WRITE, remove_key_pair)],
    },
    Route {
        path: "repositories/{}/{}/pipelines_config/ssh/known_hosts",
        endpoints: &[get(READ, list), post(WRITE, create)],
    },
    Route {
        path: "repositories/{}/{}/pipelines_config/ssh/known_hosts/{}",
        endpoints: &[get(READ, one), put(WRITE, update), delete(WRITE, remove)],
    },
];

const KEY_PAIR: &str = "key_pair";
const KNOWN_HOSTS: &str = "known_hosts";

/// Hosts that Bitbucket knows by itself. The first was seen; that it knows its own can be taken for granted.
const ITS_OWN: [&str; 2] = ["github.com", "bitbucket.org"];

/// Of a pair only the public half is kept: the other is never shown again.
#[derive(Debug, Serialize, Deserialize)]
struct KeyPair {
    public_key: String,
}

/// A host, and the key by which it is known.
#[derive(Debug, Serialize, Deserialize)]
struct KnownHost {
    uuid: String,
    hostname: String,
    key_type: String,
    key: String,
}

fn pair(store: &Store, owner: Owner) -> Result<KeyPair, Refusal> {
    store.sections(owner)?.get(KEY_PAIR, 0).ok_or_else(|| missing("There is no SSH key pair."))
}

fn show_pair(pair: &KeyPair) -> Value {
    json!({ "type": "pipeline_ssh_key_pair", "public_key": pair.public_key })
}

fn key_pair(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    Ok(errand.show(StatusCode::OK, &show_pair(&pair(store, owner)?)))
}

/// `PUT …/key_pair`: both halves at once.
fn set_key_pair(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let mut body = Body::new(errand.call.request.object()?);
    for half in ["private_key", "public_key"] {
        if body.name(half).is_none() {
            body.missing(half);
        }
    }
    let pair = KeyPair { public_key: body.text("public_key").unwrap_or_default() };
    body.finish()?;
    store.sections_mut(owner)?.set(KEY_PAIR, 0, &pair)?;
    Ok(errand.show(StatusCode::OK, &show_pair(&pair)))
}

fn remove_key_pair(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    pair(store, owner)?;
    store.sections_mut(owner)?.remove(KEY_PAIR, 0);
    Ok(gone())
}

fn find(store: &Store, owner: Owner, uuid: &str) -> Result<(u64, KnownHost), Refusal> {
    let found = store.sections(owner)?.find(KNOWN_HOSTS, |known: &KnownHost| known.uuid == uuid);
    found.ok_or_else(|| missing(&format!("There is no known host {uuid}.")))
}

fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let all: Vec<(u64, KnownHost)> = store.sections(owner)?.all(KNOWN_HOSTS);
    errand.numbered_page(&all, |(_, host)| show(host))
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (_, host) = find(store, owner, errand.item())?;
    Ok(errand.show(StatusCode::OK, &show(&host)))
}

fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let read = read(&errand.call.request.object()?)?;
    check_hostname(store, owner, None, &read.hostname)?;
    let id = store.mint();
    let host = KnownHost { uuid: random::uuid("known host", id), ..read };
    store.sections_mut(owner)?.set(KNOWN_HOSTS, id, &host)?;
    Ok(errand.show(StatusCode::CREATED, &show(&host)))
}

fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, before) = find(store, owner, errand.item())?;
    let host = KnownHost { uuid: before.uuid, ..read(&errand.call.request.object()?)? };
    check_hostname(store, owner, Some(id), &host.hostname)?;
    store.sections_mut(owner)?.set(KNOWN_HOSTS, id, &host)?;
    Ok(errand.show(StatusCode::OK, &show(&host)))
}

fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, _) = find(store, owner, errand.item())?;
    store.sections_mut(owner)?.remove(KNOWN_HOSTS, id);
    Ok(gone())
}

/// A body without its `type`s, or without any of the rest, is answered with 400 and not a word.
fn read(body: &Map<String, Value>) -> Result<KnownHost, Refusal> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let key = body.get("public_key").filter(|key| key["type"] == "pipeline_ssh_public_key");
    let read = || {
        body.get("type").filter(|kind| *kind == "pipeline_known_host")?;
        Some(KnownHost {
            uuid: String::new(),
            hostname: text(body.get("hostname"))?,
            key_type: text(key?.get("key_type"))?,
            key: text(key?.get("key"))?,
        })
    };
    read().ok_or_else(|| Refusal::from(Answer::empty(StatusCode::BAD_REQUEST)))
}

fn check_hostname(store: &Store, owner: Owner, own: Option<u64>, hostname: &str) -> Result<(), Refusal> {
    if ITS_OWN.contains(&hostname) {
        return Err(pipelines_error(
            StatusCode::BAD_REQUEST,
            "Bad request",
            "ssh-service.known-host.hostname-not-allowed",
            &json!({ "reason": "SSH for this hostname is already configured by Bitbucket" }),
        ));
    }
    match store.sections(owner)?.find(KNOWN_HOSTS, |known: &KnownHost| known.hostname == hostname) {
        Some((id, _)) if Some(id) != own => Err(pipelines_error(
            StatusCode::CONFLICT,
            "Conflict",
            "ssh-service.known-host.already-exists",
            &json!({ "hostname": hostname }),
        )),
        _ => Ok(()),
    }
}

fn show(host: &KnownHost) -> Value {
    json!({
        "type": "pipeline_known_host",
        "uuid": host.uuid,
        "hostname": host.hostname,
        "public_key": { "type": "pipeline_ssh_public_key", "key_type": host.key_type, "key": host.key },
    })
}
