//! Holds a [`Node`] against the manifest's JSON Schema and reports everything that does not fit, each at its place.
//!
//! What does not fit is reported and taken out of the tree, so that the checks that follow see only sound values and all
//! errors of a file are shown at once. Only the part of JSON Schema that [`super::schema`] uses is understood; a test
//! holds it against a full validator.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::impossible::impossible;
use super::node::{Key, Node, Tree};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span, closest};
use crate::resource::KindRef;

/// A schema, read once.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number, possibly one of a few.
    Integer(Vec<i64>),
    /// Text, possibly one of a few words.
    Text {
        /// The words, if it must be one of some.
        words: Vec<String>,
        /// Whether it may be empty.
        may_be_empty: bool,
    },
    /// A list of equal things.
    List(Box<Shape>),
    /// A mapping from any keys to equal things.
    Map(Box<Shape>),
    /// A mapping with known keys.
    Object {
        /// The keys it may have.
        keys: BTreeMap<String, Shape>,
        /// The keys it must have.
        required: Vec<String>,
        /// The keys of which it must have one, if there are any.
        one_of: Vec<String>,
        /// Whether it says where secrets come from, so that anything else in it may be one.
        secret: bool,
        /// Whether there can be a secret anywhere in it.
        hides: bool,
        /// A flag, and the key whose text is a secret if that is set.
        secret_if: Option<(String, String)>,
    },
    /// Text, or a mapping in its place.
    Either(Box<Shape>, Box<Shape>),
    /// Something that can be inherited, or `~`, which removes it.
    Removable(Box<Shape>),
}

impl Shape {
    /// Reads a schema. What it does not understand is taken for text, which a test would notice.
    #[must_use]
    pub fn read(schema: &Value) -> Self {
        if takes_null(schema) { Self::Removable(Box::new(Self::read_plain(schema))) } else { Self::read_plain(schema) }
    }

    /// Reads a schema, whether it takes null or not.
    fn read_plain(schema: &Value) -> Self {
        let choices_of = schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let ([text, mapping, ..], None) = (choices_of, schema.get("type")) {
            return Self::Either(Box::new(Self::read(text)), Box::new(Self::read(mapping)));
        }
        let name = schema.get("type").map(|name| name.get(0).unwrap_or(name));
        match name.and_then(Value::as_str) {
            Some("boolean") => Self::Flag,
            Some("integer") => Self::Integer(choices(schema).iter().filter_map(serde_json::Value::as_i64).collect()),
            Some("array") => Self::List(Box::new(Self::read(schema.get("items").unwrap_or(&Value::Null)))),
            Some("object") if schema.get("additionalProperties").is_some_and(Value::is_object) => {
                Self::Map(Box::new(Self::read(&schema["additionalProperties"])))
            }
            Some("object") => {
                let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
                let keys: BTreeMap<_, _> = properties.map(|(key, schema)| (key.clone(), Self::read(schema))).collect();
                let secret = schema.get("writeOnly").and_then(Value::as_bool).unwrap_or_default();
                Self::Object {
                    hides: secret || keys.values().any(Self::holds_secrets),
                    keys,
                    required: required(schema),
                    one_of: choices_of.iter().flat_map(required).collect(),
                    secret,
                    secret_if: super::conceal::secret_if(schema),
                }
            }
            _ => Self::Text {
                words: choices(schema).iter().filter_map(|choice| choice.as_str().map(str::to_owned)).collect(),
                may_be_empty: schema.get("minLength").is_none(),
            },
        }
    }

