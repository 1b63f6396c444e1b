//! Where a repository is deployed to (api.md §5.9).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{
    Absent, Action, Field, Fields, Finding, Kind, KindRef, Method, Parent, Place, Request, Scopes, Set, Shape,
};
use crate::diagnostic::Code;

/// The kind of [`EnvironmentSettings`].
pub struct Environment;

/// The types, which are also the names of the environments that every repository with Pipelines has.
const TYPES: [&str; 3] = ["Test", "Staging", "Production"];

/// An environment, with variables of its own.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EnvironmentSettings {
    /// Its name, which tells one environment from another.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What it is for. It cannot be changed: an environment of another type is made anew, and its variables go.
    #[schemars(rename = "type")]
    pub kind: Option<EnvironmentType>,
    /// Whether only administrators may deploy to it.
    pub admin_only: Option<bool>,
}

/// What an environment is for, in the order in which a version goes through them.
#[derive(Debug, JsonSchema)]
#[schemars(inline)]
pub enum EnvironmentType {
    /// To try things.
    Test,
    /// To try a release.
    Staging,
    /// What others use.
    Production,
}

const FIELDS: &[Field] = &[
    Field::plain("name", &["name"], Absent::Text),
    Field { set: Set::Once, ..Field::plain("type", &["environment_type", "name"], Absent::Null) },
    Field::plain("admin_only", &["restrictions", "admin_only"], Absent::False),
];

impl Kind for Environment {
    fn name(&self) -> &'static str {
        "environment"
    }

    fn section(&self) -> &'static str {
        "environments"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(KindRef::REPOSITORY)
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn identity(&self) -> &'static str {
        "name"
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        EnvironmentSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        "The environments that are deployed to. Others stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, id: &str, fields: &Fields) -> Vec<Finding> {
        if fields.get("type").is_some() || TYPES.contains(&id) {
            return Vec::new();
        }
        let lacks = Finding::error(Code::EnvironmentType, "name", format!("the environment `{id}` needs a type"));
        vec![lacks.label("its name is none").help("add `type: Test`, `type: Staging` or `type: Production`")]
    }

    fn follows(&self) -> &'static [&'static str] {
        &["pipelines.enabled"]
    }

    fn describe(&self, fields: &Fields) -> String {
        let own = fields.text("type").filter(|own| fields.text("name") != Some(own)).map(|own| format!("type {own}"));
        let limited = fields.flag("admin_only").unwrap_or_default().then(|| "for administrators only".to_owned());
        own.into_iter().chain(limited).collect::<Vec<_>>().join(", ")
    }

    fn loss(&self, _action: Action) -> &'static str {
        "its variables go with it"
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["environments"])
    }

    fn lists_without_next(&self) -> bool {
        true
    }

    fn may_be_missing(&self) -> bool {
        true
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        answer.get("name")?.as_str().map(Cow::Borrowed)
    }

    /// With Pipelines come three.
    fn comes_by_itself(&self, id: &str, fields: &Fields) -> bool {
        TYPES.contains(&id) && fields.text("type") == Some(id) && fields.flag("admin_only") != Some(true)
    }

    /// One that is named like a type is of that.
    fn goes_without_saying(&self, id: &str, field: &Field, fields: &Fields) -> bool {
        match field.name {
            "type" => fields.text("type") == Some(id),
            _ => fields.get(field.name).is_none_or(|value| *value == field.absent.value()),
        }
    }

    /// Whoever switches Pipelines on gets some that the plan has not seen.
    fn comes_unfinished(&self) -> bool {
        true
    }

    /// One that came by itself is looked up once it is refused, and changed and looked at if it differs.
    fn requests_to_finish(&self, id: &str, fields: &Fields) -> usize {
        match (TYPES.contains(&id), fields.flag("admin_only")) {
            (true, Some(true)) => 3,
            (true, _) => 1,
            (false, _) => 0,
        }
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let mut body = fields.to_body(FIELDS);
        // The name is a type, or there would be one.
        body.entry("environment_type").or_insert_with(|| json!({"name": place.address.id()}));
        if let Some(restrictions) = body.get_mut("restrictions") {
            restrictions["type"] = "deployment_restrictions_configuration".into();
        }
        Request { method: Method::Post, path: place.parent.path(&["environments"]), body: Some(Value::Object(body)) }
    }

    /// A change is asked for, and queued. Only this one is known to be possible.
    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        let body = Some(json!({"change": changed.to_body(FIELDS)}));
        Request { method: Method::Post, path: place.parent.path(&["environments", place.id, "changes"]) + "/", body }
    }

    fn reads_back(&self, action: Action) -> bool {
        action == Action::Update
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: place.parent.path(&["environments", place.id]), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "pipeline", api_token: "admin:pipeline:bitbucket" }
    }
}
