//! What a repository, a project or a workspace is governed by: one file a section, which says its paths, what they do
//! and what is kept (api.md §5).
//!
//! To add one, write its file with a `ROUTES` and name that in [`routes`](super::routes). It keeps what it wants under
//! a name of its own in the [`Sections`] of its owner, so that nothing else has to know: they are saved with their
//! owner, move with it and go with it.

pub(super) mod branch_restrictions;
pub(super) mod branching_model;
pub(super) mod default_reviewers;
pub(super) mod deploy_keys;
pub(super) mod environments;
pub(super) mod hook_events;
pub(super) mod members;
pub(super) mod override_settings;
pub(super) mod permissions;
pub(super) mod pipelines_config;
pub(super) mod schedules;
pub(super) mod ssh;
pub(super) mod variables;
pub(super) mod webhooks;

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{Answer, Refusal};
use super::listing::{Call, Pages};
use super::operation::Errand;
use super::store::{Owner, Store};

/// Everything that is kept of one owner's sections: by section, and there by a number that grows, so in the order of
/// creation.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sections {
    kept: BTreeMap<String, BTreeMap<u64, Value>>,
    /// What some sections still show of the time before they were changed.
    #[serde(skip)]
    before: BTreeMap<String, Before>,
    /// When the owner was made, if that was in this life.
    #[serde(skip)]
    born: Option<Instant>,
}

/// A section as it was, and until when it shows so.
#[derive(Debug, Clone)]
struct Before {
    until: Instant,
    kept: BTreeMap<u64, Value>,
}

impl Sections {
    /// Those of an owner that is made now.
    pub(super) fn newborn() -> Self {
        Self { born: Some(Instant::now()), ..Self::default() }
    }

    /// Whether the owner is younger than this.
    fn is_younger(&self, age: Duration) -> bool {
        self.born.is_some_and(|born| born.elapsed() < age)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All of a section. What cannot be read is not there: only a hand that edits a saved state can write such a thing.
    pub(super) fn all<T: DeserializeOwned>(&self, section: &str) -> Vec<(u64, T)> {
        read(self.kept.get(section))
    }

    /// All of a section that settles late, as it shows now.
    pub(super) fn settled<T: DeserializeOwned>(&self, section: &str) -> Vec<(u64, T)> {
        match self.before.get(section) {
            Some(before) if Instant::now() < before.until => read(Some(&before.kept)),
            _ => self.all(section),
        }
    }

    /// Lets a section show what it is now for a while, whatever is changed in it meanwhile.
    fn delay(&mut self, section: &str, settling: Duration) {
        let now = Instant::now();
        if self.before.get(section).is_some_and(|before| now < before.until) {
            return;
        }
        let kept = self.kept.get(section).cloned().unwrap_or_default();
        self.before.insert(section.to_owned(), Before { until: now.checked_add(settling).unwrap_or(now), kept });
    }

    /// One thing of a section, by its number.
    pub(super) fn get<T: DeserializeOwned>(&self, section: &str, id: u64) -> Option<T> {
        T::deserialize(self.kept.get(section)?.get(&id)?).ok()
    }

    /// The first thing of a section that is as wanted.
    pub(super) fn find<T: DeserializeOwned>(&self, section: &str, is: impl Fn(&T) -> bool) -> Option<(u64, T)> {
        self.all(section).into_iter().find(|(_, item)| is(item))
    }

    /// Sets one thing of a section, new or changed.
    pub(super) fn set<T: Serialize>(&mut self, section: &str, id: u64, item: &T) -> Result<(), Refusal> {
        let kept = serde_json::to_value(item).map_err(|error| {
            Refusal::from(Answer::error(StatusCode::INTERNAL_SERVER_ERROR, &format!("cannot be kept: {error}")))
        })?;
        self.kept.entry(section.to_owned()).or_default().insert(id, kept);
        Ok(())
    }

    pub(super) fn remove(&mut self, section: &str, id: u64) {
        if let Some(kept) = self.kept.get_mut(section) {
            kept.remove(&id);
        }
    }

    /// Takes a whole section away.
    pub(super) fn clear(&mut self, section: &str) {
        self.kept.remove(section);
    }
}

fn read<T: DeserializeOwned>(kept: Option<&BTreeMap<u64, Value>>) -> Vec<(u64, T)> {
    let kept = kept.into_iter().flatten();
    kept.filter_map(|(id, item)| Some((*id, T::deserialize(item).ok()?))).collect()
}

impl Errand<'_> {
    /// Announces a change to a section that settles late, where the sandbox is told to let things settle late.
    fn delay(&self, store: &mut Store, owner: Owner, section: &str) -> Result<(), Refusal> {
        if !self.settling.is_zero() {
            store.sections_mut(owner)?.delay(section, self.settling);
        }
        Ok(())
    }

    /// Answers with one object, in the parts that `fields` asks for.
    fn show(&self, status: StatusCode, object: &Value) -> Answer {
        Answer::json(status, self.call.shape(|_| object.clone()))
    }

    /// Answers with a page of a section.
    fn page<T>(&self, items: &[T], show: impl Fn(&T) -> Value) -> Result<Answer, Refusal> {
        let page = self.call.page(items.len(), |range, _| {
            let page = items.get(range).unwrap_or_default().iter();
            page.map(&show).collect()
        })?;
        Ok(Answer::ok(page))
    }

    /// The same for a list of the Pipelines family, which says its number and nothing of how much there is: one has to
    /// ask until a page is empty (api.md §2.3).
    fn numbered_page<T>(&self, items: &[T], show: impl Fn(&T) -> Value) -> Result<Answer, Refusal> {
        let call = Call { pages: Pages::WithoutNext, ..self.call };
        Self { call, ..*self }.page(items, show)
    }
}

/// An error of Pipelines, which has its reason in `data`. Not all keys and arguments are known; those that are not have
/// the form of those that are.
fn pipelines_error(status: StatusCode, message: &str, key: &str, arguments: &Value) -> Refusal {
    let data = json!({ "key": key, "arguments": arguments });
    Refusal::from(Answer::json(status, json!({ "type": "error", "error": { "message": message, "data": data } })))
}

/// 404 for something that a section does not have.
fn missing(message: &str) -> Refusal {
    Refusal::from(Answer::error(StatusCode::NOT_FOUND, message))
}

/// 400 for one member of a body.
fn wrong(field: &str, problem: &str) -> Refusal {
    Refusal::from(Answer::invalid_field(field, problem))
}

/// 204, as every deletion ends.
fn gone() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT)
}
