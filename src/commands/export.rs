//! `bbprov export`: inventory → manifest, and a plan of that as a proof.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::connection::{Connection, connect_to};
use super::folder::Folder;
use super::init::write_schema;
use super::interrupt::interrupt;
use crate::apply::Ended;
use crate::bitbucket::{self, Read};
use crate::cli::{ConnectionArgs, ExportArgs, OutputArgs};
use crate::diagnostic::Span;
use crate::error::{Error, Exit};
use crate::inventory::{self, Inventory, Wish};
use crate::manifest::files::manifests_in;
use crate::manifest::validate::is_workspace_slug;
use crate::manifest::write::beside::Given;
use crate::manifest::write::sayable::LeftOut;
use crate::manifest::write::secrets::listed;
use crate::manifest::write::{Existing, Style, Written, write};
use crate::manifest::{self, Manifest, Workspace};
use crate::output;
use crate::plan::unread::Unread;
use crate::plan::{self, Plan};
use crate::progress::Progress;
use crate::report::{Format, Report};
use crate::resource::{Address, KindRef, kinds_in};

/// What the schema is called beside a manifest.
pub(super) const SCHEMA: &str = "manifest.schema.json";

/// What to export.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub workspaces: &'a [String],
    pub sections: &'a [String],
    pub split: bool,
    pub check: bool,
    /// Only what this does not know.
    pub beside: Option<&'a Manifest>,
}

/// What came of it.
pub(super) struct Exported {
    pub written: Written,
    found: String,
    unread: Vec<Unread>,
    left_out: Vec<LeftOut>,
    /// How many of each kind were written, of what no other object holds.
    count: BTreeMap<KindRef, usize>,
    /// A plan of it that is not empty.
    drift: Option<Plan>,
    checked: bool,
    requests: usize,
    /// The workspaces, if only what is unmanaged was wanted.
    beside: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &ExportArgs, output: &OutputArgs) -> Result<Exit, Error> {
    let beside = if args.unmanaged.is_empty() { None } else { Some(super::load(&args.unmanaged, output)?) };
    let named =
        || beside.iter().flat_map(|beside| &beside.workspaces).map(|workspace| workspace.slug.clone()).collect();
    let wanted = Wanted {
        workspaces: &if args.workspaces.is_empty() { named() } else { args.workspaces.clone() },
        sections: &args.sections.sections,
        split: args.split.is_some(),
        check: args.check,
        beside: beside.as_ref(),
    };
    let exported = make(&wanted, &args.connection, output)?;
    match &args.split {
        Some(folder) => exported.write_into(folder, output)?,
        None if beside.is_some() && exported.count.is_empty() => {}
        None => drop(super::print(&exported.text())?),
    }
    exported.tell(output);
    let unmanaged = args.detailed_exitcode && !exported.count.is_empty();
    Ok(match exported.exit() {
        Exit::Done if unmanaged => Exit::ChangesWait,
        exit => exit,
    })
}

/// Reads what exists and writes a manifest of it. Interrupted, it ends at once: there is nothing yet.
pub(super) fn make(wanted: &Wanted<'_>, args: &ConnectionArgs, output: &OutputArgs) -> Result<Exported, Error> {
    let mut workspaces = wanted.workspaces.to_vec();
    workspaces.sort();
    workspaces.dedup();
    if let Some(wrong) = workspaces.iter().find(|slug| !is_workspace_slug(slug)) {
        return Err(Error::Usage(format!(
            "{wrong:?} is not a workspace's slug, which is what follows bitbucket.org/ in its URL"
        )));
    }
    let progress = Arc::new(super::progress(output));
    super::runtime()?.block_on(async {
        let connection = connect(&workspaces, wanted.beside, args, &progress).await?;
        let exported = tokio::select! {
            exported = export(&connection, &workspaces, wanted, &progress) => exported,
            ended = interrupt() => Err(match ended {
                Ended::Stopped(why) => Error::Unwritten(why),
                _ => Error::Interrupted,
            }),
        };
        progress.finish();
        exported.map_err(|error| match error {
            Error::Bitbucket(bitbucket::Error::Stopped { why, .. }) => Error::Unwritten(why),
            error => error,
        })
    })
}

