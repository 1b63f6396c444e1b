//! Objects as resources describe them → a whole in which everything is in something, and nothing is there twice.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::carry::{Carrier, Found, kind};
use super::known::Known;
use super::notes::Notes;
use crate::manifest::write::{Estate, Existing};
use crate::resource::{Address, Fields, Shape};

/// Objects, and the resources that are about them.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub estate: Estate,
    pub of: HashMap<Address, String>,
}

impl Whole {
    /// Adds what is only read but holds what is managed, and leaves out what is in nothing and what is there already.
    pub(super) fn of(carrier: Carrier<'_>) -> Self {
        let Carrier { known, notes, found } = carrier;
        let mut whole = Self::default();
        // What others are in comes first.
        let (objects, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|found| found.object.address.kind().shape() == Shape::Objects);
        for found in objects.into_iter().chain(others) {
            if whole.has_room_for(&found, known, notes) {
                whole.add(found.object, found.of, notes);
            }
        }
        let workspaces: BTreeSet<&str> = whole.estate.objects.iter().map(|object| object.address.workspace()).collect();
        whole.estate.people.clone_from(&known.called);
        whole.estate.workspaces = workspaces.into_iter().map(str::to_owned).collect();
        whole
    }

    fn add(&mut self, object: Existing, of: String, notes: &mut Notes) {
        match self.of.entry(object.address.clone()) {
            Entry::Vacant(place) => {
                place.insert(of);
                self.estate.objects.push(object);
            }
            Entry::Occupied(other) if *other.get() == of => {}
            Entry::Occupied(other) => {
                let kind = object.address.kind().name();
                notes.add(&format!("the same {kind} as {}, which is carried over", other.get()), &of);
            }
        }
    }

    /// Whether there is what an object is in. A repository that Terraform only reads is listed for it; a project needs no more
    /// than its key.
    fn has_room_for(&mut self, found: &Found, known: &Known, notes: &mut Notes) -> bool {
        let workspace = found.object.address.workspace();
        let Some((section, id)) = &found.within else { return true };
        let Some(kind) = kind(section, None) else { return false };
        let address = Address::new(kind, workspace, id);
        if self.of.contains_key(&address) {
            return true;
        }
        let (fields, of) = match (*section, known.read(workspace, id)) {
            ("projects", _) => (Fields::default(), found.of.clone()),
            (_, Some(read)) => {
                notes.add("Terraform only reads it; it is listed because something in it is managed", &read.address);
                ([("project", Value::from(read.project.as_str()))].into_iter().collect(), read.address.clone())
            }
            (_, None) => {
                notes.add(
                    "it is in a repository that is not carried over; if another state manages that, name both files",
                    &found.of,
                );
                return false;
            }
        };
        self.add(Existing { address, fields }, of, notes);
        true
    }
}
