//! Objects as they are → a manifest that says so: the inverse of what `resolve` does, for whoever has learnt of them, be it
//! from Bitbucket or from elsewhere.
//!
//! [`sayable`] leaves out what no manifest can say, [`settings`] makes of each object what would stand under it, [`factor`]
//! takes out what many have in common, [`secrets`] finds names for the secrets, `document` and `sheet` put it all in order, and
//! [`yaml`] writes it down.

pub mod beside;
mod document;
pub mod factor;
pub mod sayable;
pub mod secrets;
pub mod settings;
mod sheet;
#[cfg(test)]
mod tests;
pub mod yaml;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::resource::{Address, Fields, KindRef};
use sayable::LeftOut;
use secrets::Placeholder;
use settings::Settings;

/// What there is in some workspaces.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    /// The workspaces' slugs.
    pub workspaces: Vec<String>,
    /// The objects, and what stands in them.
    pub objects: Vec<Existing>,
    /// Whether its secrets have names. Others get one for each place, as nobody can see which of them are the same.
    pub named: bool,
    /// The sections of which everything is known, by the whole name of what they are in.
    pub known: HashSet<(Box<str>, KindRef)>,
    /// What accounts call themselves, by what they are called by.
    pub people: BTreeMap<Box<str>, Box<str>>,
}

/// An object as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Its name.
    pub address: Address,
    /// All that is known of it. Of a secret that is an object, which says that there is one, or which variable it is to come
    /// from in an [`Estate`] where they have names.
    pub fields: Fields,
}

/// How to write it.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// Where the schema is, for the line by which editors find it.
    pub schema: Option<String>,
    /// Comments to begin with.
    pub head: Vec<String>,
    /// Whether each group of objects gets a file of its own.
    pub split: bool,
    /// Whether there may be templates.
    pub templates: bool,
    /// Whether it is to stand beside another manifest, so that a workspace in which there is nothing is not named.
    pub partial: bool,
    /// What the objects of a kind have from that manifest already. Nothing is then shared besides.
    pub inherited: HashMap<KindRef, Settings>,
}

/// A file of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name in the folder, with `/` in it if it is further down; empty if it is the only one.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A manifest.
#[derive(Debug, Clone)]
pub struct Written {
    /// The files, one of them if it is not split.
    pub files: Vec<File>,
    /// What no manifest can say.
    pub left_out: Vec<LeftOut>,
    /// The secrets that it names.
    pub secrets: Vec<Placeholder>,
}

/// Writes a manifest that says how everything is.
#[must_use]
pub fn write(estate: Estate, style: &Style) -> Written {
    let (estate, left_out) = sayable::sift(estate);
    let (files, secrets) = document::files(&estate, style);
    Written { files, left_out, secrets }
}
