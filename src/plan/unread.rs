//! What a plan does not speak of, because it could not be read: whole workspaces, or single sections of what is in them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::bitbucket::Error;
use crate::resource::{Address, KindRef};

/// What is not planned, because it could not be read for one reason. All else is.
#[derive(Debug, Clone)]
pub struct Unread {
    /// Workspaces of which nothing is known.
    pub workspaces: Vec<String>,
    /// Single sections, by the kind of what they hold and the whole name of what they are in.
    pub sections: Vec<(KindRef, String)>,
    /// Whether what the sections are in is not there any more.
    pub vanished: bool,
    /// Why.
    pub error: Error,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = self.what();
        let more = if what.len() > 1 { " and more" } else { "" };
        write!(f, "{}{more} could not be read: {}", what.first().map_or("", String::as_str), self.why())
    }
}

impl Unread {
    /// A section that could not be read.
    #[must_use]
    pub fn section(kind: KindRef, within: &str, error: Error) -> Self {
        Self { workspaces: Vec::new(), sections: vec![(kind, within.to_owned())], vanished: false, error }
    }

    /// What it is, with the first of many names: workspaces, and the sections of the same objects together.
    #[must_use]
    pub fn what(&self) -> Vec<String> {
        let mut by_section: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (kind, within) in &self.sections {
            by_section.entry(kind.section()).or_default().push(within.clone());
        }
        let mut by_names: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        for (section, mut names) in by_section {
            names.sort_unstable();
            by_names.entry(names).or_default().push(section.to_owned());
        }
        let whole = Some(&self.workspaces).filter(|names| !names.is_empty()).map(|names| some_of(names));
        let parts = by_names.iter().map(|(names, sections)| format!("{} of {}", sections.join(", "), some_of(names)));
        whole.into_iter().chain(parts).collect()
    }

    /// Why, in words that hold for all of it.
    #[must_use]
    pub fn why(&self) -> String {
        match &self.error {
            _ if self.vanished => "it vanished while it was read".to_owned(),
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
                    status => format!("Bitbucket answered {status}: {words}"),
                }
            }
            Error::NoAnswer { why, .. } => format!("no answer came: {why}"),
            Error::Unusable { why, .. } => format!("Bitbucket's answer cannot be used: {why}"),
            error => error.to_string(),
        }
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

/// Tells together what could not be read for the same reason.
pub(crate) fn together(sections: Vec<Unread>) -> Vec<Unread> {
    let mut joined: Vec<Unread> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for unread in sections {
        let at = *places.entry(unread.why()).or_insert(joined.len());
        match joined.get_mut(at) {
            Some(same) => same.sections.extend(unread.sections),
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
        let sections = unread.iter().flat_map(|one| &one.sections);
        Self {
            workspaces: unread.iter().flat_map(|one| &one.workspaces).map(String::as_str).collect(),
            sections: sections.map(|(kind, within)| (*kind, within.as_str())).collect(),
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