    /// Reports what does not fit and takes it out. False if nothing sound is left of the value itself.
    #[must_use]
    pub fn check(&self, name: &str, node: &mut Node, sources: &Sources, found: &mut Diagnostics) -> bool {
        match (self, &mut node.tree) {
            (Self::Removable(_), Tree::Null) => {
                let written = !sources.text(node.span).is_empty();
                if !written {
                    found.push(nothing_written(name, node));
                }
                written
            }
            (Self::Removable(shape), _) => shape.check(name, node, sources, found),
            (Self::Flag, Tree::Bool(_)) => true,
            (Self::Integer(allowed), Tree::Number(number)) => {
                let fits = number.as_i64().is_some_and(|number| allowed.is_empty() || allowed.contains(&number));
                if !fits {
                    found.push(self.mismatch(name, node));
                }
                fits
            }
            // Written as a number, meant as text: kept as it was written (`007`, `1.10`).
            (Self::Text { .. }, Tree::Number(_)) => {
                node.tree = Tree::Text(sources.text(node.span).into());
                self.check(name, node, sources, found)
            }
            (Self::Text { words, may_be_empty }, Tree::Text(text)) => {
                let known = words.is_empty() || words.iter().any(|word| **word == **text);
                let fits = known && (*may_be_empty || !text.trim().is_empty());
                if !fits {
                    found.push(self.mismatch(name, node));
                }
                fits
            }
            (Self::List(items), Tree::List(nodes)) => {
                let name = singular(name);
                keep_only(nodes, |node| items.check(&name, node, sources, found));
                true
            }
            (Self::Map(values), Tree::Map(entries)) => {
                let doubles = doubles(entries);
                for (at, first) in &doubles {
                    found.push(double(name, &entries[*at].0, *first));
                }
                let one = if matches!(**values, Self::Object { .. }) { singular(name) } else { name.to_owned() };
                keep_only(entries, |(_, node)| values.check(&one, node, sources, found));
                true
            }
            (Self::Object { keys, required, one_of, secret, .. }, Tree::Map(entries)) => {
                let written = entries.len();
                // A required key that is there but does not fit is reported for what it is, not as missing.
                let lacks = |key: &&String| !entries.iter().any(|(name, _)| *name.text == **key);
                let mut missing: Vec<&String> = required.iter().filter(lacks).collect();
                let lacks_all = one_of.iter().all(|key| lacks(&key));
                let meant = check_entries(name, keys, entries, sources, found);
                if lacks_all && !one_of.iter().any(|key| meant.contains(key)) {
                    missing.extend(one_of.first());
                }
                // A key that is only misspelt is not missing as well.
                let missing: Vec<_> =
                    missing.iter().filter(|key| !meant.contains(**key)).map(|key| format!("`{key}`")).collect();
                if !missing.is_empty() {
                    found.push(
                        Diagnostic::error(
                            Code::MissingKey,
                            node.span,
                            format!("{name} lacks {}", missing.join(" and ")),
                        )
                        .label("in the entry that begins here"),
                    );
                }
                // What is left of a credential without one of its parts is another one.
                let is_whole = !*secret || matches!(&node.tree, Tree::Map(entries) if entries.len() == written);
                is_whole && required.iter().all(|key| node.get(key).is_some())
            }
            (Self::Either(_, mapping), Tree::Map(_)) => mapping.check(name, node, sources, found),
            (Self::Either(text, _), Tree::Text(_) | Tree::Number(_)) => text.check(name, node, sources, found),
            (Self::Either(text, _), Tree::Bool(_)) => {
                found.push(text.mismatch(name, node));
                false
            }
            (Self::Object { keys, secret: true, .. }, _) if keys.contains_key("env") => {
                found.push(super::secret::written_out(name, node));
                false
            }
            _ => {
                found.push(self.mismatch(name, node));
                false
            }
        }
    }