/// Connects as a manifest says that names the workspaces already, or as the run does.
async fn connect(
    slugs: &[String],
    beside: Option<&Manifest>,
    args: &ConnectionArgs,
    progress: &Arc<Progress>,
) -> Result<Connection, Error> {
    let known = |slug: &String| beside?.workspaces.iter().find(|workspace| workspace.slug == *slug).cloned();
    let plain = |slug: &String| Workspace { slug: slug.clone(), span: Span::default(), auth: None };
    let workspaces: Vec<Workspace> = slugs.iter().map(|slug| known(slug).unwrap_or_else(|| plain(slug))).collect();
    let nothing = Manifest::default();
    let workspaces: Vec<&Workspace> = workspaces.iter().collect();
    connect_to(args, beside.unwrap_or(&nothing), &workspaces, Arc::clone(progress) as _).await
}

async fn export(
    connection: &Connection,
    workspaces: &[String],
    wanted: &Wanted<'_>,
    progress: &Progress,
) -> Result<Exported, Error> {
    let client = &connection.client;
    let managed = wanted.beside.map(managed).unwrap_or_default();
    let given = wanted.beside.map(Given::by).unwrap_or_default();
    let mut sections = inventory::chosen(wanted.sections);
    sections.extend(&given.sections);
    let passes_over = &|address: &Address| managed.contains(address);
    let wish = Wish { workspaces, sections: &sections, passes_over };
    let mut inventory = inventory::take(client, &wish, progress).await?;
    inventory.estate.objects.retain(|object| !managed.contains(&object.address));
    let requests = client.requests();
    let count = unmanaged(&inventory.estate.objects);
    let found = found(&inventory);
    let Inventory { estate, unread, left_out, .. } = inventory;
    let style = Style {
        schema: wanted.beside.is_none().then(|| SCHEMA.to_owned()),
        head: head(wanted, workspaces),
        split: wanted.split,
        templates: true,
        partial: wanted.beside.is_some(),
        inherited: given.settings,
    };
    let addresses: HashSet<Address> = match wanted.check {
        true => estate.objects.iter().map(|object| object.address.clone()).collect(),
        false => HashSet::new(),
    };
    let written = write(estate, &style);
    let left_out = left_out.into_iter().chain(written.left_out.iter().cloned()).collect();
    let drift = match wanted.check {
        true => check(client, &written, &addresses, wanted.beside, progress).await?,
        false => None,
    };
    let beside = wanted.beside.map(|_| workspaces.join(" and "));
    Ok(Exported { written, found, unread, left_out, count, drift, checked: wanted.check, requests, beside })
}

/// Everything that a manifest names, under any name.
fn managed(manifest: &Manifest) -> HashSet<Address> {
    let former = manifest.desired.iter().filter_map(|object| Some(object.previously()?.0.clone()));
    manifest.desired.iter().map(|object| object.address.clone()).chain(former).collect()
}

fn head(wanted: &Wanted<'_>, workspaces: &[String]) -> Vec<String> {
    match wanted.beside {
        Some(_) => vec![
            "What exists and is not managed yet. It is meant to stand beside the manifest that it was compared with."
                .to_owned(),
        ],
        None => {
            vec![String::new(), format!("What exists in {}, as `bbprov export` found it.", workspaces.join(" and "))]
        }
    }
}

