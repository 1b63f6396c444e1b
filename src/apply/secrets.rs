//! Which secrets the changes of a plan send, and how each comes to its place: in the body of a request, right before it is
//! sent, and nowhere else.

use std::collections::HashMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::carry_out::{place, request_for};
use crate::plan::{Change, Plan};
use crate::resource::Request;
use crate::resource::secret::Source;

/// Secrets by where they come from. Shown nowhere.
#[derive(Debug, Default)]
pub struct Secrets(HashMap<Source, SecretString>);

/// A secret that a change sends.
#[derive(Debug)]
pub struct Needed<'a> {
    /// The change.
    pub change: &'a Change,
    /// The field it is for.
    pub field: &'static str,
    /// Where it comes from.
    pub source: Source,
}

/// The secrets that the changes of a plan send: what a request needs is what stands in its body.
#[must_use]
pub fn needed(plan: &Plan) -> Vec<Needed<'_>> {
    let of_change = |change| {
        let request = request_for(change, place(change, None));
        let body = request.body.unwrap_or_default();
        let sent = sources(change).into_iter().filter(move |(_, value)| holds(&body, value));
        sent.filter_map(move |(field, value)| Some(Needed { change, field, source: Source::from_json(value)? }))
    };
    plan.changes.iter().flat_map(of_change).collect()
}

/// Where the secrets of a change's object come from.
fn sources(change: &Change) -> Vec<(&'static str, &Value)> {
    let kind = change.address.kind();
    let all = change.whole.iter().map(|(field, value)| (field, &**value));
    all.filter(|(field, value)| kind.is_secret(field, value)).collect()
}

fn holds(body: &Value, source: &Value) -> bool {
    body == source
        || match body {
            Value::Object(map) => map.values().any(|value| holds(value, source)),
            Value::Array(items) => items.iter().any(|value| holds(value, source)),
            _ => false,
        }
}

impl Secrets {
    /// Secrets that somebody has fetched.
    #[must_use]
    pub fn new(fetched: impl IntoIterator<Item = (Source, SecretString)>) -> Self {
        Self(fetched.into_iter().collect())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &SecretString> {
        self.0.values()
    }

    /// Puts the secrets of a change's object to where its request says that they come from.
    pub(super) fn fill(&self, change: &Change, request: &mut Request) -> Result<(), String> {
        let Some(body) = &mut request.body else { return Ok(()) };
        for (field, value) in sources(change) {
            if !holds(body, value) {
                continue;
            }
            let secret = Source::from_json(value).and_then(|source| self.0.get(&source));
            let secret = secret.ok_or_else(|| format!("the secret for {field} was not fetched"))?;
            put(body, value, secret);
        }
        Ok(())
    }
}

fn put(body: &mut Value, source: &Value, secret: &SecretString) {
    match body {
        body if body == source => *body = secret.expose_secret().into(),
        Value::Object(map) => map.values_mut().for_each(|value| put(value, source, secret)),
        Value::Array(items) => items.iter_mut().for_each(|value| put(value, source, secret)),
        _ => {}
    }
}
