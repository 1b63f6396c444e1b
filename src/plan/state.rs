//! What exists, as a value: the actual state that the desired one is compared with.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use super::people::People;
use super::{Found, Note, Unread};
use crate::bitbucket;
use crate::manifest::Manifest;
use crate::resource::fields::shared;
use crate::resource::{Address, Fields, KindRef, Set};

/// What exists, as far as anybody asked.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The objects that the manifest names.
    pub objects: Objects,
    /// The names of all objects of kinds that others refer to, for proposals.
    pub names: BTreeMap<(String, &'static str), Vec<String>>,
    /// How much there is.
    pub found: Vec<Found>,
    /// How many objects that the manifest does not name refer to one that it wants gone, as far as they were seen.
    pub holds: HashMap<Address, usize>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What still has its former name, with that.
    pub renamed: HashMap<Address, Box<str>>,
    /// What stands in sections that hold nothing but what is managed, and is not.
    pub surplus: Vec<Surplus>,
    /// What a person should know of what was read.
    pub notes: Vec<Note>,
    /// How much each of these sections holds, by what it is in.
    pub sizes: HashMap<(Box<str>, KindRef), usize>,
    /// Those whom the answers show.
    pub people: People,
}

/// Something that stands where nothing but what is managed shall.
#[derive(Debug, Clone)]
pub struct Surplus {
    /// What it is.
    pub address: Address,
    /// What it is like.
    pub actual: Actual,
    /// Whether it is there for the second time, beside one that is managed.
    pub again: bool,
}

/// Objects as they are, by address.
#[derive(Debug, Clone, Default)]
pub struct Objects(pub(super) HashSet<Known>);

/// An object in a set by its address: for many thousands a set of boxes takes far less than a map.
#[derive(Debug, Clone)]
pub(super) struct Known(pub(super) Box<(Address, Actual)>);

impl Known {
    pub(super) fn new(address: Address, actual: Actual) -> Self {
        Self(Box::new((address, actual)))
    }
}

impl Objects {
    /// The object with this address, if it exists.
    #[must_use]
    pub fn get(&self, address: &Address) -> Option<&Actual> {
        self.0.get(address).map(|known| &known.0.1)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Actual)> {
        self.0.iter().map(|known| (&known.0.0, &known.0.1))
    }

    /// Adds one. Of two with one address the one is kept that is `better`, and the other given back.
    pub(super) fn put(&mut self, known: Known, better: impl Fn(&Known) -> usize) -> Option<Known> {
        match self.0.take(&known) {
            Some(other) => {
                let (stays, goes) = if better(&known) > better(&other) { (known, other) } else { (other, known) };
                self.0.insert(stays);
                Some(goes)
            }
            None => {
                self.0.insert(known);
                None
            }
        }
    }

    pub(super) fn extend(&mut self, more: impl IntoIterator<Item = Known>) {
        self.0.extend(more);
    }
}

impl Borrow<Address> for Known {
    fn borrow(&self) -> &Address {
        &self.0.0
    }
}

impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.0.hash(state);
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}

impl Eq for Known {}

/// One object as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Actual {
    /// Its UUID, in braces; empty if Bitbucket did not say.
    pub uuid: Box<str>,
    /// Those of its fields that somebody asked for.
    pub fields: Fields,
}

impl Actual {
    /// Reads an object of a kind out of an answer; of its fields only those that are `wanted` or needed by a rule. A value
    /// that is as it is wanted is not kept a second time; a secret is taken to be so, unless it is known that there is none.
    #[must_use]
    pub fn read(kind: KindRef, answer: &Value, wanted: Option<&Fields>) -> Self {
        let uuid = kind.server_id(answer).unwrap_or_default().into();
        let fields = kind.fields().iter().filter_map(|field| {
            let wanted = wanted.and_then(|wanted| wanted.shared(field.name));
            if let Some(wanted) = wanted.filter(|wanted| kind.is_secret(field.name, wanted)) {
                let none = kind.lacks_secret(answer);
                return Some((field.name, if none { shared(Value::Null) } else { Arc::clone(wanted) }));
            }
            let value =
                (field.always || wanted.is_some()).then(|| kind.read(field, answer, wanted.map(|wanted| &**wanted)))?;
            let same = wanted.filter(|wanted| ***wanted == value).map(Arc::clone);
            Some((field.name, same.unwrap_or_else(|| shared(value))))
        });
        Self { uuid, fields: fields.collect() }
    }

    /// Reads all of an object of a kind that nobody asked for, but for what may be a secret.
    #[must_use]
    pub(super) fn read_whole(kind: KindRef, answer: &Value) -> Self {
        let fields = kind.fields().iter().filter(|field| field.set != Set::Blindly).filter_map(|field| {
            let value = kind.read(field, answer, None);
            (value != field.absent.value()).then(|| (field.name, shared(value)))
        });
        Self { uuid: kind.server_id(answer).unwrap_or_default().into(), fields: fields.collect() }
    }
}

impl State {
    /// Takes out the workspaces whose credential was of no use: what was read of them before is not the whole of them.
    pub(super) fn forget(&mut self, useless: BTreeMap<usize, bitbucket::Error>, lanes: BTreeMap<usize, Vec<String>>) {
        let mut lanes = lanes;
        for (lane, error) in useless {
            let workspaces = lanes.remove(&lane).unwrap_or_default();
            self.found.retain(|found| !workspaces.contains(&found.workspace));
            let is_of = |address: &Address| workspaces.iter().any(|workspace| workspace == address.workspace());
            self.surplus.retain(|one| !is_of(&one.address));
            self.notes.retain(|note| !is_of(&note.address));
            // Single sections of them are no news any more.
            let is_in = |name: &str| workspaces.iter().any(|workspace| name.split('/').next() == Some(workspace));
            self.unread.iter_mut().for_each(|unread| unread.sections.retain(|(_, within)| !is_in(within)));
            self.unread.retain(|unread| !unread.sections.is_empty() || !unread.workspaces.is_empty());
            self.unread.push(Unread { workspaces, sections: Vec::new(), vanished: false, error });
        }
    }

    /// What an object is called until it is renamed, or what it is in.
    pub(super) fn until_now(&self, address: &Address) -> Address {
        let former = |name: &str| {
            let (now, former) = self.renamed.iter().find(|(now, _)| now.as_str() == name)?;
            Some(Address::new(now.kind(), now.workspace(), former))
        };
        match (self.renamed.get(address), former(address.parent())) {
            (Some(former), _) => Address::new(address.kind(), address.workspace(), former),
            (None, Some(parent)) => Address::within(parent.as_str(), address.kind(), address.id()),
            (None, None) => address.clone(),
        }
    }

    /// Takes what still has its former name for what it will be.
    pub(super) fn recognise(&mut self, manifest: &Manifest) {
        for object in manifest.desired.iter().filter(|object| !object.absent) {
            let Some((former, _)) = object.previously() else { continue };
            if self.objects.get(&object.address).is_some() {
                continue;
            }
            if let Some(actual) = self.objects.get(former).cloned() {
                self.objects.extend([Known::new(object.address.clone(), actual)]);
                self.renamed.insert(object.address.clone(), former.id().into());
            }
        }
    }
}
