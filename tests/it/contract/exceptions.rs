//! Where the document is wrong or silent: one entry a hole, each with its reason.
//!
//! The table is in [`holes`], the machinery that looks holes up is here.

mod holes;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::Finding;
use super::shape;
pub(super) use holes::UNFILTERED;
use holes::{DEMANDS, EXCEPTIONS};

/// Which half of an exchange an exception is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Answer,
    Both,
}

impl Side {
    fn covers(self, side: Self) -> bool {
        self == side || self == Self::Both
    }

    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Both => "request and answer",
        }
    }
}

/// One hole of the document.
#[derive(Debug)]
struct Exception {
    hole: Hole,
    reason: &'static str,
}

/// What an exception grants. A `field` is dotted, `[]` stands for an array's items; a `schema` is JSON in the
/// document's own dialect; an `operation` is a method and a template.
#[derive(Debug)]
enum Hole {
    /// The model lacks this field.
    Field { side: Side, model: &'static str, field: &'static str, schema: &'static str },
    /// The field may hold this instead of what the model says.
    Also { side: Side, model: &'static str, field: &'static str, schema: &'static str },
    /// The model requires the field, but it may be left out.
    Optional { side: Side, model: &'static str, field: &'static str },
    /// An object in this place may call itself by this `type`, which is not derived from the model.
    Kind { model: &'static str, field: &'static str, name: &'static str },
    /// The operation succeeds with a status the document does not name.
    Status { operation: &'static str, status: u16 },
    /// The operation takes a body, but the document describes none.
    Body { operation: &'static str, schema: &'static str },
    /// The operation (or any, with `*`) may answer so instead of JSON.
    Raw { operation: &'static str, status: u16, content_type: &'static str },
}

impl Hole {
    fn schema(&self) -> Option<&'static str> {
        match self {
            Self::Field { schema, .. } | Self::Also { schema, .. } | Self::Body { schema, .. } => Some(schema),
            Self::Optional { .. } | Self::Kind { .. } | Self::Status { .. } | Self::Raw { .. } => None,
        }
    }

    /// Whether the document has what the hole is about, so that a misspelt or outdated entry does not linger.
    fn exists(&self, root: &Value) -> bool {
        match self {
            Self::Field { model, .. }
            | Self::Also { model, .. }
            | Self::Optional { model, .. }
            | Self::Kind { model, .. } => root["definitions"].get(model).is_some(),
            Self::Status { operation, .. } | Self::Body { operation, .. } | Self::Raw { operation, .. } => {
                *operation == "*" || has_operation(root, operation)
            }
        }
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field { side, model, field, .. } => write!(out, "{}: unlisted field {model}.{field}", side.name()),
            Self::Also { side, model, field, schema } => write!(out, "{}: {model}.{field} as {schema}", side.name()),
            Self::Optional { side, model, field } => write!(out, "{}: {model}.{field} left out", side.name()),
            Self::Kind { model, field: "", name } => write!(out, "{model} of type {name}"),
            Self::Kind { model, field, name } => write!(out, "{model}.{field} of type {name}"),
            Self::Status { operation, status } => write!(out, "{operation}: status {status}"),
            Self::Body { operation, .. } => write!(out, "{operation}: undescribed request body"),
            Self::Raw { operation, status, content_type: "" } => write!(out, "{operation}: anything with {status}"),
            Self::Raw { operation, status, content_type } => write!(out, "{operation}: {content_type} with {status}"),
        }
    }
}

fn has_operation(root: &Value, operation: &str) -> bool {
    let Some((method, template)) = operation.split_once(' ') else { return false };
    root["paths"].get(template).is_some_and(|item| item.get(method.to_ascii_lowercase()).is_some())
}

/// A demand that the document does not make, but Bitbucket does.
#[derive(Debug)]
struct Demand {
    operation: &'static str,
    field: &'static str,
    wanted: bool,
    reason: &'static str,
}

/// The table, with the schemas parsed and a mark at each entry that has applied.
#[derive(Debug)]
pub(super) struct Exceptions(Vec<Entry>);

#[derive(Debug)]
pub(super) struct Entry {
    hole: &'static Hole,
    reason: &'static str,
    /// What the hole's place holds; null for a hole without a schema.
    pub(super) schema: Value,
    used: AtomicBool,
}

impl Entry {
    /// Notes that the exception has applied.
    pub(super) fn mark(&self) -> &Self {
        self.used.store(true, Ordering::Relaxed);
        self
    }
}

impl Exceptions {
    pub(super) fn new(root: &Value) -> Result<Self, String> {
        for Demand { operation, .. } in DEMANDS {
            if !has_operation(root, operation) {
                return Err(format!("demand on {operation}: the document does not have it"));
            }
        }
        EXCEPTIONS.iter().map(|exception| entry(root, exception)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn unused(&self) -> Vec<String> {
        let unused = self.0.iter().filter(|entry| !entry.used.load(Ordering::Relaxed));
        unused.map(|entry| format!("{} ({})", entry.hole, entry.reason)).collect()
    }

    /// What an unlisted field holds.
    pub(super) fn field(&self, at: Side, owner: &str, name: &str) -> Option<&Value> {
        let entry = self.0.iter().find(|entry| match entry.hole {
            Hole::Field { side, model, field, .. } => side.covers(at) && *model == owner && *field == name,
            _ => false,
        });
        entry.map(|entry| &entry.mark().schema)
    }

    /// What else a field may hold. Who takes one marks it.
    pub(super) fn alternatives(&self, at: Side, owner: &str, name: &str) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| match entry.hole {
            Hole::Also { side, model, field, .. } => side.covers(at) && *model == owner && *field == name,
            _ => false,
        })
    }

    pub(super) fn optional(&self, at: Side, owner: &str, name: &str) -> bool {
        self.applies(|hole| match hole {
            Hole::Optional { side, model, field } => side.covers(at) && *model == owner && *field == name,
            _ => false,
        })
    }

    pub(super) fn kind(&self, owner: &str, place: &str, kind: &str) -> bool {
        self.applies(|hole| match hole {
            Hole::Kind { model, field, name } => *model == owner && *field == place && *name == kind,
            _ => false,
        })
    }

    pub(super) fn status(&self, name: &str, code: u16) -> bool {
        self.applies(|hole| matches!(hole, Hole::Status { operation, status } if *operation == name && *status == code))
    }

    pub(super) fn body(&self, name: &str) -> Option<&Value> {
        let entry =
            self.0.iter().find(|entry| matches!(entry.hole, Hole::Body { operation, .. } if *operation == name));
        entry.map(|entry| &entry.mark().schema)
    }

    pub(super) fn raw(&self, name: &str, code: u16, content: &str) -> bool {
        self.applies(|hole| match hole {
            Hole::Raw { operation, status, content_type } => {
                (*operation == "*" || *operation == name) && *status == code && content.starts_with(content_type)
            }
            _ => false,
        })
    }

    fn applies(&self, fits: impl Fn(&Hole) -> bool) -> bool {
        self.0.iter().find(|entry| fits(entry.hole)).map(Entry::mark).is_some()
    }
}

fn entry(root: &Value, exception: &'static Exception) -> Result<Entry, String> {
    let Exception { hole, reason } = exception;
    if !hole.exists(root) {
        return Err(format!("exception for {hole}: the document does not have it"));
    }
    let schema = match hole.schema().map(serde_json::from_str) {
        None => Value::Null,
        Some(Ok(schema)) => schema,
        Some(Err(error)) => return Err(format!("exception for {hole}: {error}")),
    };
    shape::understands_schema(root, &schema).map_err(|problem| format!("exception for {hole}: {problem}"))?;
    Ok(Entry { hole, reason, schema, used: AtomicBool::new(false) })
}

/// Holds a request body against what Bitbucket demands beyond the document.
pub(super) fn check_demands(operation: &str, body: &Value) -> Vec<Finding> {
    let demands = DEMANDS.iter().filter(|demand| demand.operation == operation);
    demands.filter_map(|demand| broken(demand, body)).collect()
}

fn broken(demand: &Demand, body: &Value) -> Option<Finding> {
    let (owner, name) = demand.field.rsplit_once('.').unwrap_or(("", demand.field));
    let mut owners = vec![body];
    for step in owner.split('.').filter(|step| !step.is_empty()) {
        owners = match step {
            "[]" => owners.into_iter().filter_map(Value::as_array).flatten().collect(),
            _ => owners.into_iter().filter_map(|owner| owner.get(step)).collect(),
        };
    }
    let kept = owners.iter().all(|owner| owner.get(name).is_some() == demand.wanted);
    (!kept).then(|| Finding::new(format!("request body: {}", demand.field), demand.reason))
}
