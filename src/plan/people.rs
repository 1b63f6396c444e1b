//! What a person calls the accounts in a plan, which Bitbucket tells apart by UUID.
//!
//! Nothing is asked for this: who was looked up by e-mail address is known, and lists that were read anyway show whom they are
//! about. A name is whatever its owner made it, so that it never stands alone: the address that was proved, or what the
//! account is told by, stands behind it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Change, Plan};
use crate::output::printable;
use crate::resource::{Address, Form, KindRef, account};

/// Accounts by UUID and by account id.
#[derive(Debug, Clone, Default)]
pub struct People(HashMap<Box<str>, Arc<Person>>);

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The UUID, in braces.
    pub uuid: Box<str>,
    /// What they call themselves, on one line and no longer than a name is.
    pub name: Box<str>,
    /// The e-mail address that the manifest names and that is theirs, in lower case.
    pub email: Option<Box<str>>,
}

impl Person {
    /// Reads an account out of an answer: nothing if it does not say its UUID.
    #[must_use]
    pub fn read(account: &Value) -> Option<Self> {
        /// No name is longer.
        const LONGEST: usize = 60;
        let text = |key: &str| account.get(key).and_then(Value::as_str);
        let uuid = text("uuid").filter(|uuid| account::is_uuid(uuid))?;
        let name: String = text("display_name").unwrap_or_default().chars().take(LONGEST).collect();
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Self { uuid: uuid.into(), name: name.into(), email: None })
    }

    /// `Ana Lopez <ana@example.com>`, or `Ana Lopez {e29d8b3b…}` where nobody proved an address.
    fn in_words(&self, id: &str, whole: bool) -> String {
        let told_by = match &self.email {
            Some(email) if self.name.is_empty() || self.name.eq_ignore_ascii_case(email) => return email.to_string(),
            Some(email) => format!("<{email}>"),
            None if whole || self.name.is_empty() => id.to_owned(),
            None => shortened(id),
        };
        format!("{} {told_by}", self.name).trim_start().to_owned()
    }
}

/// As much of an id as tells it from others to somebody who looks for it in a manifest.
fn shortened(id: &str) -> String {
    const SHOWN: usize = 9;
    let end = if id.starts_with('{') { "…}" } else { "…" };
    if id.chars().count() <= SHOWN + 2 { id.to_owned() } else { id.chars().take(SHOWN).collect::<String>() + end }
}

impl People {
    /// Gets to know somebody, by their account id as well if an answer says it. Who is known stays as they are.
    pub fn learn(&mut self, person: &Arc<Person>, account_id: Option<&str>) {
        for id in [Some(&*person.uuid), account_id].into_iter().flatten().filter(|id| !id.is_empty()) {
            if !self.0.contains_key(id) {
                self.0.insert(id.into(), Arc::clone(person));
            }
        }
    }

    /// Gets to know those whom an answer about an object of a kind shows.
    pub(crate) fn learn_from(&mut self, kind: KindRef, answer: &Value) {
        let own = kind.is_account().then(|| account::within(answer));
        let lists = kind.fields().iter().filter(|field| field.form == Form::Accounts);
        let listed = lists.filter_map(|field| field.value_in(answer)?.as_array()).flatten();
        for account in own.into_iter().chain(listed) {
            let id = |key: &str| account.get(key).and_then(Value::as_str);
            let is_known = id("uuid").is_none_or(|uuid| self.0.contains_key(uuid));
            if let Some(person) = if is_known { None } else { Person::read(account) } {
                self.learn(&Arc::new(person), id("account_id"));
            }
        }
    }

    /// Takes over whom others know. Who is known stays as they are.
    pub(crate) fn extend(&mut self, others: Self) {
        for (id, person) in others.0 {
            self.0.entry(id).or_insert(person);
        }
    }

    /// The UUID of whom an id names.
    pub(super) fn uuid(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(|person| &*person.uuid)
    }

    /// Whether nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those who are known, by UUID or by account id, and what to call them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.0.iter().map(|(id, person)| {
            let email = person.email.as_deref().filter(|_| person.name.is_empty());
            (&**id, email.unwrap_or(&person.name))
        });
        named.filter(|(_, name)| !name.is_empty())
    }

    /// An address as a person reads it.
    #[must_use]
    pub fn in_words<'a>(&self, address: &'a Address, whole: bool) -> Cow<'a, Address> {
        let known = address.kind().is_account().then(|| self.0.get(address.id())).flatten();
        known.map_or(Cow::Borrowed(address), |person| {
            let words = printable(&person.in_words(address.id(), whole));
            Cow::Owned(Address::within(address.parent(), address.kind(), &words))
        })
    }

    fn value_in_words(&self, ids: &Value, whole: bool) -> Option<Arc<Value>> {
        let words = |id: &Value| {
            let id = id.as_str()?;
            Some(self.0.get(id).map_or_else(|| id.to_owned(), |person| person.in_words(id, whole)))
        };
        let words: Option<Vec<_>> = ids.as_array()?.iter().map(words).collect();
        Some(Arc::new(words?.into()))
    }
}

impl Plan {
    /// The same plan with people as a person calls them, for somebody who reads it and never to be carried out. Ids are
    /// shortened unless they are wanted `whole`.
    #[must_use]
    pub fn in_words(&self, whole: bool) -> Cow<'_, Self> {
        if self.people.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut plan = self.clone();
        for change in &mut plan.changes {
            change.address = self.people.in_words(&change.address, whole).into_owned();
            let kind = change.address.kind();
            for field in change.fields.iter_mut().filter(|field| holds_accounts(kind, field.name)) {
                for value in [&mut field.from, &mut field.to] {
                    if let Some(words) = self.people.value_in_words(value, whole) {
                        *value = words;
                    }
                }
            }
        }
        for note in &mut plan.notes {
            note.address = self.people.in_words(&note.address, whole).into_owned();
        }
        Cow::Owned(plan)
    }

    /// Lets go of everybody whom nothing in the plan is about.
    pub(super) fn forget_strangers(&mut self) {
        let named = self.changes.iter().flat_map(ids_in);
        let noted = self.notes.iter().map(|note| note.address.id());
        let met: HashSet<&str> = named.chain(noted).collect();
        self.people.0.retain(|id, _| met.contains(&**id));
        let about: HashSet<&Address> = self
            .changes
            .iter()
            .map(|change| &change.address)
            .chain(self.notes.iter().map(|note| &note.address))
            .collect();
        self.written.retain(|address, _| about.contains(address));
    }
}

/// Whatever a change says of accounts.
fn ids_in(change: &Change) -> impl Iterator<Item = &str> {
    let kind = change.address.kind();
    let lists = change.fields.iter().filter(move |field| holds_accounts(kind, field.name));
    let values = lists.flat_map(|field| [&field.from, &field.to]);
    let listed = values.filter_map(|value| value.as_array()).flatten().filter_map(Value::as_str);
    kind.is_account().then(|| change.address.id()).into_iter().chain(listed)
}

fn holds_accounts(kind: KindRef, field: &str) -> bool {
    kind.fields().iter().any(|known| known.name == field && known.form == Form::Accounts)
}
