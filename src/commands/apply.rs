//! `bbprov apply`: the plan, a question, the executor, the account.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::guard;
use super::interrupt::{interrupt, interrupts};
use super::plan::{Made, check_scopes, make, write_files};
use crate::apply::{self, Account, Ended};
use crate::cli::{ApplyArgs, FormatName, OutputArgs};
use crate::error::{Error, Exit};
use crate::output;
use crate::report::{Format, Report, human};

/// Runs the command.
pub(super) fn run(args: &ApplyArgs, output: &OutputArgs) -> Result<Exit, Error> {
    let manifest = super::load(&args.run.manifest.manifests, output)?;
    let progress = Arc::new(super::progress(output));
    super::runtime()?.block_on(async {
        let Made { plan, manifest, mut connection } = make(&args.run, manifest, &progress).await?;
        let human = args.run.report.format == FormatName::Human;
        let planned = Report { plan: &plan, account: None, verbose: output.verbose };
        if human {
            print(&planned.render(Format::Human))?;
        }
        // Files that cannot be written are better known before anything is changed.
        write_files(planned, &args.run.report)?;
        if let Err(refused) = check_scopes(&plan).and_then(|()| guard::check(&plan, args)) {
            if !human {
                print(&planned.render(args.run.report.format.into()))?;
            }
            return Err(refused);
        }
        // Nobody needs to be asked about what cannot be done.
        let secrets = tokio::select! {
            secrets = connection.secrets.for_plan(&plan, &manifest) => secrets?,
            _ = interrupt() => return Err(Error::Interrupted),
        };
        drop(manifest);
        // A sandbox in this process is gone with it: there is nothing to ask.
        let asks = !plan.changes.is_empty() && !args.yes && !args.run.connection.sandbox && can_ask();
        if asks && !human {
            // Nobody can say yes to what is not shown.
            output::say(&planned.render(Format::Human));
        }
        if asks && !agreed().await? {
            return Err(Error::Declined);
        }
        let account = apply::apply(&connection.client, &plan, &secrets, &*progress, interrupts()).await;
        progress.finish();
        let report = Report { plan: &plan, account: Some(&account), verbose: output.verbose };
        match human {
            true if plan.changes.is_empty() => {}
            true => print(&human::account(&plan, &account))?,
            false => print(&report.render(args.run.report.format.into()))?,
        }
        write_files(report, &args.run.report)?;
        Ok(exit(&account))
    })
}

fn print(text: &str) -> Result<(), Error> {
    output::data(text).map_err(super::io("cannot write to standard output"))
}

fn exit(account: &Account) -> Exit {
    match &account.ended {
        Ended::Interrupted => Exit::Interrupted,
        Ended::Stopped(_) => Exit::Stopped,
        Ended::NoCredential(why) => {
            output::fail(why);
            Exit::Credential
        }
        Ended::Incomplete(why) => {
            output::fail(why);
            Exit::Failures
        }
        Ended::Complete if account.count("done") < account.outcomes.len() => Exit::Failures,
        Ended::Complete => Exit::Done,
    }
}

/// Whether there is somebody to ask.
fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks. Ctrl-C is an answer as well.
async fn agreed() -> Result<bool, Error> {
    let mut stderr = std::io::stderr();
    let asked = write!(stderr, "\nApply this? Type yes to go on: ").and_then(|()| stderr.flush());
    asked.map_err(super::io("cannot ask"))?;
    let (tell, told) = oneshot::channel();
    // A thread of its own, which nobody waits for if the answer is Ctrl-C.
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer).map(|_| answer);
        let _ = tell.send(read);
    });
    tokio::select! {
        answer = told => {
            let answer = answer.unwrap_or_else(|_| Ok(String::new())).map_err(super::io("cannot ask"))?;
            // Ctrl-D ends no line.
            if !answer.ends_with('\n') {
                output::say("");
            }
            Ok(answer.trim().eq_ignore_ascii_case("yes"))
        }
        _ = interrupt() => {
            output::say("");
            Err(Error::Interrupted)
        }
    }
}
