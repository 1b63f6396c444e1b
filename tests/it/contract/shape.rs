//! Holds a JSON value against the document's schemas.
//!
//! Stricter than JSON Schema in one respect: nearly every model of the document says `additionalProperties: true`, yet
//! a field is known only when a schema names it, or an exception does.

mod scalars;

use serde_json::{Map, Value};

use super::exceptions::Side;
use super::{Document, Finding};
pub(super) use scalars::check_parameter;

/// The schema keywords the checker honours, or may ignore because they only describe.
const KEYWORDS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "default",
    "description",
    "discriminator",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
];

/// Makes sure that no schema of the document uses a keyword the checker does not know.
pub(super) fn understands(root: &Value) -> Result<(), String> {
    let definitions = root["definitions"].as_object().ok_or("the document has no definitions")?;
    definitions.values().try_for_each(|schema| understands_schema(root, schema))?;
    let operations = root["paths"].as_object().into_iter().flat_map(Map::values).filter_map(Value::as_object);
    for operation in operations.flat_map(Map::values) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let responses = operation["responses"].as_object().into_iter().flat_map(Map::values);
        let schemas = parameters.chain(responses).filter_map(|owner| owner.get("schema"));
        schemas.into_iter().try_for_each(|schema| understands_schema(root, schema))?;
    }
    Ok(())
}

/// The same for one schema, and for the references in it.
pub(super) fn understands_schema(root: &Value, schema: &Value) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else { return Ok(()) };
    for (keyword, value) in keywords {
        match keyword.as_str() {
            "properties" => {
                value
                    .as_object()
                    .into_iter()
                    .flat_map(Map::values)
                    .try_for_each(|one| understands_schema(root, one))?;
            }
            "allOf" => value.as_array().into_iter().flatten().try_for_each(|one| understands_schema(root, one))?,
            "items" | "additionalProperties" => understands_schema(root, value)?,
            "$ref" if value.as_str().and_then(|name| resolve(root, name)).is_none() => {
                return Err(format!("nothing is at {value}"));
            }
            keyword if KEYWORDS.contains(&keyword) || keyword.starts_with("x-") => {}
            _ => return Err(format!("the checker does not know the schema keyword {keyword:?}")),
        }
    }
    Ok(())
}

/// What a `$ref` points at.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}

/// A schema, and where it stands: the name and the path by which the table of exceptions knows it.
#[derive(Debug, Clone)]
struct Node<'a> {
    schema: &'a Value,
    model: &'a str,
    path: String,
}

impl<'a> Node<'a> {
    fn root(schema: &'a Value) -> Self {
        Self { schema, model: "", path: String::new() }
    }

    /// The same place, one field further.
    fn field(&self, schema: &'a Value, name: &str) -> Self {
        Self { schema, model: self.model, path: join(&self.path, name) }
    }

    /// The definition it refers to.
    fn definition(&self) -> Option<&'a str> {
        self.schema["$ref"].as_str()?.strip_prefix("#/definitions/").filter(|name| !name.contains('/'))
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Checks one body.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    document: &'a Document,
    side: Side,
    partial: bool,
    label: &'static str,
}

impl<'a> Shape<'a> {
    /// A `partial` answer, one that was asked for with `fields`, may lack anything.
    pub(super) fn new(document: &'a Document, side: Side, partial: bool, label: &'static str) -> Self {
        Self { document, side, partial, label }
    }

    /// Everything in which `value` does not fit `schema`.
    pub(super) fn check(&self, schema: &'a Value, value: &Value) -> Vec<Finding> {
        self.fits(&[Node::root(schema)], value, "")
    }

    fn finding(&self, place: &str, problem: impl Into<String>) -> Finding {
        let place = if place.is_empty() { self.label.to_owned() } else { format!("{}: {place}", self.label) };
        Finding::new(place, problem)
    }

