//! Which credential each workspace takes: its own, as the manifest says, or the one of the run. Only what is needed is
//! looked for.

use super::secrets::{Problems, Secrets, advised, from_file, from_line};
use crate::bitbucket::credential::{Choice, Credential, Secret};
use crate::bitbucket::{self, Owner};
use crate::cli::ConnectionArgs;
use crate::diagnostic::{Code, Diagnostic, Sources};
use crate::error::Error;
use crate::manifest::auth::{Auth, Value};
use crate::manifest::{Invalid, Workspace};
use crate::progress::Listen;

/// The credentials of all workspaces, each once.
pub(super) async fn owners(
    args: &ConnectionArgs,
    workspaces: &[&Workspace],
    sources: &Sources,
    secrets: &mut Secrets,
) -> Result<Vec<Owner>, Error> {
    let mut owners: Vec<Owner> = Vec::new();
    let mut problems = Problems::default();
    for workspace in workspaces {
        let Some(auth) = &workspace.auth else { continue };
        let Some(credential) = fetch(workspace, auth, secrets, &mut problems).await else { continue };
        let place = sources.place(auth.span);
        take(&mut owners, credential, Some(format!("{}:{}", place.file, place.line)), &workspace.slug);
    }
    if let Some(diagnostics) = problems.into_diagnostics() {
        return Err(Error::NoSecret(Invalid { diagnostics, sources: sources.clone() }));
    }
    let others: Vec<_> = workspaces.iter().filter(|workspace| workspace.auth.is_none()).collect();
    if !others.is_empty() {
        let credential = of_the_run(args, secrets.listener()).await?;
        for workspace in others {
            take(&mut owners, credential.clone(), None, &workspace.slug);
        }
    }
    Ok(owners)
}

/// Those who take the same credential share what it is limited to.
fn take(owners: &mut Vec<Owner>, credential: Credential, place: Option<String>, workspace: &str) {
    match owners.iter_mut().find(|owner| owner.credential == credential) {
        Some(owner) => owner.workspaces.push(workspace.to_owned()),
        None => owners.push(Owner { credential, place, workspaces: vec![workspace.to_owned()] }),
    }
}

/// A workspace's own credential. What it cannot be made of is said at its place.
async fn fetch(
    workspace: &Workspace,
    auth: &Auth,
    secrets: &mut Secrets,
    problems: &mut Problems,
) -> Option<Credential> {
    let mut parts = Vec::new();
    for part in &auth.parts {
        let fetched = match &part.value {
            Value::Text(text) => Ok(Secret { value: text.clone().into(), file: None }),
            Value::From(source) => secrets.fetch(source).await,
        };
        match (fetched, &part.value) {
            (Ok(value), _) => parts.push((part.name, value)),
            (Err(why), value) => {
                let problem = Diagnostic::error(Code::MissingSecret, part.span, why)
                    .label(format!("the workspace `{}` takes its `{}` from here", workspace.slug, part.name));
                problems.add(match value {
                    Value::From(source) => advised(problem, source),
                    Value::Text(_) => problem,
                });
            }
        }
    }
    if parts.len() < auth.parts.len() {
        return None;
    }
    let part = |name: &str| parts.iter().find(|(part, _)| *part == name).map(|(_, value)| value.clone());
    match Credential::from_parts(part) {
        Ok(credential) => Some(credential),
        Err(error) => {
            let problem = Diagnostic::error(Code::UnusableCredential, auth.span, error.to_string());
            problems.add(problem.label(format!("the credential for `{}`", workspace.slug)));
            None
        }
    }
}

/// The credential of the environment and the command line.
async fn of_the_run(args: &ConnectionArgs, listener: &dyn Listen) -> Result<Credential, Error> {
    let refuse = |flag: String| move |why| bitbucket::Error::Credential(format!("{flag}: {why}"));
    let secret = match (&args.token_file, &args.token_command) {
        (Some(file), _) => {
            let flag = format!("--token-file {}", file.display());
            Some(from_file(file, listener).map_err(refuse(flag))?)
        }
        (None, Some(command)) => Some(from_line(command).await.map_err(refuse("--token-command".to_owned()))?),
        (None, None) => None,
    };
    let choice = Choice { kind: args.auth.map(Into::into), secret };
    Ok(Credential::find(|name| std::env::var(name).ok(), &choice)?)
}
