//! `bbprov import-terraform`: Terraform states → a manifest. Nothing is asked of anybody.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use super::export::SCHEMA;
use super::folder::Folder;
use super::init::write_schema;
use super::validate::{counts, plural};
use crate::cli::{ImportTerraformArgs, OutputArgs};
use crate::error::{Error, Exit};
use crate::manifest::write::Style;
use crate::manifest::write::secrets::listed;
use crate::output::{self, ASIDE, HEADING, printable, styled};
use crate::terraform::state::{self, MAX_BYTES, State};
use crate::terraform::{Imported, Notes, import};

/// So many addresses are shown of a note, unless somebody wants them all.
const SHOWN: usize = 3;

/// So many notes, and so many secrets.
const READ: usize = 20;

/// No address is shown that is longer, in characters.
const LONGEST: usize = 120;

/// Runs the command.
pub(super) fn run(args: &ImportTerraformArgs, output: &OutputArgs) -> Result<Exit, Error> {
    let texts = args.states.iter().map(|name| {
        let shown = if name == "-" { "standard input".to_owned() } else { printable(name) };
        let text = text(name, &shown)?;
        Ok((shown, text))
    });
    let texts = texts.collect::<Result<Vec<_>, Error>>()?;
    let states = texts.iter().map(|(name, text)| match state::read(text) {
        Ok(state) => Ok((name.clone(), state)),
        Err(why) => Err(Error::Terraform(format!("{name}: {why}"))),
    });
    let states = states.collect::<Result<Vec<_>, Error>>()?;
    something(&states)?;
    let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
    let style = Style {
        schema: Some(SCHEMA.to_owned()),
        head: vec![
            String::new(),
            format!(
                "What Terraform manages according to {}, as `bbprov import-terraform` read it.",
                names.join(" and ")
            ),
        ],
        split: args.split.is_some(),
        ..Style::default()
    };
    let imported = import(states, &args.workspaces, &style)?;
    let files = &imported.written.files;
    match &args.split {
        Some(folder) => {
            let files = files.iter().map(|file| (file.name.clone(), file.text.clone()));
            Folder::new(folder, files.collect())?.write()?;
            write_schema(folder)?;
        }
        None => drop(super::print(&files.iter().map(|file| file.text.as_str()).collect::<String>())?),
    }
    tell(&imported, args, output);
    Ok(Exit::Done)
}

/// Reads a state whole: JSON cannot be understood in part.
fn text(name: &str, shown: &str) -> Result<String, Error> {
    let what = format!("cannot read {shown}");
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let read = match name {
        "-" => io::stdin().lock().take(limit).read_to_end(&mut bytes),
        path => File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)),
    };
    read.map_err(super::io(&what))?;
    let wrong = |why: &str| Err(Error::Terraform(format!("{shown}: {why}")));
    if bytes.len() > MAX_BYTES {
        return wrong(&format!("larger than {} MB, which no state of a workspace is", MAX_BYTES >> 20));
    }
    if bytes.starts_with(b"PK") {
        return wrong("this is a saved plan, not a state; `terraform state pull` writes the state");
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
        Err(_) => wrong("this is not text; `terraform state pull` writes the state as JSON"),
    }
}

/// Whether there is anything of Bitbucket in these states.
fn something(states: &[(String, State<'_>)]) -> Result<(), Error> {
    if states.iter().any(|(_, state)| !state.resources.is_empty()) {
        return Ok(());
    }
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    states
        .iter()
        .flat_map(|(_, state)| &state.others)
        .for_each(|(name, count)| *others.entry(name.clone()).or_default() += count);
    let names: Vec<_> = states.iter().map(|(name, _)| name.as_str()).collect();
    let others = match others.is_empty() {
        true => "no resources at all".to_owned(),
        false => format!("resources of others: {}", counted(&others)),
    };
    Err(Error::Terraform(format!("{}: nothing of the DrFaust92 or zahiar provider, {others}", names.join(", "))))
}

/// Says what was carried over and what was not, and what to do next.
fn tell(imported: &Imported, args: &ImportTerraformArgs, output: &OutputArgs) {
    let Imported { written, manifest, notes, others, resources } = imported;
    tell_notes(notes, output);
    if output.quiet {
        return;
    }
    if !others.is_empty() {
        let count = plural(others.values().sum(), "resource");
        output::say(&format!("passed over: {count} of other providers, {}\n", counted(others)));
    }
    if !written.secrets.is_empty() {
        let shown = if output.verbose { written.secrets.len() } else { written.secrets.len().min(READ) };
        let secrets = listed(&written.secrets[..shown]);
        output::say(&format!("secrets that the manifest takes from the environment:\n{}", secrets.trim_end()));
        more(written.secrets.len() - shown, "the end of the manifest lists them");
        output::say("");
    }
    let states = plural(args.states.len(), "state");
    output::say(&format!("read {} in {states}: {}", plural(*resources, "resource"), counts(manifest)));
    let (first, named) = match &args.split {
        Some(folder) => (format!("wrote {} files; ", written.files.len()), folder.display().to_string()),
        None => ("save it as repos.yaml; ".to_owned(), "repos.yaml".to_owned()),
    };
    output::say(&format!("{first}what exists is adopted by: bbprov plan {}", printable(&named)));
}

fn tell_notes(notes: &Notes, output: &OutputArgs) {
    let shown = if output.verbose { usize::MAX } else { READ };
    for note in notes.iter().take(shown) {
        output::say(&format!("{} {}", styled(HEADING, "note:"), short(&note.why, 3 * LONGEST)));
        let shown = if output.verbose { note.about.len() } else { note.about.len().min(SHOWN) };
        note.about.iter().take(shown).for_each(|address| output::say(&format!("  {}", short(address, LONGEST))));
        more(note.about.len() - shown, "-v lists them");
        output::say("");
    }
    let left = notes.iter().count().saturating_sub(shown);
    if left > 0 {
        output::say(&format!("{} {left} notes more; -v lists them\n", styled(HEADING, "note:")));
    }
}

/// Says that there are so many more, if there are.
fn more(count: usize, where_to_look: &str) {
    if count > 0 {
        output::say(&format!("  {}", styled(ASIDE, &format!("and {count} more; {where_to_look}"))));
    }
}

/// `hashicorp/aws 10, hashicorp/random 2`
fn counted(others: &BTreeMap<String, usize>) -> String {
    let mut all: Vec<_> = others.iter().collect();
    all.sort_by(|a, b| b.1.cmp(a.1));
    let shown = all.iter().take(SHOWN).map(|(name, count)| format!("{} {count}", short(name, LONGEST)));
    let more = (all.len() > SHOWN).then(|| format!("{} more", all.len() - SHOWN));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

fn short(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => printable(&text[..at]) + "…",
        None => printable(text),
    }
}