    /// The value has to fit all of `nodes`, or an alternative that an exception grants in one of their places.
    fn fits(&self, nodes: &[Node<'a>], value: &Value, place: &str) -> Vec<Finding> {
        let mut all = Vec::new();
        for node in nodes {
            self.expand(node, &mut all);
        }
        let stranger = self.derive(nodes, &mut all, value).map(|problem| self.finding(&join(place, "type"), problem));
        let findings: Vec<_> = self.fits_all(&all, value, place).into_iter().chain(stranger).collect();
        if findings.is_empty() {
            return findings;
        }
        let exceptions = &self.document.exceptions;
        let mut others = all.iter().flat_map(|node| exceptions.alternatives(self.side, node.model, &node.path));
        // The alternative stands in no place of its own, so that it cannot be granted alternatives again.
        let granted = others.find(|other| self.fits(&[Node::root(&other.schema)], value, place).is_empty());
        granted.map_or(findings, |granted| {
            granted.mark();
            Vec::new()
        })
    }

    /// Collects a schema with everything it refers to or is composed of.
    fn expand(&self, node: &Node<'a>, all: &mut Vec<Node<'a>>) {
        if all.iter().any(|known| std::ptr::eq(known.schema, node.schema)) {
            return;
        }
        all.push(node.clone());
        if let Some(reference) = node.schema["$ref"].as_str() {
            let model = node.definition().unwrap_or_default();
            if let Some(schema) = resolve(&self.document.root, reference) {
                self.expand(&Node { schema, model, path: String::new() }, all);
            }
        }
        for schema in node.schema["allOf"].as_array().into_iter().flatten() {
            self.expand(&Node { schema, ..node.clone() }, all);
        }
    }

    /// Adds the derived model that the object's `type` names: where an account stands, a user is welcome with all of a
    /// user's fields. Says what is wrong when the `type` names anything else.
    fn derive(&self, nodes: &[Node<'a>], all: &mut Vec<Node<'a>>, value: &Value) -> Option<String> {
        let kind = value.get("type")?.as_str()?;
        let (node, wanted) = nodes.iter().find_map(|node| Some((node, node.definition()?)))?;
        let types: Vec<_> = all.iter().filter_map(|node| node.schema["properties"].get("type")).collect();
        // Some models use `type` for a value of their own, which is no model's name.
        if kind == wanted || types.is_empty() || types.iter().any(|schema| schema.get("enum").is_some()) {
            return None;
        }
        let definitions = self.document.root["definitions"].as_object();
        let definition = definitions.and_then(|models| models.get_key_value(kind));
        let mut derived = Vec::new();
        if let Some((model, schema)) = definition {
            self.expand(&Node { schema, model, path: String::new() }, &mut derived);
        }
        let exceptions = &self.document.exceptions;
        let welcome = derived.iter().any(|node| node.model == wanted)
            || exceptions.kind(node.model, &node.path, kind)
            || exceptions.kind(wanted, "", kind);
        if welcome {
            all.extend(derived);
        }
        (!welcome).then(|| format!("{kind:?} is not a kind of {wanted}"))
    }

    fn fits_all(&self, all: &[Node<'a>], value: &Value, place: &str) -> Vec<Finding> {
        if let Some(problem) = all.iter().find_map(|node| scalars::check_type(node.schema, value).err()) {
            return vec![self.finding(place, problem)];
        }
        let mut problems: Vec<_> = all.iter().flat_map(|node| scalars::check(node.schema, value)).collect();
        problems.dedup();
        let mut findings: Vec<_> = problems.into_iter().map(|problem| self.finding(place, problem)).collect();
        match value {
            Value::Object(fields) => findings.extend(self.check_fields(all, fields, place)),
            Value::Array(items) => {
                let inner: Vec<_> = all
                    .iter()
                    .filter_map(|node| Some((node, node.schema.get("items")?)))
                    .map(|(node, schema)| Node { schema, model: node.model, path: format!("{}[]", node.path) })
                    .collect();
                for (index, item) in items.iter().enumerate() {
                    findings.extend(self.fits(&inner, item, &format!("{place}[{index}]")));
                }
            }
            _ => {}
        }
        findings
    }

    fn check_fields(&self, all: &[Node<'a>], fields: &Map<String, Value>, place: &str) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, value) in fields {
            let place = join(place, name);
            let nodes = self.named(all, name);
            if nodes.is_empty() && !self.free(all) {
                findings.push(self.finding(&place, format!("is not a field of {}", models(all))));
            }
            if self.side == Side::Request && nodes.iter().any(|node| node.schema["readOnly"] == true) {
                findings.push(self.finding(&place, "is read-only"));
            }
            findings.extend(self.fits(&nodes, value, &place));
        }
        findings.extend(self.missing(all, fields).map(|name| self.finding(&join(place, name), "is required")));
        findings
    }

    /// The schemas of a field: the models' own, else that of a free key, else an exception's.
    fn named(&self, all: &[Node<'a>], name: &str) -> Vec<Node<'a>> {
        let own = all.iter().filter_map(|node| Some(node.field(node.schema["properties"].get(name)?, name)));
        let own: Vec<_> = own.collect();
        if !own.is_empty() {
            return own;
        }
        let keyed = all.iter().filter_map(|node| Some((node, node.schema.get("additionalProperties")?)));
        let keyed = keyed.filter(|(_, schema)| schema.is_object()).map(|(node, schema)| node.field(schema, "*"));
        let exceptions = &self.document.exceptions;
        let granted = all.iter().filter_map(|node| {
            let place = node.field(node.schema, name);
            let schema = exceptions.field(self.side, node.model, &place.path)?;
            Some(Node { schema, ..place })
        });
        keyed.chain(granted).collect()
    }

    /// Whether the object's fields are data: no schema names any. A request may not make use of that.
    fn free(&self, all: &[Node<'a>]) -> bool {
        let names_none = |node: &Node<'_>| node.schema["properties"].as_object().is_none_or(Map::is_empty);
        let open = |node: &Node<'_>| node.schema["additionalProperties"] != false;
        self.side == Side::Answer && all.iter().all(|node| names_none(node) && open(node))
    }

    /// The required fields that are not there. Every model requires the discriminator `type`, but in requests only some
    /// operations do, and the demands in the table of exceptions say which.
    fn missing<'b>(&'b self, all: &'b [Node<'a>], fields: &'b Map<String, Value>) -> impl Iterator<Item = &'b str> {
        let required = all.iter().flat_map(|node| {
            let names = node.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            names.map(move |name| (node, name))
        });
        let absent = required.filter(|(_, name)| !self.partial && !fields.contains_key(*name));
        let asked = absent.filter(|(_, name)| self.side == Side::Answer || *name != "type");
        let exceptions = &self.document.exceptions;
        let unexcused =
            asked.filter(|(node, name)| !exceptions.optional(self.side, node.model, &join(&node.path, name)));
        let mut seen = Vec::new();
        unexcused.map(|(_, name)| name).filter(move |name| {
            let new = !seen.contains(name);
            seen.push(*name);
            new
        })
    }
}

/// The models' names, for a message. The base of them all tells nobody anything.
fn models(all: &[Node<'_>]) -> String {
    let mut names: Vec<String> = Vec::new();
    let listed = all.iter().filter(|node| node.schema.get("$ref").is_none() && !matches!(node.model, "" | "object"));
    for node in listed {
        let name = if node.path.is_empty() { node.model.to_owned() } else { join(node.model, &node.path) };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { "this object".to_owned() } else { names.join(" or ") }
}
