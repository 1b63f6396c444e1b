//! The fields of an object in one flat vocabulary, the manifest's, and how that vocabulary maps to Bitbucket's JSON.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};

/// One thing that can be said of an object.
#[derive(Debug)]
pub struct Field {
    /// Its key in the manifest.
    pub name: &'static str,
    /// Where it stands in Bitbucket's JSON: `["project", "key"]`. In a list `kind=feature` picks the item whose `kind` is
    /// `feature`, and the field stands there in a manifest as well.
    pub api: &'static [&'static str],
    /// What it means when an answer lacks it or says null.
    pub absent: Absent,
    /// Whether a plan reads it even if no manifest names it, because a rule needs it.
    pub always: bool,
    /// Whether Bitbucket keeps it in lower case, whatever it was given.
    pub folded: bool,
    /// What its value looks like on both sides.
    pub form: Form,
    /// When it can be set.
    pub set: Set,
    /// Whether a manifest that does not say it in a section says what its absence means.
    pub implied: bool,
}

/// When a field can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Whenever it is to change.
    Freely,
    /// When the object comes to be, and not later (api.md §9.5).
    Once,
    /// Whenever it is to change, and never read (api.md §9.4). Its value is where the secret comes from ([`super::secret`]),
    /// never the secret. Any other value, such as a text, is no secret, and is compared.
    Blindly,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The same on both sides.
    Plain,
    /// A list whose order means nothing.
    Set,
    /// A list of accounts here, by account id, UUID or e-mail address; of objects that hold the first two there.
    Accounts,
    /// A list of slugs here, of objects there.
    Slugs,
    /// True or false here, a text that says so there.
    Flag,
    /// Words of which it does not matter how far apart they are.
    Words,
    /// A public key of SSH, which there has no comment behind it.
    PublicKey,
    /// A public key of SSH without a comment, which there is an object.
    HostKey,
}

impl Field {
    /// A field that stands at the top of Bitbucket's JSON under its own name.
    pub(super) const fn plain(name: &'static str, api: &'static [&'static str], absent: Absent) -> Self {
        Self { name, api, absent, always: false, folded: false, form: Form::Plain, set: Set::Freely, implied: false }
    }

    /// As it stands in `fields=`: `project.key`.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.api.join(".")
    }

    /// Its value as an answer holds it, if it does.
    #[must_use]
    pub fn value_in<'a>(&self, answer: &'a Value) -> Option<&'a Value> {
        self.api.iter().try_fold(answer, |value, key| match key.split_once('=') {
            Some((name, is)) => value.as_array()?.iter().find(|item| item.get(name).is_some_and(|it| it == is)),
            None => value.get(key),
        })
    }

    /// Whether it stands in an item of a list.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.api.iter().any(|key| key.contains('='))
    }

    /// Its value in an answer. Where there are several ways to say the same, it is said as in `wanted`.
    #[must_use]
    pub fn read(&self, answer: &Value, wanted: Option<&Value>) -> Value {
        let value = match (self.value_in(answer), self.form) {
            (None | Some(Value::Null), _) => return self.absent.value(),
            (Some(Value::Array(items)), Form::Accounts) => {
                let wanted = wanted.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                items.iter().flat_map(|account| account_as(account, wanted)).collect()
            }
            (Some(Value::Array(items)), Form::Slugs) => {
                items.iter().map(|item| item.get("slug").cloned().unwrap_or_default()).collect()
            }
            (Some(Value::Object(key)), Form::HostKey) => {
                let part = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
                format!("{} {}", part("key_type"), part("key")).into()
            }
            (Some(Value::String(text)), Form::Flag) => text.parse().map_or_else(|_| text.as_str().into(), Value::Bool),
            (Some(Value::String(key)), Form::PublicKey) => {
                let same = wanted.filter(|wanted| wanted.as_str().is_some_and(|text| material(text) == material(key)));
                same.cloned().unwrap_or_else(|| Value::String(material(key)))
            }
            (Some(value), _) => value.clone(),
        };
        self.settled(value)
    }

    /// A value in the form in which two are compared: without the line break that a YAML block ends with, and in lower case
    /// where Bitbucket keeps it so.
    #[must_use]
    pub fn settled(&self, value: Value) -> Value {
        match value {
            Value::String(text) if self.form == Form::Words => {
                text.split_whitespace().collect::<Vec<_>>().join(" ").into()
            }
            Value::String(text) if self.form == Form::HostKey => material(&text).into(),
            Value::Array(mut items) if matches!(self.form, Form::Set | Form::Accounts | Form::Slugs) => {
                items.sort_by_cached_key(Value::to_string);
                items.dedup();
                Value::Array(items)
            }
            Value::String(text) if self.folded => Value::String(text.trim_end().to_lowercase()),
            Value::String(text) if text.ends_with(char::is_whitespace) => Value::String(text.trim_end().to_owned()),
            value => value,
        }
    }

    /// Puts a value at its place in a body.
    fn write(&self, body: &mut Map<String, Value>, value: &Value) {
        let value = match (value, self.form) {
            (Value::Array(items), Form::Accounts) => items.iter().map(account).collect(),
            (Value::Array(items), Form::Slugs) => items.iter().map(|slug| json!({"slug": slug})).collect(),
            (Value::String(key), Form::HostKey) => {
                let (kind, key) = key.split_once(' ').unwrap_or((key, ""));
                json!({"type": "pipeline_ssh_public_key", "key_type": kind, "key": key})
            }
            (Value::Bool(yes), Form::Flag) => Value::String(yes.to_string()),
            (value, _) => value.clone(),
        };
        put(body, self.api, value);
    }
}

