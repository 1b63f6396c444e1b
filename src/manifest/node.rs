//! A manifest as it stands in the file: a tree in which every key and every value knows its place.
//!
//! Composition (defaults, several files) and checking work on this tree, so that whatever is said later about a value
//! can point at the line that holds it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::diagnostic::Span;
use crate::resource::{Field, KINDS};

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What stands there.
    pub tree: Tree,
}

/// What a value can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// `~`, `null`, or nothing at all.
    Null,
    /// `true` or `false`, the only two words YAML 1.2 knows for it.
    Bool(bool),
    /// A number; its text as written is what the span covers.
    Number(Number),
    /// Text, with or without quotes.
    Text(Box<str>),
    /// A sequence.
    List(Box<[Node]>),
    /// A mapping in the order of the file. A key may stand here twice: the check reports it.
    Map(Box<[(Key, Node)]>),
}

/// A key of a mapping with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Where it stands.
    pub span: Span,
    /// Its text, which all keys share that are known in a manifest.
    pub text: Arc<str>,
}

impl Node {
    /// The value under a key of a mapping; nothing if this is no mapping or has no such key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The value under keys that stand inside of each other: `development.name`. Nothing if `~` removes it.
    #[must_use]
    pub fn at(&self, keys: &str) -> Option<&Self> {
        keys.split('.').try_fold(self, |node, key| node.get(key)).filter(|node| node.tree != Tree::Null)
    }

    /// What it says of a field: under the field's name, or in the item of a list where Bitbucket's JSON has it.
    #[must_use]
    pub fn said_of(&self, field: &Field) -> Option<&Self> {
        if !field.is_listed() {
            return self.at(field.name);
        }
        field.api.iter().try_fold(self, |node, key| match key.split_once('=') {
            Some((name, is)) => node.items_that(name, is).next(),
            None => node.get(key),
        })
    }

    /// The items of a list that have this text under this key.
    pub fn items_that<'a>(&'a self, key: &'a str, is: &'a str) -> impl Iterator<Item = &'a Self> {
        let items: &[Self] = if let Tree::List(items) = &self.tree { items } else { &[] };
        items.iter().filter(move |item| item.get(key).and_then(Self::text) == Some(is))
    }

    /// The key and value under a key of a mapping.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<(&Key, &Self)> {
        match &self.tree {
            Tree::Map(entries) => {
                entries.iter().find(|(name, _)| &*name.text == key).map(|(name, value)| (name, value))
            }
            _ => None,
        }
    }

    /// The entries of a mapping; nothing for anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Self)] {
        if let Tree::Map(entries) = &self.tree { entries } else { &[] }
    }

    /// How many values there are in it, itself among them.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.tree {
            Tree::List(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Tree::Map(entries) => 1 + entries.iter().map(|(_, value)| value.count()).sum::<usize>(),
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => 1,
        }
    }

    /// Takes the value under a key of a mapping and leaves it empty.
    pub fn take(&mut self, key: &str) -> Option<Self> {
        match &mut self.tree {
            Tree::Map(entries) => {
                let (_, value) = entries.iter_mut().find(|(name, _)| &*name.text == key)?;
                Some(Self { span: value.span, tree: std::mem::replace(&mut value.tree, Tree::Null) })
            }
            _ => None,
        }
    }

    /// Text, if it is text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; nothing for anything else.
    #[must_use]
    pub fn into_items(self) -> Vec<Self> {
        match self.tree {
            Tree::List(items) => items.into_vec(),
            _ => Vec::new(),
        }
    }

    /// Says which source the whole tree stands in.
    pub fn set_source(&mut self, source: u32) {
        self.span.source = source;
        match &mut self.tree {
            Tree::List(items) => items.iter_mut().for_each(|item| item.set_source(source)),
            Tree::Map(entries) => {
                for (key, value) in entries {
                    key.span.source = source;
                    value.set_source(source);
                }
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Text(_) => {}
        }
    }

    /// The value without its places.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(yes) => Value::Bool(*yes),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(text) => Value::String(text.to_string()),
            Tree::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Tree::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.text.to_string(), value.to_json())).collect())
            }
        }
    }
}

/// The place of each of these keys among others, if it is there.
#[must_use]
pub fn places_of(keys: &[(Key, Node)], among: &[(Key, Node)]) -> Vec<Option<usize>> {
    /// So few comparisons are made sooner than a table.
    const FEW: usize = 256;
    if keys.len() * among.len() <= FEW {
        return keys.iter().map(|(key, _)| among.iter().position(|(other, _)| other.text == key.text)).collect();
    }
    let places: HashMap<&str, usize> = among.iter().enumerate().map(|(at, (key, _))| (&*key.text, at)).collect();
    keys.iter().map(|(key, _)| places.get(&*key.text).copied()).collect()
}

/// A value that stands nowhere.
impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        let key = |key: &String| Key { span: Span::default(), text: key.as_str().into() };
        let tree = match value {
            Value::Null => Tree::Null,
            Value::Bool(yes) => Tree::Bool(*yes),
            Value::Number(number) => Tree::Number(number.clone()),
            Value::String(text) => Tree::Text(text.as_str().into()),
            Value::Array(items) => Tree::List(items.iter().map(Self::from).collect()),
            Value::Object(entries) => {
                Tree::Map(entries.iter().map(|(name, value)| (key(name), value.into())).collect())
            }
        };
        Self { span: Span::default(), tree }
    }
}

impl Tree {
    /// What a person would call it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "empty".to_owned(),
            Self::Bool(yes) => yes.to_string(),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(text) if text.chars().count() > 40 => {
                format!("the text \"{}…\"", text.chars().take(37).collect::<String>())
            }
            Self::Text(text) => format!("the text {text:?}"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_yaml::Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self { span: span_of(&spanned), tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_yaml::Spanned::<Word>::deserialize(deserializer)?;
        Ok(Self { span: span_of(&spanned), text: spanned.value.0 })
    }
}

/// The text of a key.
struct Word(Arc<str>);

/// A manifest has few keys and says them very often.
static KNOWN: LazyLock<HashSet<Arc<str>>> = LazyLock::new(|| {
    let of_kinds = KINDS.iter().flat_map(|kind| {
        let fields = kind.fields().iter().flat_map(|field| field.name.split('.'));
        [kind.name(), kind.identity()].into_iter().chain(kind.section().split('.')).chain(fields)
    });
    ["version", "defaults", "templates", "uses", "workspaces", "workspace", "state", "exclusive", "previously"]
        .into_iter()
        .chain(of_kinds)
        .map(Arc::from)
        .collect()
});

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(WordVisitor)
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<Word, E> {
        Ok(Word(KNOWN.get(text).map_or_else(|| text.into(), Arc::clone)))
    }
}

/// The bytes of a value. Behind an alias that is where the value was written, since that is where it is mended.
fn span_of<T>(spanned: &serde_yaml::Spanned<T>) -> Span {
    let span = spanned.defined.span();
    let start = span.byte_offset().unwrap_or_default();
    let end = start + span.byte_len().unwrap_or_default();
    Span { source: 0, start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    // A number too large for 64 bits is only ever wrong here; as text it is shown the way it was written.
    fn visit_i128<E>(self, value: i128) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string().into()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string().into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(value).map_or_else(|| Tree::Text(value.to_string().into()), Tree::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map.into()))
    }
}
