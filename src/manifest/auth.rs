//! `auth` under a workspace: which kind of credential it takes, and where each part of it comes from.

use serde_json::{Map, Value as Json, json};

use super::node::{Node, Tree};
use super::secret::{self, Source};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span};

/// A workspace's own credential, before anything of it is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Where it stands.
    pub span: Span,
    /// Its parts, in the order of their names.
    pub parts: Vec<Part>,
}

/// One part of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its key in the manifest.
    pub name: &'static str,
    /// Where its value stands, or the name of what holds it.
    pub span: Span,
    /// What stands there.
    pub value: Value,
}

/// The value of a part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// No secret: the value itself.
    Text(String),
    /// To be fetched.
    From(Source),
}

/// The parts that make a credential, for each kind.
const KINDS: [&[&str]; 5] = [
    &["access_token"],
    &["email", "api_token"],
    &["client_id", "client_secret"],
    &["client_id", "client_secret", "username", "password"],
    &["client_id", "client_secret", "refresh_token"],
];

/// The keys in the order of their names, each with what it is and whether it is a secret.
const PARTS: [(&str, bool, &str); 8] = [
    (
        "access_token",
        true,
        "An access token of the workspace, a project or a repository, or an OAuth token got elsewhere.",
    ),
    ("api_token", true, "An Atlassian API token; it takes `email` as well."),
    ("client_id", false, "The key of an OAuth consumer; it takes `client_secret` as well."),
    ("client_secret", true, "The secret of an OAuth consumer."),
    ("email", false, "The e-mail address of the Atlassian account that owns `api_token`."),
    (
        "password",
        true,
        "The password for `username`: the resource owner password grant, which Bitbucket documents as retired.",
    ),
    ("refresh_token", true, "A refresh token of the OAuth consumer. From a file, its successor is written back there."),
    ("username", false, "Whom the OAuth consumer acts for."),
];

/// The JSON Schema of `auth`.
#[must_use]
pub(super) fn schema() -> Json {
    let mut properties = Map::new();
    for (name, is_secret, description) in PARTS {
        let schema = if is_secret { secret::schema(description) } else { secret::plain_schema(description) };
        properties.insert(name.to_owned(), schema);
    }
    json!({
        "description": format!(
            "The credential for this workspace, in place of the one of the run: {}.",
            forms().replace('`', "").replacen("write ", "", 1)
        ),
        "type": "object",
        "writeOnly": true,
        "additionalProperties": false,
        "minProperties": 1,
        "properties": properties,
    })
}

impl Auth {
    /// Reads what the schema has found sound. Nothing if a part cannot be read, which is reported.
    pub(super) fn read(node: &Node, sources: &Sources, found: &mut Diagnostics) -> Option<Self> {
        let parts = PARTS.iter().filter_map(|(name, ..)| Some((*name, node.get(name)?)));
        let parts = parts.map(|(name, value)| {
            let span = match &value.tree {
                Tree::Map(entries) => entries.first().map_or(value.span, |(_, from)| from.span),
                _ => value.span,
            };
            let value = match value.text() {
                Some(text) => Value::Text(text.to_owned()),
                None => Value::From(secret::read(name, value, sources, found)?),
            };
            Some(Part { name, span, value })
        });
        // All of them, so that everything that is wrong is reported.
        let parts: Vec<_> = parts.collect();
        Some(Self { span: node.span, parts: parts.into_iter().collect::<Option<_>>()? })
    }

    /// Whether another place says the same.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let said = |auth: &Self| auth.parts.iter().map(|part| (part.name, part.value.clone())).collect::<Vec<_>>();
        said(self) == said(other)
    }

    /// What is wrong with the parts that stand together.
    pub(super) fn check(&self) -> Option<Diagnostic> {
        let has = |name: &str| self.parts.iter().any(|part| part.name == name);
        let fits = |kind: &&&[&str]| self.parts.iter().all(|part| kind.contains(&part.name));
        let lacks = |kind: &[&'static str]| kind.iter().copied().filter(|name| !has(name)).collect::<Vec<_>>();
        let nearest = KINDS.iter().filter(fits).min_by_key(|kind| lacks(kind).len());
        let Some(kind) = nearest.filter(|_| !self.parts.is_empty()) else {
            let names: Vec<_> = self.parts.iter().map(|part| format!("`{}`", part.name)).collect();
            let message = match names.as_slice() {
                [] => "this `auth` names no credential".to_owned(),
                names => format!("{} do not go together", names.join(", ")),
            };
            return Some(
                Diagnostic::error(Code::CredentialParts, self.span, message)
                    .label("one kind of credential")
                    .help(forms()),
            );
        };
        let lacking: Vec<_> = lacks(kind).iter().map(|name| format!("`{name}`")).collect();
        let message = format!("this credential lacks {}", lacking.join(" and "));
        (!lacking.is_empty())
            .then(|| Diagnostic::error(Code::CredentialParts, self.span, message).label("not enough for one"))
    }
}

fn forms() -> &'static str {
    "write `access_token`, or `email` and `api_token`, or `client_id` and `client_secret`, alone or with `username` and \
     `password`, or with `refresh_token`"
}
