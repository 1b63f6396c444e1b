//! The SSH key pair with which pipelines of a repository show who they are (api.md §5.9).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::secret::Secret;
use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Set, Shape,
    ssh_key,
};

/// The kind of [`SshKeyPairSettings`].
pub struct SshKeyPair;

/// A key pair. Its public key tells whether it is still the same.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SshKeyPairSettings {
    /// Where the private key comes from, in the form that ssh-keygen writes and without a passphrase.
    pub private_key: Secret,
    /// The public key: `ssh-ed25519 AAAA…`. A comment behind it is left out.
    #[schemars(length(min = 1))]
    pub public_key: String,
}

const FIELDS: &[Field] = &[
    Field { set: Set::Blindly, ..Field::plain("private_key", &["private_key"], Absent::Text) },
    Field { form: Form::PublicKey, ..Field::plain("public_key", &["public_key"], Absent::Text) },
];

const PATH: &[&str] = &["pipelines_config", "ssh", "key_pair"];

impl Kind for SshKeyPair {
    fn name(&self) -> &'static str {
        "SSH key pair"
    }

    fn section(&self) -> &'static str {
        "pipelines.ssh_key_pair"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(KindRef::REPOSITORY)
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn identity(&self) -> &'static str {
        "public_key"
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        SshKeyPairSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        "The SSH key pair with which pipelines show who they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        fields.text("public_key").and_then(|key| ssh_key::check("public_key", key)).into_iter().collect()
    }

    fn follows(&self) -> &'static [&'static str] {
        &["pipelines.enabled"]
    }

    fn describe(&self, fields: &Fields) -> String {
        fields.text("public_key").and_then(|key| key.split(' ').next()).unwrap_or_default().to_owned()
    }

    fn loss(&self, _action: Action) -> &'static str {
        "nobody has its private key then"
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(PATH)
    }

    fn may_be_none(&self) -> bool {
        true
    }

    fn identify<'a>(&self, _answer: &'a Value) -> Option<Cow<'a, str>> {
        None
    }

    fn holds_secret(&self, field: &Field, _answer: &Value) -> bool {
        field.name == "private_key"
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let body = Some(Value::Object(fields.to_body(FIELDS)));
        Request { method: Method::Put, path: place.parent.path(PATH), body }
    }

    /// Both halves: one does not go with the other of another pair.
    fn update(&self, place: Place<'_>, _changed: &Fields, whole: &Fields) -> Request {
        self.create(place, whole)
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: place.parent.path(PATH), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "pipeline:variable", api_token: "admin:pipeline:bitbucket" }
    }
}
