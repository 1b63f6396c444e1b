//! From where a secret is kept to the secret: environment variables, files and commands, each asked once, and only for what
//! is needed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::apply;
use crate::apply::secrets::Needed;
use crate::bitbucket::credential::Secret;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::error::Error;
use crate::manifest::secret::Source;
use crate::manifest::{Desired, Invalid, Manifest};
use crate::plan::Plan;
use crate::progress::{Event, Listen};
use crate::resource::Address;

/// How long a command may take that prints a secret: time enough to unlock a password store.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);

/// No secret comes near this.
const LONGEST_SECRET: u64 = 64 << 10;

/// What was fetched so far. A password store asks its question once, however many places name it.
pub(super) struct Secrets {
    listener: Arc<dyn Listen>,
    fetched: HashMap<Source, Result<Secret, String>>,
    /// In a sandbox of this process nothing is fetched: what is sent there is gone with it.
    stand_in: Option<Secret>,
}

impl Secrets {
    pub(super) fn new(listener: Arc<dyn Listen>, sandbox: bool) -> Self {
        let stand_in = || Secret { value: "stands-in-for-a-secret".to_owned().into(), file: None };
        Self { listener, fetched: HashMap::new(), stand_in: sandbox.then(stand_in) }
    }

    pub(super) fn listener(&self) -> &dyn Listen {
        &*self.listener
    }

    /// The secrets that the changes of a plan send. All that cannot be had are told together, each at its place.
    pub(super) async fn for_plan(&mut self, plan: &Plan, manifest: &Manifest) -> Result<apply::Secrets, Error> {
        let needed = apply::secrets::needed(plan);
        let places: BTreeMap<&Address, &Desired> = match needed.is_empty() {
            true => BTreeMap::new(),
            false => manifest.desired.iter().map(|object| (&object.address, object)).collect(),
        };
        let mut fetched = Vec::new();
        let mut problems = Problems::default();
        for Needed { change, field, source } in needed {
            match self.fetch(&source).await {
                Ok(secret) => fetched.push((source, secret.value)),
                Err(why) => {
                    let object = places.get(&change.address);
                    let Some(span) = object.and_then(|object| object.place(field)) else { continue };
                    let kind = change.address.kind().name();
                    let label = format!("the {kind} {} takes its `{field}` from here", change.address);
                    problems.add(advised(Diagnostic::error(Code::MissingSecret, span, why).label(label), &source));
                }
            }
        }
        match problems.into_diagnostics() {
            Some(diagnostics) => Err(Error::NoSecret(Invalid { diagnostics, sources: manifest.sources.clone() })),
            None => Ok(apply::Secrets::new(fetched)),
        }
    }

    /// What a source holds, or why it gives nothing.
    pub(super) async fn fetch(&mut self, source: &Source) -> Result<Secret, String> {
        if let Some(stand_in) = &self.stand_in {
            return Ok(stand_in.clone());
        }
        if let Some(fetched) = self.fetched.get(source) {
            return fetched.clone();
        }
        let fetched = match source {
            Source::Env(name) => from_variable(name),
            Source::File(file) => {
                from_file(file, self.listener()).map_err(|why| format!("cannot read {}: {why}", file.display()))
            }
            Source::Command(words) => from_words(words).await,
        };
        self.fetched.insert(source.clone(), fetched.clone());
        fetched
    }
}

/// What to do where a secret is missing.
pub(super) fn advised(problem: Diagnostic, source: &Source) -> Diagnostic {
    match source {
        Source::Env(name) => problem.help(format!("export {name}=…")),
        Source::File(_) | Source::Command(_) => problem,
    }
}

/// What is wrong, each once with the number of places that say the same: many places may name one variable.
#[derive(Default)]
pub(super) struct Problems(Vec<(Diagnostic, usize)>);

impl Problems {
    pub(super) fn add(&mut self, problem: Diagnostic) {
        match self.0.iter_mut().find(|(known, _)| known.message == problem.message) {
            Some((_, more)) => *more += 1,
            None => self.0.push((problem, 0)),
        }
    }

    pub(super) fn into_diagnostics(self) -> Option<Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        for (problem, more) in self.0 {
            diagnostics.push(match more {
                0 => problem,
                more => problem.help(format!("the same holds for {more} more")),
            });
        }
        diagnostics.sort();
        (!diagnostics.is_empty()).then_some(diagnostics)
    }
}

/// A secret without what surrounds it. A private key ends with a line break, which some who read it insist on.
fn secret(text: &str) -> Result<Secret, String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("empty".to_owned());
    }
    let text = if is_key(text) { format!("{text}\n") } else { text.to_owned() };
    Ok(Secret { value: text.into(), file: None })
}

/// Whether a text is a key in armour, which has several lines.
fn is_key(text: &str) -> bool {
    text.starts_with("-----BEGIN ") && text.contains('\n')
}

fn from_variable(name: &str) -> Result<Secret, String> {
    let value = std::env::var(name).map_err(|error| match error {
        std::env::VarError::NotPresent => format!("the environment variable {name} is not set"),
        std::env::VarError::NotUnicode(_) => format!("the environment variable {name} holds no text"),
    })?;
    secret(&value).map_err(|why| format!("the environment variable {name} is {why}"))
}

pub(super) fn from_file(file: &Path, listener: &dyn Listen) -> Result<Secret, String> {
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(LONGEST_SECRET + 1).read_to_string(&mut text))
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > LONGEST_SECRET {
        return Err("the file is too long for a secret".to_owned());
    }
    let secret = secret(&text).map_err(|why| format!("the file is {why}"))?;
    if is_readable_by_others(file) {
        let name = file.display();
        listener.event(Event::Warning(format!("other users of this machine can read {name}: chmod 600 {name}")));
    }
    Ok(Secret { file: Some(file.to_owned()), ..secret })
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
    // Password stores print more below the password. A key is all of it.
    let printed = if is_key(&text) { &text } else { text.lines().next().unwrap_or_default() };
    secret(printed).map_err(|_| "it printed nothing".to_owned())
}
