//! A sandbox in which everything is as a manifest says that says everything, and a client of the library's that goes there.

use std::collections::BTreeSet;
use std::sync::Arc;

use bbprov::apply::{self, Outcome, Secrets};
use bbprov::bitbucket::{self, Client, Credential};
use bbprov::diagnostic::Sources;
use bbprov::manifest::{self, Manifest};
use bbprov::plan::{Plan, plan};
use serde_json::{Map, Value, json};

use crate::support::Bitbucket;

pub struct World {
    pub bitbucket: Bitbucket,
    pub manifest: Manifest,
    /// The same manifest, which says of what it lists that there is nothing else.
    pub owning: Manifest,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub fn new() -> Self {
        let bitbucket = Bitbucket::new();
        let (manifest, owning) = manifests(&bitbucket);
        let credential = Credential::Basic { user: "olive@example.com".to_owned(), token: "token".to_owned().into() };
        let mut options = bitbucket::Options::new(credential);
        options.api_url = bitbucket.sandbox().api_url();
        options.token_url = bitbucket.sandbox().token_url();
        let client = Client::new(options, Arc::new(())).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = Self { bitbucket, manifest, owning, client, runtime };
        world.settle();
        world
    }

    /// Everything that can be before the first push, the rest after it, and then nothing else.
    fn settle(&self) {
        self.apply(&self.plan(&self.manifest)).unwrap();
        for branch in ["main", "develop", "live"] {
            self.bitbucket.push("acme/ledger", branch);
            self.bitbucket.push("acme/ledger", &format!("{branch}x"));
        }
        self.apply(&self.plan(&self.manifest)).unwrap();
        self.apply(&self.plan(&self.owning)).unwrap();
        for manifest in [&self.manifest, &self.owning] {
            assert_eq!(self.plan(manifest).changes, [], "the second plan is empty");
        }
    }

    pub fn plan(&self, manifest: &Manifest) -> Plan {
        self.runtime.block_on(plan(&self.client, manifest, &())).unwrap()
    }

    /// Carries a plan out, and tells which requests that write it took, by method.
    pub fn apply(&self, plan: &Plan) -> Result<[u64; 3], String> {
        let written = || {
            let requests = self.bitbucket.sandbox().counters().requests;
            ["POST", "PUT", "DELETE"].map(|method| requests.get(method).copied().unwrap_or_default())
        };
        let secrets = apply::secrets::needed(plan).into_iter().map(|needed| (needed.source, "s3cr3t".into()));
        let secrets = Secrets::new(secrets);
        let (_stop, stopped) = tokio::sync::watch::channel(None);
        let before = written();
        let account = self.runtime.block_on(apply::apply(&self.client, plan, &secrets, &(), stopped));
        match account.outcomes.iter().find_map(Outcome::error) {
            Some(why) => Err(format!("applying fails: {why}")),
            None if account.requests != plan.bill.to_apply => {
                Err(format!("{} requests were announced, and {} sent", plan.bill.to_apply, account.requests))
            }
            None => Ok(std::array::from_fn(|at| written()[at] - before[at])),
        }
    }

    /// All that there is.
    pub fn state(&self) -> String {
        String::from_utf8(self.bitbucket.sandbox().saved().unwrap()).unwrap()
    }
}

/// The text of the fixture, with somebody in the place of each name and keys in the place of `KEY…`.
pub fn manifests(bitbucket: &Bitbucket) -> (Manifest, Manifest) {
    let members = bitbucket.by_owner("GET", "/workspaces/acme/members", &Value::Null).1;
    let somebody = |email: &str, id: &str| {
        let is_it = |member: &&Value| member["user"]["display_name"] == email;
        let member = members["values"].as_array().unwrap().iter().find(is_it).unwrap();
        format!("'{}'", member["user"][id].as_str().unwrap())
    };
    let key = |letter: &str| format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{}", letter.repeat(43));
    let text = include_str!("everything.yaml")
        .replace("ADA", &somebody("ada@example.com", "uuid"))
        .replace("GRACE", &somebody("grace@example.com", "account_id"))
        .replace("KEY1", &key("A"))
        .replace("KEY2", &key("E"))
        .replace("KEY3", &key("I"));
    let without: String =
        text.lines().filter(|line| !line.contains(" exclusive: ")).map(|line| format!("{line}\n")).collect();
    let read = |text: String| {
        let mut sources = Sources::default();
        sources.add("everything.yaml", text);
        manifest::from_sources(sources).unwrap_or_else(|invalid| panic!("{invalid}"))
    };
    (read(without), read(text))
}

/// In what two states differ, but for ids and times; nothing if they do not.
pub fn difference(before: &str, after: &str) -> Option<String> {
    let (ids_before, ids_after) = (uuids(before), uuids(after));
    let new = ids_before.symmetric_difference(&ids_after);
    let nameless = |text: &str| new.clone().fold(text.to_owned(), |text, uuid| text.replace(uuid, ""));
    let [before, after] = [before, after].map(|text| timeless(serde_json::from_str(&nameless(text)).unwrap()));
    differing(&before, &after, "")
}

fn differing(before: &Value, after: &Value, place: &str) -> Option<String> {
    match (before, after) {
        _ if before == after => None,
        (Value::Object(before), Value::Object(after)) => {
            let of = |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
            let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
            keys.into_iter().find_map(|key| differing(&of(before, key), &of(after, key), &format!("{place}/{key}")))
        }
        _ => Some(format!("{place} was {before} and is {after}")),
    }
}

fn uuids(text: &str) -> BTreeSet<&str> {
    const LENGTH: usize = 38;
    let is_digit = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let begins = text.match_indices('{').filter_map(|(at, _)| text.get(at..at + LENGTH));
    begins.filter(|part| part.ends_with('}') && part[1..LENGTH - 1].bytes().all(is_digit)).collect()
}

/// Without times and without the numbers under which things are kept.
fn timeless(value: Value) -> Value {
    match value {
        Value::Object(map) if !map.is_empty() && map.keys().all(|key| key.parse::<u64>().is_ok()) => {
            let mut all: Vec<_> = map.into_iter().map(|(_, value)| timeless(value)).collect();
            all.sort_by_cached_key(Value::to_string);
            Value::Array(all)
        }
        Value::Object(map) => {
            let stays = |key: &str| !key.ends_with("_on") && !key.ends_with("_at") && key != "minted";
            let kept = map.into_iter().filter(|(key, value)| stays(key) && *value != json!({}));
            kept.map(|(key, value)| (key, timeless(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(timeless).collect(),
        value => value,
    }
}
