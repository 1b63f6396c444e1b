//! LOADER: manifest files → the desired state, with every error at its place.
//!
//! [`files`] finds and reads the texts, [`parse`] makes trees of them, [`shape`] holds the trees against the [`schema`],
//! `resolve` lays defaults under the objects and joins the files, [`validate`] runs the rules. Nothing here talks to
//! Bitbucket or waits for anything; of secrets it is known where they come from ([`secret`]), and no more.

mod accounts;
pub mod auth;
mod conceal;
pub mod files;
mod impossible;
pub mod node;
pub mod parse;
mod resolve;
pub mod schema;
pub mod secret;
pub mod shape;
pub mod validate;
pub mod write;

use std::collections::HashSet;

use auth::Auth;
use node::Tree;
use shape::Shape;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span};
use crate::resource::{Address, Fields, Finding, KindRef};

/// The desired state of some workspaces, and the texts it was read from.
#[derive(Debug, Clone, Default)]
pub struct Manifest {
    /// The workspaces, in the order of the files.
    pub workspaces: Vec<Workspace>,
    /// Every object that is managed, by address.
    pub desired: Vec<Desired>,
    /// The sections that hold nothing but what is managed.
    pub owned: Vec<Owned>,
    /// What a person should know although it stops nothing.
    pub warnings: Diagnostics,
    /// The texts, for messages that point at them.
    pub sources: Sources,
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

/// One object as it shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Its name.
    pub address: Address,
    /// What the manifest says of it; nothing else is looked at.
    pub fields: Fields,
    /// Whether it shall not be.
    pub absent: bool,
    /// Whether its secrets are written again, although nobody can see whether they changed.
    pub rewrite: bool,
    /// Where its identity stands.
    pub span: Span,
    /// What it was called before, and where that stands.
    pub previously: Option<Box<(Address, Span)>>,
    /// Where its `state` stands, if it has one.
    pub state_span: Option<Span>,
    /// Where each of its fields stands, in the order of `fields`.
    places: Box<[Span]>,
    /// The accounts in its fields, and where each stands.
    listed: Box<[(Box<str>, Span)]>,
}

impl Desired {
    /// Where a field stands: on the object itself or in the defaults.
    #[must_use]
    pub fn place(&self, field: &str) -> Option<Span> {
        let at = self.fields.iter().position(|(name, _)| name == field)?;
        self.places.get(at).copied()
    }

    /// Whether the manifest gives it a secret.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        !self.absent && self.fields.iter().any(|(name, value)| self.address.kind().is_secret(name, value))
    }

    /// A finding of this object's kind, at its place.
    #[must_use]
    pub fn diagnostic(&self, finding: Finding) -> Diagnostic {
        let span = self.place(finding.field).unwrap_or(self.span);
        let diagnostic = match finding.stops {
            true => Diagnostic::error(finding.code, span, finding.message),
            false => Diagnostic::warning(finding.code, span, finding.message),
        };
        let mut diagnostic = diagnostic.label(finding.label);
        if span.source != self.span.source || span.start < self.span.start {
            diagnostic = diagnostic.also(self.span, format!("of this {}", self.address.kind().name()));
        }
        match finding.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
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
    match files::read(inputs) {
        Ok(sources) => from_sources(sources),
        Err(diagnostics) => Err(Invalid { diagnostics, sources: Sources::default() }),
    }
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
    let shape = Shape::read(&schema::manifest_schema());
    let mut sources = sources;
    let mut found = Diagnostics::default();
    let mut documents = Vec::with_capacity(sources.len());
    for source in 0..u32::try_from(sources.len()).unwrap_or(u32::MAX) {
        let Some((_, text)) = sources.get(source) else { continue };
        match parse::parse(text, source) {
            Err(problem) => found.push(problem),
            Ok(node) if node.tree == Tree::Null => found.push(empty(source)),
            Ok(mut node) => {
                shape.conceal(&mut node, &mut sources);
                let _ = shape.check("manifest", &mut node, &sources, &mut found);
                documents.push(node);
            }
        }
    }
    let (workspaces, mut desired, owned) = resolve::resolve(documents, &sources, &mut found);
    validate::validate(&workspaces, &desired, &mut found);
    found.sort();
    if found.has_errors() {
        return Err(Invalid { diagnostics: found, sources });
    }
    // No two have the same address, so that there is no order among equals to keep.
    desired.sort_unstable_by(|a, b| a.address.cmp(&b.address));
    Ok(Manifest { workspaces, desired, owned, warnings: found, sources })
}

fn empty(source: u32) -> Diagnostic {
    Diagnostic::error(Code::Empty, Span { source, start: 0, end: 0 }, "there is nothing in this file")
        .help(parse::SMALLEST)
}
