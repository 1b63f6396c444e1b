//! What may be a secret, written where it must not be, is taken out of the tree before anything is said about it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::node::{Node, Tree};
use super::shape::Shape;
use crate::diagnostic::{Span, closest};

impl Shape {
    /// Takes the text of whatever may be a secret, written where it must not be, out of the tree, and notes the places that
    /// must not be shown of the file. Before the check, which tells the person about it.
    pub fn conceal(&self, node: &mut Node, hidden: &mut Vec<Span>) {
        match (self, &mut node.tree) {
            (Self::List(items), Tree::List(nodes)) if items.holds_secrets() => {
                for node in nodes {
                    items.conceal(node, hidden);
                }
            }
            (Self::Map(values), Tree::Map(entries)) if values.holds_secrets() => {
                for (_, value) in entries {
                    values.conceal(value, hidden);
                }
            }
            (Self::Either(_, mapping), Tree::Map(_)) => mapping.conceal(node, hidden),
            (Self::Removable(shape), _) => shape.conceal(node, hidden),
            (Self::Object { keys, secret, secret_if, .. }, Tree::Map(entries)) if self.holds_secrets() => {
                if let Some((flag, key)) = secret_if
                    && entries
                        .iter()
                        .any(|(name, value)| means(&name.text, flag, keys) && value.tree != Tree::Bool(false))
                {
                    let entries = entries.iter_mut().filter(|(name, _)| means(&name.text, key, keys));
                    entries
                        .filter(|(_, value)| !matches!(value.tree, Tree::Map(_)))
                        .for_each(|(_, value)| hide(value, hidden));
                }
                for (key, value) in entries {
                    // Whoever slips in a key has still written a secret under it.
                    let known = keys
                        .get_key_value(&*key.text)
                        .or_else(|| keys.get_key_value(closest(&key.text, keys.keys().map(String::as_str))?));
                    let variable = || value.text().is_some_and(super::secret::is_variable);
                    match known {
                        Some((name, _)) if name == "env" && !variable() => hide(value, hidden),
                        Some((_, shape)) => shape.conceal(value, hidden),
                        None if *secret => hide(value, hidden),
                        None => {}
                    }
                }
            }
            (Self::Object { secret: true, .. }, _) => hide(node, hidden),
            _ => {}
        }
    }

    pub(super) fn holds_secrets(&self) -> bool {
        match self {
            Self::Object { hides, .. } => *hides,
            Self::List(items) | Self::Map(items) | Self::Removable(items) => items.holds_secrets(),
            Self::Either(text, mapping) => text.holds_secrets() || mapping.holds_secrets(),
            Self::Flag | Self::Integer(_) | Self::Text { .. } => false,
        }
    }
}

/// Whether a key is this one, be it misspelt.
fn means(text: &str, name: &str, keys: &BTreeMap<String, Shape>) -> bool {
    let known = || closest(text, keys.keys().map(String::as_str)) == Some(name);
    text == name || !keys.contains_key(text) && known()
}

/// Hides every text and number of a tree, and the places they were read from.
fn hide(node: &mut Node, hidden: &mut Vec<Span>) {
    match &mut node.tree {
        Tree::Text(_) | Tree::Number(_) => {
            hidden.push(node.span);
            node.tree = Tree::Text("(hidden)".into());
        }
        Tree::List(nodes) => nodes.iter_mut().for_each(|node| hide(node, hidden)),
        Tree::Map(entries) => entries.iter_mut().for_each(|(_, node)| hide(node, hidden)),
        Tree::Null | Tree::Bool(_) => {}
    }
}

/// The flag and the key of a schema that says: if this flag is set, that must be no text.
pub(super) fn secret_if(schema: &Value) -> Option<(String, String)> {
    let only = |part: &str| schema.get(part)?.get("properties")?.as_object()?.iter().next();
    let (flag, set) = only("if")?;
    let (key, must) = only("then")?;
    let says = set.get("const") == Some(&Value::Bool(true)) && must.get("type")?.as_str() == Some("object");
    says.then(|| (flag.clone(), key.clone()))
}
