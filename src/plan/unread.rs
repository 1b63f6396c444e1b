//! What a plan does not speak of, because it could not be read: whole workspaces, or single sections of what is in them.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::bitbucket::Error;
use crate::resource::{Address, KindRef};

/// What is not planned, because it could not be read. All else is.
#[derive(Debug, Clone)]
pub struct Unread {
    /// The workspaces, or the whole names of what the sections are in.
    pub names: Vec<String>,
    /// The kinds of what the sections hold; none where the workspaces as a whole are meant.
    pub sections: Vec<KindRef>,
    /// Why.
    pub error: Error,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} could not be read: {}", self.what(), self.why())
    }
}

impl Unread {
    /// What it is, with the first of many names.
    #[must_use]
    pub fn what(&self) -> String {
        let sections: Vec<String> = self.sections.iter().map(|kind| kind.section().to_owned()).collect();
        let of = if sections.is_empty() { "" } else { " of " };
        format!("{}{of}{}", some_of(&sections), some_of(&self.names))
    }

    /// Why, in words that hold for all of it.
    #[must_use]
    pub fn why(&self) -> String {
        match &self.error {
            Error::Stopped { why, .. } => why.clone(),
            error if self.sections.is_empty() => error.to_string(),
            Error::Refused(refusal) => {
                let words = refusal.words();
                match refusal.status {
                    403 if !refusal.missing_scopes.is_empty() => {
                        format!("the credential lacks the scope {}", refusal.missing_scopes.join(", "))
                    }
                    403 => format!("Bitbucket refuses this credential: {words}"),
                    402 => format!("the workspace's plan at Bitbucket does not go so far: {words}"),
                    404 if refusal.message.is_empty() => "it vanished while it was read".to_owned(),
                    404 => format!("it vanished while it was read: {words}"),
                    status => format!("Bitbucket answered {status}: {words}"),
                }
            }
            Error::NoAnswer { why, .. } => format!("no answer came: {why}"),
            Error::Unusable { why, .. } => format!("Bitbucket's answer cannot be used: {why}"),
            error => error.to_string(),
        }
    }

    fn order(&self) -> (Option<usize>, &[String]) {
        (self.sections.first().map(|kind| kind.rank()), &self.names)
    }

    /// Whether another credential might read it.
    #[must_use]
    pub fn is_for_want_of_a_credential(&self) -> bool {
        match &self.error {
            Error::Refused(refusal) => refusal.status == 403,
            error => matches!(error, Error::Credential(_) | Error::NoToken(_)),
        }
    }
}

/// Tells together what could not be read for the same reason: a section of many objects, and many sections of an object.
pub(super) fn together(all: Vec<Unread>) -> Vec<Unread> {
    let mut all = all;
    all.sort_by(|a, b| a.order().cmp(&b.order()));
    let by_section = join(all, |one| one.sections.clone(), |same, other| same.names.extend(other.names));
    join(by_section, |one| one.names.clone(), |same, other| same.sections.extend(other.sections))
}

/// Joins those that have the same reason and the same `key`.
fn join<K: Eq + Hash>(all: Vec<Unread>, key: fn(&Unread) -> K, join: fn(&mut Unread, Unread)) -> Vec<Unread> {
    let mut joined: Vec<Unread> = Vec::new();
    let mut places: HashMap<(K, String), usize> = HashMap::new();
    for unread in all {
        let at = *places.entry((key(&unread), unread.why())).or_insert(joined.len());
        match joined.get_mut(at) {
            Some(same) => join(same, unread),
            None => joined.push(unread),
        }
    }
    joined
}

/// What nobody knows anything of, for those who compare.
pub(super) struct Unknown<'a> {
    workspaces: HashSet<&'a str>,
    sections: HashSet<(KindRef, &'a str)>,
    /// Objects in these, in which there may be others.
    objects: HashSet<(KindRef, &'a str)>,
}

impl<'a> Unknown<'a> {
    pub fn of(unread: &'a [Unread]) -> Self {
        let names = |one: &'a Unread| one.names.iter().map(String::as_str);
        let whole = unread.iter().filter(|one| one.sections.is_empty());
        let of_each = |one: &'a Unread| one.sections.iter().flat_map(move |kind| names(one).map(|name| (*kind, name)));
        Self {
            workspaces: whole.flat_map(names).collect(),
            sections: unread.iter().flat_map(of_each).collect(),
            objects: HashSet::new(),
        }
    }

    /// Whether an object is in any of it. What it is in was asked about before.
    pub fn holds(&mut self, address: &'a Address) -> bool {
        let (kind, parent) = (address.kind(), address.parent());
        let holds = self.workspaces.contains(address.workspace())
            || self.sections.contains(&(kind, parent))
            || kind.parent().is_some_and(|holder| self.objects.contains(&(holder, parent)));
        if holds {
            self.objects.insert((kind, address.as_str()));
        }
        holds
    }
}

/// The first few of many names.
#[must_use]
pub fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}
