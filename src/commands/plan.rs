//! `bbprov plan`: load → refresh → diff → report.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::connection::{Connection, connect};
use super::interrupt::interrupt;
use crate::apply::Ended;
use crate::bitbucket;
use crate::cli::{OutputArgs, PlanArgs, ReportArgs, RunArgs};
use crate::diagnostic::closest;
use crate::error::{Error, Exit};
use crate::manifest::{Desired, Invalid, Manifest};
use crate::output;
use crate::plan::unread::some_of;
use crate::plan::{self, Granted, Plan};
use crate::progress::Progress;
use crate::report::Report;

/// Runs the command.
pub(super) fn run(args: &PlanArgs, output: &OutputArgs) -> Result<Exit, Error> {
    let manifest = super::load(&args.run.manifest.manifests, output)?;
    let progress = Arc::new(super::progress(output));
    let Made { plan, .. } = super::runtime()?.block_on(make(&args.run, manifest, &progress))?;
    print(Report { plan: &plan, account: None, verbose: output.verbose }, &args.run.report)?;
    check_scopes(&plan)?;
    let (why, exit) = match Ended::of(&plan) {
        Ended::NoCredential(why) => (why, Exit::Credential),
        Ended::Stopped(why) => (why, Exit::Stopped),
        Ended::Incomplete(why) => (why, Exit::Incomplete),
        Ended::Complete | Ended::Interrupted => (String::new(), Exit::Done),
    };
    if exit != Exit::Done {
        output::fail(&why);
        return Ok(exit);
    }
    let waits = args.detailed_exitcode && !plan.changes.is_empty();
    Ok(if waits { Exit::ChangesWait } else { Exit::Done })
}

/// A plan, and what it was made of.
pub(super) struct Made {
    pub plan: Plan,
    pub manifest: Manifest,
    pub connection: Connection,
}

/// Connects and plans. Interrupted, it ends at once: nothing has been changed.
pub(super) async fn make(args: &RunArgs, manifest: Manifest, progress: &Arc<Progress>) -> Result<Made, Error> {
    let mut manifest = manifest;
    let only = patterns("--only", &args.manifest.only, &manifest, |_| true)?;
    let rewrite = patterns("--rewrite-secrets", &args.manifest.rewrite_secrets, &manifest, Desired::has_secrets)?;
    manifest.only(|address| Plan::fits(&only, address));
    manifest.rewrite_secrets(|address| !rewrite.is_empty() && Plan::fits(&rewrite, address));
    let connection = connect(&args.connection, &manifest, Arc::clone(progress) as _).await?;
    let planned = tokio::select! {
        planned = plan::plan(&connection.client, &manifest, &**progress) => planned,
        ended = interrupt() => return Err(match ended {
            Ended::Stopped(why) => Error::Stopped(why),
            _ => Error::Interrupted,
        }),
    };
    progress.finish();
    let mut plan = match planned {
        Ok(plan) => plan,
        Err(plan::Error::Bitbucket(bitbucket::Error::Stopped { why, .. })) => return Err(Error::Stopped(why)),
        Err(plan::Error::Bitbucket(error)) => return Err(error.into()),
        Err(plan::Error::Manifest(diagnostics)) => {
            return Err(Invalid { diagnostics, sources: manifest.sources }.into());
        }
    };
    plan.only(&only);
    Ok(Made { plan, manifest, connection })
}

/// The patterns of a flag, each of which must fit something that it can be about: one that does not is a slip of the pen, not
/// "nothing to do".
fn patterns(
    flag: &str,
    texts: &[String],
    manifest: &Manifest,
    about: impl Fn(&Desired) -> bool,
) -> Result<Vec<glob::Pattern>, Error> {
    let usage = |text: &str, why: String| Error::Usage(format!("{flag} {text}: {why}"));
    let pattern = |text: &String| {
        let pattern = glob::Pattern::new(text).map_err(|error| usage(text, error.to_string()))?;
        let one = std::slice::from_ref(&pattern);
        let mut fitting = manifest.desired.iter().filter(|object| Plan::fits(one, &object.address)).peekable();
        let is_known = fitting.peek().is_some();
        if fitting.any(&about) {
            return Ok(pattern);
        }
        let known = manifest.desired.iter().map(|object| object.address.as_str());
        Err(usage(
            text,
            match closest(text, known) {
                _ if is_known => "the manifest gives no secret to what has such an address".to_owned(),
                Some(near) => format!("nothing in the manifest has such an address; did you mean {near}?"),
                None => "nothing in the manifest has such an address, which is WORKSPACE/NAME".to_owned(),
            },
        ))
    };
    texts.iter().map(pattern).collect()
}

/// Prints a report, and writes it wherever else it is wanted.
pub(super) fn print(report: Report<'_>, args: &ReportArgs) -> Result<(), Error> {
    write_files(report, args)?;
    output::data(&report.render(args.format.into())).map_err(super::io("cannot write to standard output"))
}

/// Writes a report wherever it is wanted besides stdout.
pub(super) fn write_files(report: Report<'_>, args: &ReportArgs) -> Result<(), Error> {
    for (format, file) in &args.report {
        let text = anstream::adapter::strip_str(&report.render((*format).into())).to_string();
        std::fs::write(file, text).map_err(super::io(&format!("cannot write {}", file.display())))?;
    }
    Ok(())
}

/// Scopes that are known to be missing are told before anything is written.
pub(super) fn check_scopes(plan: &Plan) -> Result<(), Error> {
    let missing = plan.missing_scopes();
    if missing.is_empty() {
        return Ok(());
    }
    let lacks = |(granted, scopes): &(&Granted, BTreeMap<&str, usize>)| {
        let scopes: Vec<_> =
            scopes.iter().map(|(scope, count)| format!("{scope} (for {count} of the changes)")).collect();
        let alone = plan.unread.is_empty() && plan.found.len() == granted.workspaces.len();
        let whose = if alone { String::new() } else { format!(" for {}", some_of(&granted.workspaces)) };
        format!("the credential{whose} lacks {}", scopes.join(" and "))
    };
    let lacks: Vec<_> = missing.iter().map(lacks).collect();
    let advice = "give it the scope, or use another credential";
    Err(bitbucket::Error::Credential(format!("{}: {advice}", lacks.join("; "))).into())
}