/// Puts a value where the keys lead, and makes what is missing on the way.
fn put(object: &mut Map<String, Value>, keys: &[&str], value: Value) {
    let Some((key, rest)) = keys.split_first() else { return };
    match (rest, rest.first().and_then(|next| next.split_once('='))) {
        ([], _) => drop(object.insert((*key).to_owned(), value)),
        ([_, rest @ ..], Some((name, is))) => {
            let Value::Array(items) = object.entry(*key).or_insert_with(|| json!([])) else { return };
            let known = items.iter().position(|item| item.get(name).is_some_and(|it| it == is));
            let at = known.unwrap_or(items.len());
            if known.is_none() {
                items.push(json!({name: is}));
            }
            if let Some(Value::Object(item)) = items.get_mut(at) {
                put(item, rest, value);
            }
        }
        (rest, None) => {
            if let Value::Object(inner) = object.entry(*key).or_insert_with(|| json!({})) {
                put(inner, rest, value);
            }
        }
    }
}

/// What makes a public key of SSH this key: its type and its base64, without the comment that may stand behind them.
#[must_use]
pub fn material(key: &str) -> String {
    key.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// An account in Bitbucket's words: UUIDs stand in braces.
#[must_use]
pub fn account(id: &Value) -> Value {
    let is_uuid = id.as_str().is_some_and(|id| id.starts_with('{'));
    if is_uuid { json!({"uuid": id}) } else { json!({"account_id": id}) }
}

/// How a manifest calls an account: as it does already, even if that is in both ways, or by UUID.
fn account_as(account: &Value, wanted: &[Value]) -> Vec<Value> {
    let known = ["account_id", "uuid"].into_iter().filter_map(|key| account.get(key));
    let named: Vec<Value> = known.filter(|id| wanted.contains(id)).cloned().collect();
    if named.is_empty() { account.get("uuid").cloned().into_iter().collect() } else { named }
}

/// What a field means that an answer does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// There is none.
    Null,
    /// The empty text.
    Text,
    /// No.
    False,
    /// The empty list.
    List,
}

impl Absent {
    pub(crate) fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text => Value::String(String::new()),
            Self::False => Value::Bool(false),
            Self::List => Value::Array(Vec::new()),
        }
    }
}

/// Values of some of a kind's fields, in the kind's order. Copies share them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Fields(Arc<[(&'static str, Arc<Value>)]>);

impl Fields {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.shared(name).map(|value| &**value)
    }

    /// The value of a field, to keep it elsewhere as well.
    #[must_use]
    pub fn shared(&self, name: &str) -> Option<&Arc<Value>> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The value of a field that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The value of a field that is true or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// Whether these are the very same and not only equal, which is quickly known.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Arc<Value>)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// These with others on top: what an object will be after a change.
    #[must_use]
    pub fn overlaid(&self, over: &Self) -> Self {
        let under = self.0.iter().filter(|(name, _)| over.get(name).is_none());
        under.chain(over.0.iter()).cloned().collect()
    }

    /// These but one.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        self.0.iter().filter(|(field, _)| *field != name).cloned().collect()
    }

    /// The body that says them in Bitbucket's words.
    #[must_use]
    pub fn to_body(&self, table: &'static [Field]) -> Map<String, Value> {
        let mut body = Map::new();
        for field in table {
            if let Some(value) = self.get(field.name) {
                field.write(&mut body, value);
            }
        }
        body
    }
}