/// What was found, in words.
fn found(inventory: &Inventory) -> String {
    let of = |found: &plan::Found| {
        let kind = |section: &str| kinds_in(None).find(|kind| kind.section() == section);
        let counts = found.counts.iter().rev().filter_map(|(section, count)| Some((kind(section)?, (*count)?)));
        format!("{} has {}", found.workspace, in_words(counts))
    };
    inventory.found.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// `3 repositories and 1 project`.
fn in_words(counts: impl Iterator<Item = (KindRef, usize)>) -> String {
    let one =
        |(kind, count): (KindRef, usize)| format!("{count} {}", if count == 1 { kind.name() } else { kind.section() });
    counts.map(one).collect::<Vec<_>>().join(" and ")
}

/// How much stands in workspaces themselves, by kind.
fn unmanaged(objects: &[Existing]) -> BTreeMap<KindRef, usize> {
    let mut counts = BTreeMap::new();
    for kind in objects.iter().map(|object| object.address.kind()).filter(|kind| kind.parent().is_none()) {
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// Plans what was written, as whoever gets the files would. Gives the plan if it is not empty.
async fn check<R: Read>(
    client: &R,
    written: &Written,
    addresses: &HashSet<Address>,
    beside: Option<&Manifest>,
    progress: &Progress,
) -> Result<Option<Plan>, Error> {
    let mut sources = beside.map(|beside| beside.sources.clone()).unwrap_or_default();
    for file in &written.files {
        sources.add(if file.name.is_empty() { "<export>" } else { &file.name }, file.text.as_str());
    }
    let mut manifest = manifest::from_sources(sources)?;
    manifest.only(|address| addresses.contains(address));
    let mut plan = match plan::plan(client, &manifest, progress).await {
        Ok(plan) => plan,
        Err(plan::Error::Bitbucket(error)) => return Err(error.into()),
        Err(plan::Error::Manifest(diagnostics)) => {
            return Err(manifest::Invalid { diagnostics, sources: manifest.sources }.into());
        }
    };
    plan.changes.retain(|change| addresses.contains(&change.address));
    // What could not be read is not proved.
    Ok((!plan.changes.is_empty() || !plan.unread.is_empty()).then_some(plan))
}

impl Exported {
    /// The text, if it is one.
    pub(super) fn text(&self) -> String {
        self.written.files.iter().map(|file| file.text.as_str()).collect()
    }

    fn write_into(&self, folder: &Path, output: &OutputArgs) -> Result<(), Error> {
        let files = self.written.files.iter().map(|file| (file.name.clone(), file.text.clone()));
        let mut others = manifests_in(folder).map_err(super::io(&format!("cannot read {}", folder.display())))?;
        others.retain(|other| !self.written.files.iter().any(|file| *other == folder.join(&file.name)));
        if let Some(other) = others.first() {
            return Err(Error::Usage(format!(
                "{} would be read as a part of what is written beside it: nothing was written; name an empty folder",
                other.display()
            )));
        }
        let count = Folder::new(folder, files.collect())?.write()?;
        let schema = write_schema(folder)?;
        if !output.quiet {
            output::say(&format!("wrote {count} files into {}{schema}", folder.display()));
        }
        Ok(())
    }

    /// Says what a person should know about it.
    pub(super) fn tell(&self, output: &OutputArgs) {
        for unread in &self.unread {
            output::say(&format!("warning: {}", output::printable(&unread.to_string())));
        }
        // What is left out of many for the same reason is said once.
        let mut reasons: BTreeMap<(usize, Option<&str>, &str), (&LeftOut, usize)> = BTreeMap::new();
        for one in &self.left_out {
            let reason = (one.address.kind().rank(), one.field, one.why.as_str());
            reasons.entry(reason).or_insert((one, 0)).1 += 1;
        }
        for (first, count) in reasons.into_values() {
            let more = if count == 1 { String::new() } else { format!("; and the same of {} more", count - 1) };
            output::say(&format!("warning: {}{more}", output::printable(&first.to_string())));
        }
        if let Some(plan) = &self.drift {
            let report = Report { plan, account: None, verbose: output.verbose };
            output::say(&format!("what was written does not plan to nothing:\n\n{}", report.render(Format::Human)));
        }
        if output.quiet {
            return;
        }
        let secrets = &self.written.secrets;
        if !secrets.is_empty() {
            output::say(&format!(
                "secrets that the manifest takes from the environment:\n{}",
                listed(secrets).trim_end()
            ));
        }
        let checked = if self.checked && self.drift.is_none() { "; what was written plans to nothing" } else { "" };
        let requests = if self.requests == 1 { "1 request".to_owned() } else { format!("{} requests", self.requests) };
        output::say(&format!("{}, read in {requests}{checked}", self.found));
        match &self.beside {
            Some(workspaces) if self.count.is_empty() => output::say(&format!("everything in {workspaces} is managed")),
            Some(_) => output::say(&format!(
                "not managed yet: {}",
                in_words(self.count.iter().map(|(kind, count)| (*kind, *count)))
            )),
            None => {}
        }
    }

    /// How the run ends.
    pub(super) fn exit(&self) -> Exit {
        match &self.drift {
            Some(_) => Exit::ChangesWait,
            None if self.unread.iter().any(Unread::is_for_want_of_a_credential) => Exit::Credential,
            None if !self.unread.is_empty() => Exit::Incomplete,
            None => Exit::Done,
        }
    }
}
