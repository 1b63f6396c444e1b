//! What a manifest can say: the rest is left out, and told. Bitbucket is not bound by the rules of manifests, and may hold what
//! nobody could write.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::Value;

use super::{Estate, Existing};
use crate::diagnostic::{Diagnostics, Sources};
use crate::manifest::node::Node;
use crate::manifest::schema;
use crate::manifest::shape::Shape;
use crate::resource::{self, Address, Field, Fields, KindRef};

/// Something that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The object, or what it is of.
    pub address: Address,
    /// The field, unless it is the whole object.
    pub field: Option<&'static str>,
    /// Why.
    pub why: String,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, field, why } = self;
        match field {
            Some(field) => write!(f, "`{field}` of {} {address} is left out: {why}", address.kind().name()),
            None => write!(f, "{} {address} is left out: {why}", address.kind().name()),
        }
    }
}

/// Leaves out what no manifest can say.
#[must_use]
pub fn sift(estate: Estate) -> (Estate, Vec<LeftOut>) {
    let mut estate = estate;
    // What others are in comes before them.
    estate.objects.sort_by(|a, b| a.address.cmp(&b.address));
    let mut sieve = Sieve { names: names(&estate.objects), ..Sieve::default() };
    let mut kept: Vec<Existing> = Vec::with_capacity(estate.objects.len());
    let mut references: HashMap<Address, Fields> = HashMap::new();
    for object in estate.objects {
        let Some(object) = sieve.sift(object) else { continue };
        let (address, kind) = (&object.address, object.address.kind());
        let referred = kind.reference(address.workspace(), &object.fields).map(|reference| reference.address);
        let other = referred.and_then(|referred| references.get(&referred));
        if let Some(finding) = other.and_then(|other| kind.check_reference(&object.fields, other)) {
            sieve.leave_out(address.clone(), None, finding.message);
            continue;
        }
        if kind.shape() == resource::Shape::Objects {
            references.insert(address.clone(), object.fields.clone());
        }
        kept.push(object);
    }
    (Estate { objects: kept, ..estate }, sieve.left_out)
}

/// How many have each name. Those of objects that differ only in case are kept apart by no screen of Bitbucket's (api.md §4).
fn names(objects: &[Existing]) -> HashMap<(KindRef, String), usize> {
    let mut names = HashMap::new();
    for object in objects {
        *names.entry(name(&object.address)).or_default() += 1;
    }
    names
}

fn name(address: &Address) -> (KindRef, String) {
    let folds = address.kind().shape() == resource::Shape::Objects;
    let text = address.as_str();
    (address.kind(), if folds { text.to_lowercase() } else { text.to_owned() })
}

#[derive(Default)]
struct Sieve {
    names: HashMap<(KindRef, String), usize>,
    shapes: HashMap<KindRef, Shape>,
    gone: HashSet<(KindRef, String)>,
    left_out: Vec<LeftOut>,
}

impl Sieve {
    fn leave_out(&mut self, address: Address, field: Option<&'static str>, why: String) {
        if field.is_none() {
            self.gone.insert((address.kind(), address.as_str().to_owned()));
        }
        self.left_out.push(LeftOut { address, field, why });
    }

    /// An object as it can be said; nothing if it cannot be.
    fn sift(&mut self, object: Existing) -> Option<Existing> {
        let Existing { address, fields } = object;
        let kind = address.kind();
        let holder = kind.parent().map(|parent| (parent, address.parent().to_owned()));
        if holder.is_some_and(|holder| self.gone.contains(&holder)) {
            return None;
        }
        let why = match (kind.check_identity(address.id()), self.names.get(&name(&address))) {
            (Err(finding), _) => finding.message,
            (Ok(()), Some(2..)) => format!("another {} has the same {}", kind.name(), kind.identity()),
            (Ok(()), _) => {
                let fields = self.fields(&address, fields)?;
                return Some(Existing { address, fields });
            }
        };
        self.leave_out(address, None, why);
        None
    }

    /// The fields that can be said of an object. Nothing if one is missing then without which it cannot be.
    fn fields(&mut self, address: &Address, fields: Fields) -> Option<Fields> {
        let kind = address.kind();
        let shape = self.shapes.entry(kind).or_insert_with(|| Shape::read(&schema::of_kind(kind)));
        let known = kind.fields().iter().filter_map(|field| Some((field, fields.get(field.name)?)));
        let wrong = known.filter_map(|(field, value)| Some((field.name, shape.of(field)?.refuses(value)?)));
        let mut wrong: Vec<(&'static str, String)> = wrong.collect();
        let needed: Vec<String> = shape.required().iter().cloned().chain(only_field(kind).map(str::to_owned)).collect();
        let mut left_out = Vec::new();
        let mut fields = fields;
        loop {
            if wrong.is_empty() {
                match kind.check(address.id(), &fields).into_iter().find(|finding| finding.stops) {
                    Some(finding) => wrong.push((finding.field, finding.message)),
                    None => break,
                }
            }
            for (name, why) in wrong.drain(..) {
                if fields.get(name).is_none() || needed.iter().any(|needed| needed == name) {
                    // What was wrong first is why.
                    let first = left_out.into_iter().next().map(|(_, why)| why);
                    self.leave_out(address.clone(), None, first.unwrap_or(why));
                    return None;
                }
                let field = kind.fields().iter().find(|field| field.name == name);
                if !field.is_some_and(|field| kind.goes_without_saying(address.id(), field, &fields)) {
                    left_out.push((name, why));
                }
                fields = fields.without(name);
            }
        }
        for (name, why) in left_out {
            self.leave_out(address.clone(), Some(name), why);
        }
        Some(fields)
    }
}

/// The field that is all there is to say of what has but one.
fn only_field(kind: KindRef) -> Option<&'static str> {
    match kind.shape() {
        resource::Shape::Map(field) | resource::Shape::Value(field) => Some(field),
        _ => None,
    }
}

impl Shape {
    /// What it says of a field of a kind that is mapped by it; all that it says if the kind has but one value.
    fn of(&self, field: &Field) -> Option<&Self> {
        if !matches!(self, Self::Object { .. }) {
            return Some(self);
        }
        let keys: Vec<&str> = if field.is_listed() { field.api.to_vec() } else { field.name.split('.').collect() };
        keys.iter().try_fold(self, |shape, key| match shape {
            Self::Object { keys, .. } => keys.get(*key),
            Self::List(items) => Some(&**items),
            _ => None,
        })
    }

    fn required(&self) -> &[String] {
        match self {
            Self::Object { required, .. } => required,
            _ => &[],
        }
    }

    /// Why a value does not fit.
    fn refuses(&self, value: &Value) -> Option<String> {
        let node = Node::from(value);
        let (mut checked, mut found) = (node.clone(), Diagnostics::default());
        let fits = self.check("", &mut checked, &Sources::default(), &mut found) && found.is_empty() && checked == node;
        let is_secret = matches!(self, Self::Object { secret: true, .. });
        let what = if is_secret { "a secret".to_owned() } else { node.tree.describe() };
        (!fits).then(|| format!("it is {what}, which a manifest cannot say"))
    }
}
