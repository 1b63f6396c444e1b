//! One thing that somebody does by hand to one object: what the plan says of it, what heals it, and that all is as before.

use std::collections::BTreeSet;
use std::fmt;

use bbprov::manifest::{Desired, Manifest};
use bbprov::plan::{Change, Plan};
use bbprov::resource::{Action, KindRef, Shape};
use serde_json::{Value, json};

use super::hand::{Hand, Item, differs, words};
use super::values::{identifies, others};
use super::world::{World, difference};

/// What somebody does by hand.
pub enum Deed {
    /// A field becomes one of these values.
    Edit(&'static str, Vec<Value>),
    /// It goes.
    Remove,
    /// Something that the manifest does not list comes to its section.
    Join,
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit(field, values) => write!(f, "{field} becomes {} in", json!(values)),
            Self::Remove => write!(f, "somebody removes"),
            Self::Join => write!(f, "something joins"),
        }
    }
}

/// All that can be done to an object, which is the one at this place in the manifest.
pub fn deeds(manifest: &Manifest, at: usize) -> Vec<Deed> {
    let object = &manifest.desired[at];
    let kind = object.address.kind();
    let choices = object.fields.iter().flat_map(|(field, _)| {
        let choices = others(manifest, object, field).into_iter().flatten();
        choices.filter(|choice| !choice.is_empty()).map(move |choice| Deed::Edit(field, choice))
    });
    let mut deeds: Vec<_> = choices.collect();
    let refers = |other: &Desired| {
        let reference = other.address.kind().reference(other.address.workspace(), &other.fields);
        reference.is_some_and(|reference| reference.address == object.address)
    };
    let stands_in_it = |other: &Desired| other.address.holders().any(|holder| holder == object.address.as_str());
    // With a repository its branches would go, which no manifest brings back.
    let is_needed = || manifest.desired.iter().any(|other| refers(other) || stands_in_it(other));
    if kind.shape() != Shape::Objects || !is_needed() {
        deeds.push(Deed::Remove);
    }
    let beside = |one: &Desired| (one.address.kind(), one.address.parent()) == (kind, object.address.parent());
    let is_first = at == 0 || !beside(&manifest.desired[at - 1]);
    if is_first && !kind.shape().is_single() && kind.shape() != Shape::Objects {
        deeds.push(Deed::Join);
    }
    deeds
}

/// An object of the manifest, in a world that is as the manifest says.
pub struct Case<'a> {
    pub world: &'a World,
    pub object: &'a Desired,
}

macro_rules! ensure {
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err(format!($($why)+));
        }
    };
}

