//! One file a command, each a few lines that join the stages.

mod apply;
mod connection;
mod credentials;
mod explain;
mod explain_code;
mod export;
mod folder;
mod guard;
mod import_terraform;
mod init;
mod interrupt;
mod plan;
mod sandbox;
mod schema;
mod secrets;
mod validate;

use clap::CommandFactory;
use tokio::runtime::{Builder, Runtime};

use crate::cli::{Cli, Color, Command, OutputArgs};
use crate::error::{Error, Exit};
use crate::manifest::{self, Manifest};
use crate::output;
use crate::progress::Progress;

/// Does what the command line says.
///
/// # Errors
/// Whatever kept it from being done.
pub fn run(cli: Cli) -> Result<Exit, Error> {
    match cli.output.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    match cli.command {
        Command::Plan(args) => plan::run(&args, &cli.output),
        Command::Apply(args) => apply::run(&args, &cli.output),
        Command::Validate(args) => validate::run(&args, &cli.output),
        Command::Explain { about, manifests, format } => match about.as_deref() {
            None => explain_code::list(),
            Some(code) if explain_code::is_meant(code) => explain_code::run(code),
            Some(address) => explain::run(address, &manifests, format),
        },
        Command::Export(args) => export::run(&args, &cli.output),
        Command::Init(args) => init::run(&args, &cli.output),
        Command::ImportTerraform(args) => import_terraform::run(&args, &cli.output),
        Command::Schema { which } => schema::run(which),
        Command::Sandbox(args) => sandbox::run(&args, &cli.output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "bbprov", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Command::Man { command } => man(command.as_deref()),
    }
}

fn man(command: Option<&str>) -> Result<Exit, Error> {
    let mut whole = Cli::command();
    whole.build();
    let wanted = match command {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(found) => found.clone(),
            None => return Err(Error::Usage(format!("there is no command {name}"))),
        },
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(wanted).render(&mut page).map_err(io("cannot write the manual"))?;
    print(&String::from_utf8_lossy(&page))
}

/// Loads the manifest and tells its warnings.
fn load(inputs: &[String], output: &OutputArgs) -> Result<Manifest, Error> {
    let manifest = manifest::load(inputs)?;
    if !output.quiet && !manifest.warnings.is_empty() {
        output::say(&format!("{}\n", manifest.warnings.render(&manifest.sources, output::width()).trim_end()));
    }
    Ok(manifest)
}

fn progress(output: &OutputArgs) -> Progress {
    // CI systems keep stderr as a log, in which a line now and then is welcome.
    let log = std::env::var_os("CI").is_some();
    Progress::new(output.progress.into(), log, output.verbose, output.quiet)
}

/// A runtime for the commands that ask; those that neither ask nor answer need none. It is of this thread alone: most of the
/// time it waits, and to hand every answer from thread to thread would take longer than to read it.
fn runtime() -> Result<Runtime, Error> {
    Builder::new_current_thread().enable_all().build().map_err(io("cannot start the runtime"))
}

/// A runtime for the one that answers, whoever asks at the same time.
fn server_runtime() -> Result<Runtime, Error> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(io("cannot start the runtime"))
}

fn print(text: &str) -> Result<Exit, Error> {
    output::data(text).map_err(io("cannot write to standard output"))?;
    Ok(Exit::Done)
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> Error + '_ {
    move |error| Error::Io { what: what.to_owned(), error }
}
