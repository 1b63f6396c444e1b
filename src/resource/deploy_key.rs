//! Keys that may read a repository, or all repositories of a project, over Git (api.md §5.7).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::fields::material;
use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Set, Shape,
    ssh_key,
};

/// The kind of [`DeployKeySettings`].
pub struct DeployKey {
    parent: KindRef,
}

/// Those of a repository.
pub static OF_REPOSITORY: DeployKey = DeployKey { parent: KindRef::REPOSITORY };
/// Those of a project.
pub static OF_PROJECT: DeployKey = DeployKey { parent: KindRef::PROJECT };

/// A key that may read over Git. The key itself, without its comment, tells one from another.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DeployKeySettings {
    /// The public key as it stands in its file: `ssh-ed25519 AAAA… comment`. The comment makes no difference.
    #[schemars(length(min = 1))]
    pub key: String,
    /// What it is for. Bitbucket cannot change it: with another label the key is deleted and created anew.
    pub label: Option<String>,
}

const FIELDS: &[Field] = &[
    Field { form: Form::PublicKey, set: Set::Once, ..Field::plain("key", &["key"], Absent::Text) },
    Field { set: Set::Once, ..Field::plain("label", &["label"], Absent::Text) },
];

/// How much of a key's end is enough to tell it from all others: all that is not the same in every key of Ed25519.
const TELLING: usize = 43;

/// `ssh-ed25519 …` with the end of the base64: the whole of some keys fills several lines.
fn short(key: &str) -> String {
    let material = material(key);
    let (kind, base64) = material.split_once(' ').unwrap_or((&material, ""));
    let from = base64.len().saturating_sub(TELLING);
    format!("{kind} {}", base64.get(from..).unwrap_or(base64))
}

impl DeployKey {
    fn path(place: Place<'_>) -> String {
        place.parent.path(&["deploy-keys", place.id])
    }
}

impl Kind for DeployKey {
    fn name(&self) -> &'static str {
        "deploy key"
    }

    fn section(&self) -> &'static str {
        "deploy_keys"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(self.parent)
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn identity(&self) -> &'static str {
        "key"
    }

    fn identity_of(&self, fields: &Fields) -> String {
        fields.text("key").map(short).unwrap_or_default()
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        DeployKeySettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        if self.parent == KindRef::PROJECT {
            return "Keys that may read all repositories of the project over Git. Others stay as they are.";
        }
        "Keys that may read the repository over Git. Others stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        fields.text("key").and_then(|key| ssh_key::check("key", key)).into_iter().collect()
    }

    fn describe(&self, fields: &Fields) -> String {
        fields.text("label").unwrap_or_default().to_owned()
    }

    fn loss(&self, action: Action) -> &'static str {
        if action == Action::Replace { "and does not work in between" } else { "" }
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["deploy-keys"])
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        Some(Cow::Owned(short(answer.get("key")?.as_str()?)))
    }

    fn server_id(&self, answer: &Value) -> Option<String> {
        answer.get("id")?.as_u64().map(|id| id.to_string())
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let body = Some(Value::Object(fields.to_body(FIELDS)));
        Request { method: Method::Post, path: self.list(place.parent), body }
    }

    /// Never asked for: the documented PUT is answered 400 whatever is sent, and a project has none.
    fn update(&self, place: Place<'_>, _changed: &Fields, whole: &Fields) -> Request {
        let body = Some(Value::Object(whole.to_body(FIELDS)));
        Request { method: Method::Put, path: Self::path(place), body }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: Self::path(place), body: None }
    }

    fn scopes(&self, action: Action) -> Scopes {
        let deletes = action == Action::Delete;
        if self.parent == KindRef::PROJECT {
            return Scopes {
                classic: "project project:admin",
                api_token: if deletes {
                    "admin:project:bitbucket delete:ssh-key:bitbucket"
                } else {
                    "admin:project:bitbucket write:ssh-key:bitbucket"
                },
            };
        }
        Scopes {
            classic: "repository repository:admin",
            api_token: if deletes {
                "admin:repository:bitbucket delete:ssh-key:bitbucket"
            } else {
                "admin:repository:bitbucket write:ssh-key:bitbucket"
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq";

    #[test]
    fn keys_are_told_apart_without_their_comments() {
        assert_eq!(short(KEY), "ssh-ed25519 JWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq");
        assert_eq!(short(&format!("  {KEY}   me@here there")), short(KEY));
        assert_eq!(short("x"), "x ");
        assert_eq!(short("x é"), "x é");
    }
}
