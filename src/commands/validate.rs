//! `bbprov validate`: everything that can be checked offline.

use crate::cli::{OutputArgs, ValidateArgs};
use crate::error::{Error, Exit};
use crate::resource::KINDS;

/// Runs the command.
pub(super) fn run(args: &ValidateArgs, output: &OutputArgs) -> Result<Exit, Error> {
    let manifest = super::load(&args.manifests, output)?;
    if output.quiet {
        return Ok(Exit::Done);
    }
    let counts = KINDS.map(|kind| {
        let count = manifest.desired.iter().filter(|object| object.address.kind() == kind).count();
        format!("{count} {}", if count == 1 { kind.name() } else { kind.section() })
    });
    let files = manifest.sources.len();
    let (workspaces, files) = (plural(manifest.workspaces.len(), "workspace"), plural(files, "file"));
    super::print(&format!("valid: {} in {workspaces}, from {files}\n", counts.join(" and ")))
}

fn plural(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
