//! Bitbucket → everything that exists: GET only, by lists. One for each kind and workspace, and one for each section that is
//! asked for and each object.
//!
//! What nobody may read leaves a gap, which is told; anything else that goes wrong ends it, so that what comes of it is whole.
//! Answers are let go of as soon as their facts are taken: a workspace can be large.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::bitbucket::error::Refusal;
use crate::bitbucket::page::List;
use crate::bitbucket::whole::{begin, rest};
use crate::bitbucket::{Error, Read, Watched};
use crate::manifest::write::sayable::LeftOut;
use crate::manifest::write::{Estate, Existing};
use crate::plan::{Found, sections};
use crate::progress::{Event, Listen};
use crate::resource::secret::Source;
use crate::resource::{Address, Alike, Field, Fields, KINDS, KindRef, Parent, Shape, kinds_in};

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
    pub gaps: Vec<Gap>,
    /// What no manifest can name.
    pub left_out: Vec<LeftOut>,
}

/// Sections that could not be read, all for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What they hold.
    pub kind: KindRef,
    /// What they are in.
    pub holders: Vec<Box<str>>,
    /// Why.
    pub why: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = self.kind.section();
        let more = match self.holders.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let first = self.holders.first().map_or("", |holder| holder);
        write!(f, "`{section}` of {first}{more} could not be read: {}", self.why)
    }
}

/// After so many refusals, and not one answer, nobody asks for the same kind of section again.
const REFUSALS: usize = 5;

/// An object that was found, and by what Bitbucket tells it from others.
struct Seen {
    address: Address,
    /// Nothing if it was passed over.
    known: Option<Box<(Fields, Box<str>)>>,
}

/// A section to be read.
struct Section {
    kind: KindRef,
    workspace: String,
    /// What it is in; nothing if that is the workspace.
    holder: Option<(Address, Box<str>)>,
}

/// What came of it.
enum Outcome {
    /// Its items; nothing for one that no manifest can name.
    Read(Vec<Option<(Existing, Box<str>)>>),
    Refused(String),
}

/// Takes the inventory of some workspaces.
///
/// # Errors
/// The first thing that went wrong, unless it is that a section may not be read.
pub async fn take<R: Read>(client: &R, wish: &Wish<'_>, listener: &dyn Listen) -> Result<Inventory, Error> {
    let mut inventory = Inventory::default();
    inventory.estate.workspaces = wish.workspaces.to_vec();
    let mut holders = objects(client, wish, listener, &mut inventory).await?;
    let level = |holders: Vec<(String, Option<KindRef>, Option<(Address, Box<str>)>)>| {
        let sections = holders.into_iter().flat_map(|(workspace, kind, holder)| {
            let chosen = kinds_in(kind).filter(|kind| wish.sections.contains(kind) && kind.shape() != Shape::Objects);
            chosen.map(move |kind| Section { kind, workspace: workspace.clone(), holder: holder.clone() })
        });
        sections.collect::<Vec<_>>()
    };
    let answers = Answers::default();
    holders.extend(wish.workspaces.iter().map(|slug| (slug.clone(), None, None)));
    loop {
        let sections = level(holders);
        if sections.is_empty() {
            inventory.estate.objects.sort_by(|a, b| a.address.cmp(&b.address));
            return Ok(inventory);
        }
        listener.event(Event::Pages { more: sections.len() });
        if sections.len() > client.hourly() {
            listener.event(Event::Warning(dear(sections.len(), client.hourly())));
        }
        holders = Vec::new();
        let mut reading = stream::iter(sections)
            .map(|section| read(client, section, &answers, listener))
            .buffer_unordered(client.concurrency());
        while let Some((section, outcome)) = reading.try_next().await? {
            inventory.add(section, outcome, &mut holders);
        }
        inventory.gaps.sort_by(|a, b| (a.kind.rank(), &a.why).cmp(&(b.kind.rank(), &b.why)));
        inventory.gaps.iter_mut().for_each(|gap| gap.holders.sort());
    }
}

fn dear(requests: usize, hourly: usize) -> String {
    let hours = requests.div_ceil(hourly.max(1));
    format!(
        "these sections take {requests} requests, about {hours} hours at {hourly} an hour: one list for each object; \
         --sections takes fewer"
    )
}

type Holder = (String, Option<KindRef>, Option<(Address, Box<str>)>);

