//! Pieces → a manifest that the loader takes: what it does not take is left out, and noted.

use std::collections::{HashMap, HashSet};

use super::carry::Piece;
use super::lines::{Lines, Mark};
use super::notes::Notes;
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::manifest::{self, Invalid, Manifest};

/// How often something may be left out: what is missing can be missed by others.
const ROUNDS: usize = 8;

/// Loads the manifest that these pieces make.
///
/// # Errors
/// What is wrong with it that no piece can be blamed for.
pub(super) fn settle(pieces: &[Piece], notes: &mut Notes) -> Result<Manifest, Invalid> {
    let mut without: HashSet<Mark> = HashSet::new();
    let mut why: HashMap<Mark, String> = HashMap::new();
    let mut rounds = 0;
    loop {
        let lines = Lines::of(pieces, &without);
        let mut sources = Sources::default();
        sources.add("the manifest", lines.text.as_str());
        rounds += 1;
        let invalid = match manifest::from_sources(sources) {
            Ok(manifest) => {
                tell(pieces, &without, &why, notes);
                return Ok(manifest);
            }
            Err(invalid) => invalid,
        };
        let errors = invalid.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let blamed: Vec<_> = errors.filter_map(|found| Some((lines.about(found.primary.as_ref()?.0)?, words(found)))).collect();
        if blamed.is_empty() || rounds > ROUNDS {
            return Err(invalid);
        }
        for (mark, words) in blamed {
            without.insert(mark);
            why.entry(mark).or_insert(words);
        }
    }
}

/// Notes what was left out; of what went in the end, only why it began to.
fn tell(pieces: &[Piece], without: &HashSet<Mark>, why: &HashMap<Mark, String>, notes: &mut Notes) {
    let mut marks: Vec<&Mark> = without.iter().collect();
    marks.sort();
    for mark in marks {
        let (at, field) = *mark;
        let (Some(piece), Some(why)) = (pieces.get(at), why.get(mark)) else { continue };
        match field {
            Some(_) if without.contains(&(at, None)) => {}
            Some(field) => notes.add(&format!("its `{field}` is left out: {why}"), &piece.of),
            None if piece.holds() => notes.add(&format!("left out, with what is in it: {why}"), &piece.of),
            None => notes.add(&format!("left out: {why}"), &piece.of),
        }
    }
}

fn words(found: &Diagnostic) -> String {
    match found.primary.as_ref().map(|(_, label)| &**label) {
        None | Some("") => found.message.clone(),
        Some(label) => format!("{}: {label}", found.message),
    }
}
