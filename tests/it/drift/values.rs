//! Which other values a field can have: from the manifest's schema, and by the rules of its kind.

use std::sync::LazyLock;

use bbprov::manifest::schema::manifest_schema;
use bbprov::manifest::{Desired, Manifest};
use bbprov::resource::{Field, Fields, Finding, KindRef, Shape};
use serde_json::{Value, json};

static SCHEMA: LazyLock<Value> = LazyLock::new(manifest_schema);

/// The schema of a workspace.
pub fn workspace() -> &'static Value {
    &SCHEMA["properties"]["workspaces"]["items"]
}

/// The schema of one thing of a kind.
pub fn of_kind(kind: KindRef) -> &'static Value {
    let holder = kind.parent().map_or_else(workspace, of_kind);
    let section = kind.section().split('.').fold(holder, |schema, key| &schema["properties"][key]);
    match kind.shape() {
        Shape::Objects | Shape::List | Shape::Names => &section["items"],
        Shape::Map(_) => &section["additionalProperties"],
        Shape::One | Shape::Value(_) => section,
    }
}

fn of_field(kind: KindRef, field: &Field) -> &'static Value {
    let schema = of_kind(kind);
    match (kind.shape(), field.is_listed()) {
        (Shape::Map(_) | Shape::Value(_), _) => schema,
        (_, true) => {
            let name = field.name.rsplit('.').next().unwrap();
            &schema["properties"][field.api[0]]["items"]["properties"][name]
        }
        (_, false) => field.name.split('.').fold(schema, |schema, key| &schema["properties"][key]),
    }
}

/// Each value that is to be tried, as a choice: the first of it that Bitbucket takes will do. Of a field that tells its
/// object from others one is enough. Nothing if there is no other value to be had, as the kind itself says.
pub fn others(manifest: &Manifest, object: &Desired, name: &str) -> Option<Vec<Vec<Value>>> {
    let kind = object.address.kind();
    let field = kind.fields().iter().find(|field| field.name == name)?;
    let is = object.fields.get(name)?;
    let schema = of_field(kind, field);
    let words = words(schema);
    let all = match (is, words.is_empty()) {
        (_, false) => words.clone(),
        (Value::Bool(is), _) => vec![json!(!is)],
        (Value::Number(is), _) => vec![json!(is.as_i64().unwrap() + 1)],
        (Value::Array(items), _) => [json!(items[1..])].into_iter().chain(elsewhere(manifest, kind, name)).collect(),
        // A secret: nobody sees which.
        (Value::Object(_), _) if kind.is_secret(name, is) => return Some(vec![vec![json!("another secret")]]),
        (Value::String(text), _) if text.starts_with("ssh-") => vec![json!(another_key(text))],
        (Value::String(text), _) => texts(manifest, kind, name, text),
        (Value::Object(_) | Value::Null, _) => elsewhere(manifest, kind, name),
    };
    let all = all.into_iter().filter(|value| value != is);
    // What it says of other fields is for Bitbucket to judge.
    let about = |value: &Value, stops| {
        findings(object, field.name, value).iter().any(|one| one.field == name && one.stops == stops)
    };
    let (gone, all): (Vec<_>, Vec<_>) = all.partition(|value| about(value, false));
    let all: Vec<_> = all.into_iter().filter(|value| !about(value, true)).collect();
    if all.is_empty() && !gone.is_empty() {
        return None;
    }
    if identifies(object, name) {
        return Some(vec![all]);
    }
    if !words.is_empty() || is.is_array() {
        return Some(all.into_iter().map(|one| vec![one]).collect());
    }
    let nothing = json!("");
    let can_be_nothing = is.is_string() && *is != nothing && schema["minLength"].is_null() && !about(&nothing, true);
    Some([all].into_iter().chain(can_be_nothing.then(|| vec![nothing])).collect())
}

/// Whether an object with another value of this field would be another object.
pub fn identifies(object: &Desired, field: &str) -> bool {
    let kind = object.address.kind();
    let without: Fields =
        object.fields.iter().filter(|(name, _)| *name != field).map(|(name, value)| (name, value.clone())).collect();
    kind.shape() == Shape::List && kind.identity_of(&without) != kind.identity_of(&object.fields)
}

/// The words that a schema allows, if they are few.
fn words(schema: &Value) -> Vec<Value> {
    let choices = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    let consts = schema.get("const").into_iter().cloned();
    let all = schema["enum"].as_array().cloned().into_iter().flatten().chain(consts).chain(choices.flat_map(words));
    // What a `~` removes is not a value.
    all.filter(|word| !word.is_null()).collect()
}

/// Other texts, of which one may do: a little more, in capitals, or what stands elsewhere in the manifest.
fn texts(manifest: &Manifest, kind: KindRef, name: &str, text: &str) -> Vec<Value> {
    let mut all = vec![json!(format!("{text}x")), json!(text.to_uppercase())];
    all.extend(elsewhere(manifest, kind, name));
    all
}

fn elsewhere(manifest: &Manifest, kind: KindRef, name: &str) -> Vec<Value> {
    let alike = manifest.desired.iter().filter(|object| object.address.kind() == kind);
    alike.filter_map(|object| object.fields.get(name)).cloned().collect()
}

/// What the kind itself has against a value.
fn findings(object: &Desired, name: &'static str, value: &Value) -> Vec<Finding> {
    let (kind, id) = (object.address.kind(), object.address.id());
    let changed: Fields = [(name, value.clone())].into_iter().collect();
    let findings = kind.check(id, &object.fields.overlaid(&changed));
    findings.into_iter().chain(kind.refuse(id, &changed)).collect()
}

/// The same with another letter in its middle, and no comment.
fn another_key(key: &str) -> String {
    let (kind, base64) = key.split_once(' ').unwrap();
    let base64 = base64.split(' ').next().unwrap();
    let (begin, end) = base64.split_at(base64.len() - 9);
    let (letter, end) = end.split_at(1);
    format!("{kind} {begin}{}{end}", if letter == "A" { "B" } else { "A" })
}
