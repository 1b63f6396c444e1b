//! TERRAFORM STATES → a manifest: the way in for those who have managed Bitbucket with `DrFaust92`'s or zahiar's provider.
//!
//! [`state`] reads the files, `known` learns by which names resources refer to each other, `carry` takes out of each what the
//! `table` says, and `estate` makes a whole of it, which is [written](mod@write) as any other. What a manifest cannot say is told,
//! never dropped in silence. Secrets stand in a state in clear and stay behind.

mod carry;
mod estate;
mod known;
mod notes;
mod provider;
mod secrets;
pub mod state;
mod table;

use std::collections::BTreeMap;

use carry::Carrier;
use estate::Whole;
use known::Known;
pub use known::uuid;
pub use notes::{Note, Notes};
use state::State;

use crate::diagnostic::Sources;
use crate::manifest::write::{self, Style, Written};
use crate::manifest::{self, Invalid, Manifest};
use crate::resource::kinds_in;

/// What states say of Bitbucket, as a manifest.
#[derive(Debug)]
pub struct Imported {
    /// Its text.
    pub written: Written,
    /// The same, loaded and found valid.
    pub manifest: Manifest,
    /// What it cannot say.
    pub notes: Notes,
    /// How many Bitbucket resources there were.
    pub resources: usize,
    /// How many resources other providers manage, by provider.
    pub others: BTreeMap<String, usize>,
}

/// Makes a manifest of what these states hold, each with the name of its file. `workspaces` are slugs by UUID, for states that
/// know a workspace by that alone.
///
/// # Errors
/// What is wrong with what was written, which is a defect of this program.
pub fn import(
    states: Vec<(String, State<'_>)>,
    workspaces: &[(String, String)],
    style: &Style,
) -> Result<Imported, Invalid> {
    let known = Known::new(states.iter().map(|(_, state)| state), workspaces);
    let mut notes = Notes::default();
    let mut carrier = Carrier { known: &known, notes: &mut notes, found: Vec::new() };
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    let (mut resources, several) = (0, states.len() > 1);
    for (name, mut state) in states {
        for resource in &mut state.resources {
            if several {
                resource.address = format!("{name}: {}", resource.address);
            }
            carrier.take(resource);
        }
        resources += state.resources.len();
        state.others.into_iter().for_each(|(name, count)| *others.entry(name).or_default() += count);
    }
    let Whole { mut estate, of } = Whole::of(carrier);
    secrets::name(&mut estate);
    let written = write::write(estate, style);
    for left in &written.left_out {
        let of = of.get(&left.address).map_or(left.address.as_str(), String::as_str);
        match left.field {
            Some(field) => notes.add(&format!("its `{field}` is left out: {}", left.why), of),
            None => {
                let holds = kinds_in(Some(left.address.kind())).next().is_some();
                let more = if holds { ", with what is in it" } else { "" };
                notes.add(&format!("it is left out{more}: {}", left.why), of);
            }
        }
    }
    let mut sources = Sources::default();
    for file in &written.files {
        sources.add(if file.name.is_empty() { "<manifest>" } else { &file.name }, file.text.as_str());
    }
    let manifest = manifest::from_sources(sources)?;
    Ok(Imported { written, manifest, notes, resources, others })
}
