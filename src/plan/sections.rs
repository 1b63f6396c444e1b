//! Bitbucket → what stands in objects: one list for each section that the manifest mentions, of each object that exists.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use serde_json::{Map, Value};

use super::people::People;
use super::refresh::unknown_workspace;
use super::refusals::{read_all, vanished};
use super::state::{Actual, Known, State, Surplus};
use super::unread::together;
use super::{Note, Unread, kept};
use crate::bitbucket::error::{Line, Refusal};
use crate::bitbucket::page::List;
use crate::bitbucket::whole::rest;
use crate::bitbucket::{self, Read};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::{Desired, Manifest};
use crate::progress::{Event, Listen};
use crate::resource::{Address, KINDS, KindRef, Method, Parent, Shape};

/// One section of one object or workspace.
pub(super) struct Section<'a> {
    pub kind: KindRef,
    /// What it is in; nothing if that is a workspace.
    pub within: Option<&'a Address>,
    /// The same by the name that it has until now, and by what Bitbucket tells it from others.
    pub found: Option<(Address, Box<str>)>,
    pub workspace: &'a str,
    /// What the manifest says of it, by identity.
    wanted: HashMap<&'a str, &'a Desired>,
    /// Whether it holds nothing else, so that the rest is of interest.
    owned: bool,
    /// Those whom its answers show.
    people: Mutex<People>,
}

/// What is kept of an item: known to the manifest, or not.
pub(super) enum Item {
    Managed(Known),
    Surplus(String, Actual),
    Other,
}

/// Reads the sections of everything that was found to exist, from the outermost to the innermost. What cannot be read ends
/// nothing else: it is noted in the state, and credentials that turn out to be of no use on the way by their lanes. Gives the
/// workspaces that are not there, each at its place.
///
/// # Errors
/// What makes it impossible to send anything.
pub(super) async fn read<R: Read>(
    client: &R,
    manifest: &Manifest,
    state: &mut State,
    useless: &mut BTreeMap<usize, bitbucket::Error>,
    listener: &dyn Listen,
) -> Result<Diagnostics, bitbucket::Error> {
    let mut problems = Diagnostics::default();
    let mut unread: Vec<Unread> = Vec::new();
    for depth in 1.. {
        let mut sections = sections(manifest, state, depth);
        sections.retain(|section| !useless.contains_key(&client.lane(section.workspace)));
        if sections.is_empty() {
            break;
        }
        listener.event(Event::Pages { more: sections.len() });
        let read = read_all(client, &sections, listener).await;
        let gone = vanished(client, &read, listener).await;
        for (section, read) in read {
            let vanished = section.within.and_then(|within| gone.get(within)).cloned();
            match (read, vanished) {
                (Err(error), _) if error.ends_its_credential() => {
                    useless.entry(client.lane(section.workspace)).or_insert(error);
                }
                (Err(error @ bitbucket::Error::Setup(_)), _) => return Err(error),
                // Also where a list that is missing is an empty one.
                (_, Some(error)) => {
                    let section = Unread::section(section.kind, section.name(), error);
                    unread.push(Unread { vanished: true, ..section });
                }
                (Ok(items), None) => state.add_section(section, items),
                (Err(error), None) => match section.missing_workspace(manifest, state, &error) {
                    Some(problem) => problems.push_once(problem),
                    None => unread.push(Unread::section(section.kind, section.name(), error)),
                },
            }
        }
    }
    state.unread.extend(together(unread));
    kept::keep(client, state, useless, listener).await;
    Ok(problems)
}

