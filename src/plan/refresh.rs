//! Bitbucket → the actual state: GET only, and only what the manifest mentions.
//!
//! A list for each kind and workspace. Where a workspace holds far more than the manifest names, the first page says so, and
//! single objects are read instead of further pages.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{Error, Found};
use crate::bitbucket::error::Line;
use crate::bitbucket::page::{List, Page};
use crate::bitbucket::whole::rest;
use crate::bitbucket::{self, Read};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::{Manifest, Workspace};
use crate::progress::{Event, Listen};
use crate::resource::{Address, Fields, KINDS, KindRef, Method};

/// What exists, as far as anybody asked.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The objects that the manifest names.
    pub objects: HashMap<Address, Actual>,
    /// The names of all objects of kinds that others refer to, for proposals.
    pub names: BTreeMap<(String, &'static str), Vec<String>>,
    /// How much there is.
    pub found: Vec<Found>,
    /// How many objects that the manifest does not name refer to one that it wants gone, as far as they were seen.
    pub holds: HashMap<Address, usize>,
}

/// One object as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Actual {
    /// Its UUID, in braces; empty if Bitbucket did not say.
    pub uuid: String,
    /// Those of its fields that somebody asked for.
    pub fields: Fields,
}

impl Actual {
    /// Reads an object of a kind out of an answer; of its fields only those that `wanted` names.
    #[must_use]
    pub fn read(kind: KindRef, answer: &Value, wanted: impl Fn(&str) -> bool) -> Self {
        let uuid = answer.get("uuid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let fields = kind.fields().iter().filter(|field| field.always || wanted(field.name));
        Self { uuid, fields: fields.map(|field| (field.name, field.read(answer))).collect() }
    }
}

/// What is to be read of one kind in one workspace.
struct Inquiry<'a> {
    workspace: &'a Workspace,
    kind: KindRef,
    /// The names that matter, each with the fields that are asked for.
    wanted: HashMap<&'a str, Option<&'a Fields>>,
    /// Objects of other kinds refer to these, so that all their names are kept.
    referred: bool,
    /// The objects of all kinds that shall go.
    doomed: &'a HashSet<&'a Address>,
}

/// What is kept of an item of a list.
struct Kept {
    name: Option<String>,
    /// What it refers to that shall go, if the manifest does not name it.
    holds: Option<Address>,
    object: Option<Box<(Address, Actual)>>,
}

/// What came of it.
struct Reading {
    objects: Vec<(Address, Actual)>,
    names: Vec<String>,
    holds: Vec<Address>,
    total: Option<usize>,
}

/// Reads the actual state of everything the manifest names.
///
/// # Errors
/// Workspaces that do not exist, each at its place; or the first thing that went wrong with Bitbucket.
pub async fn refresh<R: Read>(client: &R, manifest: &Manifest, listener: &dyn Listen) -> Result<State, Error> {
    let references: BTreeSet<Address> = manifest
        .desired
        .iter()
        .filter(|object| !object.absent)
        .filter_map(|object| object.address.kind().reference(object.address.workspace(), &object.fields))
        .map(|reference| reference.address)
        .collect();
    let doomed: HashSet<&Address> =
        manifest.desired.iter().filter(|object| object.absent).map(|object| &object.address).collect();
    let inquiries = inquiries(manifest, &references, &doomed);
    listener.event(Event::Pages { more: inquiries.len() });
    let watched = &Watched { client, listener };
    let mut readings: Vec<(usize, Result<Reading, bitbucket::Error>)> = stream::iter(inquiries.iter().enumerate())
        .map(|(at, inquiry)| async move { (at, read(watched, inquiry).await) })
        .buffer_unordered(client.concurrency())
        .collect()
        .await;
    readings.sort_by_key(|(at, _)| *at);
    let mut state = State::default();
    let mut problems = Diagnostics::default();
    for (at, reading) in readings {
        let inquiry = &inquiries[at];
        match reading {
            Ok(reading) => state.add(inquiry, reading),
            Err(error) => {
                let problem = about_workspace(inquiry.workspace, error)?;
                // Each of its lists says so; one of them is enough.
                if !problems.iter().any(|other| other.primary == problem.primary) {
                    problems.push(problem);
                }
            }
        }
    }
    if problems.is_empty() {
        return Ok(state);
    }
    problems.sort();
    Err(Error::Manifest(problems))
}

