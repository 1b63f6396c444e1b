//! LOADER: manifest files → the desired state, with every error at its place.
//!
//! [`files`] finds and reads the texts, [`parse`] makes trees of them, [`shape`] holds the trees against the [`schema`],
//! [`layers`] are the defaults and templates, `resolve` lays every object over its layers and joins the files, [`validate`]
//! runs the rules. Nothing here talks to Bitbucket or waits for anything; of secrets it is known where they come from
//! ([`secret`]), and no more.

mod accounts;
pub mod auth;
mod conceal;
pub mod desired;
mod documents;
pub mod explain;
pub mod files;
mod impossible;
mod laid;
pub mod layers;
pub mod node;
pub mod parse;
mod resolve;
pub mod schema;
pub mod secret;
mod sections;
pub mod shape;
pub mod validate;
pub mod write;

use std::collections::HashSet;

use auth::Auth;
pub use desired::Desired;
use layers::Layers;
use node::Node;
use resolve::{Resolved, Resolver};
use shape::Shape;

use crate::diagnostic::{Diagnostics, Sources, Span};
use crate::resource::{Address, KindRef};

/// The desired state of some workspaces, and the texts it was read from.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// The workspaces, in the order of the files.
    pub workspaces: Vec<Workspace>,
    /// Every object that is managed, in the order of the addresses.
    pub desired: Vec<Desired>,
    /// The sections that hold nothing but what is managed.
    pub owned: Vec<Owned>,
    /// What a person should know although it stops nothing.
    pub warnings: Diagnostics,
    /// The texts, for messages that point at them.
    pub sources: Sources,
    /// What lies under the objects.
    layers: Layers,
}

/// A workspace that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its slug.
    pub slug: String,
    /// Where it is named first.
    pub span: Span,
    /// Its own credential, if it does not take the one of the run.
    pub auth: Option<Auth>,
}

/// A section of which the manifest says everything: what it does not list goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The whole name of what it is in.
    pub parent: Box<str>,
    /// The kind of what it holds.
    pub kind: KindRef,
    /// Where the manifest says so.
    pub span: Span,
}

impl Manifest {
    /// Has the secrets written again of whatever the manifest gives a secret and this says yes to.
    pub fn rewrite_secrets(&mut self, fits: impl Fn(&Address) -> bool) {
        for object in self.desired.iter_mut().filter(|object| object.has_secrets() && fits(&object.address)) {
            object.rewrite = true;
        }
    }

    /// The workspaces in which anything is managed: of the others nothing is read, and no credential is needed.
    pub fn inhabited(&self) -> impl Iterator<Item = &Workspace> {
        let inhabited: HashSet<&str> = self.desired.iter().map(|object| object.address.workspace()).collect();
        self.workspaces.iter().filter(move |workspace| inhabited.contains(workspace.slug.as_str()))
    }

    /// Keeps only the objects whose address fits, those they refer to, and the workspaces these are in.
    pub fn only(&mut self, fits: impl Fn(&Address) -> bool) {
        let chosen = self.desired.iter().filter(|object| fits(&object.address));
        // What stands in something can be read only if that exists.
        let holders: HashSet<String> =
            chosen.clone().flat_map(|object| object.address.holders()).map(str::to_owned).collect();
        let held = self.desired.iter().filter(|object| holders.contains(object.address.as_str()));
        let references = chosen.chain(held).filter_map(|object| {
            object
                .address
                .kind()
                .reference(object.address.workspace(), &object.fields)
                .map(|reference| reference.address)
        });
        let needed: HashSet<Address> = references.collect();
        let is_needed = |address: &Address| needed.contains(address) || holders.contains(address.as_str());
        // What shall go as well stands in the way of what it is in.
        let doomed: HashSet<Address> =
            self.desired.iter().filter(|one| one.absent && fits(&one.address)).map(|one| one.address.clone()).collect();
        let is_in_doomed = |one: &Desired| {
            let reference = one.address.kind().reference(one.address.workspace(), &one.fields);
            one.absent && reference.is_some_and(|reference| doomed.contains(&reference.address))
        };
        self.desired.retain(|one| fits(&one.address) || is_needed(&one.address) || is_in_doomed(one));
        // Part of a section says nothing of the rest of it.
        let whole: HashSet<&str> =
            self.desired.iter().filter(|object| fits(&object.address)).map(|object| object.address.as_str()).collect();
        self.owned.retain(|owned| whole.contains(&*owned.parent));
        let inhabited: HashSet<&str> = self.desired.iter().map(|object| object.address.workspace()).collect();
        self.workspaces.retain(|workspace| inhabited.contains(workspace.slug.as_str()));
    }
}

/// Why a manifest cannot be used: everything that is wrong with it, and the texts to show it in.
#[derive(Debug)]
pub struct Invalid {
    /// What is wrong, in the order of the text.
    pub diagnostics: Diagnostics,
    /// The texts.
    pub sources: Sources,
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.diagnostics.render(&self.sources, None))
    }
}

impl std::error::Error for Invalid {}

/// Loads the manifest that the inputs name: files, folders, globs, `-`; `repos.yaml` if there are none.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(inputs: &[String]) -> Result<Manifest, Invalid> {
    from_sources(read(inputs)?)
}

fn read(inputs: &[String]) -> Result<Sources, Invalid> {
    files::read(inputs).map_err(|diagnostics| Invalid { diagnostics, sources: Sources::default() })
}

/// Loads a manifest from texts that are in memory.
///
/// # Errors
/// Everything that is wrong with it, at once.
///
/// ```
/// let mut sources = bbprov::diagnostic::Sources::default();
/// sources.add("repos.yaml", "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: ledger, project: PAY}]}]");
/// let manifest = bbprov::manifest::from_sources(sources)?;
/// assert_eq!(manifest.desired[0].address.as_str(), "acme/ledger");
/// # Ok::<(), bbprov::manifest::Invalid>(())
/// ```
pub fn from_sources(sources: Sources) -> Result<Manifest, Invalid> {
    make(sources, false).map(|(manifest, ..)| manifest)
}

/// Makes a manifest, and keeps the trees that it is made of if that is wanted; they take as much memory as it does.
fn make(sources: Sources, keep: bool) -> Result<(Manifest, Vec<Node>, Shape), Invalid> {
    let shape = Shape::read(&schema::manifest_schema());
    let mut sources = sources;
    let mut found = Diagnostics::default();
    let mut documents = documents::read(&mut sources, &shape, &mut found);
    let layers = Layers::gather(&mut documents, &mut found);
    let mut resolver = Resolver::new(&layers, &shape, &sources, &mut found);
    let mut kept = Vec::new();
    for document in documents {
        kept.extend(keep.then(|| document.clone()));
        resolver.add(document);
    }
    let Resolved { workspaces, desired, owned } = resolver.finish();
    let mut manifest = Manifest { workspaces, desired, owned, sources, layers, ..Manifest::default() };
    validate::validate(&manifest, &mut found);
    found.sort();
    if found.has_errors() {
        return Err(Invalid { diagnostics: found, sources: manifest.sources });
    }
    manifest.warnings = found;
    Ok((manifest, kept, shape))
}
