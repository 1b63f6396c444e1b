//! Objects → what stands in them, a list for each section, from the outermost to the innermost.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::{Holder, Inventory, Wish, facts};
use crate::bitbucket::error::Refusal;
use crate::bitbucket::{Error, Read};
use crate::manifest::write::Existing;
use crate::manifest::write::sayable::LeftOut;
use crate::plan::people::People;
use crate::plan::sections;
use crate::plan::unread::{Unread, together};
use crate::progress::{Event, Listen};
use crate::resource::{Address, KindRef, Shape, kinds_in};

/// After so many refusals, and not one answer, nobody asks for the same kind of section again.
const REFUSALS: usize = 5;

/// A section to be read.
struct Section {
    kind: KindRef,
    holder: Holder,
}

/// What came of it.
enum Outcome {
    /// Its items; nothing for one that no manifest can name.
    Read(Vec<Option<(Existing, Box<str>)>>),
    Refused(Box<Refusal>),
}

/// Reads what is wished for in these, and in what that holds.
pub(super) async fn read<R: Read>(
    client: &R,
    wish: &Wish<'_>,
    holders: Vec<Holder>,
    listener: &dyn Listen,
    inventory: &mut Inventory,
) -> Result<(), Error> {
    let answers = Answers::default();
    let people = Mutex::new(People::default());
    let mut holders = holders;
    loop {
        let of = |holder: Holder| {
            let kinds = kinds_in(holder.kind()).filter(|kind| kind.shape() != Shape::Objects);
            let kinds = kinds.filter(|kind| wish.sections.contains(kind));
            kinds.map(move |kind| Section { kind, holder: holder.clone() })
        };
        let sections: Vec<Section> = holders.into_iter().flat_map(of).collect();
        if sections.is_empty() {
            let people = people.into_inner().unwrap_or_else(PoisonError::into_inner);
            let named = people.iter().map(|(id, name)| (id.into(), name.into()));
            inventory.estate.people = named.collect();
            inventory.unread = together(std::mem::take(&mut inventory.unread));
            return Ok(());
        }
        listener.event(Event::Pages { more: sections.len() });
        if sections.len() > client.hourly() {
            listener.event(Event::Warning(dear(sections.len(), client.hourly())));
        }
        holders = Vec::new();
        let mut reading = stream::iter(sections)
            .map(|section| read_one(client, section, &answers, &people, listener))
            .buffer_unordered(client.concurrency());
        while let Some((section, outcome)) = reading.try_next().await? {
            holders.extend(inventory.add(section, outcome));
        }
        drop(reading);
    }
}

fn dear(requests: usize, hourly: usize) -> String {
    let hours = requests.div_ceil(hourly.max(1));
    format!(
        "these sections take {requests} requests, one for each and each object: about {hours} hours at {hourly} an hour; \
         name fewer --sections to be done sooner"
    )
}

/// What was answered so far, for each kind of section and credential.
#[derive(Default)]
struct Answers(Mutex<HashMap<(KindRef, usize), Answer>>);

/// Whether a section may be read, as far as is known.
enum Answer {
    /// One could be read, so that each has to be asked for.
    Given,
    /// So many could not be, the last one for this reason.
    Refused(usize, Box<Refusal>),
}

impl Answers {
    /// Why nobody needs to ask.
    fn forbid(&self, key: (KindRef, usize)) -> Option<Box<Refusal>> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key)? {
            Answer::Refused(REFUSALS.., why) => Some(why.clone()),
            _ => None,
        }
    }

    fn note(&self, key: (KindRef, usize), refusal: Option<Box<Refusal>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = known.remove(&key);
        let answer = match (so_far, refusal) {
            // Without the scope it will never be given.
            (_, Some(refusal)) if !refusal.missing_scopes.is_empty() => Answer::Refused(REFUSALS, refusal),
            (Some(Answer::Given), _) | (_, None) => Answer::Given,
            (Some(Answer::Refused(count, _)), Some(refusal)) => Answer::Refused(count + 1, refusal),
            (None, Some(refusal)) => Answer::Refused(1, refusal),
        };
        known.insert(key, answer);
    }
}

/// Reads a section, unless it is known to be in vain.
async fn read_one<R: Read>(
    client: &R,
    section: Section,
    answers: &Answers,
    people: &Mutex<People>,
    listener: &dyn Listen,
) -> Result<(Section, Outcome), Error> {
    let key = (section.kind, client.lane(&section.holder.workspace));
    if let Some(why) = answers.forbid(key) {
        listener.event(Event::PageRead);
        return Ok((section, Outcome::Refused(why)));
    }
    let read = section.read(client, people).await;
    listener.event(Event::PageRead);
    match read {
        Ok(items) => {
            answers.note(key, None);
            Ok((section, Outcome::Read(items)))
        }
        Err(Error::Refused(refusal)) if matches!(refusal.status, 402..=404 | 410) => {
            answers.note(key, Some(refusal.clone()));
            Ok((section, Outcome::Refused(refusal)))
        }
        Err(error) => Err(error),
    }
}

impl Section {
    async fn read<R: Read>(
        &self,
        client: &R,
        people: &Mutex<People>,
    ) -> Result<Vec<Option<(Existing, Box<str>)>>, Error> {
        let keep = |answer: &Value| {
            people.lock().unwrap_or_else(PoisonError::into_inner).learn_from(self.kind, answer);
            self.item(answer)
        };
        let parent = self.holder.parent();
        match self.kind.shape().is_single() {
            true => Ok(sections::single(client, self.kind, parent).await?.iter().map(keep).collect()),
            false => sections::list(client, self.kind, parent, keep).await,
        }
    }

    /// One of which there is one in each has no name; another without one is none that a manifest could name.
    fn item(&self, answer: &Value) -> Option<(Existing, Box<str>)> {
        let name = if self.kind.shape().is_single() { Cow::Borrowed("") } else { self.kind.identify(answer)? };
        let address = Address::within(self.holder.name(), self.kind, &name);
        let id = self.kind.server_id(answer).unwrap_or_default().into();
        Some((Existing { address, fields: facts(self.kind, answer) }, id))
    }
}

impl Inventory {
    /// Takes in what came of a section, and gives what else can stand in it.
    fn add(&mut self, section: Section, outcome: Outcome) -> Vec<Holder> {
        let Section { kind, holder } = section;
        let mut holders = Vec::new();
        match outcome {
            Outcome::Refused(refusal) => {
                self.unread.push(Unread::section(kind, holder.name(), Error::Refused(refusal)));
            }
            Outcome::Read(items) => {
                self.estate.known.insert((holder.name().into(), kind));
                for item in items {
                    let Some((existing, id)) = item else {
                        let address = Address::within(holder.name(), kind, "");
                        let why = "a manifest has no words for what it is".to_owned();
                        self.left_out.push(LeftOut { address, field: None, why });
                        continue;
                    };
                    let object = Some((existing.address.clone(), id));
                    holders.push(Holder { workspace: holder.workspace.clone(), object });
                    self.estate.objects.push(existing);
                }
            }
        }
        holders
    }
}