impl Case<'_> {
    fn hand(&self) -> Hand<'_> {
        Hand(&self.world.bitbucket)
    }

    fn kind(&self) -> KindRef {
        self.object.address.kind()
    }

    /// Does it, and has it healed.
    pub fn goes(&self, deed: &Deed) -> Result<(), String> {
        let before = self.world.state();
        let item = self.hand().find(self.object).ok_or("it is not there")?;
        match deed {
            Deed::Edit(field, values) => self.edit(&item, field, values)?,
            // There is one in each, and most can be nothing else.
            Deed::Remove if !self.hand().remove(&item) => {
                ensure!(self.kind().shape().is_single(), "nobody can take it away");
                return Ok(());
            }
            Deed::Remove => self.is_created()?,
            Deed::Join => self.join(&item)?,
        }
        if difference(&before, &self.world.state()).is_some() {
            self.drops_what_is_not_listed()?;
        }
        let difference = difference(&before, &self.world.state());
        ensure!(difference.is_none(), "it is not as before: {difference:?}");
        for manifest in [&self.world.manifest, &self.world.owning] {
            let plan = self.world.plan(manifest);
            ensure!(plan.changes.is_empty(), "it does not come to rest: {:?}", plan.changes);
        }
        Ok(())
    }

    /// By itself, or else by taking it away and making it anew.
    fn edit(&self, item: &Item, field: &'static str, values: &[Value]) -> Result<(), String> {
        let takes =
            |value: &&Value| self.hand().edit(self.object, item, field, value) && self.shows(item, field, value);
        let taken = values.iter().find(takes).or_else(|| self.anew(item, field, values));
        let taken = taken.ok_or("the API takes none of these values")?;
        match self.object.fields.get(field) {
            Some(is) if self.kind().is_secret(field, is) => self.is_unseen(field),
            _ if identifies(self.object, field) => self.is_created(),
            _ => self.is_updated(item, field, taken),
        }
    }

    /// Whether the API shows that a field has changed, if it shows the field at all.
    fn shows(&self, item: &Item, field: &str, value: &Value) -> bool {
        let said = words(self.kind().section(), field, value);
        let is_secret = self.object.fields.get(field).is_some_and(|is| self.kind().is_secret(field, is));
        // Under another name it is not found any more.
        is_secret || self.hand().find(self.object).is_none_or(|now| differs(&said, &item.raw, &now.raw))
    }

    fn anew<'v>(&self, item: &Item, field: &str, values: &'v [Value]) -> Option<&'v Value> {
        let is_many = self.kind().shape() == Shape::List;
        (is_many && self.hand().remove(item)).then_some(())?;
        values.iter().find(|value| self.hand().add(self.kind(), item, self.fields_with(field, value)))
    }

    fn fields_with<'v>(&'v self, field: &'v str, value: &'v Value) -> impl Iterator<Item = (&'v str, &'v Value)> {
        self.object.fields.iter().map(move |(name, is)| (name, if name == field { value } else { &**is }))
    }

    /// What comes to a section that the manifest does not list is no drift.
    fn join(&self, item: &Item) -> Result<(), String> {
        let (hand, kind) = (self.hand(), self.kind());
        let taken = if kind.shape() == Shape::List {
            self.object.fields.iter().filter(|(field, _)| identifies(self.object, field)).any(|(field, _)| {
                let mut others = others(&self.world.manifest, self.object, field).into_iter().flatten().flatten();
                others.any(|value| hand.add(kind, item, self.fields_with(field, &value)))
            })
        } else {
            let value = self.object.fields.iter().next().map(|(_, value)| &**value);
            let listed: Vec<_> = self.section().map(|object| object.address.id()).collect();
            hand.strangers(&listed).iter().any(|name| hand.add_named(kind, item, name, value))
        };
        ensure!(taken, "the API takes nothing else there");
        let plan = self.world.plan(&self.world.manifest);
        ensure!(plan.changes.is_empty(), "what is not listed is drift: {:?}", plan.changes);
        Ok(())
    }

    /// All that the manifest has in the same section.
    fn section(&self) -> impl Iterator<Item = &Desired> {
        let all = self.world.manifest.desired.iter();
        all.filter(|other| self.is_here(other.address.kind(), other.address.parent()))
    }

    fn is_here(&self, kind: KindRef, parent: &str) -> bool {
        (self.kind(), self.object.address.parent()) == (kind, parent)
    }

    /// It is seen to be gone, and comes again with all that was in it.
    fn is_created(&self) -> Result<(), String> {
        let plan = self.world.plan(&self.world.manifest);
        self.is_one(&plan, Action::Create)?;
        self.world.apply(&plan).map(drop)
    }

    /// There is one change, to this object. What stood in it and went with it is created anew.
    fn is_one<'p>(&self, plan: &'p Plan, action: Action) -> Result<&'p Change, String> {
        let own = self.object.address.as_str();
        let desired = &self.world.manifest.desired;
        let inner = desired
            .iter()
            .map(|other| &other.address)
            .filter(|other| action != Action::Update && other.parent() == own);
        let wanted: Vec<_> =
            [(action, own)].into_iter().chain(inner.map(|other| (Action::Create, other.as_str()))).collect();
        let planned: Vec<_> = plan.changes.iter().map(|change| (change.action, change.address.as_str())).collect();
        ensure!(planned == wanted, "the plan is {planned:?}, not {wanted:?}");
        ensure!(plan.unchanged == desired.len() - wanted.len(), "{} are unchanged", plan.unchanged);
        plan.changes.first().ok_or_else(String::new)
    }

    /// Nobody can see it, and that is what the plan says.
    fn is_unseen(&self, field: &str) -> Result<(), String> {
        let plan = self.world.plan(&self.world.manifest);
        ensure!(plan.changes.is_empty(), "nobody can see it, and the plan is {:?}", plan.changes);
        let said = plan.notes.iter().any(|note| note.text.contains(&format!("whether {field} is still the same")));
        ensure!(said, "that nobody can see it is not said");
        Ok(())
    }

    /// One line of drift, with the fields that have changed in the API and no others, and one request that heals it.
    fn is_updated(&self, item: &Item, field: &'static str, taken: &Value) -> Result<(), String> {
        let (kind, seen) = (self.kind(), self.changed_fields(item)?);
        ensure!(seen.contains(field), "the API does not show it");
        let plan = self.world.plan(&self.world.manifest);
        let change = plan.changes.first().ok_or("the plan is empty")?;
        let anew = change.fields.iter().any(|field| kind.replaces(field.name, &field.from, &field.to));
        let change = self.is_one(&plan, if anew { Action::Replace } else { Action::Update })?;
        let planned: BTreeSet<_> = change.fields.iter().map(|field| field.name).collect();
        ensure!(planned == seen, "the fields of the plan are {planned:?}, not {seen:?}");
        let own = change.fields.iter().find(|own| own.name == field).ok_or("the plan does not name it")?;
        ensure!(*own.from == *taken, "it is {taken}, and the plan says {}", own.from);
        ensure!(Some(&*own.to) == self.object.fields.get(field), "the plan makes it {}", own.to);
        let [post, put, delete] = self.world.apply(&plan)?;
        let wanted = (plan.changes.len() as u64, u64::from(anew));
        ensure!((post + put, delete) == wanted, "{post} POST, {put} PUT, {delete} DELETE heal it");
        Ok(())
    }

    /// The fields of which the API says something else than before, as far as anybody can see them.
    fn changed_fields(&self, item: &Item) -> Result<BTreeSet<&'static str>, String> {
        let (kind, now) = (self.kind(), self.hand().find(self.object).ok_or("it is not there any more")?);
        let is_changed = |name: &str, value: &Value| {
            !kind.is_secret(name, value) && differs(&words(kind.section(), name, value), &item.raw, &now.raw)
        };
        let fields = self.object.fields.iter().filter(|(name, value)| is_changed(name, value));
        Ok(fields.map(|(name, _)| name).collect())
    }

    /// What is there and not in the manifest goes if that owns the section; if it cannot, by hand.
    fn drops_what_is_not_listed(&self) -> Result<(), String> {
        if !self.world.owning.owned.iter().any(|owned| self.is_here(owned.kind, &owned.parent)) {
            return self.hand().remove_others(self.section());
        }
        let plan = self.world.plan(&self.world.owning);
        let is_it =
            |change: &Change| change.is_removal() && self.is_here(change.address.kind(), change.address.parent());
        let is_all = plan.changes.len() == 1 && plan.changes.iter().all(is_it);
        ensure!(is_all, "what is not listed shall go, and that is all: {:?}", plan.changes);
        let written = self.world.apply(&plan)?;
        ensure!(written == [0, 0, 1], "{written:?} take it away");
        Ok(())
    }
}
