//! Gives a new team its project and repositories, by the library and without the command line.
//!
//! `cargo run --example new_team` runs it against a sandbox in this process. Towards Bitbucket itself only the credential
//! and the URLs differ: see `Options::new`.

use std::error::Error;
use std::sync::Arc;

use bbprov::bitbucket::{Client, Credential, Options};
use bbprov::diagnostic::Sources;
use bbprov::sandbox::{self, Sandbox};
use bbprov::{apply, manifest, plan};
use tokio::sync::watch;

fn manifest_for(team: &str, repositories: &[&str]) -> String {
    let key = team.to_uppercase();
    let repositories = repositories.iter().map(|name| format!("{{slug: {team}-{name}, project: {key}}}"));
    let repositories = repositories.collect::<Vec<_>>().join(", ");
    format!(
        "version: 1\ndefaults: {{repository: {{is_private: true}}}}\nworkspaces:\n  - workspace: acme\n    projects: [{{key: {key}}}]\n    repositories: [{repositories}]\n"
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The loader: from text to the desired state.
    let mut sources = Sources::default();
    sources.add("new-team.yaml", manifest_for("new", &["api", "web"]));
    let manifest = manifest::from_sources(sources)?;

    // The way to Bitbucket; here, one in memory.
    let sandbox = Sandbox::start(sandbox::Options::default()).await?;
    let mut options = Options::new(Credential::Bearer("any".to_owned().into()));
    options.api_url = sandbox.api_url();
    let client = Client::new(options, Arc::new(()))?;

    // The planner reads, the executor writes.
    let plan = plan::plan(&client, &manifest, &()).await?;
    let (_stop, stopped) = watch::channel(None);
    let account = apply::apply(&client, &plan, &apply::Secrets::default(), &(), stopped).await;

    for (change, outcome) in plan.changes.iter().zip(&account.outcomes) {
        #[expect(clippy::print_stdout, reason = "a program of its own, whose output this is")]
        {
            println!("{} {} {}", change.address, change.action, outcome.status());
        }
    }
    Ok(())
}
