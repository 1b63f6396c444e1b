//! Bitbucket → the actual state: GET only, and only what the manifest mentions.
//!
//! A list for each kind and workspace. Where a workspace holds far more than the manifest names, the first page says so, and
//! single objects are read instead of further pages.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::state::{Actual, Known, State};
use super::{Error, Found, lanes, sections};
use crate::bitbucket::error::{Line, Refusal};
use crate::bitbucket::page::{List, Page};
use crate::bitbucket::whole::{begin, rest};
use crate::bitbucket::{self, Read, Watched};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::manifest::{Manifest, Workspace};
use crate::progress::{Event, Listen};
use crate::resource::{Address, Alike, Fields, KindRef, Method, Parent, Shape, kinds_in};

/// Names, each with the address and the fields that are asked for.
type Wanted<'a> = HashMap<&'a str, (&'a Address, Option<&'a Fields>)>;

/// What is to be read of one kind in one workspace.
struct Inquiry<'a> {
    workspace: &'a Workspace,
    kind: KindRef,
    /// The names that matter, each with the address and the fields that are asked for.
    wanted: Wanted<'a>,
    /// Objects of other kinds refer to these, so that all their names are kept.
    referred: bool,
    /// The objects of all kinds that shall go.
    doomed: &'a HashSet<&'a Address>,
    /// The fields that were read so far.
    alike: Mutex<Alike>,
}

/// What is kept of an item of a list: as little as can be, of a very long list.
enum Kept {
    Wanted(Box<(Address, Actual)>),
    Other(Option<Box<Other>>),
}

/// What matters of an object that the manifest does not name.
struct Other {
    name: Option<String>,
    /// What it refers to that shall go.
    holds: Option<Address>,
}

/// What came of it.
struct Reading {
    kept: Vec<Kept>,
    total: Option<usize>,
}

/// Reads the actual state of everything the manifest names. Nothing is read with credentials that are known to be `useless`,
/// by their lanes.
///
/// # Errors
/// Workspaces that do not exist, each at its place; or the first thing that went wrong with Bitbucket. A credential of no use
/// is an error if there is no other one.
pub async fn refresh<R: Read>(
    client: &R,
    manifest: &Manifest,
    useless: BTreeMap<usize, bitbucket::Error>,
    listener: &dyn Listen,
) -> Result<State, Error> {
    let mut useless = useless;
    let references: BTreeSet<Address> = manifest
        .desired
        .iter()
        .filter(|object| !object.absent)
        .filter_map(|object| object.address.kind().reference(object.address.workspace(), &object.fields))
        .map(|reference| reference.address)
        .collect();
    let doomed: HashSet<&Address> =
        manifest.desired.iter().filter(|object| object.absent).map(|object| &object.address).collect();
    let mut inquiries = inquiries(manifest, &references, &doomed);
    inquiries.retain(|inquiry| !useless.contains_key(&client.lane(&inquiry.workspace.slug)));
    listener.event(Event::Pages { more: inquiries.len() });
    let watched = &Watched { client, listener };
    let readings = lanes::read_each(client, &inquiries, |one| &one.workspace.slug, |one| read(watched, one)).await;
    let mut state = State::default();
    let mut problems = Diagnostics::default();
    for (inquiry, reading) in inquiries.iter().zip(readings) {
        match reading.map_err(|error| about_workspace(inquiry.workspace, error)) {
            Ok(reading) => state.add(inquiry, reading),
            Err(Err(error)) if error.ends_its_credential() => {
                useless.entry(client.lane(&inquiry.workspace.slug)).or_insert(error);
            }
            Err(problem) => {
                // Each of its lists says so; one of them is enough.
                problems.push_once(problem?);
            }
        }
    }
    if problems.is_empty() {
        state.recognise(manifest);
        problems = sections::read(client, manifest, &mut state, &mut useless, listener).await?;
    }
    if !problems.is_empty() {
        problems.sort();
        return Err(Error::Manifest(problems));
    }
    let lanes = lanes::by_lane(client, manifest);
    if useless.len() == lanes.len()
        && let Some((_, error)) = useless.pop_first()
    {
        return Err(error.into());
    }
    state.forget(useless, lanes);
    Ok(state)
}

