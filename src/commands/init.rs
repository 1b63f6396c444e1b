//! `bbprov init`: a manifest to begin with, and the schema that explains it to an editor.

use std::path::Path;

use super::export::{self, SCHEMA, Wanted};
use super::folder::Folder;
use crate::cli::{InitArgs, OutputArgs};
use crate::error::{Error, Exit};
use crate::manifest::schema::manifest_schema;
use crate::output;

const BEGINNING: &str = "\
# What shall be in Bitbucket. `bbprov plan` shows what this would change, and `bbprov apply` does it; with --sandbox
# both do it to a Bitbucket in memory, without an account. What does not stand here is left alone.
version: 1

defaults: # what every object starts from; its own values win
  project: {is_private: true}
  repository: {is_private: true, fork_policy: no_public_forks}

workspaces:
  - workspace: my-workspace # the slug, as in bitbucket.org/my-workspace
    projects:
      - {key: DEMO, name: Demonstration}
    repositories:
      - {slug: hello, project: DEMO, description: A repository to begin with}
      # - slug: ledger                                   # more of what can be said:
      #   project: DEMO
      #   permissions: {groups: {developers: write}}
      #   branch_restrictions: [{kind: require_approvals_to_merge, branch: main, value: 2}]
      #   webhooks: [{url: \"https://ci.example.com/hook\", events: [\"repo:push\"], secret: {env: CI_SECRET}}]
";

/// Runs the command.
pub(super) fn run(args: &InitArgs, output: &OutputArgs) -> Result<Exit, Error> {
    // Nobody wants to wait for what cannot be written in the end.
    if args.file.exists() {
        return Err(Error::Usage(format!("{} is there already: nothing was written", args.file.display())));
    }
    let (text, exit) = match args.from.as_slice() {
        [] => (format!("# yaml-language-server: $schema={SCHEMA}\n#\n{BEGINNING}"), Exit::Done),
        from => {
            let wanted = Wanted { workspaces: from, sections: &args.sections.sections, ..Wanted::default() };
            let exported = export::make(&wanted, &args.connection, output)?;
            exported.tell(output);
            (exported.text(), exported.exit())
        }
    };
    let (folder, name) = (args.file.parent().unwrap_or(Path::new("")), args.file.file_name().unwrap_or_default());
    Folder::new(folder, vec![(name.to_string_lossy().into_owned(), text)])?.write()?;
    let schema = write_schema(folder)?;
    if !output.quiet {
        let file = args.file.display();
        let named =
            if args.file == Path::new(crate::manifest::files::DEFAULT) { String::new() } else { format!(" {file}") };
        let next = match args.from.is_empty() {
            true => format!("try it with bbprov apply --sandbox{named}, and name your workspace in it"),
            false => format!("bbprov plan{named} shows what a change to it would do"),
        };
        output::say(&format!("wrote {file}{schema}\nnext: {next}"));
    }
    Ok(exit)
}

/// Writes the schema beside a manifest, unless there is one. Says what was done.
pub(super) fn write_schema(folder: &Path) -> Result<&'static str, Error> {
    let text = format!("{:#}\n", manifest_schema());
    match std::fs::read(folder.join(SCHEMA)) {
        Ok(there) if there == text.as_bytes() => Ok(""),
        Ok(_) => Ok(" and left manifest.schema.json as it is: `bbprov schema > manifest.schema.json` renews it"),
        Err(_) => {
            Folder::new(folder, vec![(SCHEMA.to_owned(), text)])?.write()?;
            Ok(" and manifest.schema.json, by which editors complete and explain it")
        }
    }
}