impl State {
    fn add_section(&mut self, section: &Section<'_>, items: Vec<Item>) {
        if let Ok(mut people) = section.people.lock() {
            self.people.extend(std::mem::take(&mut *people));
        }
        if section.owned {
            self.sizes.insert((section.name().into(), section.kind), items.len());
        }
        let mut surplus = Vec::new();
        let mut doubled: BTreeMap<Address, usize> = BTreeMap::new();
        for item in items {
            match item {
                Item::Managed(known) => {
                    let Some(other) = self.objects.put(known, |known| section.likeness(known)) else { continue };
                    let (address, actual) = *other.0;
                    *doubled.entry(address.clone()).or_insert(1) += 1;
                    surplus.push((address.id().to_owned(), actual, true));
                }
                Item::Surplus(id, actual) => surplus.push((id, actual, false)),
                Item::Other => {}
            }
        }
        if section.owned {
            self.add_surplus(section, surplus);
            return;
        }
        self.notes.extend(doubled.into_iter().map(|(address, count)| {
            let text = format!(
                "there are {count} of these; the one most like the manifest is managed, and the others stay as they are"
            );
            Note { address, text }
        }));
    }

    /// What shall go. Where several have one name, what Bitbucket tells them apart by is part of it.
    fn add_surplus(&mut self, section: &Section<'_>, surplus: Vec<(String, Actual, bool)>) {
        let mut taken: HashSet<String> = HashSet::new();
        for (id, actual, again) in surplus {
            let id = if again || taken.contains(&id) { format!("{id} {}", actual.uuid) } else { id };
            let address = Address::within(section.name(), section.kind, &id);
            taken.insert(id);
            self.surplus.push(Surplus { address, actual, again });
        }
    }
}

/// How many objects a kind's objects are inside of each other; a workspace is none.
fn depth(kind: KindRef) -> usize {
    kind.parent().map_or(0, |parent| 1 + depth(parent))
}

/// The sections at a depth whose object exists. Of what is in a workspace itself the depth counts as one more.
fn sections<'a>(manifest: &'a Manifest, state: &State, at: usize) -> Vec<Section<'a>> {
    let at_depth = |kind: KindRef| kind.shape() != Shape::Objects && depth(kind).max(1) == at;
    let listed = manifest.desired.iter().filter(|object| at_depth(object.address.kind()));
    let owned = manifest.owned.iter().filter(|owned| at_depth(owned.kind));
    let named = listed.clone().map(|object| (object.address.kind(), object.address.parent()));
    let names: BTreeSet<(usize, &str)> = named
        .chain(owned.clone().map(|owned| (owned.kind, &*owned.parent)))
        .map(|(kind, parent)| (kind.rank(), parent))
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let holders: HashMap<(KindRef, &str), &Address> =
        manifest.desired.iter().map(|one| ((one.address.kind(), one.address.as_str()), &one.address)).collect();
    let mut found: BTreeMap<(usize, &str), Section<'a>> = BTreeMap::new();
    for (rank, parent) in names {
        let kind = KINDS[rank];
        let holder = kind.parent().and_then(|kind| holders.get(&(kind, parent)));
        let within = holder.copied().filter(|address| state.objects.get(address).is_some());
        if within.is_some() == kind.parent().is_some() {
            let id = |address| state.objects.get(address).map(|actual| actual.uuid.clone()).unwrap_or_default();
            let as_found = within.map(|address| (state.until_now(address), id(address)));
            let workspace = parent.split('/').next().unwrap_or_default();
            let wanted = HashMap::new();
            let people = Mutex::default();
            found.insert(
                (rank, parent),
                Section { kind, within, found: as_found, workspace, wanted, owned: false, people },
            );
        }
    }
    for object in listed {
        if let Some(section) = found.get_mut(&(object.address.kind().rank(), object.address.parent())) {
            section.wanted.insert(object.address.id(), object);
        }
    }
    for owned in owned {
        if let Some(section) = found.get_mut(&(owned.kind.rank(), &*owned.parent)) {
            section.owned = true;
        }
    }
    found.into_values().collect()
}