    /// The shape of what stands under a key, or of the items of a list.
    pub(super) fn within(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object { keys, .. } => keys.get(key),
            Self::Map(values) | Self::List(values) => Some(values),
            Self::Removable(shape) => shape.within(key),
            _ => None,
        }
    }

    /// The shape of an object that is listed in a workspace.
    pub(super) fn of_items(&self, kind: KindRef) -> Option<&Self> {
        let workspaces = self.within("workspaces")?;
        workspaces.within("")?.within(kind.section())?.within("")
    }

    /// Whether two such mappings become one, key by key, when one is laid over the other. What says where a secret comes
    /// from is one thing.
    pub(super) fn joins(&self) -> bool {
        match self {
            Self::Object { secret, .. } => !secret,
            Self::Map(_) => true,
            Self::Removable(shape) => shape.joins(),
            _ => false,
        }
    }

    fn mismatch(&self, name: &str, node: &Node) -> Diagnostic {
        let code = match (self, &node.tree) {
            (Self::Text { words, .. }, Tree::Text(_)) if !words.is_empty() => Code::UnknownWord,
            (Self::Integer(allowed), Tree::Number(_)) if !allowed.is_empty() => Code::UnknownWord,
            _ => Code::WrongType,
        };
        let diagnostic = Diagnostic::error(code, node.span, format!("`{name}` must be {}", self.describe()))
            .label(format!("this is {}", node.tree.describe()));
        match (self, &node.tree) {
            (Self::Flag, Tree::Text(text)) => match text.to_lowercase().as_str() {
                "yes" | "on" | "y" | "true" | "1" => diagnostic.help("write `true`, without quotes"),
                "no" | "off" | "n" | "false" | "0" => diagnostic.help("write `false`, without quotes"),
                _ => diagnostic,
            },
            (Self::Text { words, .. }, Tree::Bool(yes)) if words.is_empty() => {
                diagnostic.help(format!("if the word {yes} is meant, put it in quotes: \"{yes}\""))
            }
            (_, Tree::Null) if node.span.start < node.span.end => {
                let removes = "`~` removes what is inherited, and nothing is inherited here";
                diagnostic.label("this is `~`").help(format!("{removes}: write a value"))
            }
            (_, Tree::Null) => diagnostic.help(format!("write a value, or leave `{name}` out")),
            (Self::Text { words, .. }, Tree::Text(text)) => match closest(text, words.iter().map(String::as_str)) {
                Some(word) => diagnostic.help(format!("did you mean `{word}`?")),
                None => diagnostic,
            },
            (Self::List(_), Tree::Map(_) | Tree::Text(_)) => diagnostic.help("begin each item with `- `"),
            _ => diagnostic,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Integer(allowed) if allowed.is_empty() => "a whole number".to_owned(),
            Self::Integer(allowed) => one_of(allowed.iter().map(ToString::to_string)),
            Self::Text { words, may_be_empty: true } if words.is_empty() => "text".to_owned(),
            Self::Text { words, .. } if words.is_empty() => "text that is not empty".to_owned(),
            Self::Text { words, .. } => one_of(words.iter().map(|word| format!("`{word}`"))),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
            Self::Either(text, mapping) => format!("{} or {}", text.describe(), mapping.describe()),
            Self::Removable(shape) => shape.describe(),
            Self::Object { keys, .. } => {
                let keys: Vec<_> = keys.keys().take(4).map(|key| format!("`{key}`")).collect();
                format!("a mapping with keys such as {}", keys.join(", "))
            }
        }
    }
}

/// Nothing at all may be a slip of the pen, and removes nothing.
fn nothing_written(name: &str, node: &Node) -> Diagnostic {
    Diagnostic::error(Code::WrongType, node.span, format!("`{name}` says nothing"))
        .label("this is empty")
        .help("write `~` to remove the inherited value, or a value")
}

/// Reports unknown and double keys, and every value that does not fit; what remains is sound. Gives the keys that unknown
/// ones were probably meant to be.
fn check_entries(
    name: &str,
    keys: &BTreeMap<String, Shape>,
    entries: &mut Box<[(Key, Node)]>,
    sources: &Sources,
    found: &mut Diagnostics,
) -> Vec<String> {
    let mut meant = Vec::new();
    let doubles = doubles(entries);
    let mut at = 0;
    keep_only(entries, |(key, node)| {
        at += 1;
        if let Some(first) = doubles.get(&(at - 1)) {
            found.push(double(name, key, *first));
            return false;
        }
        let Some(shape) = keys.get(&*key.text) else {
            if let Some(why) = impossible(name, &key.text) {
                found.push(
                    Diagnostic::error(Code::Impossible, key.span, why)
                        .label("Bitbucket's API cannot do this")
                        .help("leave it out"),
                );
                return false;
            }
            // Of a million that are only counted nobody asks what each was meant to be.
            if found.is_full() {
                found.push(Diagnostic::error(Code::UnknownKey, key.span, ""));
                return false;
            }
            let near = closest(&key.text, keys.keys().map(String::as_str));
            found.push(unknown(name, key, keys, near));
            meant.extend(near.map(str::to_owned));
            return false;
        };
        shape.check(&key.text, node, sources, found)
    });
    meant
}