fn inquiries<'a>(
    manifest: &'a Manifest,
    references: &'a BTreeSet<Address>,
    doomed: &'a HashSet<&'a Address>,
) -> Vec<Inquiry<'a>> {
    let mut wanted: HashMap<(&str, usize), Wanted<'_>> = HashMap::new();
    for address in references {
        wanted.entry((address.workspace(), address.kind().rank())).or_default().insert(address.id(), (address, None));
    }
    for object in manifest.desired.iter().filter(|object| object.address.kind().shape() == Shape::Objects) {
        let address = &object.address;
        let of_kind = wanted.entry((address.workspace(), address.kind().rank())).or_default();
        of_kind.insert(address.id(), (address, Some(&object.fields)));
        if let Some(former) = object.previously().filter(|_| !object.absent) {
            of_kind.insert(former.0.id(), (&former.0, Some(&object.fields)));
        }
    }
    let mut inquiries = Vec::new();
    for workspace in &manifest.workspaces {
        for kind in kinds_in(None) {
            let Some(wanted) = wanted.remove(&(workspace.slug.as_str(), kind.rank())) else { continue };
            let referred =
                references.iter().any(|address| address.kind() == kind && address.workspace() == workspace.slug);
            inquiries.push(Inquiry { workspace, kind, wanted, referred, doomed, alike: Mutex::default() });
        }
    }
    inquiries
}

