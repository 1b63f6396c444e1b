//! Sections → what came of reading them, with as few requests as tell what a credential may and whether the server answers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lanes;
use super::sections::{Item, Section};
use crate::bitbucket::error::Line;
use crate::bitbucket::{self, Read};
use crate::progress::{Event, Listen};
use crate::resource::{Address, KindRef, Method};

/// What came of reading one.
pub(super) type Reading<'a> = (&'a Section<'a>, Result<Vec<Item>, bitbucket::Error>);

/// Reads sections, each with the credential of its workspace. One of each kind is read before all others: where a credential
/// may not, there is no need to ask for the rest.
pub(super) async fn read_all<'a, R: Read>(
    client: &R,
    sections: &'a [Section<'a>],
    listener: &dyn Listen,
) -> Vec<Reading<'a>> {
    let mut known: BTreeMap<usize, Lane> = BTreeMap::new();
    let mut kinds: HashSet<(usize, KindRef)> = HashSet::new();
    let mut waits = Vec::with_capacity(sections.len());
    for section in sections {
        let lane = client.lane(section.workspace);
        known.entry(lane).or_default();
        waits.push(!kinds.insert((lane, section.kind)));
    }
    let known = &known;
    let read = |section: &'a Section<'a>| async move {
        let read = match known.get(&client.lane(section.workspace)) {
            Some(lane) => lane.read(section, client, listener).await,
            None => section.read(client).await,
        };
        (section, read)
    };
    lanes::read_after(client, sections, |section| section.workspace, |at| waits[at], read).await
}

/// So many failures of the server and nothing else, and nothing further is asked: what is left would not fare better.
const FAILURES: usize = 8;

/// What is known of the sections that one credential reads.
#[derive(Default)]
struct Lane {
    /// Kinds that it may not read, wherever they stand.
    closed: Mutex<HashMap<KindRef, bitbucket::Error>>,
    /// How often in a row the server failed.
    failures: AtomicUsize,
}

impl Lane {
    async fn read<R: Read>(
        &self,
        section: &Section<'_>,
        client: &R,
        listener: &dyn Listen,
    ) -> Result<Vec<Item>, bitbucket::Error> {
        let read = match self.refused(section) {
            Some(error) => Err(error),
            None => section.read(client).await,
        };
        listener.event(Event::PageRead);
        if let Err(error) = &read {
            self.learn(section, error);
        } else {
            self.failures.store(0, Ordering::Relaxed);
        }
        read
    }

    /// Why there is no need to ask.
    fn refused(&self, section: &Section<'_>) -> Option<bitbucket::Error> {
        if self.failures.load(Ordering::Relaxed) >= FAILURES {
            let line = Line::new(Method::Get, &section.kind.list(section.parent()));
            let why = format!("Bitbucket failed {FAILURES} times in a row, and was asked no more");
            return Some(bitbucket::Error::NoAnswer { line, why, unclear: false });
        }
        self.closed.lock().ok()?.get(&section.kind).cloned()
    }

    fn learn(&self, section: &Section<'_>, error: &bitbucket::Error) {
        match error {
            bitbucket::Error::Refused(refusal) if refusal.status < 500 => {
                self.failures.store(0, Ordering::Relaxed);
                if refusal.is_about_the_credential()
                    && let Ok(mut closed) = self.closed.lock()
                {
                    closed.insert(section.kind, error.clone());
                }
            }
            bitbucket::Error::Refused(_) | bitbucket::Error::NoAnswer { .. } => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// What is not there any more of that in which a section was not found, with what Bitbucket said. Where it is there, the
/// section is hidden, and in most cases everywhere: that is looked into once for each kind.
pub(super) async fn vanished<'a, R: Read>(
    client: &R,
    read: &[Reading<'a>],
    listener: &dyn Listen,
) -> HashMap<&'a Address, bitbucket::Error> {
    let mut gone = HashMap::new();
    let mut hidden: HashSet<(usize, KindRef)> = HashSet::new();
    for (section, read) in read {
        let (Err(error), Some(within), Some((found, _))) = (read, section.within, &section.found) else { continue };
        let kind = (client.lane(section.workspace), section.kind);
        let is_missing = error.refusal().is_some_and(|refusal| refusal.status == 404);
        if !is_missing || gone.contains_key(within) || hidden.contains(&kind) {
            continue;
        }
        let there = match found.kind().item(found) {
            None => Ok(None),
            Some(path) => {
                listener.event(Event::Pages { more: 1 });
                let there = client.get(&path).await;
                listener.event(Event::PageRead);
                there
            }
        };
        match there {
            Ok(None) => drop(gone.insert(within, error.clone())),
            Ok(Some(_)) => drop(hidden.insert(kind)),
            Err(_) => {}
        }
    }
    gone
}