fn double(name: &str, key: &Key, first: Span) -> Diagnostic {
    Diagnostic::error(Code::DoubleKey, key.span, format!("`{}` stands twice in one {name}", shortened(&key.text)))
        .label("the second time")
        .also(first, "the first time")
}

/// Takes out what does not fit; almost always nothing.
fn keep_only<T>(items: &mut Box<[T]>, fits: impl FnMut(&mut T) -> bool) {
    let mut all = std::mem::take(items).into_vec();
    all.retain_mut(fits);
    *items = all.into();
}

/// The entries whose key stands in an earlier one, by their place, with where it stands first. Almost always none, and most
/// mappings are so small that looking at every pair is the quickest way to know.
fn doubles(entries: &[(Key, Node)]) -> HashMap<usize, Span> {
    const SMALL: usize = 16;
    let mut doubles = HashMap::new();
    if entries.len() <= SMALL {
        for (at, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..at].iter().find(|(first, _)| first.text == key.text) {
                doubles.insert(at, first.span);
            }
        }
        return doubles;
    }
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(entries.len());
    for (at, (key, _)) in entries.iter().enumerate() {
        match seen.get(&*key.text) {
            Some(first) => drop(doubles.insert(at, *first)),
            None => drop(seen.insert(&key.text, key.span)),
        }
    }
    doubles
}

fn unknown(name: &str, key: &Key, keys: &BTreeMap<String, Shape>, near: Option<&str>) -> Diagnostic {
    let diagnostic =
        Diagnostic::error(Code::UnknownKey, key.span, format!("{name} has no key `{}`", shortened(&key.text)));
    match near {
        Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
        None => {
            let known: Vec<_> = keys.keys().map(|key| format!("`{key}`")).collect();
            diagnostic.label("unknown").help(format!("known here: {}", known.join(", ")))
        }
    }
}

/// A name that somebody chose, as far as a message has room for it.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() > 60 {
        format!("{}…", text.chars().take(57).collect::<String>())
    } else {
        text.to_owned()
    }
}

fn one_of(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} or {last}", others.join(", ")),
    }
}

/// `repositories` is a list of `repository`: what an item is called in a message.
fn singular(name: &str) -> String {
    let kind = crate::resource::KINDS.iter().find(|kind| kind.section() == name);
    match kind {
        Some(kind) => kind.name().to_owned(),
        None if name == super::schema::USES => "template".to_owned(),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}

/// Whether null is among what fits.
fn takes_null(schema: &Value) -> bool {
    let among = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
    among("type").any(|name| name == "null")
        || among("anyOf").any(|choice| choice.get("type").is_some_and(|name| name == "null"))
        || among("oneOf").any(|choice| choice.get("const").is_some_and(Value::is_null))
}

fn required(schema: &Value) -> Vec<String> {
    let keys = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    keys.filter_map(|key| key.as_str().map(str::to_owned)).collect()
}

fn choices(schema: &Value) -> Vec<Value> {
    let list = |key: &str| schema.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut choices = list("enum");
    choices.extend(schema.get("const").cloned());
    for choice in list("oneOf") {
        choices.extend(self::choices(&choice));
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse::parse;
    use crate::manifest::schema::manifest_schema;

    fn messages(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let source = sources.add("repos.yaml", text);
        let mut node = parse(text, source).unwrap();
        let mut found = Diagnostics::default();
        let _ = Shape::read(&manifest_schema()).check("manifest", &mut node, &sources, &mut found);
        found.sort();
        found
            .iter()
            .map(|diagnostic| {
                let (span, label) = diagnostic.primary.clone().unwrap();
                format!("{}: {} [{label}] {}", sources.place(span), diagnostic.message, diagnostic.help.join("; "))
            })
            .collect()
    }

    #[test]
    fn a_sound_manifest_passes() {
        assert_eq!(messages("version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: 007}]}]"), [""; 0]);
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let text = "version: 2
defaults:
  repository: {is_privte: true}
workspaces:
  - workspace: acme
    projects: {key: PAY}
    repositories:
      - slug: a
        slug: b
        is_private: yes
        fork_policy: no_fork
      - project: PAY
      - {slug: ~, project: [1]}
      - nothing
    repos: []
  - workspaces: x
presets: {}
";
        insta::assert_debug_snapshot!(messages(text));
    }
}