/// Reads the objects of all workspaces.
async fn objects<R: Read>(
    client: &R,
    wish: &Wish<'_>,
    listener: &dyn Listen,
    inventory: &mut Inventory,
) -> Result<Vec<Holder>, Error> {
    let kinds = || kinds_in(None).filter(|kind| kind.shape() == Shape::Objects);
    let lists: Vec<(&String, KindRef)> =
        wish.workspaces.iter().flat_map(|workspace| kinds().map(move |kind| (workspace, kind))).collect();
    listener.event(Event::Pages { more: lists.len() });
    let watched = &Watched { client, listener };
    let reading = stream::iter(&lists).map(|(workspace, kind)| async {
        list(watched, wish, workspace, *kind).await.map_err(|error| about(workspace, error))
    });
    let read: Vec<Vec<Seen>> = reading.buffered(client.concurrency()).try_collect().await?;
    for ((workspace, kind), seen) in lists.iter().zip(&read) {
        let count = (kind.section(), Some(seen.len()));
        match inventory.found.last_mut() {
            Some(found) if found.workspace == **workspace => found.counts.push(count),
            _ => inventory.found.push(Found { workspace: (*workspace).clone(), counts: vec![count] }),
        }
    }
    let names: HashSet<Address> = match read.iter().flatten().all(|seen| seen.known.is_none()) {
        true => HashSet::new(),
        false => read.iter().flatten().map(|seen| seen.address.clone()).collect(),
    };
    let mut holders = Vec::new();
    for Seen { address, known } in read.into_iter().flatten() {
        let Some((fields, id)) = known.map(|known| *known) else { continue };
        let kind = address.kind();
        let reference = kind.reference(address.workspace(), &fields).map(|reference| reference.address);
        if let Some(reference) = reference.filter(|reference| !names.contains(reference)) {
            let why = format!("this credential cannot see the {} {reference}", reference.kind().name());
            inventory.left_out.push(LeftOut { address, field: None, why });
            continue;
        }
        if kinds_in(Some(kind)).any(|kind| wish.sections.contains(&kind)) {
            holders.push((address.workspace().to_owned(), Some(kind), Some((address.clone(), id))));
        }
        inventory.estate.objects.push(Existing { address, fields });
    }
    Ok(holders)
}

/// Reads all objects of a kind in a workspace, each with all its facts.
async fn list<R: Read>(
    client: &Watched<'_, R>,
    wish: &Wish<'_>,
    workspace: &str,
    kind: KindRef,
) -> Result<Vec<Seen>, Error> {
    let dotted: Vec<String> = kind.fields().iter().map(Field::dotted).collect();
    let own = [kind.identity(), "uuid"];
    let fields = own.into_iter().chain(dotted.iter().map(String::as_str));
    let list = List::new(kind.list(Parent::Workspace(workspace)), fields);
    let list = if kind.sorts_by_age() { list.newest_first() } else { list };
    let (list, first) = begin(client, list, || client.expect(1)).await?;
    client.expect(list.remaining(&first).unwrap_or_default());
    let alike = Mutex::new(Alike::default());
    let keep = |answer: &Value| {
        let address = Address::new(kind, workspace, &kind.identify(answer).unwrap_or_default());
        let known = (!(wish.passes_over)(&address)).then(|| {
            let id = kind.server_id(answer).unwrap_or_default().into();
            Box::new((alike.lock().unwrap_or_else(PoisonError::into_inner).fields(facts(kind, answer)), id))
        });
        Seen { address, known }
    };
    Ok(rest(client, &list, first, |answer| kind.identify(answer), keep, |_| true).await?.items)
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

/// What was answered so far, for each kind of section and credential.
#[derive(Default)]
struct Answers(Mutex<HashMap<(KindRef, usize), Answer>>);

/// Whether a section may be read, as far as is known.
enum Answer {
    /// One could be read, so that each has to be asked for.
    Given,
    /// So many could not be, the last one for this reason.
    Refused(usize, String),
}

impl Answers {
    /// Why nobody needs to ask.
    fn forbid(&self, key: (KindRef, usize)) -> Option<String> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key)? {
            Answer::Refused(REFUSALS.., why) => Some(why.clone()),
            _ => None,
        }
    }

    fn note(&self, key: (KindRef, usize), refusal: Option<&Refusal>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = known.remove(&key);
        let answer = match (so_far, refusal) {
            // Without the scope it will never be given.
            (_, Some(refusal)) if !refusal.missing_scopes.is_empty() => Answer::Refused(REFUSALS, refusal.words()),
            (Some(Answer::Given), _) | (_, None) => Answer::Given,
            (Some(Answer::Refused(count, _)), Some(refusal)) => Answer::Refused(count + 1, refusal.words()),
            (None, Some(refusal)) => Answer::Refused(1, refusal.words()),
        };
        known.insert(key, answer);
    }
}

