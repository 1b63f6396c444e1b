//! Partial responses: the `fields` query parameter (api.md §2.5).
//!
//! A plain path includes and leaves out all that is not named, `-path` removes, `+path` adds to what is there by
//! default, `*` stands for every name of its level. Paths go through lists. What is not included is not in the answer:
//! a list asked for without `next` has no `next`.

use std::cell::LazyCell;

use serde_json::{Map, Value};

/// Shapes a document. `default` is what is answered without `fields`; `full` also has what embedded objects leave out
/// in their condensed form, and is only asked for when a path leads there.
pub(super) fn apply(fields: &str, default: &Value, full: impl FnOnce() -> Value) -> Value {
    let terms = || fields.split(',').filter(|term| !term.is_empty());
    let includes = terms().any(|term| !term.starts_with(['+', '-']));
    let full = LazyCell::new(full);
    let mut answer = if includes { hollow(default) } else { default.clone() };
    for term in terms() {
        if let Some(path) = term.strip_prefix('-') {
            remove(&mut answer, &split(path));
            continue;
        }
        let path = split(term.strip_prefix('+').unwrap_or(term));
        // A star at the end asks for everything there is.
        let short = if path.last() == Some(&"*") { None } else { select(default, &path) };
        if let Some(selected) = short.or_else(|| select(&full, &path)).or_else(|| outline(default, &path)) {
            merge(&mut answer, selected);
        }
    }
    answer
}

fn split(path: &str) -> Vec<&str> {
    path.split('.').collect()
}

/// The empty document of the same form, to include into.
fn hollow(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(hollow).collect()),
        _ => Value::Object(Map::new()),
    }
}

/// The part of a document that a path names, in its place.
fn select(value: &Value, path: &[&str]) -> Option<Value> {
    let Some((name, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    match value {
        Value::Object(object) if *name == "*" => {
            let members = object.iter().filter_map(|(key, member)| Some((key.clone(), select(member, rest)?)));
            Some(Value::Object(members.collect()))
        }
        Value::Object(object) => {
            let member = select(object.get(*name)?, rest)?;
            Some(Value::Object(Map::from_iter([((*name).to_owned(), member)])))
        }
        Value::Array(items) => {
            let selected: Vec<_> = items.iter().map(|item| select(item, path)).collect();
            if !items.is_empty() && selected.iter().all(Option::is_none) {
                return None;
            }
            // Each element keeps its place, so that the next path meets the same one.
            let places = selected.into_iter().zip(items);
            Some(places.map(|(selected, item)| selected.unwrap_or_else(|| hollow(item))).collect())
        }
        // An object that is not there is shown as such: `mainbranch.name` of an empty repository.
        Value::Null => Some(Value::Null),
        _ => None,
    }
}

/// What a path that leads nowhere still goes through: a list keeps its empty elements.
fn outline(value: &Value, path: &[&str]) -> Option<Value> {
    match value {
        Value::Object(object) => {
            let (name, rest) = path.split_first()?;
            let member = outline(object.get(*name)?, rest)?;
            Some(Value::Object(Map::from_iter([((*name).to_owned(), member)])))
        }
        Value::Array(_) => Some(hollow(value)),
        _ => None,
    }
}

/// Lays one selection over another.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, member) in from {
                match into.get_mut(&key) {
                    Some(present) => merge(present, member),
                    None => {
                        into.insert(key, member);
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(from)) if into.len() == from.len() => {
            for (into, from) in into.iter_mut().zip(from) {
                merge(into, from);
            }
        }
        (into, from) => *into = from,
    }
}

/// Takes away what a path names.
fn remove(value: &mut Value, path: &[&str]) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    match value {
        Value::Object(object) if rest.is_empty() => {
            if *name == "*" {
                object.clear();
            } else {
                object.remove(*name);
            }
        }
        Value::Object(object) if *name == "*" => object.values_mut().for_each(|member| remove(member, rest)),
        Value::Object(object) => {
            if let Some(member) = object.get_mut(*name) {
                remove(member, rest);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, path)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shaped(fields: &str) -> Value {
        let full = json!({
            "next": "n", "size": 2,
            "values": [
                {"slug": "a", "mainbranch": null, "project": {"key": "P", "is_private": true}, "links": {"self": 1, "html": 2}},
                {"slug": "b", "mainbranch": {"name": "main"}, "project": {"key": "P", "is_private": true}, "links": {"self": 3}},
            ],
        });
        let mut default = full.clone();
        remove(&mut default, &["values", "project", "is_private"]);
        apply(fields, &default, || full)
    }

    #[test]
    fn included_paths_stand_alone() {
        assert_eq!(
            shaped("values.slug,values.mainbranch.name"),
            json!({"values": [{"slug": "a", "mainbranch": null}, {"slug": "b", "mainbranch": {"name": "main"}}]}),
        );
        assert_eq!(shaped("next,size"), json!({"next": "n", "size": 2}));
        assert_eq!(shaped("nothing"), json!({}));
        assert_eq!(shaped("values.nothing"), json!({"values": [{}, {}]}));
        assert_eq!(shaped("values.project.is_private")["values"][0], json!({"project": {"is_private": true}}));
    }

    #[test]
    fn a_minus_removes_and_a_plus_adds() {
        let without = shaped("-values.links,-next");
        assert_eq!(without["size"], 2);
        assert!(without.get("next").is_none() && without["values"][0].get("links").is_none());
        let with = shaped("+values.project.is_private");
        assert_eq!(with["values"][1]["project"], json!({"key": "P", "is_private": true}));
        assert_eq!(with["next"], "n");
        assert_eq!(shaped("-*,+size"), json!({"size": 2}));
        assert_eq!(
            shaped("values,-values.links,-values.project,-values.mainbranch")["values"][1],
            json!({"slug": "b"})
        );
    }

    #[test]
    fn a_star_is_every_name_of_its_level() {
        assert_eq!(shaped("-values.links.*")["values"][0]["links"], json!({}));
        assert_eq!(shaped("*")["values"][0]["project"]["is_private"], true);
        assert_eq!(shaped("values.*.self")["values"][1], json!({"links": {"self": 3}}));
    }

    #[test]
    fn an_undecoded_plus_matches_nothing() {
        assert_eq!(shaped(" values.slug"), json!({}));
    }
}
