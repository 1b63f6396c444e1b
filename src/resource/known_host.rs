//! The hosts that pipelines of a repository know by their SSH keys (api.md §5.9).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape, ssh_key,
};
use crate::diagnostic::Code;

/// The kind of [`KnownHostSettings`].
pub struct KnownHost;

/// A host, and the key by which it is known. Bitbucket knows some by itself, such as github.com, and refuses those.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct KnownHostSettings {
    /// The host's name, which tells one from another.
    #[schemars(length(min = 1))]
    pub hostname: String,
    /// Its public key, as `ssh-keyscan` prints it behind the name: `ssh-ed25519 AAAA…`.
    #[schemars(length(min = 1))]
    pub key: String,
}

const FIELDS: &[Field] = &[
    Field::plain("hostname", &["hostname"], Absent::Text),
    Field { form: Form::HostKey, ..Field::plain("key", &["public_key"], Absent::Text) },
];

const PATH: [&str; 3] = ["pipelines_config", "ssh", "known_hosts"];

impl KnownHost {
    /// Without the types of both objects the answer is 400 and not a word.
    fn body(fields: &Fields) -> Value {
        let mut body = fields.to_body(FIELDS);
        body.insert("type".to_owned(), "pipeline_known_host".into());
        Value::Object(body)
    }

    fn path(place: Place<'_>) -> String {
        let [config, ssh, hosts] = PATH;
        place.parent.path(&[config, ssh, hosts, place.id])
    }
}

impl Kind for KnownHost {
    fn name(&self) -> &'static str {
        "known host"
    }

    fn section(&self) -> &'static str {
        "pipelines.known_hosts"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(KindRef::REPOSITORY)
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn identity(&self) -> &'static str {
        "hostname"
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.root_schema_for::<KnownHostSettings>()
    }

    fn summary(&self) -> &'static str {
        "Hosts that pipelines know by their SSH keys. Others stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let wrong = fields.text("key").and_then(ssh_key::wrong);
        let finding = |why| {
            Finding::error(Code::PublicKey, "key", "this is not a public key of SSH").label(why).help(ssh_key::HELP)
        };
        wrong.map(finding).into_iter().collect()
    }

    fn follows(&self) -> &'static [&'static str] {
        &["pipelines.enabled"]
    }

    fn describe(&self, fields: &Fields) -> String {
        fields.text("key").and_then(|key| key.split(' ').next()).unwrap_or_default().to_owned()
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&PATH)
    }

    fn lists_without_next(&self) -> bool {
        true
    }

    fn may_be_missing(&self) -> bool {
        true
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        answer.get("hostname")?.as_str().map(Cow::Borrowed)
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        Request { method: Method::Post, path: place.parent.path(&PATH), body: Some(Self::body(fields)) }
    }

    fn update(&self, place: Place<'_>, _changed: &Fields, whole: &Fields) -> Request {
        Request { method: Method::Put, path: Self::path(place), body: Some(Self::body(whole)) }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: Self::path(place), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "pipeline:variable", api_token: "admin:pipeline:bitbucket" }
    }
}
