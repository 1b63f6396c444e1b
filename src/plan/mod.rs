//! PLANNER: desired and actual state → what to change, as a value that is sorted, shown, written down and carried out.

pub mod diff;
pub(crate) mod kept;
mod lanes;
mod members;
mod misnamed;
pub mod people;
pub mod refresh;
mod refusals;
pub(crate) mod sections;
pub mod state;
pub mod unread;
mod unseen;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use members::Resolved;
use people::People;
use serde_json::Value;

use crate::bitbucket::{self, Read};
use crate::diagnostic::Diagnostics;
use crate::manifest::Manifest;
use crate::progress::Listen;
use crate::resource::{Action, Address, Fields, KindRef, Shape};
pub use unread::Unread;

/// What to change, and what was found on the way.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The changes, ordered by address: workspace, kind, name.
    pub changes: Vec<Change>,
    /// What a person should know and nothing is done about.
    pub notes: Vec<Note>,
    /// How many managed objects are as they shall be.
    pub unchanged: usize,
    /// What there is, workspace by workspace.
    pub found: Vec<Found>,
    /// What it costs.
    pub bill: Bill,
    /// The scopes of each credential, as far as Bitbucket says which it has.
    pub granted: Vec<Granted>,
    /// What could not be read, and is not in the plan.
    pub unread: Vec<Unread>,
    /// How many managed objects are in none of this because of that.
    pub unplanned: usize,
    /// How much each section holds from which something is removed, by what it is in.
    pub sizes: HashMap<(Box<str>, KindRef), usize>,
    /// What to call the accounts that the changes and notes are about, as far as anybody said.
    pub people: People,
    /// What the manifest calls the objects that it names by an e-mail address.
    pub written: HashMap<Address, Address>,
}

/// What a credential may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The workspaces that it is for.
    pub workspaces: Vec<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// One change to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The object.
    pub address: Address,
    /// What happens to it.
    pub action: Action,
    /// Its fields that change. Of a new object, all that are set; of what is taken out of a section, what they were.
    pub fields: Box<[FieldChange]>,
    /// Why, if that is not plain from the fields.
    pub reason: Option<Box<str>>,
    /// The UUID of an object that exists.
    pub uuid: Option<Box<str>>,
    /// All that the manifest says of it.
    pub whole: Fields,
    /// What it is in, if that is an object, and by what Bitbucket tells it from others.
    pub within: Option<Box<(Address, Box<str>)>>,
    /// The changes that must come first, as indices into [`Plan::changes`].
    pub needs: Vec<usize>,
    /// The changes that must be over first, whatever came of them.
    pub follows: Vec<usize>,
}

impl Change {
    /// A change of which no more is known than what it is to.
    #[must_use]
    pub fn new(address: Address, action: Action) -> Self {
        Self {
            address,
            action,
            fields: Box::default(),
            reason: None,
            uuid: None,
            whole: Fields::default(),
            within: None,
            needs: Vec::new(),
            follows: Vec::new(),
        }
    }

    /// Whether it takes something out of a section, rather than a whole object away.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        self.action == Action::Delete && self.address.kind().shape() != Shape::Objects
    }

    /// What the changed fields will be.
    #[must_use]
    pub fn target(&self) -> Fields {
        self.fields.iter().map(|field| (field.name, Arc::clone(&field.to))).collect()
    }

    /// What the changed fields are.
    #[must_use]
    pub fn origin(&self) -> Fields {
        self.fields.iter().map(|field| (field.name, Arc::clone(&field.from))).collect()
    }

    /// How many requests it takes at most, if nothing goes wrong.
    #[must_use]
    pub fn requests(&self) -> usize {
        let (kind, id) = (self.address.kind(), self.address.id());
        let looks = usize::from(kind.reads_back(self.action));
        match self.action {
            Action::Delete => 1,
            Action::Update => 1 + looks,
            Action::Replace => 2 + looks,
            Action::Create => 1 + looks + kind.requests_to_finish(id, &self.target()),
        }
    }

    /// What a person must not overlook about it.
    #[must_use]
    pub fn alarm(&self) -> Option<&'static str> {
        self.address.kind().alarm(self.action, &self.target())
    }
}

/// One field from what it is to what it shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field.
    pub name: &'static str,
    /// What it is; null for a new object.
    pub from: Arc<Value>,
    /// What it shall be; null where the object goes.
    pub to: Arc<Value>,
}

/// Something worth saying about an object that needs no change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The object.
    pub address: Address,
    /// What to know.
    pub text: String,
}

/// How many objects of each kind a workspace holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The workspace.
    pub workspace: String,
    /// The number for each kind that was looked at, in the kinds' order; none if they were not counted.
    pub counts: Vec<(&'static str, Option<usize>)>,
}

/// What a plan costs in requests to the API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bill {
    /// Spent on reading.
    pub used: usize,
    /// Needed for the changes, if nothing goes wrong.
    pub to_apply: usize,
    /// How many are allowed in an hour, with all credentials together.
    pub hourly: usize,
}

