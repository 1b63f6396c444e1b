//! Where a secret comes from, read from a manifest. Never the secret itself.

use std::path::Path;

use serde_json::{Value, json};

use super::node::{Node, Tree};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources};
pub use crate::resource::secret::Source;
pub(super) use crate::resource::secret::schema;
use crate::resource::secret::{FORMS, env_schema};

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
    let diagnostic =
        Diagnostic::error(Code::WrittenSecret, node.span, format!("`{name}` is a secret, and a manifest holds none"));
    let diagnostic = diagnostic.help(format!("write where it comes from: {FORMS}"));
    match node.tree {
        Tree::Text(_) => diagnostic.label("not shown here").help(
            "whoever can read the file or its history knows a secret that stood in it: put a new one in its place",
        ),
        _ => diagnostic.label(format!("this is {}", node.tree.describe())),
    }
}

/// Reads what the schema has found sound; says what it cannot know.
pub(super) fn read(name: &str, node: &Node, sources: &Sources, found: &mut Diagnostics) -> Option<Source> {
    let Tree::Map(entries) = &node.tree else { return None };
    let [(key, value)] = &**entries else {
        found.push(
            Diagnostic::error(Code::SecretSource, node.span, format!("`{name}` must come from one place"))
                .label(format!("this names {}", if entries.is_empty() { "none" } else { "several" }))
                .help(format!("write {FORMS}")),
        );
        return None;
    };
    let empty =
        |what: &str| Diagnostic::error(Code::SecretSource, value.span, format!("the {what} for `{name}` is missing"));
    match (&*key.text, value.text()) {
        ("env", Some(variable)) if is_variable(variable) => Some(Source::Env(variable.to_owned())),
        ("env", _) => {
            found.push(
                Diagnostic::error(Code::VariableName, value.span, "this is not the name of an environment variable")
                    .label("letters, digits and `_`")
                    .help("write the name of the variable that holds the secret, not the secret"),
            );
            None
        }
        ("file", Some(path)) => {
            let (manifest, _) = sources.get(value.span.source)?;
            Some(Source::File(Path::new(manifest).parent().unwrap_or(Path::new("")).join(path)))
        }
        ("command", _) => {
            let Tree::List(words) = &value.tree else { return None };
            let words: Vec<String> = words.iter().filter_map(|word| word.text().map(str::to_owned)).collect();
            if words.first().is_none_or(|program| program.trim().is_empty()) {
                found.push(empty("program").help("write the program and its arguments: `[pass, show, bitbucket]`"));
                return None;
            }
            Some(Source::Command(words))
        }
        _ => None,
    }
}