/// Reads a section, unless it is known to be in vain.
async fn read<R: Read>(
    client: &R,
    section: Section,
    answers: &Answers,
    listener: &dyn Listen,
) -> Result<(Section, Outcome), Error> {
    let key = (section.kind, client.lane(&section.workspace));
    if let Some(why) = answers.forbid(key) {
        listener.event(Event::PageRead);
        return Ok((section, Outcome::Refused(why)));
    }
    let read = section.read(client).await;
    listener.event(Event::PageRead);
    match read {
        Ok(items) => {
            answers.note(key, None);
            Ok((section, Outcome::Read(items)))
        }
        Err(Error::Refused(refusal)) if matches!(refusal.status, 402..=404 | 410) => {
            answers.note(key, Some(&refusal));
            Ok((section, Outcome::Refused(refusal.words())))
        }
        Err(error) => Err(error),
    }
}

impl Section {
    async fn read<R: Read>(&self, client: &R) -> Result<Vec<Option<(Existing, Box<str>)>>, Error> {
        let parent = match &self.holder {
            None => Parent::Workspace(&self.workspace),
            Some((address, id)) => Parent::Object(address, id),
        };
        let keep = |answer: &Value| self.item(answer);
        match self.kind.shape().is_single() {
            true => Ok(sections::single(client, self.kind, parent).await?.iter().map(keep).collect()),
            false => sections::list(client, self.kind, parent, keep).await,
        }
    }

    fn name(&self) -> &str {
        self.holder.as_ref().map_or(&self.workspace, |(address, _)| address.as_str())
    }

    /// One of which there is one in each has no name; another without one is none that a manifest could name.
    fn item(&self, answer: &Value) -> Option<(Existing, Box<str>)> {
        let name = if self.kind.shape().is_single() { Cow::Borrowed("") } else { self.kind.identify(answer)? };
        let address = Address::within(self.name(), self.kind, &name);
        let id = self.kind.server_id(answer).unwrap_or_default().into();
        Some((Existing { address, fields: facts(self.kind, answer) }, id))
    }
}

impl Inventory {
    fn add(&mut self, section: Section, outcome: Outcome, holders: &mut Vec<Holder>) {
        match outcome {
            Outcome::Refused(why) => {
                let name: Box<str> = section.name().into();
                match self.gaps.iter_mut().find(|gap| gap.kind == section.kind && gap.why == why) {
                    Some(gap) => gap.holders.push(name),
                    None => self.gaps.push(Gap { kind: section.kind, holders: vec![name], why }),
                }
            }
            Outcome::Read(items) => {
                self.estate.known.insert((section.name().into(), section.kind));
                for item in items {
                    let Some((existing, id)) = item else {
                        let address = Address::within(section.name(), section.kind, "");
                        let why = "it is one that a manifest has no words for".to_owned();
                        self.left_out.push(LeftOut { address, field: None, why });
                        continue;
                    };
                    if kinds_in(Some(section.kind)).next().is_some() {
                        let holder = Some((existing.address.clone(), id));
                        holders.push((section.workspace.clone(), Some(section.kind), holder));
                    }
                    self.estate.objects.push(existing);
                }
            }
        }
    }

    /// How many objects of each kind were found, in words.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for (section, count) in self.found.iter().flat_map(|found| &found.counts) {
            *counts.entry(*section).or_default() += count.unwrap_or_default();
        }
        counts
    }
}

/// What a refusal to list a workspace means.
fn about(workspace: &str, error: Error) -> Error {
    match &error {
        Error::Refused(refusal) if refusal.status == 404 => Error::Setup(format!(
            "there is no workspace `{workspace}`, or this credential cannot see it (Bitbucket says: {}): write the slug, which \
             is what follows bitbucket.org/ in the workspace's URL, not its name",
            refusal.words()
        )),
        Error::Refused(refusal) if refusal.status == 403 && refusal.missing_scopes.is_empty() => Error::Credential(
            format!("the credential has no access to the workspace `{workspace}`: is its owner a member? ({refusal})"),
        ),
        Error::Refused(refusal) if refusal.status == 403 => Error::Credential(format!(
            "the credential may not read the workspace `{workspace}`: it lacks the scope {} ({refusal})",
            refusal.missing_scopes.join(", ")
        )),
        _ => error,
    }
}
