//! Bitbucket → everything that exists: GET only, by lists. One for each kind and workspace, and one for each section that is
//! asked for and each object.
//!
//! What nobody may read leaves a gap, which is told; anything else that goes wrong ends it, so that what comes of it is whole.
//! Answers are let go of as soon as their facts are taken: a workspace can be large.

mod objects;
mod owners;
mod sections;

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::bitbucket::{Error, Read};
use crate::manifest::write::Estate;
use crate::manifest::write::sayable::LeftOut;
use crate::plan::Found;
use crate::plan::unread::Unread;
use crate::progress::Listen;
use crate::resource::secret::Source;
use crate::resource::{Address, Field, Fields, KINDS, KindRef, Parent, Shape};

/// What to look for.
pub struct Wish<'a> {
    /// The workspaces' slugs.
    pub workspaces: &'a [String],
    /// The kinds of sections.
    pub sections: &'a HashSet<KindRef>,
    /// What is known and not looked into.
    pub passes_over: &'a (dyn Fn(&Address) -> bool + Sync),
}

/// What the kinds of sections are called by whoever chooses some: the sections themselves, and parts of those that have them.
pub fn section_names() -> impl Iterator<Item = &'static str> {
    let names = KINDS.iter().filter(|kind| is_section_of_object(**kind)).map(|kind| kind.section());
    let all: BTreeSet<&str> = names.flat_map(|name| [name, name.split('.').next().unwrap_or_default()]).collect();
    all.into_iter()
}

/// The kinds of sections that such names stand for, with all that can stand in those.
#[must_use]
pub fn chosen(names: &[String]) -> HashSet<KindRef> {
    let mut chosen = HashSet::new();
    for kind in KINDS.into_iter().filter(|kind| kind.shape() != Shape::Objects) {
        let is_named = |name: &String| {
            let rest = kind.section().strip_prefix(name.as_str());
            name == "all" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let within = kind.parent().is_some_and(|parent| chosen.contains(&parent));
        if within || is_section_of_object(kind) && names.iter().any(is_named) {
            chosen.insert(kind);
        }
    }
    chosen
}

/// Whether it stands in an object of a workspace, or in the workspace itself.
fn is_section_of_object(kind: KindRef) -> bool {
    kind.shape() != Shape::Objects && kind.parent().is_none_or(|parent| parent.shape() == Shape::Objects)
}

/// What was found.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The objects and what stands in them.
    pub estate: Estate,
    /// How much there is, workspace by workspace, also of what was passed over.
    pub found: Vec<Found>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What no manifest can name.
    pub left_out: Vec<LeftOut>,
}

/// A workspace, or an object in one, in which sections can stand.
#[derive(Debug, Clone)]
struct Holder {
    workspace: String,
    /// Nothing if it is the workspace.
    object: Option<(Address, Box<str>)>,
}

impl Holder {
    fn kind(&self) -> Option<KindRef> {
        self.object.as_ref().map(|(address, _)| address.kind())
    }

    /// Its whole name.
    fn name(&self) -> &str {
        self.object.as_ref().map_or(&self.workspace, |(address, _)| address.as_str())
    }

    fn parent(&self) -> Parent<'_> {
        match &self.object {
            None => Parent::Workspace(&self.workspace),
            Some((address, id)) => Parent::Object(address, id),
        }
    }
}

/// Takes the inventory of some workspaces.
///
/// # Errors
/// The first thing that went wrong, unless it is that a section may not be read.
pub async fn take<R: Read>(client: &R, wish: &Wish<'_>, listener: &dyn Listen) -> Result<Inventory, Error> {
    let mut inventory = Inventory::default();
    inventory.estate.workspaces = wish.workspaces.to_vec();
    let mut holders = objects::read(client, wish, listener, &mut inventory).await?;
    holders.extend(wish.workspaces.iter().map(|slug| Holder { workspace: slug.clone(), object: None }));
    sections::read(client, wish, holders, listener, &mut inventory).await?;
    owners::pass_over(client, listener, &mut inventory).await;
    inventory.estate.objects.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(inventory)
}

/// All that an answer says of an object, in the manifest's words.
fn facts(kind: KindRef, answer: &Value) -> Fields {
    let fact = |field: &'static Field| {
        let secret = || Source::Env("SECRET".to_owned()).to_json();
        let value = if kind.holds_secret(field, answer) { secret() } else { kind.read(field, answer, None) };
        (!value.is_null()).then_some((field.name, value))
    };
    kind.fields().iter().filter_map(fact).collect()
}
