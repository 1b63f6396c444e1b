//! The hosts that pipelines of a repository know by their SSH keys (api.md §5.9).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::project::quoted;
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
        KnownHostSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        "Hosts that pipelines know by their SSH keys. Others stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// A host that Bitbucket does not know by itself, and a key (api.md §5.9).
    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let host = check_host(fields.text("hostname").unwrap_or_default());
        let key = fields.text("key").and_then(|key| ssh_key::check("key", key));
        host.into_iter().chain(key).collect()
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

/// What Bitbucket was seen to know by itself, and to refuse. It may know more.
const ITS_OWN: [&str; 1] = ["github.com"];

fn check_host(name: &str) -> Option<Finding> {
    if ITS_OWN.iter().any(|host| host.eq_ignore_ascii_case(name)) {
        return Some(
            Finding::error(Code::OwnHost, "hostname", format!("Bitbucket knows {} by itself", quoted(name)))
                .label("and refuses another key for it")
                .help("leave this host out"),
        );
    }
    // With a port it is `[name]:2222`.
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if !name.is_empty() && name.chars().all(fits) {
        return None;
    }
    let wrong = Finding::error(Code::HostName, "hostname", format!("{} names no host", quoted(name)));
    if name.starts_with("|1|") {
        return Some(wrong.label("hashed: nobody can tell which host it is").help("write the name itself"));
    }
    let bare = name.rsplit("://").next().unwrap_or_default().split(['/', ',', ' ']).next().unwrap_or_default();
    let bare = bare.rsplit('@').next().unwrap_or_default();
    let wrong = wrong.label("the name alone, without a user, a path, or other names");
    Some(if !bare.is_empty() && bare.chars().all(fits) {
        wrong.help(format!("write `hostname: {bare}`"))
    } else {
        wrong
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_alone() {
        for good in ["git.example.com", "10.0.0.1", "[git.example.com]:2222", "::1", "intern"] {
            assert_eq!(check_host(good), None, "{good}");
        }
        for (bad, near) in [
            ("ssh://git@git.example.com/x", "git.example.com"),
            ("git.example.com,10.0.0.1", "git.example.com"),
            ("git@example.com", "example.com"),
            ("a b", "a"),
        ] {
            assert_eq!(check_host(bad).unwrap().help, Some(format!("write `hostname: {near}`")), "{bad}");
        }
        assert_eq!(check_host("GitHub.com").unwrap().code, Code::OwnHost);
        assert!(check_host("|1|abc=|def=").is_some() && check_host("").is_some());
    }
}
