//! Workspaces → their objects, a list for each kind.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{Holder, Inventory, Wish, facts};
use crate::bitbucket::page::List;
use crate::bitbucket::whole::{begin, rest};
use crate::bitbucket::{Error, Read, Watched};
use crate::manifest::write::Existing;
use crate::manifest::write::sayable::LeftOut;
use crate::plan::Found;
use crate::progress::{Event, Listen};
use crate::resource::{Address, Alike, Field, Fields, KindRef, Parent, Shape, kinds_in};

/// An object that was found, and by what Bitbucket tells it from others.
struct Seen {
    address: Address,
    /// Nothing if it was passed over.
    known: Option<Box<(Fields, Box<str>)>>,
}

/// Reads the objects of all workspaces, and gives those in which something is to be read.
pub(super) async fn read<R: Read>(
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
            let workspace = address.workspace().to_owned();
            holders.push(Holder { workspace, object: Some((address.clone(), id)) });
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
