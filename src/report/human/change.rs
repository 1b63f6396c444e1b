//! Plan → text: what a person has to know of one change.

use std::sync::Arc;

use serde_json::Value;

use super::layout::{WIDTH, cut, length};
use crate::output::{ADDED, ALARM, CHANGED, REMOVED, printable, styled};
use crate::plan::{Change, FieldChange};
use crate::resource::secret::Source;
use crate::resource::{Action, Fields};

/// How much a person should look at it, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Danger {
    Alarm,
    Delete,
    Replace,
    Update,
    Create,
}

impl Danger {
    pub fn of(change: &Change) -> Self {
        match change.action {
            _ if change.alarm().is_some() => Self::Alarm,
            Action::Delete => Self::Delete,
            Action::Replace => Self::Replace,
            Action::Update => Self::Update,
            Action::Create => Self::Create,
        }
    }

    /// Whether it may stand in a line together with others that are alike.
    pub fn folds(self) -> bool {
        self >= Self::Update
    }

    pub fn sign(self) -> String {
        match self {
            Self::Alarm => styled(ALARM, "!"),
            Self::Delete => styled(REMOVED, "-"),
            Self::Replace => styled(REMOVED, "±"),
            Self::Update => styled(CHANGED, "~"),
            Self::Create => styled(ADDED, "+"),
        }
    }
}

/// A few words about a change.
pub(super) fn summary(change: &Change) -> String {
    let kind = change.address.kind();
    let words = match change.action {
        Action::Create => kind.describe(&change.target()),
        Action::Delete => {
            let was = kind.describe(&change.origin());
            let was = if was.is_empty() { was } else { format!(": {was}") };
            let loss = Some(kind.loss(change.action)).filter(|loss| !loss.is_empty());
            let loss = loss.map_or(String::new(), |loss| format!(", {loss}"));
            format!("{}{was}{loss}", if change.is_removal() { "removed" } else { "deleted" })
        }
        Action::Replace => match kind.loss(change.action) {
            "" => "deleted and created anew".to_owned(),
            loss => format!("deleted and created anew, {loss}"),
        },
        Action::Update => match change.alarm() {
            Some(alarm) => alarm.to_owned(),
            None => change.fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", "),
        },
    };
    printable(&words)
}

/// Why, if that is said.
pub(super) fn aside(change: &Change) -> String {
    change.reason.as_ref().map_or(String::new(), |reason| format!("({})", printable(reason)))
}

/// A field and what becomes of it.
#[derive(Debug, PartialEq)]
pub(super) struct Detail {
    pub name: &'static str,
    /// What it is; nothing for a new object.
    pub from: Option<String>,
    pub to: String,
}

/// Old and new of an update; of a new object only what its line does not say, and only on request.
pub(super) fn details(change: &Change, whole: bool) -> Vec<Detail> {
    let fields = change.fields.iter();
    match change.action {
        Action::Create if whole => {
            let said = change.address.kind().describe(&change.target());
            let unsaid = fields.filter(|field| {
                let alone: Fields = [(field.name, Arc::clone(&field.to))].into_iter().collect();
                let words = change.address.kind().describe(&alone);
                words.is_empty() || !said.contains(&words)
            });
            unsaid.map(|field| Detail { name: field.name, from: None, to: shown(&field.to) }).collect()
        }
        Action::Delete if whole => {
            fields.map(|field| Detail { name: field.name, from: None, to: shown(&field.from) }).collect()
        }
        Action::Create | Action::Delete => Vec::new(),
        Action::Update | Action::Replace => {
            let from = |field: &FieldChange| match change.address.kind().is_secret(field.name, &field.to) {
                true => "unseen".to_owned(),
                false => shown(&field.from),
            };
            fields.map(|field| Detail { name: field.name, from: Some(from(field)), to: shown(&field.to) }).collect()
        }
    }
}

impl Detail {
    /// On one line.
    pub fn line(&self) -> String {
        let from = self.from.as_ref().map_or(String::new(), |from| format!("{from} → "));
        format!("{from}{}", self.to)
    }

    /// On one line if that is wide enough or every character is wanted, and on two otherwise, cut to what they can hold.
    pub fn lines(&self, indent: usize, whole: bool) -> Vec<String> {
        let room = WIDTH.saturating_sub(indent + 2);
        let line = self.line();
        match &self.from {
            _ if whole || length(&line) <= room => vec![format!("  {line}")],
            None => vec![format!("  {}", cut(&self.to, room))],
            Some(from) => vec![format!("  {}", cut(from, room)), format!("→ {}", cut(&self.to, room))],
        }
    }
}

/// A value as a person reads it: text in quotes only where its bounds would not be seen otherwise.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => {
            let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
            if plain { text.clone() } else { format!("\"{}\"", printable(text)) }
        }
        other => printable(&Source::from_json(other).map_or_else(|| other.to_string(), |from| from.to_string())),
    }
}
