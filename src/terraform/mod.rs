//! TERRAFORM STATES → a manifest: the way in for those who have managed Bitbucket with DrFaust92's or zahiar's provider.
//!
//! [`state`] reads the files, `known` learns by which names resources refer to each other, `carry` takes out of each what the
//! `table` says, and `settle` holds the result against the loader. What a manifest cannot say is told, never dropped in
//! silence. Secrets stand in a state in clear and stay behind: the manifest names environment variables in their place.

mod carry;
mod known;
mod lines;
mod notes;
mod placeholder;
mod provider;
mod settle;
pub mod state;
mod table;
mod whole;

use std::collections::BTreeMap;

pub use notes::{Note, Notes};

use crate::manifest::{Invalid, Manifest};
use carry::Carrier;
use known::Known;
use placeholder::Placeholders;
use state::State;

/// What states say of Bitbucket, as a manifest.
#[derive(Debug)]
pub struct Imported {
    /// The manifest, loaded and found valid.
    pub manifest: Manifest,
    /// What it cannot say.
    pub notes: Notes,
    /// How many Bitbucket resources there were.
    pub resources: usize,
    /// How many resources other providers manage, by provider.
    pub others: BTreeMap<String, usize>,
}

/// Makes a manifest of what these states hold. `workspaces` are slugs by UUID, for states that know a workspace by that alone.
///
/// # Errors
/// What is wrong with the manifest that no resource can be blamed for.
pub fn import(states: Vec<State<'_>>, workspaces: &[(String, String)]) -> Result<Imported, Invalid> {
    let known = Known::new(&states, workspaces);
    let mut notes = Notes::default();
    let mut carrier =
        Carrier { known: &known, notes: &mut notes, placeholders: Placeholders::default(), pieces: Vec::new() };
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    let mut resources = 0;
    for state in states {
        state.resources.iter().for_each(|resource| carrier.take(resource));
        resources += state.resources.len();
        state.others.into_iter().for_each(|(name, count)| *others.entry(name).or_default() += count);
    }
    let mut pieces = whole::complete(carrier);
    pieces.sort_by(|a, b| a.place.cmp(&b.place));
    let manifest = settle::settle(&pieces, &mut notes)?;
    Ok(Imported { manifest, notes, resources, others })
}
