//! From where a secret is kept to the secret: environment variables, files and commands, each asked once.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::bitbucket::credential::Secret;
use crate::manifest::secret::Source;
use crate::progress::{Event, Listen};

/// How long a command may take that prints a secret: time enough to unlock a password store.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// No secret comes near this.
const LONGEST_SECRET: u64 = 64 << 10;

/// What was fetched so far. A password store asks its question once, however many workspaces name it.
pub(super) struct Secrets<'a> {
    listener: &'a dyn Listen,
    fetched: HashMap<Source, Result<Secret, String>>,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(listener: &'a dyn Listen) -> Self {
        Self { listener, fetched: HashMap::new() }
    }

    /// What a source holds, or why it gives nothing.
    pub(super) async fn fetch(&mut self, source: &Source) -> Result<Secret, String> {
        if let Some(fetched) = self.fetched.get(source) {
            return fetched.clone();
        }
        let fetched = match source {
            Source::Env(name) => from_variable(name),
            Source::File(file) => {
                from_file(file, self.listener).map_err(|why| format!("cannot read {}: {why}", file.display()))
            }
            Source::Command(words) => from_words(words).await,
        };
        self.fetched.insert(source.clone(), fetched.clone());
        fetched
    }
}

fn from_variable(name: &str) -> Result<Secret, String> {
    let value = std::env::var(name).map_err(|error| match error {
        std::env::VarError::NotPresent => format!("the environment variable {name} is not set"),
        std::env::VarError::NotUnicode(_) => format!("the environment variable {name} holds no text"),
    })?;
    match value.trim() {
        "" => Err(format!("the environment variable {name} is empty")),
        secret => Ok(Secret { value: secret.to_owned().into(), file: None }),
    }
}

pub(super) fn from_file(file: &Path, listener: &dyn Listen) -> Result<Secret, String> {
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(LONGEST_SECRET + 1).read_to_string(&mut text))
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err("the file is too long for a secret".to_owned());
    }
    let secret = text.trim_start_matches('\u{feff}').trim();
    if secret.is_empty() {
        return Err("the file is empty".to_owned());
    }
    if is_readable_by_others(file) {
        let name = file.display();
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

/// What a line for the shell prints.
pub(super) async fn from_line(line: &str) -> Result<Secret, String> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.args([flag, line]);
    from_command(command).await
}

async fn from_words(words: &[String]) -> Result<Secret, String> {
    let Some((program, arguments)) = words.split_first() else { return Err("there is no command".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments);
    from_command(command).await.map_err(|why| format!("the command {program}: {why}"))
}

async fn from_command(mut command: Command) -> Result<Secret, String> {
    // Its stderr stays the user's: a password store may ask there.
    let mut child = command
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
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
        .map_err(|_| format!("it did not end within {} seconds", COMMAND_TIMEOUT.as_secs()))?
        .map_err(|error| error.to_string())?;
    if printed.len() as u64 > LONGEST_SECRET {
        return Err("it prints more than a secret".to_owned());
    }
    if !status.success() {
        return Err(format!("it failed ({status})"));
    }
    let text = String::from_utf8(printed).map_err(|_| "what it prints is not text".to_owned())?;
    match text.lines().next().map(str::trim) {
        Some(secret) if !secret.is_empty() => Ok(Secret { value: secret.to_owned().into(), file: None }),
        _ => Err("it printed nothing".to_owned()),
    }
}