fn inquiries<'a>(
    manifest: &'a Manifest,
    references: &'a BTreeSet<Address>,
    doomed: &'a HashSet<&'a Address>,
) -> Vec<Inquiry<'a>> {
    let mut wanted: HashMap<(&str, usize), HashMap<&str, Option<&Fields>>> = HashMap::new();
    for address in references {
        wanted.entry((address.workspace(), address.kind().rank())).or_default().insert(address.id(), None);
    }
    for object in &manifest.desired {
        let address = &object.address;
        let of_kind = wanted.entry((address.workspace(), address.kind().rank())).or_default();
        of_kind.insert(address.id(), Some(&object.fields));
    }
    let mut inquiries = Vec::new();
    for workspace in &manifest.workspaces {
        for kind in KINDS {
            let Some(wanted) = wanted.remove(&(workspace.slug.as_str(), kind.rank())) else { continue };
            let referred =
                references.iter().any(|address| address.kind() == kind && address.workspace() == workspace.slug);
            inquiries.push(Inquiry { workspace, kind, wanted, referred, doomed });
        }
    }
    inquiries
}

async fn read<R: Read>(client: &Watched<'_, R>, inquiry: &Inquiry<'_>) -> Result<Reading, bitbucket::Error> {
    let kind = inquiry.kind;
    let (list, first) = first_page(client, inquiry).await?;
    let (size, remaining) = (first.size, list.remaining(&first));
    let mut missing: BTreeSet<&str> = inquiry.wanted.keys().copied().collect();
    let mut pages = 0;
    // Single objects are read as soon as there are fewer of them than pages to come. Where nobody knows how many pages come,
    // pages are read until as many were as names are missing. That list costs what it must if it ends before, and if not,
    // less than twice what would have been best for somebody who knew: no rule can promise more (it is the ski rental
    // problem). One name alone is never worth a page.
    let pays = |page: &Page| {
        for answer in &page.values {
            kind.identify(answer).map(|id| missing.remove(id));
        }
        pages += 1;
        let pays = remaining.map_or(missing.len() > pages, |remaining| remaining <= missing.len());
        if pays {
            client.expect(remaining.unwrap_or(1));
        }
        pays
    };
    let read = rest(client, &list, first, |answer| kind.identify(answer), |answer| inquiry.keep(answer), pays).await?;
    let total = if read.whole { Some(read.items.len()) } else { size };
    let mut reading = Reading { objects: Vec::new(), names: Vec::new(), holds: Vec::new(), total };
    for kept in read.items {
        reading.add(kept);
    }
    if read.whole {
        return Ok(reading);
    }
    client.expect(missing.len());
    let answers: Vec<Option<Value>> = stream::iter(missing)
        .map(|id| client.object(Address::new(kind, &inquiry.workspace.slug, id)))
        .buffered(client.concurrency())
        .try_collect()
        .await?;
    for answer in answers.into_iter().flatten() {
        reading.add(inquiry.keep(&answer));
    }
    Ok(reading)
}

/// The first page of a list, sorted if that can be.
async fn first_page<R: Read>(client: &Watched<'_, R>, inquiry: &Inquiry<'_>) -> Result<(List, Page), bitbucket::Error> {
    let list = inquiry.list();
    match client.page(list.target(1)).await {
        // Which lists can be sorted, and by what, is documented in principle only (api.md §2.4).
        Err(bitbucket::Error::Refused(refusal)) if refusal.status == 400 && list.is_sorted() => {
            let list = list.unsorted();
            client.expect(1);
            let first = client.page(list.target(1)).await?;
            Ok((list, first))
        }
        first => Ok((list, first?)),
    }
}

impl Inquiry<'_> {
    /// The list, with just those fields that somebody asks for.
    fn list(&self) -> List {
        let asked = |name: &str| self.wanted.values().flatten().any(|fields| fields.get(name).is_some());
        let fields = self.kind.fields().iter().filter(|field| field.always || asked(field.name));
        let dotted: Vec<String> = fields.map(crate::resource::Field::dotted).collect();
        let own = [self.kind.identity(), "uuid"];
        let fields = own.into_iter().chain(dotted.iter().map(String::as_str));
        let list = List::new(self.kind.list(&self.workspace.slug), fields);
        if self.kind.sorts_by_age() { list.newest_first() } else { list }
    }

    /// Keeps what the manifest asks for and lets go of the rest: a workspace can be large.
    fn keep(&self, answer: &Value) -> Kept {
        let id = self.kind.identify(answer);
        let object = id.and_then(|id| {
            let fields = self.wanted.get(id)?;
            let wanted = |name: &str| fields.is_some_and(|fields| fields.get(name).is_some());
            let address = Address::new(self.kind, &self.workspace.slug, id);
            Some(Box::new((address, Actual::read(self.kind, answer, wanted))))
        });
        let holds = || {
            let fields = Actual::read(self.kind, answer, |_| false).fields;
            let reference = self.kind.reference(&self.workspace.slug, &fields)?;
            Some(reference.address).filter(|address| self.doomed.contains(address))
        };
        let holds = if object.is_none() && !self.doomed.is_empty() { holds() } else { None };
        Kept { name: id.filter(|_| self.referred).map(str::to_owned), holds, object }
    }
}

