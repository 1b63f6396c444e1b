//! Manifests that are composed: templates, what removes something, many files, and where each value comes from.

mod explain;
mod files;
mod layers;
mod model;
mod removal;

use bbprov::diagnostic::Sources;
use bbprov::manifest::{Invalid, Manifest, from_sources};

use crate::support::{Bbprov, Folder, Run};

/// Loads a manifest from memory: one file, or several in this order.
fn load(texts: &[&str]) -> Result<Manifest, Invalid> {
    let mut sources = Sources::default();
    for (number, text) in texts.iter().enumerate() {
        sources.add(format!("{number}.yaml"), *text);
    }
    from_sources(sources)
}

/// What is desired in the end: each object with its fields, a line each.
#[track_caller]
fn desired(text: &str) -> String {
    let manifest = load(&[text]).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert!(manifest.warnings.is_empty(), "{}", manifest.warnings.render(&manifest.sources, None));
    lines(&manifest)
}

fn lines(manifest: &Manifest) -> String {
    let line = |object: &bbprov::manifest::Desired| {
        let fields: Vec<_> = object.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{}  {}\n", object.address, fields.join(" "))
    };
    manifest.desired.iter().map(line).collect()
}

/// Runs `validate` on a file of this text.
fn validate(text: &str) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", text);
    Bbprov::new(&folder, &["validate"]).run()
}

/// A manifest whose one workspace holds these repositories, below what else stands at its top.
fn manifest(top: &str, repositories: &str) -> String {
    format!("version: 1\n{top}workspaces:\n  - workspace: acme\n    repositories:\n{repositories}")
}
