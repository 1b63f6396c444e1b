//! Bitbucket → what stands in objects: one list for each section that the manifest mentions, of each object that exists.

use std::collections::{BTreeMap, HashMap};

use futures::stream::{self, StreamExt};
use serde_json::{Map, Value};

use super::refresh::{Actual, Known, State};
use crate::bitbucket::page::List;
use crate::bitbucket::whole::rest;
use crate::bitbucket::{self, Read};
use crate::manifest::{Desired, Manifest};
use crate::progress::{Event, Listen};
use crate::resource::{Address, KindRef, Parent, Shape};

/// One section of one object or workspace.
struct Section<'a> {
    kind: KindRef,
    /// What it is in; nothing if that is a workspace.
    within: Option<(&'a Address, Box<str>)>,
    workspace: &'a str,
    /// What the manifest says of it, by identity.
    wanted: HashMap<&'a str, &'a Desired>,
}

/// Reads the sections of everything that was found to exist, from the outermost to the innermost.
///
/// # Errors
/// The first thing that went wrong.
pub(super) async fn read<R: Read>(
    client: &R,
    manifest: &Manifest,
    state: &mut State,
    listener: &dyn Listen,
) -> Result<(), bitbucket::Error> {
    let mut depth = 1;
    loop {
        let sections = sections(manifest, state, depth);
        if sections.is_empty() {
            return Ok(());
        }
        listener.event(Event::Pages { more: sections.len() });
        let mut reading = stream::iter(&sections)
            .map(|section| async move { section.read(client, listener).await })
            .buffer_unordered(client.concurrency());
        let mut all = Vec::new();
        while let Some(read) = reading.next().await {
            all.extend(read?);
        }
        state.objects.extend(all);
        depth += 1;
    }
}

/// How many objects a kind's objects are inside of each other; a workspace is none.
fn depth(kind: KindRef) -> usize {
    kind.parent().map_or(0, |parent| 1 + depth(parent))
}

/// The sections at a depth whose object exists. Of what is in a workspace itself the depth counts as one more.
fn sections<'a>(manifest: &'a Manifest, state: &State, at: usize) -> Vec<Section<'a>> {
    let in_sections = |object: &&Desired| object.address.kind().shape() != Shape::Objects;
    let at_depth = |object: &&Desired| depth(object.address.kind()).max(1) == at;
    let mut holders: HashMap<(KindRef, &str), &Address> = HashMap::new();
    let mut found: BTreeMap<(usize, &str), Section<'a>> = BTreeMap::new();
    for object in manifest.desired.iter().filter(in_sections).filter(at_depth) {
        let (kind, parent) = (object.address.kind(), object.address.parent());
        if holders.is_empty() {
            holders =
                manifest.desired.iter().map(|one| ((one.address.kind(), one.address.as_str()), &one.address)).collect();
        }
        let within = match kind.parent() {
            None => None,
            Some(parent_kind) => {
                let Some(address) = holders.get(&(parent_kind, parent)) else { continue };
                let Some(actual) = state.objects.get(address) else { continue };
                Some((*address, actual.uuid.clone()))
            }
        };
        let section = found.entry((kind.rank(), parent)).or_insert_with(|| Section {
            kind,
            within,
            workspace: object.address.workspace(),
            wanted: HashMap::new(),
        });
        section.wanted.insert(object.address.id(), object);
    }
    found.into_values().collect()
}

impl Section<'_> {
    fn parent(&self) -> Parent<'_> {
        match &self.within {
            None => Parent::Workspace(self.workspace),
            Some((address, id)) => Parent::Object(address, id),
        }
    }

    async fn read<R: Read>(&self, client: &R, listener: &dyn Listen) -> Result<Vec<Known>, bitbucket::Error> {
        let read = match self.kind.shape().is_single() {
            true => self.single(client).await,
            false => self.list(client).await,
        };
        listener.event(Event::PageRead);
        read.map_err(|error| self.explain(error))
    }

    async fn single<R: Read>(&self, client: &R) -> Result<Vec<Known>, bitbucket::Error> {
        let answer = single(client, self.kind, self.parent()).await?;
        Ok(answer.iter().filter_map(|answer| self.known("", answer)).collect())
    }

    async fn list<R: Read>(&self, client: &R) -> Result<Vec<Known>, bitbucket::Error> {
        let items = list(client, self.kind, self.parent(), |answer| self.keep(answer)).await?;
        Ok(items.into_iter().flatten().collect())
    }

    fn keep(&self, answer: &Value) -> Option<Known> {
        let name = self.kind.identify(answer)?;
        let also = || self.kind.also_identify(answer);
        let wanted = self.wanted.contains_key(&*name).then_some(&*name);
        self.known(wanted.or_else(|| also().filter(|also| self.wanted.contains_key(*also)))?, answer)
    }

    fn known(&self, id: &str, answer: &Value) -> Option<Known> {
        let wanted = self.wanted.get(id)?;
        Some(Known::new(wanted.address.clone(), Actual::read(self.kind, answer, Some(&wanted.fields))))
    }

    fn explain(&self, error: bitbucket::Error) -> bitbucket::Error {
        let what = || {
            let name = self.within.as_ref().map_or(self.workspace, |(address, _)| address.as_str());
            format!("{} of {name}", self.kind.section())
        };
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