async fn read<R: Read>(client: &Watched<'_, R>, inquiry: &Inquiry<'_>) -> Result<Reading, bitbucket::Error> {
    let kind = inquiry.kind;
    let (list, first) = begin(client, inquiry.list(), || client.expect(1)).await?;
    let (size, remaining) = (first.size, list.remaining(&first));
    let mut missing: BTreeSet<&str> = inquiry.wanted.keys().copied().collect();
    let mut pages = 0;
    // Single objects are read as soon as there are fewer of them than pages to come. Where nobody knows how many pages come,
    // pages are read until as many were as names are missing. That list costs what it must if it ends before, and if not,
    // less than twice what would have been best for somebody who knew: no rule can promise more (it is the ski rental
    // problem). One name alone is never worth a page.
    let pays = |page: &Page| {
        for answer in &page.values {
            kind.identify(answer).map(|id| missing.remove(&*id));
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
    let mut kept = read.items;
    if read.whole {
        return Ok(Reading { kept, total });
    }
    client.expect(missing.len());
    let answers: Vec<Option<Value>> = stream::iter(missing)
        .map(|id| {
            client.object(Address::new(kind, &inquiry.workspace.slug, id), |name| inquiry.wanted.contains_key(name))
        })
        .buffered(client.concurrency())
        .try_collect()
        .await?;
    kept.extend(answers.iter().flatten().map(|answer| inquiry.keep(answer)));
    Ok(Reading { kept, total })
}

impl Inquiry<'_> {
    /// The list, with just those fields that somebody asks for.
    fn list(&self) -> List {
        let asked = |name: &str| {
            self.wanted.values().filter_map(|(_, fields)| *fields).any(|fields| fields.get(name).is_some())
        };
        let fields = self.kind.fields().iter().filter(|field| field.always || asked(field.name));
        let dotted: Vec<String> = fields.map(crate::resource::Field::dotted).collect();
        let own = [self.kind.identity(), "uuid"];
        let fields = own.into_iter().chain(dotted.iter().map(String::as_str));
        let list = List::new(self.kind.list(Parent::Workspace(&self.workspace.slug)), fields);
        if self.kind.sorts_by_age() { list.newest_first() } else { list }
    }

    /// Keeps what the manifest asks for and lets go of the rest: a workspace can be large.
    fn keep(&self, answer: &Value) -> Kept {
        let id = self.kind.identify(answer);
        if let Some((address, fields)) = id.as_deref().and_then(|id| self.wanted.get(id)) {
            let mut actual = Actual::read(self.kind, answer, *fields);
            if let Ok(mut alike) = self.alike.lock() {
                actual.fields = alike.fields(actual.fields);
            }
            return Kept::Wanted(Box::new(((*address).clone(), actual)));
        }
        let name = id.filter(|_| self.referred).map(Cow::into_owned);
        let holds = if self.doomed.is_empty() { None } else { self.held_by(answer) };
        Kept::Other((name.is_some() || holds.is_some()).then(|| Box::new(Other { name, holds })))
    }

    /// What an object refers to, if that shall go.
    fn held_by(&self, answer: &Value) -> Option<Address> {
        let fields = Actual::read(self.kind, answer, None).fields;
        let reference = self.kind.reference(&self.workspace.slug, &fields)?;
        Some(reference.address).filter(|address| self.doomed.contains(address))
    }
}

impl State {
    fn add(&mut self, inquiry: &Inquiry<'_>, reading: Reading) {
        let workspace = &inquiry.workspace.slug;
        let mut names = Vec::new();
        self.objects.0.reserve(reading.kept.len().min(inquiry.wanted.len()));
        for kept in reading.kept {
            match kept {
                Kept::Wanted(object) => {
                    names.extend(inquiry.referred.then(|| object.0.id().to_owned()));
                    self.objects.0.insert(Known(object));
                }
                Kept::Other(other) => {
                    let Some(other) = other else { continue };
                    names.extend(other.name);
                    if let Some(address) = other.holds {
                        *self.holds.entry(address).or_default() += 1;
                    }
                }
            }
        }
        if inquiry.referred {
            self.names.insert((workspace.clone(), inquiry.kind.name()), names);
        }
        let count = (inquiry.kind.section(), reading.total);
        match self.found.last_mut() {
            Some(found) if found.workspace == *workspace => found.counts.push(count),
            _ => self.found.push(Found { workspace: workspace.clone(), counts: vec![count] }),
        }
    }
}

/// A refusal to list a workspace is about the workspace's line in the manifest; anything else ends the run.
pub(super) fn about_workspace(workspace: &Workspace, error: bitbucket::Error) -> Result<Diagnostic, bitbucket::Error> {
    let slug = &workspace.slug;
    let Some(refusal) = error.refusal() else { return Err(error) };
    if let Some(problem) = unknown_workspace(workspace, refusal) {
        return Ok(problem);
    }
    Err(match refusal.status {
        403 if !refusal.missing_scopes.is_empty() => bitbucket::Error::Credential(format!(
            "the credential may not read the workspace `{slug}`: it lacks the scope {} ({refusal})",
            refusal.missing_scopes.join(", ")
        )),
        403 => bitbucket::Error::Credential(format!(
            "the credential has no access to the workspace `{slug}`: is its owner a member? ({refusal})"
        )),
        _ => error,
    })
}

/// What to say of a workspace that is not there.
pub(super) fn unknown_workspace(workspace: &Workspace, refusal: &Refusal) -> Option<Diagnostic> {
    let message = format!("there is no workspace `{}`, or this credential cannot see it", workspace.slug);
    let problem = Diagnostic::error(Code::UnknownWorkspace, workspace.span, message)
        .label(format!("Bitbucket says: {}", refusal.words()))
        .help("write the slug, which is what follows bitbucket.org/ in the workspace's URL, not its name");
    let problem = match &workspace.auth {
        Some(auth) => problem.also(auth.span, "this credential"),
        None => problem,
    };
    (refusal.status == 404).then_some(problem)
}

impl<R: Read> Watched<'_, R> {
    /// One object; an answer that does not say its name says nothing, least of all that it is not there.
    /// One that has got a name which is asked for as well is not there under its former one.
    async fn object(
        &self,
        address: Address,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Option<Value>, bitbucket::Error> {
        let path = address.kind().item(&address).unwrap_or_default();
        let answer = self.get(&path).await?;
        match answer.as_ref().map(|answer| address.kind().identify(answer)) {
            Some(Some(name)) if *name != *address.id() && is_wanted(&name) => Ok(None),
            Some(id) if id.as_deref() != Some(address.id()) => Err(bitbucket::Error::Unusable {
                line: Line::new(Method::Get, &path),
                why: format!("the object is not named {:?}", address.id()),
            }),
            _ => Ok(answer),
        }
    }
}
