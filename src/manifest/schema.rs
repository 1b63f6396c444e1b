//! The manifest's JSON Schema, put together from the registry of kinds.
//!
//! It is the one description of a manifest's shape: editors complete and explain from it, and the loader checks with it
//! ([`super::shape`]), so the two cannot disagree.

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Map, Value, json};

use crate::resource::{KindRef, Shape, kinds_in};

/// The JSON Schema (draft-07) of a manifest.
#[must_use]
pub fn manifest_schema() -> Value {
    let mut generator = generator();
    let mut defaults = Map::new();
    let mut sections = Map::new();
    let mut templates = json!({});
    for kind in kinds_in(None) {
        let mut schema = settings(kind, &mut generator);
        if kind.shape() != Shape::Objects {
            add(&mut sections, kind, section(kind, &mut generator));
            continue;
        }
        add_sections(kind, &mut schema, &mut generator);
        let plain = schema.clone();
        allow_removal(&mut schema);
        if kind.is_templated() {
            schema["properties"][USES] = uses(kind);
            templates = templates_of(kind, &schema);
        }
        // Under what uses nothing there is nothing that could be removed.
        defaults.insert(kind.name().to_owned(), if kind.is_templated() { schema.clone() } else { plain });
        sections.insert(
            kind.section().to_owned(),
            json!({
                "description": format!("The {} of this workspace that are managed here. Others stay as they are.", kind.section()),
                "type": "array",
                "items": object(kind, schema),
            }),
        );
    }
    let mut workspace = Map::new();
    workspace.insert(
        "workspace".to_owned(),
        json!({
            "description": "The workspace's slug, as in bitbucket.org/SLUG. Not its name.",
            "type": "string",
            "pattern": "^[a-z0-9_-]+$",
        }),
    );
    workspace.insert("auth".to_owned(), super::auth::schema());
    workspace.append(&mut sections);
    workspace.extend(exclusive(None));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "bbprov manifest",
        "description": "Workspaces of Bitbucket Cloud with their projects and repositories, as they shall be.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version"],
        // A file may hold nothing but what others stand on.
        "anyOf": [{"required": ["workspaces"]}, {"required": ["defaults"]}, {"required": ["templates"]}],
        "properties": {
            "version": {
                "description": "The version of this format.",
                "type": "integer",
                "enum": [1],
            },
            "defaults": {
                "description": "What every object starts from, in this and all other files of the manifest. Its own values win, key by key.",
                "type": "object",
                "additionalProperties": false,
                "properties": defaults,
            },
            "templates": templates,
            "workspaces": {
                "description": "The workspaces. The same one may stand in several files.",
                "type": "array",
                "items": {
                    "description": "A workspace, which exists already.",
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["workspace"],
                    "properties": workspace,
                },
            },
        },
    })
}

/// The key by which an object stands on templates.
pub const USES: &str = "uses";

fn uses(kind: KindRef) -> Value {
    json!({
        "description": format!("The templates that this stands on, in order: what a later one says wins, and what is said here wins over all. Under them lies `defaults.{}`.", kind.name()),
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "uniqueItems": true,
    })
}

fn templates_of(kind: KindRef, settings: &Value) -> Value {
    let mut template = settings.clone();
    template["description"] =
        json!(format!("Settings of a {}, for those that name this template in `uses`.", kind.name()));
    json!({
        "description": format!("Named settings of {}, for this and all other files of the manifest. `~` removes what is inherited.", kind.section()),
        "type": "object",
        "additionalProperties": template,
    })
}

/// Lets `~` stand wherever something can be inherited: at every key that may be missing, and in mappings, but not in lists,
/// which are inherited whole, nor in what says where a secret comes from, which is one thing.
fn allow_removal(schema: &mut Value) {
    if schema.get("writeOnly").is_some() {
        return;
    }
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |key: &String| required.as_array().is_some_and(|keys| keys.contains(&json!(key)));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (_, property) in properties.iter_mut().filter(|(key, _)| !is_required(key)) {
            allow_removal(property);
            allow_null(property);
        }
    }
    if let Some(values @ Value::Object(_)) = schema.get_mut("additionalProperties") {
        allow_removal(values);
        allow_null(values);
    }
}

/// Lets null stand in a value's place as well.
fn allow_null(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let null = json!({"const": null, "description": "Removes the inherited value."});
    for (key, null) in [("oneOf", null), ("anyOf", json!({"type": "null"})), ("enum", Value::Null)] {
        if let Some(Value::Array(choices)) = map.get_mut(key) {
            choices.push(null);
        }
    }
    if let Some(name) = map.get_mut("type") {
        *name = json!([name, "null"]);
    }
}

/// Adds to the schema of an object what can stand in it.
fn add_sections(kind: KindRef, schema: &mut Value, generator: &mut SchemaGenerator) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for child in kinds_in(Some(kind)) {
        add(properties, child, section(child, generator));
    }
    if kind.shape() == Shape::Objects {
        properties.extend(exclusive(Some(kind)));
    }
}

/// The key by which a manifest takes whole sections, if there are any that hold more than one thing.
fn exclusive(kind: Option<KindRef>) -> Option<(String, Value)> {
    let many = kinds_in(kind).filter(|kind| kind.shape() != Shape::Objects && !kind.shape().is_single());
    let names: BTreeSet<&str> = many.filter_map(|kind| kind.section().split('.').next()).collect();
    let schema = json!({
        "description": "Sections of which the manifest says everything: what they do not list is removed, within `--allow-remove`. Without it, what is not listed stays.",
        "type": "array",
        "items": {"type": "string", "enum": names},
    });
    (!names.is_empty()).then(|| ("exclusive".to_owned(), schema))
}

