//! Where a secret comes from: an environment variable, a file or a command. Never the secret itself.
//!
//! A field that is [`Set::Blindly`](super::Set::Blindly) holds this in both states, in the plan and in what is printed of it.
//! The executor puts the secret in its place, in the body of a request and nowhere else.

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A place to fetch a value from when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An environment variable.
    Env(String),
    /// A file that holds nothing else. A relative path begins at the manifest's folder.
    File(PathBuf),
    /// A program and its arguments, run without a shell: the first line that it prints.
    Command(Vec<String>),
}

/// How to write one, for messages.
pub const FORMS: &str = "`{env: NAME}`, `{file: path}` or `{command: [program, argument]}`";

impl Source {
    /// Reads what [`Self::to_json`] has written; nothing for any other value, such as a text.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        // A text would be read as a variant without content.
        if value.is_object() { Self::deserialize(value).ok() } else { None }
    }

    /// As it stands in a manifest.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Env(name) => json!({"env": name}),
            Self::File(file) => json!({"file": file.to_string_lossy()}),
            Self::Command(words) => json!({"command": words}),
        }
    }
}

/// As a manifest says it, for a person.
impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "{{env: {name}}}"),
            Self::File(file) => write!(f, "{{file: {}}}", file.display()),
            Self::Command(words) => write!(f, "{{command: [{}]}}", words.join(", ")),
        }
    }
}

/// The JSON Schema of a place where a secret must be said to come from.
#[must_use]
pub fn schema(description: &str) -> Value {
    json!({
        "description": format!("{description} A secret: say where it comes from, {}.", FORMS.replace('`', "")),
        "type": "object",
        "writeOnly": true,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            "env": env_schema(),
            "file": {
                "description": "The file that holds it. A relative path begins at the manifest's folder.",
                "type": "string",
                "minLength": 1,
            },
            "command": {
                "description": "The program that prints it, and its arguments: `[pass, show, bitbucket]`. No shell.",
                "type": "array",
                "minItems": 1,
                "items": {"type": "string"},
            },
        },
    })
}

/// The JSON Schema of the name of an environment variable.
#[must_use]
pub fn env_schema() -> Value {
    json!({
        "description": "The environment variable that holds it.",
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    })
}

/// How a kind says of a field that it is a secret.
#[derive(Debug)]
pub struct Secret;

/// How a kind says of a field that it is a text, or a secret.
#[derive(Debug)]
pub struct TextOrSecret;

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::try_from(schema("")).unwrap_or_default()
    }
}

impl JsonSchema for TextOrSecret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TextOrSecret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut secret = schema("");
        secret["description"] = format!("Where a secret comes from: {}.", FORMS.replace('`', "")).into();
        json_schema!({"anyOf": [{"type": "string"}, secret]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let words = ["pass", "show", "x"].map(str::to_owned).to_vec();
        for source in [Source::Env("A".to_owned()), Source::File("b/c".into()), Source::Command(words)] {
            assert_eq!(Source::from_json(&source.to_json()), Some(source));
        }
        for value in
            [json!("env"), json!({}), json!({"env": 1}), json!({"name": "x"}), json!({"env": "A", "file": "b"})]
        {
            assert_eq!(Source::from_json(&value), None, "{value}");
        }
    }
}
