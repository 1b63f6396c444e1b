//! `bbprov validate`: everything that can be checked offline.

use crate::cli::{FindingsFormat, OutputArgs, ValidateArgs};
use crate::error::{Error, Exit};
use crate::manifest::{self, Manifest};
use crate::resource::{KindRef, Shape, kinds_in};

/// Runs the command.
pub(super) fn run(args: &ValidateArgs, output: &OutputArgs) -> Result<Exit, Error> {
    if args.format != FindingsFormat::Human {
        return tell(args);
    }
    let manifest = super::load(&args.manifests, output)?;
    if output.quiet {
        return Ok(Exit::Done);
    }
    super::print(&format!("valid: {}, from {}\n", counts(&manifest), plural(manifest.sources.len(), "file")))
}

/// What a manifest holds: `1 project and 2 repositories with 3 settings in 1 workspace`.
pub(super) fn counts(manifest: &Manifest) -> String {
    let of = |fits: &dyn Fn(KindRef) -> bool| manifest.desired.iter().filter(|one| fits(one.address.kind())).count();
    let counts = kinds_in(None).filter(|kind| kind.shape() == Shape::Objects).map(|kind| {
        let count = of(&|other| other == kind);
        format!("{count} {}", if count == 1 { kind.name() } else { kind.section() })
    });
    let counts = counts.collect::<Vec<_>>().join(" and ");
    // Grants, webhooks and the like, which stand in others.
    let more = match of(&|kind| kind.shape() != Shape::Objects) {
        0 => String::new(),
        more => format!(" with {}", plural(more, "setting")),
    };
    format!("{counts}{more} in {}", plural(manifest.workspaces.len(), "workspace"))
}

/// Prints all that was found, be it nothing, in the form that a program wants.
fn tell(args: &ValidateArgs) -> Result<Exit, Error> {
    let (found, sources) = match manifest::load(&args.manifests) {
        Ok(manifest) => (manifest.warnings, manifest.sources),
        Err(invalid) => (invalid.diagnostics, invalid.sources),
    };
    super::print(&match args.format {
        FindingsFormat::Human => found.render(&sources, None),
        FindingsFormat::Json => format!("{:#}\n", found.to_json(&sources)),
        FindingsFormat::Github => found.to_github(&sources),
        FindingsFormat::Sarif => format!("{:#}\n", found.to_sarif(&sources)),
    })?;
    Ok(if found.has_errors() { Exit::Invalid } else { Exit::Done })
}

/// `1 file`, `2 files`.
pub(super) fn plural(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
