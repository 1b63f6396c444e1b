//! What a person must know of what was not carried over: a sentence, and whom it is about.

use std::collections::HashMap;

/// Sentences, each with the Terraform addresses that it is about, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Notes {
    all: Vec<Note>,
    places: HashMap<String, usize>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Note {
    /// Why, in a sentence without its full stop.
    pub why: String,
    /// What it is about.
    pub about: Vec<String>,
}

impl Notes {
    /// Notes that something holds for a resource.
    pub(super) fn add(&mut self, why: &str, about: &str) {
        let at = *self.places.entry(why.to_owned()).or_insert(self.all.len());
        if at == self.all.len() {
            self.all.push(Note { why: why.to_owned(), about: Vec::new() });
        }
        let about_it = &mut self.all[at].about;
        if about_it.last().is_none_or(|last| last != about) {
            about_it.push(about.to_owned());
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Note> {
        self.all.iter()
    }
}
