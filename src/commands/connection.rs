//! From the command line and the environment to a connection, to Bitbucket or to a sandbox in this process.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::SecretString;

use super::credentials::owners;
use super::secrets::Secrets;
use crate::bitbucket::credential::Credential;
use crate::bitbucket::{self, Clients, Deadline, Limits, Owner};
use crate::cli::ConnectionArgs;
use crate::error::Error;
use crate::manifest::{Manifest, Workspace};
use crate::progress::Listen;
use crate::sandbox::{self, Sandbox};

/// The clients, what was fetched for them, and the sandbox they talk to if they talk to one.
pub(super) struct Connection {
    pub client: Clients,
    pub secrets: Secrets,
    _sandbox: Option<Sandbox>,
}

/// Connects to the workspaces in which a manifest manages anything. Nothing is sent yet.
pub(super) async fn connect(
    args: &ConnectionArgs,
    manifest: &Manifest,
    listener: Arc<dyn Listen>,
) -> Result<Connection, Error> {
    connect_to(args, manifest, &manifest.inhabited().collect::<Vec<_>>(), listener).await
}

/// Connects to these workspaces, whether anything is managed in them or not.
pub(super) async fn connect_to(
    args: &ConnectionArgs,
    manifest: &Manifest,
    workspaces: &[&Workspace],
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
    let mut secrets = Secrets::new(Arc::clone(&listener), args.sandbox);
    if !args.sandbox {
        let owners = owners(args, workspaces, &manifest.sources, &mut secrets).await?;
        return Ok(Connection { client: Clients::new(&options, owners, &listener)?, secrets, _sandbox: None });
    }
    // Everybody is let in there: no workspace's own credential is looked for.
    let workspaces: Vec<_> = workspaces.iter().map(|workspace| workspace.slug.clone()).collect();
    let exist = Some(workspaces.clone());
    let members = members(manifest);
    let sandbox = Sandbox::start(sandbox::Options { workspaces: exist, members, ..sandbox::Options::default() });
    let sandbox = sandbox.await.map_err(super::io("cannot start the sandbox"))?;
    into_sandbox(&mut options, &sandbox);
    let everybody = Owner { credential: options.credential.clone(), place: None, workspaces };
    Ok(Connection { client: Clients::new(&options, vec![everybody], &listener)?, secrets, _sandbox: Some(sandbox) })
}

/// CI systems set variables that are not given to nothing.
fn or_default(given: &str, default: &str) -> String {
    if given.trim().is_empty() { default.to_owned() } else { given.trim().to_owned() }
}

/// Whom a fresh sandbox has as members, so that a manifest which names people can be tried in it.
pub(super) fn members(manifest: &Manifest) -> Vec<String> {
    let emails: BTreeSet<&str> = manifest.emails().collect();
    emails.into_iter().map(str::to_owned).collect()
}

/// Leads a connection into a sandbox, as an API token: the credential that may do everything that a manifest can ask for
/// (api.md §5.1).
pub(super) fn into_sandbox(options: &mut bitbucket::Options, sandbox: &Sandbox) {
    options.api_url = sandbox.api_url();
    options.token_url = sandbox.token_url();
    options.credential = Credential::Basic { user: "olive@example.com".to_owned(), token: "sandbox".to_owned().into() };
}
