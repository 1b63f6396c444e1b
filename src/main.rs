//! Parse, run, exit code.

use std::process::ExitCode;

use bbprov::cli::Cli;
use bbprov::commands;
use bbprov::error::Error;
use bbprov::output;
use clap::Parser;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::run(cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            match &error {
                // What is wrong at a place is shown there.
                Error::Manifest(invalid) | Error::NoSecret(invalid) => {
                    output::say(invalid.diagnostics.render(&invalid.sources, output::width()).trim_end());
                }
                error => output::fail(&error.to_string()),
            }
            ExitCode::from(error.code())
        }
    }
}
