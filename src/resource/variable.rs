//! What pipelines are told: the variables of repositories, workspaces and environments (api.md §5.8).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::secret::{FORMS, TextOrSecret};
use super::{
    Absent, Action, Field, Fields, Finding, Kind, KindRef, Method, Parent, Place, Request, Scopes, Set, Shape, address,
};
use crate::diagnostic::Code;
use crate::masked::looks_secret;

/// The kind of [`VariableSettings`].
pub struct Variable {
    parent: Option<KindRef>,
}

/// Variables of a repository.
pub static OF_REPOSITORY: Variable = Variable { parent: Some(KindRef::REPOSITORY) };
/// Variables of a workspace: all its repositories are told them.
pub static OF_WORKSPACE: Variable = Variable { parent: None };
/// Variables of an environment: only deployments to it are told them.
pub static OF_ENVIRONMENT: Variable = Variable { parent: Some(KindRef::ENVIRONMENT) };

/// A variable. The value of a secured one is a secret: it is said where that comes from.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(extend("if" = {"required": ["secured"], "properties": {"secured": {"const": true}}}))]
#[schemars(extend("then" = {"properties": {"value": {"type": "object"}}}))]
#[schemars(extend("else" = {"properties": {"value": {"type": "string"}}}))]
pub struct VariableSettings {
    /// Its name, which tells one variable from another.
    #[schemars(regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub key: String,
    /// What it says. Of a secured variable, where that comes from.
    pub value: TextOrSecret,
    /// Whether nobody sees the value again, neither in the log of a pipeline nor here: `false` if it is not said.
    pub secured: Option<bool>,
}

const FIELDS: &[Field] = &[
    Field::plain("key", &["key"], Absent::Text),
    Field { set: Set::Blindly, ..Field::plain("value", &["value"], Absent::Text) },
    Field { implied: true, ..Field::plain("secured", &["secured"], Absent::False) },
];

impl Variable {
    /// Workspaces write a hyphen where repositories write an underscore, and environments are configured elsewhere.
    fn path(&self, parent: Parent<'_>, more: &[&str]) -> String {
        match parent {
            Parent::Workspace(_) => parent.path(&["pipelines-config", "variables"]) + &address::path(more),
            Parent::Object(environment, id) if self.parent == Some(KindRef::ENVIRONMENT) => {
                let repository: Vec<_> = environment.parent().split('/').collect();
                let path = address::path(&["repositories"]) + &address::path(&repository);
                path + &address::path(&["deployments_config", "environments", id, "variables"]) + &address::path(more)
            }
            Parent::Object(..) => parent.path(&["pipelines_config", "variables"]) + &address::path(more),
        }
    }
}

impl Kind for Variable {
    fn name(&self) -> &'static str {
        "variable"
    }

    fn section(&self) -> &'static str {
        if self.parent == Some(KindRef::ENVIRONMENT) { "variables" } else { "pipelines.variables" }
    }

    fn parent(&self) -> Option<KindRef> {
        self.parent
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn identity(&self) -> &'static str {
        "key"
    }

    fn check_identity(&self, id: &str) -> Result<(), Finding> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let wrong = Finding::error(Code::VariableKey, "key", "this cannot be the key of a variable");
        match id.as_bytes() {
            [] => Err(wrong.label("it is empty")),
            [first, ..] if first.is_ascii_digit() => Err(wrong.label("it begins with a digit")),
            bytes if bytes.iter().copied().all(plain) => Ok(()),
            _ => {
                let near: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
                Err(wrong.label("letters, digits and `_`").help(format!("perhaps `{near}`")))
            }
        }
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        VariableSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        match self.parent {
            None => "Variables that pipelines of all repositories are told. Others stay as they are.",
            Some(KindRef::ENVIRONMENT) => "Variables that deployments here are told. Others stay as they are.",
            Some(_) => "Variables that pipelines are told. Others stay as they are.",
        }
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// What is secured is a secret, and what is not is none (api.md §5.8).
    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let secured = fields.flag("secured") == Some(true);
        let finding = match fields.get("value") {
            Some(Value::String(_)) if secured => Finding::error(
                Code::WrittenSecret,
                "value",
                "the value of a secured variable is a secret, and a manifest holds none",
            )
            .label("not shown here")
            .help(format!("write where it comes from: {FORMS}; and put a new secret in the place of this one")),
            Some(Value::Object(_)) if !secured => {
                Finding::error(Code::NotSecured, "value", "only a secured variable takes its value from elsewhere")
                    .label("this variable is not secured")
                    .help("add `secured: true`, or write the value itself")
            }
            Some(Value::String(text)) if looks_secret(text) => Finding::warning(
                Code::LooksSecret,
                "value",
                "this looks like a secret, and the variable is not secured",
            )
            .label("not shown here")
            .help(format!("add `secured: true`, and write where it comes from: {FORMS}")),
            _ => return Vec::new(),
        };
        vec![finding]
    }

    /// What was a secret does not become plain (api.md §5.8).
    fn replaces(&self, field: &str, from: &Value, to: &Value) -> bool {
        field == "secured" && *from == Value::Bool(true) && *to == Value::Bool(false)
    }

    fn follows(&self) -> &'static [&'static str] {
        &["pipelines.enabled", "environments"]
    }

    fn describe(&self, fields: &Fields) -> String {
        match fields.flag("secured") {
            Some(true) => "secured".to_owned(),
            _ => fields.text("value").unwrap_or_default().to_owned(),
        }
    }

    fn list(&self, parent: Parent<'_>) -> String {
        self.path(parent, &[])
    }

    fn lists_without_next(&self) -> bool {
        true
    }

    /// An environment that is there has a list, be it empty.
    fn may_be_missing(&self) -> bool {
        self.parent == Some(KindRef::REPOSITORY)
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        answer.get("key")?.as_str().map(Cow::Borrowed)
    }

    fn holds_secret(&self, field: &Field, answer: &Value) -> bool {
        field.name == "value" && answer.get("secured") == Some(&Value::Bool(true))
    }

    fn goes_without_saying(&self, _id: &str, field: &Field, fields: &Fields) -> bool {
        field.name == "secured" && fields.flag("secured") != Some(true)
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let body = Some(Value::Object(fields.to_body(FIELDS)));
        Request { method: Method::Post, path: self.path(place.parent, &[]), body }
    }

    /// All of it: the value of a variable that gets secured is fetched anew.
    fn update(&self, place: Place<'_>, _changed: &Fields, whole: &Fields) -> Request {
        let body = Some(Value::Object(whole.to_body(FIELDS)));
        Request { method: Method::Put, path: self.path(place.parent, &[place.id]), body }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: self.path(place.parent, &[place.id]), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "pipeline:variable", api_token: "admin:pipeline:bitbucket" }
    }
}