impl Section<'_> {
    pub fn parent(&self) -> Parent<'_> {
        match &self.found {
            None => Parent::Workspace(self.workspace),
            Some((address, id)) => Parent::Object(address, id),
        }
    }

    /// The whole name of what it is in.
    fn name(&self) -> &str {
        self.within.map_or(self.workspace, Address::as_str)
    }

    pub async fn read<R: Read>(&self, client: &R) -> Result<Vec<Item>, bitbucket::Error> {
        match self.kind.shape().is_single() {
            true => self.single(client).await,
            false => self.list(client).await,
        }
    }

    async fn single<R: Read>(&self, client: &R) -> Result<Vec<Item>, bitbucket::Error> {
        let answer = single(client, self.kind, self.parent()).await?;
        if answer.is_none() && !self.kind.may_be_none() {
            let line = Line::new(Method::Get, &self.kind.list(self.parent()));
            return Err(bitbucket::Error::Refused(Box::new(Refusal::read(line, 404, "", b""))));
        }
        Ok(answer.iter().filter_map(|answer| self.known("", answer)).map(Item::Managed).collect())
    }

    async fn list<R: Read>(&self, client: &R) -> Result<Vec<Item>, bitbucket::Error> {
        list(client, self.kind, self.parent(), |answer| self.keep(answer)).await
    }

    fn keep(&self, answer: &Value) -> Item {
        if let Ok(mut people) = self.people.lock() {
            people.learn_from(self.kind, answer);
        }
        let name = self.kind.identify(answer).unwrap_or_default();
        let names = [Some(&*name), self.kind.also_identify(answer)];
        let known = names.into_iter().flatten().find_map(|name| self.known(name, answer));
        match known {
            Some(known) => Item::Managed(known),
            None if self.owned => Item::Surplus(name.into_owned(), Actual::read_whole(self.kind, answer)),
            None => Item::Other,
        }
    }

    fn known(&self, id: &str, answer: &Value) -> Option<Known> {
        let wanted = self.wanted.get(id)?;
        Some(Known::new(wanted.address.clone(), Actual::read(self.kind, answer, Some(&wanted.fields))))
    }

    /// How many fields are as the manifest says, to choose among several of one name.
    fn likeness(&self, known: &Known) -> usize {
        let (address, actual) = &*known.0;
        let wanted = self.wanted.get(address.id()).map(|wanted| wanted.fields.iter());
        wanted.into_iter().flatten().filter(|(name, value)| actual.fields.shared(name) == Some(value)).count()
    }

    /// Where nothing else was read of a workspace, that it is not there is about its line in the manifest.
    fn missing_workspace(&self, manifest: &Manifest, state: &State, error: &bitbucket::Error) -> Option<Diagnostic> {
        let is_known = state.found.iter().any(|found| found.workspace == self.workspace);
        let workspace = manifest.workspaces.iter().find(|workspace| workspace.slug == self.workspace)?;
        let refusal = error.refusal().filter(|_| self.within.is_none() && !is_known)?;
        unknown_workspace(workspace, refusal)
    }
}

/// Reads what there is one of in something, if it is there.
pub(crate) async fn single<R: Read>(
    client: &R,
    kind: KindRef,
    parent: Parent<'_>,
) -> Result<Option<Value>, bitbucket::Error> {
    let answer = client.get(&kind.list(parent)).await?;
    Ok(answer.or_else(|| kind.may_be_missing().then(|| Value::Object(Map::new()))))
}

/// Reads a list of what is in something, and gives what `keep` makes of each.
pub(crate) async fn list<R: Read, T>(
    client: &R,
    kind: KindRef,
    parent: Parent<'_>,
    keep: impl Fn(&Value) -> T,
) -> Result<Vec<T>, bitbucket::Error> {
    let list = List::of_all(kind.list(parent));
    let list = if kind.lists_without_next() { list.numbered_without_next() } else { list };
    let first = match client.page(list.target(1)).await {
        Err(bitbucket::Error::Refused(refusal)) if refusal.status == 404 && kind.may_be_missing() => {
            return Ok(Vec::new());
        }
        first => first?,
    };
    Ok(rest(client, &list, first, |answer| kind.server_id(answer).map(Into::into), keep, |_| true).await?.items)
}
