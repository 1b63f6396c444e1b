//! What a repository has from its project: one switch a setting (api.md §5.4).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::{Absent, Action, Field, Fields, Finding, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape};
use crate::diagnostic::Code;

/// The kind of [`InheritanceSettings`].
pub struct Inheritance;

/// What a manifest can say about what a repository inherits. What it does not mention stays as it is.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct InheritanceSettings {
    /// Whether the branching model is the project's (`true`) or the repository's own (`false`). Unverified: Bitbucket
    /// does not document which of the two `true` means, and this is what most of the evidence says. Look at one
    /// repository in the web before relying on it.
    pub branching_model: Option<bool>,
    /// Whether the default merge strategy is the project's (`true`) or the repository's own (`false`). Unverified, as
    /// for `branching_model`. The strategy itself can be set only in the web.
    pub default_merge_strategy: Option<bool>,
}

const FIELDS: &[Field] = &[
    Field::plain("branching_model", &["branching_model"], Absent::False),
    Field::plain("default_merge_strategy", &["default_merge_strategy"], Absent::False),
];

impl Kind for Inheritance {
    fn name(&self) -> &'static str {
        "inheritance"
    }

    fn section(&self) -> &'static str {
        "inherit"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(KindRef::REPOSITORY)
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn identity(&self) -> &'static str {
        ""
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        InheritanceSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        "What the repository inherits from its project. What is not said of it stays as it is."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// As far as is known of what `true` means.
    fn makes_void(&self, fields: &Fields) -> Option<(&'static str, Finding)> {
        let inherits = fields.flag("branching_model") == Some(true);
        inherits.then(|| {
            let message = "the repository inherits its branching model, and has one of its own in the manifest";
            let finding = Finding::warning(Code::WithoutEffect, "branching_model", message)
                .label("with this the project's model counts, as far as is known")
                .help("leave `branching_model` out of the repository, or write `inherit: {branching_model: false}`");
            ("branching_model", finding)
        })
    }

    /// A change to the branching model once ended its inheritance, and the document still says so (api.md §5.3).
    fn follows(&self) -> &'static [&'static str] {
        &["branching_model"]
    }

    fn describe(&self, fields: &Fields) -> String {
        let inherited = fields.iter().filter(|(_, value)| value.as_bool() == Some(true)).map(|(name, _)| name);
        inherited.collect::<Vec<_>>().join(", ")
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["override-settings"])
    }

    fn identify<'a>(&self, _answer: &'a Value) -> Option<Cow<'a, str>> {
        Some(Cow::Borrowed(""))
    }

    /// The document has the switches in a wrapper, which a client has not seen.
    fn read(&self, field: &Field, answer: &Value, wanted: Option<&Value>) -> Value {
        field.read(answer.get("override_settings").unwrap_or(answer), wanted)
    }

    /// A new repository shows `true`.
    fn goes_without_saying(&self, _id: &str, field: &Field, fields: &Fields) -> bool {
        fields.flag(field.name) != Some(false)
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        self.update(place, fields, fields)
    }

    /// At the top of the body, whatever the document says of a wrapper. What is not sent stays.
    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        let body = Some(Value::Object(changed.to_body(FIELDS)));
        Request { method: Method::Put, path: self.list(place.parent), body }
    }

    /// The answer is empty.
    fn reads_back(&self, _action: Action) -> bool {
        true
    }

    /// Never asked for: there is one in each.
    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: self.list(place.parent), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "repository:admin", api_token: "admin:repository:bitbucket" }
    }
}