impl Reading {
    fn add(&mut self, kept: Kept) {
        self.names.extend(kept.name);
        self.holds.extend(kept.holds);
        self.objects.extend(kept.object.map(|object| *object));
    }
}

impl State {
    fn add(&mut self, inquiry: &Inquiry<'_>, reading: Reading) {
        self.objects.extend(reading.objects);
        for address in reading.holds {
            *self.holds.entry(address).or_default() += 1;
        }
        let workspace = &inquiry.workspace.slug;
        if inquiry.referred {
            self.names.insert((workspace.clone(), inquiry.kind.name()), reading.names);
        }
        let count = (inquiry.kind.section(), reading.total);
        match self.found.last_mut() {
            Some(found) if found.workspace == *workspace => found.counts.push(count),
            _ => self.found.push(Found { workspace: workspace.clone(), counts: vec![count] }),
        }
    }
}

/// A refusal to list a workspace is about the workspace's line in the manifest; anything else ends the run.
fn about_workspace(workspace: &Workspace, error: bitbucket::Error) -> Result<Diagnostic, bitbucket::Error> {
    let slug = &workspace.slug;
    match &error {
        bitbucket::Error::Refused(refusal) if refusal.status == 404 => Ok(Diagnostic::error(
            workspace.span,
            format!("there is no workspace `{slug}`, or this credential cannot see it"),
        )
        .label(format!("Bitbucket says: {}", refusal.words()))
        .help("write the slug, which is what follows bitbucket.org/ in the workspace's URL, not its name")),
        bitbucket::Error::Refused(refusal) if refusal.status == 403 && !refusal.missing_scopes.is_empty() => {
            Err(bitbucket::Error::Credential(format!(
                "the credential may not read the workspace `{slug}`: it lacks the scope {} ({refusal})",
                refusal.missing_scopes.join(", ")
            )))
        }
        bitbucket::Error::Refused(refusal) if refusal.status == 403 => Err(bitbucket::Error::Credential(format!(
            "the credential has no access to the workspace `{slug}`: is its owner a member? ({refusal})"
        ))),
        _ => Err(error),
    }
}

/// Somebody who reads and says so.
struct Watched<'a, R> {
    client: &'a R,
    listener: &'a dyn Listen,
}

impl<R: Read> Watched<'_, R> {
    /// One object; an answer that does not say its name says nothing, least of all that it is not there.
    async fn object(&self, address: Address) -> Result<Option<Value>, bitbucket::Error> {
        let path = address.kind().item(&address);
        let answer = self.get(&path).await?;
        match answer.as_ref().map(|answer| address.kind().identify(answer)) {
            Some(id) if id != Some(address.id()) => Err(bitbucket::Error::Unusable {
                line: Line::new(Method::Get, &path),
                why: format!("the object is not named {:?}", address.id()),
            }),
            _ => Ok(answer),
        }
    }

    fn expect(&self, more: usize) {
        self.listener.event(Event::Pages { more });
    }
}

impl<R: Read> Read for Watched<'_, R> {
    async fn get(&self, path: &str) -> Result<Option<Value>, bitbucket::Error> {
        let answer = self.client.get(path).await;
        self.listener.event(Event::PageRead);
        answer
    }

    async fn page(&self, target: String) -> Result<Page, bitbucket::Error> {
        let page = self.client.page(target).await;
        self.listener.event(Event::PageRead);
        page
    }

    async fn next(&self, page: &Page, link: String) -> Result<Page, bitbucket::Error> {
        let page = self.client.next(page, link).await;
        self.listener.event(Event::PageRead);
        page
    }

    async fn scopes(&self) -> Option<Vec<String>> {
        self.client.scopes().await
    }

    fn requests(&self) -> usize {
        self.client.requests()
    }

    fn concurrency(&self) -> usize {
        self.client.concurrency()
    }
}