impl FromIterator<(&'static str, Arc<Value>)> for Fields {
    fn from_iter<T: IntoIterator<Item = (&'static str, Arc<Value>)>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl FromIterator<(&'static str, Value)> for Fields {
    fn from_iter<T: IntoIterator<Item = (&'static str, Value)>>(iter: T) -> Self {
        iter.into_iter().map(|(name, value)| (name, shared(value))).collect()
    }
}

/// A value to be kept in several places. Of what has no text there is one for the whole program.
#[must_use]
pub fn shared(value: Value) -> Arc<Value> {
    static EMPTY: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(Value::String(String::new())));
    static NONE: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(Value::Null));
    static NO: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(Value::Bool(false)));
    static YES: LazyLock<Arc<Value>> = LazyLock::new(|| Arc::new(Value::Bool(true)));
    match value {
        Value::Null => Arc::clone(&NONE),
        Value::Bool(false) => Arc::clone(&NO),
        Value::Bool(true) => Arc::clone(&YES),
        Value::String(text) if text.is_empty() => Arc::clone(&EMPTY),
        value => Arc::new(value),
    }
}

/// Keeps what is equal once: most objects of a workspace are in few projects and set up alike.
#[derive(Debug, Default)]
pub struct Alike {
    values: HashSet<Arc<Value>>,
    fields: HashSet<Fields>,
}

impl Alike {
    /// The one value that is equal to this one.
    pub fn value(&mut self, value: Value) -> Arc<Value> {
        if let Some(known) = self.values.get(&value) {
            return Arc::clone(known);
        }
        let value = shared(value);
        self.values.insert(Arc::clone(&value));
        value
    }

    /// The one set of fields that is equal to this one.
    pub fn fields(&mut self, fields: Fields) -> Fields {
        if let Some(known) = self.fields.get(&fields) {
            return known.clone();
        }
        self.fields.insert(fields.clone());
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::KINDS;

    #[test]
    fn every_field_of_every_kind_is_read_from_where_it_is_written() {
        for kind in KINDS {
            for field in kind.fields() {
                let fields: Fields = [(field.name, json!("x"))].into_iter().collect();
                let body = Value::Object(fields.to_body(kind.fields()));
                assert_eq!(field.read(&body, None), json!("x"), "{} {}", kind.name(), field.name);
                assert_eq!(field.read(&json!({}), None), field.absent.value());
            }
        }
    }

    #[test]
    fn an_account_that_a_manifest_names_twice_is_there_twice() {
        let field = Field { form: Form::Accounts, ..Field::plain("users", &["users"], Absent::List) };
        let answer = json!({"users": [{"uuid": "{1}", "account_id": "a"}, {"uuid": "{2}", "account_id": "b"}]});
        for (wanted, read) in [
            (json!(["a"]), json!(["a", "{2}"])),
            (json!(["a", "{1}", "{2}"]), json!(["a", "{1}", "{2}"])),
            (json!([]), json!(["{1}", "{2}"])),
        ] {
            assert_eq!(field.read(&answer, Some(&wanted)), read, "{wanted}");
        }
    }

    #[test]
    fn the_items_of_a_list_are_told_apart_by_a_word() {
        const TABLE: &[Field] = &[
            Field::plain("a.x", &["list", "kind=a", "x"], Absent::Null),
            Field::plain("a.y", &["list", "kind=a", "y"], Absent::Null),
            Field { form: Form::Flag, ..Field::plain("b.x", &["list", "kind=b", "x"], Absent::Null) },
        ];
        let fields: Fields = [("a.x", json!(1)), ("a.y", json!(2)), ("b.x", json!(true))].into_iter().collect();
        let body = Value::Object(fields.to_body(TABLE));
        assert_eq!(body, json!({"list": [{"kind": "a", "x": 1, "y": 2}, {"kind": "b", "x": "true"}]}));
        for field in TABLE {
            assert_eq!(Some(&field.read(&body, None)), fields.get(field.name));
        }
    }
}
