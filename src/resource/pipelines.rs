//! Whether Pipelines runs for a repository (api.md §5.8).

use std::borrow::Cow;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::{Absent, Action, Field, Fields, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape};

/// The switch. Whoever turns it on for the first time gets environments as well.
pub struct Pipelines;

const FIELDS: &[Field] = &[Field::plain("enabled", &["enabled"], Absent::False)];

impl Pipelines {
    fn put(place: Place<'_>, fields: &Fields) -> Request {
        let body = Some(Value::Object(fields.to_body(FIELDS)));
        Request { method: Method::Put, path: place.parent.path(&["pipelines_config"]), body }
    }
}

impl Kind for Pipelines {
    fn name(&self) -> &'static str {
        "pipelines"
    }

    fn section(&self) -> &'static str {
        "pipelines.enabled"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(KindRef::REPOSITORY)
    }

    fn shape(&self) -> Shape {
        Shape::Value("enabled")
    }

    fn identity(&self) -> &'static str {
        "enabled"
    }

    fn settings(&self, _generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "boolean"})
    }

    fn summary(&self) -> &'static str {
        "Whether pipelines run. The first time that they may, the environments Test, Staging and Production come with it."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn describe(&self, fields: &Fields) -> String {
        match fields.flag("enabled") {
            Some(true) => "enabled".to_owned(),
            Some(false) => "disabled".to_owned(),
            None => String::new(),
        }
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["pipelines_config"])
    }

    fn may_be_missing(&self) -> bool {
        true
    }

    fn identify<'a>(&self, _answer: &'a Value) -> Option<Cow<'a, str>> {
        None
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        Self::put(place, fields)
    }

    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        Self::put(place, changed)
    }

    /// Whoever reads it right after a change may see what was before (api.md §6).
    fn reads_back(&self, _action: Action) -> bool {
        true
    }

    /// There is nothing to delete: it is switched off.
    fn delete(&self, place: Place<'_>) -> Request {
        let off: Fields = [("enabled", Value::Bool(false))].into_iter().collect();
        Self::put(place, &off)
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "repository:admin", api_token: "admin:repository:bitbucket" }
    }
}