impl Bill {
    /// For how many hours the changes must wait because they exceed what reading has left of the allowance.
    #[must_use]
    pub fn hours(self) -> usize {
        let hourly = self.hourly.max(1);
        (self.used + self.to_apply).saturating_sub(hourly).div_ceil(hourly)
    }
}

/// How many changes there are of each sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New objects.
    pub create: usize,
    /// Objects with other fields.
    pub update: usize,
    /// Objects that go and come back.
    pub replace: usize,
    /// Objects that go.
    pub delete: usize,
    /// What goes out of sections.
    pub remove: usize,
}

impl Plan {
    /// How many changes there are of each sort.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let of = |action| self.changes.iter().filter(|change| change.action == action).count();
        let remove = self.changes.iter().filter(|change| change.is_removal()).count();
        Counts {
            create: of(Action::Create),
            update: of(Action::Update),
            replace: of(Action::Replace),
            delete: of(Action::Delete) - remove,
            remove,
        }
    }

    /// How many requests the changes take at most, if nothing goes wrong.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.changes.iter().map(Change::requests).sum()
    }

    /// The scopes that the changes need and their credential is known not to have, each with the number of those changes.
    #[must_use]
    pub fn missing_scopes(&self) -> Vec<(&Granted, BTreeMap<&'static str, usize>)> {
        let missing_from = |granted: &Granted| {
            let mut missing = BTreeMap::new();
            let theirs: HashSet<&str> = granted.workspaces.iter().map(String::as_str).collect();
            for change in self.changes.iter().filter(|change| theirs.contains(change.address.workspace())) {
                if let Some(scope) = change.address.kind().scopes(change.action).missing_from(&granted.scopes) {
                    *missing.entry(scope).or_default() += 1;
                }
            }
            missing
        };
        let all = self.granted.iter().map(|granted| (granted, missing_from(granted)));
        all.filter(|(_, missing)| !missing.is_empty()).collect()
    }

    /// Whether an address fits one of the patterns, in which `*` stands for anything. Without patterns everything fits.
    #[must_use]
    pub fn fits(patterns: &[glob::Pattern], address: &Address) -> bool {
        let fits = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
        patterns.is_empty() || fits(address.as_str()) || address.holders().any(fits)
    }

    /// Keeps only the changes whose address fits one of the patterns, and what those need to be possible.
    pub fn only(&mut self, patterns: &[glob::Pattern]) {
        let written = std::mem::take(&mut self.written);
        let fits = |address: &Address| Self::fits(patterns, written.get(address).unwrap_or(address));
        let mut kept = vec![false; self.changes.len()];
        let mut chosen: Vec<usize> = (0..self.changes.len()).filter(|at| fits(&self.changes[*at].address)).collect();
        while let Some(at) = chosen.pop() {
            if !std::mem::replace(&mut kept[at], true) {
                chosen.extend(&self.changes[at].needs);
            }
        }
        let places: Vec<usize> =
            kept.iter().scan(0, |next, keep| Some(std::mem::replace(next, *next + usize::from(*keep)))).collect();
        let mut keep = kept.iter();
        self.changes.retain(|_| keep.next() == Some(&true));
        for change in &mut self.changes {
            // What a kept change needs was kept with it.
            change.needs.iter_mut().for_each(|need| *need = places[*need]);
            change.follows.retain(|other| kept[*other]);
            change.follows.iter_mut().for_each(|other| *other = places[*other]);
        }
        self.notes.retain(|note| fits(&note.address));
        self.written = written;
        self.forget_strangers();
        self.bill.to_apply = self.requests();
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifest does not fit what exists, each misfit at its place.
    #[error("the manifest does not fit what exists: {}", .0.iter().map(|misfit| misfit.message.as_str()).collect::<Vec<_>>().join("; "))]
    Manifest(Diagnostics),
    /// Bitbucket could not be read.
    #[error("{0}")]
    Bitbucket(#[from] bitbucket::Error),
}

/// Reads what exists and compares it with the manifest, once it is known who the people are that this names by e-mail
/// address. Sends nothing but GET.
///
/// # Errors
/// What reading brings, and everything in the manifest that does not fit what exists.
pub async fn plan<R: Read>(client: &R, manifest: &Manifest, listener: &dyn Listen) -> Result<Plan, Error> {
    let before = client.requests();
    let Resolved { manifest, mut people, written, useless } = members::resolve(client, manifest, listener).await?;
    let manifest = &*manifest;
    let mut state = refresh::refresh(client, manifest, useless, listener).await?;
    people.extend(std::mem::take(&mut state.people));
    people.check_grants(manifest).map_err(Error::Manifest)?;
    let mut plan = Plan { people, written, ..diff::diff(manifest, &state).map_err(Error::Manifest)? };
    plan.forget_strangers();
    plan.bill.used = client.requests() - before;
    plan.bill.hourly = client.hourly();
    for workspaces in lanes::by_lane(client, manifest).into_values() {
        let Some(scopes) = client.scopes(&workspaces[0]).await else { continue };
        plan.granted.push(Granted { workspaces, scopes });
    }
    Ok(plan)
}
