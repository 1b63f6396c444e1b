//! Bitbucket → what stands in objects: one list for each section that the manifest mentions, of each object that exists.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use futures::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::people::People;
use super::state::{Actual, Known, State};
use crate::bitbucket::page::List;
use crate::bitbucket::whole::rest;
use crate::bitbucket::{self, Read};
use crate::manifest::{Desired, Manifest};
use crate::progress::{Event, Listen};
use crate::resource::address::path;
use crate::resource::{Address, KINDS, KindRef, Parent, Shape};

/// One section of one object or workspace.
struct Section<'a> {
    kind: KindRef,
    /// What it is in; nothing if that is a workspace.
    within: Option<&'a Address>,
    /// The same by the name that it has until now, and by what Bitbucket tells it from others.
    found: Option<(Address, Box<str>)>,
    workspace: &'a str,
    /// What the manifest says of it, by identity.
    wanted: HashMap<&'a str, &'a Desired>,
    /// Whether it holds nothing else, so that the rest is of interest.
    owned: bool,
    /// Those whom its answers show.
    people: Mutex<People>,
}

/// What is kept of an item: known to the manifest, or not.
enum Item {
    Managed(Known),
    Surplus(Address, Actual),
    Other,
}

/// Reads the sections of everything that was found to exist, from the outermost to the innermost, and notes the credentials
/// that turn out to be of no use on the way, by their lanes.
///
/// # Errors
/// The first thing that went wrong and is about no credential.
pub(super) async fn read<R: Read>(
    client: &R,
    manifest: &Manifest,
    state: &mut State,
    useless: &mut BTreeMap<usize, bitbucket::Error>,
    listener: &dyn Listen,
) -> Result<(), bitbucket::Error> {
    let mut depth = 1;
    loop {
        let mut sections = sections(manifest, state, depth);
        sections.retain(|section| !useless.contains_key(&client.lane(section.workspace)));
        if sections.is_empty() {
            return keep_own(client, state, listener).await;
        }
        listener.event(Event::Pages { more: sections.len() });
        for (section, read) in read_all(client, &sections, listener).await {
            match read {
                Ok(items) => state.add_section(section, items),
                Err(error) if error.ends_its_credential() => {
                    useless.entry(client.lane(section.workspace)).or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        depth += 1;
    }
}

type Reading<'a> = (&'a Section<'a>, Result<Vec<Item>, bitbucket::Error>);

/// Each credential has its own number of places: one that has to wait keeps nobody else waiting.
async fn read_all<'a, R: Read>(client: &R, sections: &'a [Section<'a>], listener: &dyn Listen) -> Vec<Reading<'a>> {
    let lanes: BTreeSet<usize> = sections.iter().map(|section| client.lane(section.workspace)).collect();
    let of_lane = |lane: usize| {
        let own = sections.iter().filter(move |section| client.lane(section.workspace) == lane);
        let reading = stream::iter(own).map(|section| async move { (section, section.read(client, listener).await) });
        reading.buffer_unordered(client.concurrency())
    };
    stream::select_all(lanes.into_iter().map(of_lane)).collect().await
}

impl State {
    fn add_section(&mut self, section: &Section<'_>, items: Vec<Item>) {
        if let Ok(mut people) = section.people.lock() {
            self.people.extend(std::mem::take(&mut *people));
        }
        if section.owned {
            self.sizes.insert((section.name().into(), section.kind), items.len());
        }
        for item in items {
            match item {
                Item::Managed(known) => self.objects.extend([known]),
                Item::Surplus(address, actual) => self.surplus.push((address, actual)),
                Item::Other => {}
            }
        }
    }
}

/// Takes the grants of the credential's own account out of what is to go: without them it could not put things right again.
async fn keep_own<R: Read>(client: &R, state: &mut State, listener: &dyn Listen) -> Result<(), bitbucket::Error> {
    let grants = state.surplus.iter().filter(|(address, _)| address.kind().grants());
    let workspaces: BTreeSet<String> = grants.map(|(address, _)| address.workspace().to_owned()).collect();
    listener.event(Event::Pages { more: workspaces.len() });
    for workspace in workspaces {
        let answer = client.get(&path(&["user", "workspaces", &workspace, "permission"])).await;
        listener.event(Event::PageRead);
        let account = match &answer {
            Ok(answer) => answer.as_ref().and_then(|answer| answer.get("user")?.get("uuid")?.as_str()),
            Err(bitbucket::Error::Refused(_) | bitbucket::Error::Credential(_)) => None,
            Err(error) => return Err(error.clone()),
        };
        let why = match account {
            Some(_) => "stays although it is not listed: it is the credential's own",
            None => {
                "stays although it is not listed: whose the credential is cannot be known, and its own grant must not go \
                 (it lacks the scope account, or read:workspace:bitbucket)"
            }
        };
        let is_own = |address: &Address| account.is_none_or(|account| address.id() == account);
        let stays = |(address, _): &(Address, Actual)| {
            address.kind().grants() && address.workspace() == workspace && is_own(address)
        };
        let (stay, go) = std::mem::take(&mut state.surplus).into_iter().partition(stays);
        state.surplus = go;
        state.own.extend(Vec::into_iter(stay).map(|(address, _)| (address, why)));
    }
    Ok(())
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
    fn parent(&self) -> Parent<'_> {
        match &self.found {
            None => Parent::Workspace(self.workspace),
            Some((address, id)) => Parent::Object(address, id),
        }
    }

    /// The whole name of what it is in.
    fn name(&self) -> &str {
        self.within.map_or(self.workspace, Address::as_str)
    }

    async fn read<R: Read>(&self, client: &R, listener: &dyn Listen) -> Result<Vec<Item>, bitbucket::Error> {
        let read = match self.kind.shape().is_single() {
            true => self.single(client).await,
            false => self.list(client).await,
        };
        listener.event(Event::PageRead);
        read.map_err(|error| self.explain(error))
    }

    async fn single<R: Read>(&self, client: &R) -> Result<Vec<Item>, bitbucket::Error> {
        let answer = single(client, self.kind, self.parent()).await?;
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
        match names.into_iter().flatten().find_map(|name| self.known(name, answer)) {
            Some(known) => Item::Managed(known),
            None if self.owned => {
                Item::Surplus(Address::within(self.name(), self.kind, &name), Actual::read(self.kind, answer, None))
            }
            None => Item::Other,
        }
    }

    fn known(&self, id: &str, answer: &Value) -> Option<Known> {
        let wanted = self.wanted.get(id)?;
        Some(Known::new(wanted.address.clone(), Actual::read(self.kind, answer, Some(&wanted.fields))))
    }

    fn explain(&self, error: bitbucket::Error) -> bitbucket::Error {
        let what = || format!("{} of {}", self.kind.section(), self.name());
        match &error {
            bitbucket::Error::Refused(refusal) if refusal.status == 403 => {
                let scopes = refusal.missing_scopes.join(", ");
                let lacks = if scopes.is_empty() { String::new() } else { format!(": it lacks the scope {scopes}") };
                bitbucket::Error::Credential(format!("the credential may not read the {}{lacks} ({refusal})", what()))
            }
            _ => error,
        }
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
