//! Where a secret comes from, as a manifest says it: an environment variable, a file or a command. Never the secret itself.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::node::{Node, Tree};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};

/// A place to fetch a value from when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// An environment variable.
    Env(String),
    /// A file that holds nothing else. A relative path begins at the manifest's folder.
    File(PathBuf),
    /// A program and its arguments, run without a shell: the first line that it prints.
    Command(Vec<String>),
}

/// How to write one, for messages.
const FORMS: &str = "`{env: NAME}`, `{file: path}` or `{command: [program, argument]}`";

/// The JSON Schema of a place where a secret must be said to come from.
#[must_use]
pub(super) fn schema(description: &str) -> Value {
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

/// The JSON Schema of a value that is no secret: itself, or the environment variable that holds it.
#[must_use]
pub(super) fn plain_schema(description: &str) -> Value {
    json!({
        "description": format!("{description} Or {{env: NAME}}."),
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["env"],
                "properties": {"env": env_schema()},
            },
        ],
    })
}

fn env_schema() -> Value {
    json!({
        "description": "The environment variable that holds it.",
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    })
}

/// Whether a text can be the name of an environment variable. A secret that stands in its place hardly ever can.
pub(super) fn is_variable(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 100
        && text.bytes().all(plain)
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
}

/// What to say where a secret itself was written.
pub(super) fn written_out(name: &str, node: &Node) -> Diagnostic {
    let diagnostic = Diagnostic::error(node.span, format!("`{name}` is a secret, and a manifest holds none"));
    let diagnostic = diagnostic.help(format!("write where it comes from: {FORMS}"));
    match node.tree {
        Tree::Text(_) => diagnostic.label("not shown here").help(
            "whoever can read the file or its history knows a secret that stood in it: put a new one in its place",
        ),
        _ => diagnostic.label(format!("this is {}", node.tree.describe())),
    }
}

impl Source {
    /// Reads what the schema has found sound; says what it cannot know.
    pub(super) fn read(name: &str, node: &Node, sources: &Sources, found: &mut Diagnostics) -> Option<Self> {
        let Tree::Map(entries) = &node.tree else { return None };
        let [(key, value)] = &**entries else {
            found.push(
                Diagnostic::error(node.span, format!("`{name}` must come from one place"))
                    .label(format!("this names {}", if entries.is_empty() { "none" } else { "several" }))
                    .help(format!("write {FORMS}")),
            );
            return None;
        };
        let empty = |what: &str| Diagnostic::error(value.span, format!("the {what} for `{name}` is missing"));
        match (&*key.text, value.text()) {
            ("env", Some(variable)) if is_variable(variable) => Some(Self::Env(variable.to_owned())),
            ("env", _) => {
                found.push(
                    Diagnostic::error(value.span, "this is not the name of an environment variable")
                        .label("letters, digits and `_`")
                        .help("write the name of the variable that holds the secret, not the secret"),
                );
                None
            }
            ("file", Some(path)) => {
                let (manifest, _) = sources.get(value.span.source)?;
                Some(Self::File(Path::new(manifest).parent().unwrap_or(Path::new("")).join(path)))
            }
            ("command", _) => {
                let Tree::List(words) = &value.tree else { return None };
                let words: Vec<String> = words.iter().filter_map(|word| word.text().map(str::to_owned)).collect();
                if words.first().is_none_or(|program| program.trim().is_empty()) {
                    found.push(empty("program").help("write the program and its arguments: `[pass, show, bitbucket]`"));
                    return None;
                }
                Some(Self::Command(words))
            }
            _ => None,
        }
    }
}
