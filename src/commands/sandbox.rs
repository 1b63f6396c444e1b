//! `bbprov sandbox`: the in-memory Bitbucket as a server, until somebody stops it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::connection::{into_sandbox, members};
use super::interrupt::interrupt;
use super::secrets::Secrets;
use crate::apply;
use crate::bitbucket::{self, Client, Credential};
use crate::cli::{OutputArgs, SandboxArgs};
use crate::error::{Error, Exit};
use crate::manifest::{Invalid, Manifest};
use crate::output;
use crate::plan;
use crate::sandbox::{Credentials, Options, Pages, Sandbox};

/// Runs the command.
pub(super) fn run(args: &SandboxArgs, output: &OutputArgs) -> Result<Exit, Error> {
    let seed = if args.seed.is_empty() { None } else { Some(super::load(&args.seed, output)?) };
    super::server_runtime()?.block_on(async {
        let mut options = options(args, seed.as_ref())?;
        let beside = seed.as_ref().filter(|_| options.state.is_none()).map(|_| temporary());
        options.state = options.state.or_else(|| beside.clone());
        if let Some(seed) = seed {
            sow(seed, &options).await?;
        }
        let with_consumer = options.credentials.is_none();
        let failed = format!("cannot start the sandbox on {}", args.listen);
        let sandbox = Sandbox::start(options).await.map_err(super::io(&failed))?;
        output::data(&environment(&sandbox, with_consumer)).map_err(super::io("cannot write to standard output"))?;
        if !output.quiet {
            output::say("the sandbox listens until Ctrl-C; what it was asked: /_sandbox/requests");
        }
        interrupt().await;
        let stopped = sandbox.shutdown().await.map_err(super::io("cannot save the sandbox's state"));
        if let Some(beside) = beside {
            let _ = std::fs::remove_file(beside);
        }
        stopped.map(|()| Exit::Done)
    })
}

fn options(args: &SandboxArgs, seed: Option<&Manifest>) -> Result<Options, Error> {
    let seeded = seed.into_iter().flat_map(|seed| &seed.workspaces).map(|workspace| workspace.slug.clone());
    let only = !args.workspaces.is_empty();
    Ok(Options {
        listen: args.listen,
        workspaces: only.then(|| args.workspaces.iter().cloned().chain(seeded).collect()),
        latency: args.latency,
        settling: args.settling,
        subscription: args.subscription.into(),
        rate_limit: args.rate_limit,
        scopes: (!args.scopes.is_empty()).then(|| {
            let words = args.scopes.iter().flat_map(|text| text.split([',', ' '])).map(str::trim);
            words.filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
        }),
        credentials: args.credentials.as_deref().map(credentials).transpose()?,
        members: seed.map(members).unwrap_or_default(),
        token_lifetime: args.token_lifetime,
        pages: if args.opaque_next { Pages::Opaque } else { Pages::Numbered },
        faults: args.faults,
        state: args.state.clone(),
        ..Options::default()
    })
}

fn credentials(file: &Path) -> Result<Credentials, Error> {
    let text = std::fs::read_to_string(file).map_err(super::io(&format!("cannot read {}", file.display())))?;
    serde_json::from_str(&text).map_err(|error| Error::Usage(format!("--credentials {}: {error}", file.display())))
}

fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("bbprov-sandbox-{}.json", std::process::id()))
}

/// Lets a manifest's objects exist: it is applied to a sandbox without faults and limits, whose state the real one takes
/// over. A state that is there already wins.
async fn sow(seed: Manifest, options: &Options) -> Result<(), Error> {
    if options.state.as_deref().is_some_and(Path::exists) {
        return Ok(());
    }
    let Options { workspaces, members, state, .. } = options.clone();
    let field = Options { workspaces, members, state, ..Options::default() };
    let sandbox = Sandbox::start(field).await.map_err(super::io("cannot start the sandbox"))?;
    let mut to = bitbucket::Options::new(Credential::Bearer(String::new().into()));
    into_sandbox(&mut to, &sandbox);
    let client = Client::new(to, Arc::new(()))?;
    let plan = match plan::plan(&client, &seed, &()).await {
        Ok(plan) => plan,
        Err(plan::Error::Bitbucket(error)) => return Err(error.into()),
        Err(plan::Error::Manifest(diagnostics)) => return Err(Invalid { diagnostics, sources: seed.sources }.into()),
    };
    let (_stop, stopped) = watch::channel(None);
    let secrets = Secrets::new(Arc::new(()), true).for_plan(&plan, &seed).await?;
    let account = apply::apply(&client, &plan, &secrets, &(), stopped).await;
    if let Some(why) = account.outcomes.iter().find_map(apply::Outcome::error) {
        return Err(Error::Usage(format!("--seed: {why}")));
    }
    sandbox.shutdown().await.map_err(super::io("cannot save the sandbox's state"))
}

/// What to export to come here. With credentials of its own file, only their owner knows which.
fn environment(sandbox: &Sandbox, with_consumer: bool) -> String {
    let mut text =
        format!("export BITBUCKET_API_URL={}\nexport BITBUCKET_TOKEN_URL={}\n", sandbox.api_url(), sandbox.token_url());
    if with_consumer {
        text.push_str("export BITBUCKET_OAUTH_CLIENT_ID=sandbox\nexport BITBUCKET_OAUTH_CLIENT_SECRET=sandbox\n");
    }
    text
}