/// Puts a section at its place, which may be inside of a mapping that holds several.
fn add(properties: &mut Map<String, Value>, kind: KindRef, section: Value) {
    match kind.section().split_once('.') {
        None => drop(properties.insert(kind.section().to_owned(), section)),
        Some((outer, inner)) => {
            let outer = properties.entry(outer).or_insert_with(|| {
                json!({
                    "description": "Each is read and managed only if it stands here.",
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {},
                })
            });
            outer["properties"][inner] = section;
        }
    }
}

fn section(kind: KindRef, generator: &mut SchemaGenerator) -> Value {
    let mut schema = settings(kind, generator);
    add_sections(kind, &mut schema, generator);
    match kind.shape() {
        Shape::Objects | Shape::List | Shape::Names => {
            json!({"description": kind.summary(), "type": "array", "items": schema})
        }
        Shape::Map(_) => json!({"description": kind.summary(), "type": "object", "additionalProperties": schema}),
        Shape::One | Shape::Value(_) => {
            schema["description"] = json!(kind.summary());
            schema
        }
    }
}

/// The schema of what can be said of an object of a kind, without what stands in it.
pub(super) fn of_kind(kind: KindRef) -> Value {
    settings(kind, &mut generator())
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true).into_generator()
}

fn settings(kind: KindRef, generator: &mut SchemaGenerator) -> Value {
    let mut schema = kind.settings(generator);
    // schemars says of an optional value that it may be null. In a manifest it may be left out instead.
    RecursiveTransform(|schema: &mut schemars::Schema| {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
            choices.retain(|choice| choice.get("type") != Some(&json!("null")));
            if let [Value::Object(only)] = choices.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                for (key, value) in only {
                    schema.ensure_object().entry(key).or_insert(value);
                }
            }
        }
    })
    .transform(&mut schema);
    schema.remove("title");
    schema.remove("$schema");
    let mut schema = schema.to_value();
    one_line(&mut schema);
    schema
}

/// Doc comments are wrapped where the code ends; an editor wraps for itself.
fn one_line(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            map.values_mut().for_each(one_line);
        }
        Value::Array(items) => items.iter_mut().for_each(one_line),
        _ => {}
    }
}

/// The schema of one entry in a kind's list: its identity, `state`, and its settings.
fn object(kind: KindRef, settings: Value) -> Value {
    let mut schema = settings;
    let mut own = Map::new();
    let rule = kind.identity_rule();
    own.insert(
        kind.identity().to_owned(),
        json!({
            "description": rule.description,
            "type": "string",
            "pattern": rule.pattern,
            "maxLength": rule.longest,
        }),
    );
    own.insert(
        "state".to_owned(),
        json!({
            "description": format!("`absent` deletes this {}, if `--allow-delete` permits it.", kind.name()),
            "type": "string",
            "enum": ["present", "absent"],
            "default": "present",
        }),
    );
    if kind.renames() {
        own.insert(
            "previously".to_owned(),
            json!({
                "description": format!("What this {} was called before: it is renamed and stays the same. Once that is done, this may go.", kind.name()),
                "type": "string",
                "pattern": rule.pattern,
                "maxLength": rule.longest,
            }),
        );
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        own.append(properties);
        *properties = own;
    }
    schema["required"] = json!([kind.identity()]);
    schema["description"] = json!(kind.summary());
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_a_person_can_write_is_explained() {
        fn walk(schema: &Value, path: &str) {
            for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let path = format!("{path}.{name}");
                if !path.starts_with(".defaults.") || path.matches('.').count() > 2 {
                    assert!(property.get("description").is_some_and(Value::is_string), "{path}: {property}");
                }
                walk(property, &path);
            }
            if let Some(items) = schema.get("items") {
                walk(items, &format!("{path}[]"));
            }
        }
        walk(&manifest_schema(), "");
    }

    /// Whether the text of a schema says null anywhere.
    fn nulls(schema: &Value) -> bool {
        schema.to_string().contains("null")
    }

    #[test]
    fn what_can_be_inherited_can_be_removed_and_nothing_else_can() {
        let schema = manifest_schema();
        let workspace = &schema["properties"]["workspaces"]["items"]["properties"];
        let repository = &workspace["repositories"]["items"]["properties"];
        let project = &workspace["projects"]["items"]["properties"];
        let template = &schema["properties"]["templates"]["additionalProperties"]["properties"];
        let defaults = &schema["properties"]["defaults"]["properties"];
        for settings in [repository, project, template, &defaults["repository"]["properties"]] {
            for (name, property) in settings.as_object().unwrap() {
                let own = ["slug", "key", "state", "previously", "uses"].contains(&name.as_str());
                let takes_null = jsonschema::draft7::is_valid(property, &Value::Null);
                assert_eq!(takes_null, !own, "{name}: {property}");
                // Lists are inherited whole.
                assert!(!property.get("items").is_some_and(nulls), "{name}: {property}");
            }
        }
        let grants = &repository["permissions"]["properties"]["groups"];
        assert!(nulls(&grants["type"]) && nulls(&grants["additionalProperties"]), "{grants}");
        let pair = &repository["pipelines"]["properties"]["ssh_key_pair"];
        assert!(nulls(&pair["type"]) && !nulls(&pair["properties"]), "{pair}");
        assert!(!nulls(&defaults["project"]));
        for (name, section) in workspace.as_object().unwrap() {
            assert_eq!(nulls(section), ["projects", "repositories"].contains(&name.as_str()), "{name}");
        }
        assert!(!nulls(&schema["properties"]["version"]));
    }
}
