//! Projects: the groups that a workspace's repositories belong to (api.md §4).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::address::path;
use super::{
    Absent, Action, Address, Field, Fields, Finding, IdentityRule, Kind, Method, Order, Parent, Place, Request, Scopes,
};
use crate::diagnostic::Code;

/// The kind of [`ProjectSettings`].
pub struct Project;

/// What a manifest can say about a project. What it does not mention stays as it is.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ProjectSettings {
    /// The name people see. A new project without one is named like its key.
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// What the project is for.
    pub description: Option<String>,
    /// Whether only people with access see it. A private project cannot hold public repositories.
    pub is_private: Option<bool>,
}

/// Believed, not documented (api.md §4).
const LONGEST_KEY: usize = 40;

const FIELDS: &[Field] = &[
    Field::plain("name", &["name"], Absent::Text),
    Field::plain("description", &["description"], Absent::Text),
    // Always read: whether repositories in it may be public depends on it.
    Field { always: true, ..Field::plain("is_private", &["is_private"], Absent::Null) },
];

impl Kind for Project {
    fn name(&self) -> &'static str {
        "project"
    }

    fn section(&self) -> &'static str {
        "projects"
    }

    fn identity(&self) -> &'static str {
        "key"
    }

    fn summary(&self) -> &'static str {
        "A project. Repositories name it by its key."
    }

    fn identity_rule(&self) -> IdentityRule {
        IdentityRule {
            description: "The key: a letter, then letters, digits and underscores. Usually in upper case.",
            pattern: "^[A-Za-z][A-Za-z0-9_]*$",
            longest: LONGEST_KEY,
        }
    }

    /// Key rule: api.md §4.
    fn check_identity(&self, id: &str) -> Result<(), Finding> {
        let valid = id.starts_with(|first: char| first.is_ascii_alphabetic())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if valid && id.len() <= LONGEST_KEY {
            return Ok(());
        }
        let finding = Finding::error(Code::ProjectKey, "key", format!("{} cannot be a project key", quoted(id)));
        if valid {
            return Err(finding.label(format!("{} characters; {LONGEST_KEY} are allowed", id.len())));
        }
        let near: String = id
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .skip_while(|c| !c.is_ascii_alphabetic())
            .take(LONGEST_KEY)
            .collect();
        let finding = finding.label("a letter first, then letters, digits and underscores (A-Z, a-z, 0-9, _)");
        Err(if near.is_empty() { finding } else { finding.help(format!("write `key: {near}`")) })
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        ProjectSettings::json_schema(generator)
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// A project turns private only when no public repository is left in it, goes only when it is empty, and must be public
    /// before a repository in it can be (api.md §4).
    fn order(&self, action: Action, changed: &Fields) -> Order {
        match (action, changed.flag("is_private")) {
            (Action::Create, _) | (Action::Update, Some(false)) => Order::Before,
            (Action::Delete, _) | (Action::Update, Some(true)) => Order::After,
            (Action::Update, None) | (Action::Replace, _) => Order::Whenever,
        }
    }

    fn alarm(&self, action: Action, changed: &Fields) -> Option<&'static str> {
        becomes_public(action, changed)
    }

    fn describe(&self, fields: &Fields) -> String {
        [fields.text("name").map(str::to_owned), privacy(fields)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn loss(&self, _action: Action) -> &'static str {
        "must be empty"
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["projects"])
    }

    fn item(&self, address: &Address) -> Option<String> {
        Some(path(&["workspaces", address.workspace(), "projects", address.id()]))
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        answer.get("key")?.as_str().map(Cow::Borrowed)
    }

    fn is_its_own(&self, field: &str) -> bool {
        matches!(field, "name" | "description")
    }

    fn goes_without_saying(&self, id: &str, field: &Field, fields: &Fields) -> bool {
        let value = fields.get(field.name);
        field.name == "name" && value.and_then(Value::as_str) == Some(id)
            || value.is_none_or(|value| *value == field.absent.value())
    }

    /// `name` is required; `type` and other keys are refused (api.md §2.1).
    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let mut body = fields.to_body(FIELDS);
        body.insert("key".to_owned(), place.address.id().into());
        body.entry("name").or_insert_with(|| place.address.id().into());
        Request { method: Method::Post, path: self.list(place.parent), body: Some(Value::Object(body)) }
    }

    /// By key, which was just read: the API names no other path. A `key` in the body would rename the project.
    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        let body = Some(Value::Object(changed.to_body(FIELDS)));
        Request { method: Method::Put, path: Parent::Object(place.address, place.id).path(&[]), body }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: Parent::Object(place.address, place.id).path(&[]), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "project:admin", api_token: "admin:project:bitbucket" }
    }
}

/// A name in quotes, shortened: a name can be as long as somebody's mistake.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().count() > 70 {
        return format!("{:?}", format!("{}…", text.chars().take(60).collect::<String>()));
    }
    format!("{text:?}")
}

/// What is said of something that is about to be seen by everybody.
pub(super) fn becomes_public(action: Action, changed: &Fields) -> Option<&'static str> {
    (action == Action::Update && changed.flag("is_private") == Some(false)).then_some("becomes public")
}

/// Private or public, if it is said.
pub(super) fn privacy(fields: &Fields) -> Option<String> {
    Some(if fields.flag("is_private")? { "private" } else { "public" }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_bitbuckets_rule() {
        for key in ["PAY", "Atlassian1", "a_B_9"] {
            assert_eq!(Project.check_identity(key), Ok(()), "{key}");
        }
        for (key, help) in [("1A", "A"), ("PAY-2", "PAY_2"), ("pay me", "PAY_ME"), ("_X", "X")] {
            let finding = Project.check_identity(key).unwrap_err();
            assert_eq!(finding.help, Some(format!("write `key: {help}`")), "{key}");
        }
        assert!(Project.check_identity("").is_err());
        assert!(Project.check_identity(&"A".repeat(41)).is_err());
    }
}
