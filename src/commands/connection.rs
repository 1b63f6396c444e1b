//! From the command line and the environment to a connection, to Bitbucket or to a sandbox in this process.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;

use crate::bitbucket::credential::{Choice, Credential, Grant, Secret, Subject};
use crate::bitbucket::{self, Client, Deadline, Limits};
use crate::cli::ConnectionArgs;
use crate::error::Error;
use crate::manifest::Manifest;
use crate::progress::{Event, Listen};
use crate::sandbox::{self, Sandbox};

/// A client, and the sandbox it talks to if it talks to one.
pub(super) struct Connection {
    pub client: Client,
    _sandbox: Option<Sandbox>,
}

/// How long a command may take that prints a secret: time enough to unlock a password store.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// No secret comes near this.
const LONGEST_SECRET: u64 = 64 << 10;

/// Connects. Nothing is sent yet.
pub(super) async fn connect(
    args: &ConnectionArgs,
    manifest: &Manifest,
    listener: Arc<dyn Listen>,
) -> Result<Connection, Error> {
    let mut options = bitbucket::Options {
        api_url: or_default(&args.api_url, bitbucket::API_URL),
        token_url: or_default(&args.token_url, bitbucket::TOKEN_URL),
        concurrency: args.concurrency.into(),
        timeout: args.timeout,
        limits: Limits {
            max_requests: args.max_requests,
            deadline: args.deadline.map(|given| Deadline::after(given, args.timeout)),
        },
        ..bitbucket::Options::new(Credential::Bearer(SecretString::default()))
    };
    let sandbox = if args.sandbox {
        let workspaces = manifest.workspaces.iter().map(|workspace| workspace.slug.clone()).collect();
        let sandbox = Sandbox::start(sandbox::Options { workspaces: Some(workspaces), ..sandbox::Options::default() });
        let sandbox = sandbox.await.map_err(super::io("cannot start the sandbox"))?;
        into_sandbox(&mut options, &sandbox);
        Some(sandbox)
    } else {
        options.credential = credential(args, &*listener).await?;
        None
    };
    Ok(Connection { client: Client::new(options, listener)?, _sandbox: sandbox })
}

/// CI systems set variables that are not given to nothing.
fn or_default(given: &str, default: &str) -> String {
    if given.trim().is_empty() { default.to_owned() } else { given.trim().to_owned() }
}

/// Leads a connection into a sandbox, as an OAuth consumer, so that everything happens that happens with Bitbucket.
pub(super) fn into_sandbox(options: &mut bitbucket::Options, sandbox: &Sandbox) {
    options.api_url = sandbox.api_url();
    options.token_url = sandbox.token_url();
    options.credential = Credential::Grant(Grant {
        client_id: "sandbox".to_owned(),
        client_secret: "sandbox".to_owned().into(),
        subject: Subject::Client,
    });
}

async fn credential(args: &ConnectionArgs, listener: &dyn Listen) -> Result<Credential, Error> {
    let secret = match (&args.token_file, &args.token_command) {
        (Some(file), _) => Some(from_file(file, listener)?),
        (None, Some(command)) => Some(Secret { value: from_command(command).await?, file: None }),
        (None, None) => None,
    };
    let choice = Choice { kind: args.auth.map(Into::into), secret };
    Ok(Credential::find(|name| std::env::var(name).ok(), &choice)?)
}

fn from_file(file: &Path, listener: &dyn Listen) -> Result<Secret, Error> {
    let name = file.display();
    let refuse = |why: String| bitbucket::Error::Credential(format!("--token-file {name}: {why}"));
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(LONGEST_SECRET + 1).read_to_string(&mut text))
        .map_err(|error| refuse(error.to_string()))?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err(refuse("the file is too long for a secret".to_owned()).into());
    }
    let secret = text.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() {
        return Err(refuse("the file is empty".to_owned()).into());
    }
    if is_readable_by_others(file) {
        listener.event(Event::Warning(format!("other users of this machine can read {name}: chmod 600 {name}")));
    }
    Ok(Secret { value: secret.to_owned().into(), file: Some(file.to_owned()) })
}

#[cfg(unix)]
fn is_readable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}

async fn from_command(command: &str) -> Result<SecretString, Error> {
    let refuse = |why: String| Error::from(bitbucket::Error::Credential(format!("--token-command: {why}")));
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    // Its stderr stays the user's: a password store may ask there.
    let mut child = tokio::process::Command::new(shell)
        .args([flag, command])
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| refuse(error.to_string()))?;
    let mut printed = Vec::new();
    let run = async {
        if let Some(stdout) = child.stdout.take() {
            stdout.take(LONGEST_SECRET + 1).read_to_end(&mut printed).await?;
        }
        // Its pipe is closed by now: who would print on and on ends here.
        child.wait().await
    };
    let status = tokio::time::timeout(COMMAND_TIMEOUT, run)
        .await
        .map_err(|_| refuse(format!("it did not end within {} seconds", COMMAND_TIMEOUT.as_secs())))?
        .map_err(|error| refuse(error.to_string()))?;
    if printed.len() as u64 > LONGEST_SECRET {
        return Err(refuse("it prints more than a secret".to_owned()));
    }
    if !status.success() {
        return Err(refuse(format!("it failed ({status})")));
    }
    let text = String::from_utf8(printed).map_err(|_| refuse("what it prints is not text".to_owned()))?;
    match text.lines().next().map(str::trim) {
        Some(secret) if !secret.is_empty() => Ok(secret.to_owned().into()),
        _ => Err(refuse("it printed nothing".to_owned())),
    }
}
