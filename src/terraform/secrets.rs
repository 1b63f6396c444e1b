//! Names for the environment variables that secrets are to come from. A state knows which secrets are the same: what is one
//! secret in many places gets one name, and what are several never share one.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::manifest::write::secrets::{Names, unnamed};
use crate::manifest::write::yaml::Yaml;
use crate::manifest::write::{Estate, Existing};
use crate::resource::Address;

/// Tells secrets apart, and keeps none.
#[derive(Debug, Default)]
pub(super) struct Fingerprints(RandomState);

impl Fingerprints {
    /// What stands for a secret until it has a name: the same for the same one only. Of one that the state does not hold
    /// nothing is known.
    pub(super) fn of(&self, secret: Option<&str>) -> Value {
        json!({"env": secret.map(|secret| self.0.hash_one(secret))})
    }
}

/// A secret in a field of an object.
struct Place {
    object: usize,
    field: &'static str,
    /// What it is called by itself.
    short: Arc<str>,
    fingerprint: Option<u64>,
}

/// Names all secrets.
pub(super) fn name(estate: &mut Estate) {
    let mut groups: Vec<Vec<Place>> = Vec::new();
    let mut known: HashMap<(Arc<str>, u64), usize> = HashMap::new();
    for place in places(estate) {
        let next = groups.len();
        let at =
            place.fingerprint.map_or(next, |print| *known.entry((Arc::clone(&place.short), print)).or_insert(next));
        match groups.get_mut(at) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    let mut names = Names::default();
    for group in groups {
        let owners: BTreeSet<Vec<&str>> =
            group.iter().map(|place| owners(&estate.objects[place.object].address)).collect();
        // Whose name it gets must be the only one that has it.
        let owner = if owners.len() == 1 { owners.first().cloned().unwrap_or_default() } else { Vec::new() };
        let name = names.name(&group[0].short, &owner);
        for Place { object, field, .. } in group {
            let Existing { fields, .. } = &mut estate.objects[object];
            let named = |known: &str, value: &Arc<Value>| {
                if known == field { Arc::new(json!({"env": *name})) } else { Arc::clone(value) }
            };
            *fields = fields.iter().map(|(known, value)| (known, named(known, value))).collect();
        }
    }
    estate.named = true;
}

fn places(estate: &Estate) -> Vec<Place> {
    let all = estate.objects.iter().enumerate().flat_map(|(at, object)| {
        let (address, fields) = (&object.address, &object.fields);
        let secrets = fields.iter().filter(|(field, value)| address.kind().is_secret(field, value));
        secrets.map(move |(field, value)| {
            let short = match unnamed(address, field) {
                Yaml::Secret(short, _) => short,
                _ => field.into(),
            };
            Place { object: at, field, short, fingerprint: value.get("env").and_then(Value::as_u64) }
        })
    });
    all.collect()
}

/// What it is in, from the project or repository on.
fn owners(address: &Address) -> Vec<&str> {
    let workspace = address.workspace();
    let object = address.holders().next().and_then(|name| name.split_once('/')).map(|(_, id)| id);
    object.into_iter().chain([workspace]).collect()
}
