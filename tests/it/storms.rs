//! Whatever goes wrong on the way, the account is true, and a further run completes: over many seeded storms.
//!
//! `BBPROV_STORMS=20000 cargo test storms` runs a night's worth.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bbprov::apply::{self, Account, Ended, Outcome};
use bbprov::bitbucket::retry::Pace;
use bbprov::bitbucket::{Client, Credential, Options};
use bbprov::diagnostic::Sources;
use bbprov::manifest::{self, Manifest};
use bbprov::plan::{self, Plan};
use bbprov::sandbox::{self, Faults, Sandbox};
use futures::stream::{self, StreamExt};
use serde_json::Value;
use tokio::sync::watch;

/// Objects of both kinds that need each other, fields to prove, and one that somebody else has made already.
const MANIFEST: &str = "\
version: 1
workspaces:
  - workspace: acme
    projects: [{key: PAY, name: Payments}, {key: WEB, is_private: false}]
    repositories:
      - {slug: a, project: PAY, description: the first}
      - {slug: b, project: PAY, is_private: true, fork_policy: no_forks}
      - {slug: c, project: WEB, is_private: false}
      - {slug: d, project: WEB, language: rust}
      - {slug: e, project: PAY}
";

/// How long a request may take: in a storm, where some hang, and out of it.
const ROUGH: Duration = Duration::from_millis(400);
const FAIR: Duration = Duration::from_secs(20);

fn manifest() -> Manifest {
    let mut sources = Sources::default();
    sources.add("repos.yaml", MANIFEST);
    manifest::from_sources(sources).unwrap()
}

/// The sandbox's own memory of what was asked of it, by which everything else is judged.
async fn start(faults: Option<Faults>, state: &std::path::Path) -> Sandbox {
    let options =
        sandbox::Options { faults, record: true, state: Some(state.to_owned()), ..sandbox::Options::default() };
    Sandbox::start(options).await.unwrap()
}

fn client(sandbox: &Sandbox, timeout: Duration) -> Client {
    let credential = Credential::find(
        |name| name.starts_with("BITBUCKET_OAUTH_CLIENT").then(|| "storm".to_owned()),
        &bbprov::bitbucket::credential::Choice::default(),
    );
    let options = Options {
        api_url: sandbox.api_url(),
        token_url: sandbox.token_url(),
        concurrency: 4,
        timeout,
        pace: Pace { failure: Duration::from_millis(2), limit: Duration::from_millis(10), ..Pace::default() },
        ..Options::new(credential.unwrap())
    };
    Client::new(options, Arc::new(())).unwrap()
}

/// How a run ends, if not by itself: politely, as by Ctrl-C, or in the middle of everything, as by SIGKILL.
#[derive(Clone, Copy)]
enum End {
    Itself,
    Asked(Duration),
    Killed(Duration),
}

impl End {
    /// Another one for each attempt, at a moment that follows from the seed.
    fn of(seed: u64, attempt: u64) -> Self {
        let moment = Duration::from_millis((seed * 7 + attempt * 13) % 60);
        match (seed + attempt) % 3 {
            0 => Self::Asked(moment),
            1 => Self::Killed(moment),
            _ => Self::Itself,
        }
    }
}

/// Plans and applies. Nothing, if there was no plan or the run was killed: then nobody can say anything.
async fn run(sandbox: &Sandbox, manifest: &Manifest, timeout: Duration, end: End) -> Option<(Plan, Account)> {
    let client = client(sandbox, timeout);
    let plan = plan::plan(&client, manifest, &()).await.ok()?;
    let (stop, stopped) = watch::channel(None);
    let account = {
        let apply = apply::apply(&client, &plan, &(), stopped);
        tokio::pin!(apply);
        match end {
            End::Itself => apply.await,
            End::Killed(moment) => tokio::time::timeout(moment, apply).await.ok()?,
            End::Asked(moment) => tokio::select! {
                account = &mut apply => account,
                () = tokio::time::sleep(moment) => {
                    let _ = stop.send(Some(Ended::Interrupted));
                    apply.await
                }
            },
        }
    };
    Some((plan, account))
}

/// What there really is, read from the file that a sandbox without faults keeps.
async fn truth(state: &std::path::Path) -> BTreeMap<String, Value> {
    let sandbox = start(None, state).await;
    let client = client(&sandbox, FAIR);
    let mut all = BTreeMap::new();
    for (path, key) in [("/workspaces/acme/projects?pagelen=100", "key"), ("/repositories/acme?pagelen=100", "slug")] {
        use bbprov::bitbucket::Read;
        let page = client.page(path.to_owned()).await.unwrap();
        for value in page.values {
            assert!(all.insert(value[key].as_str().unwrap().to_owned(), value).is_none(), "twice");
        }
    }
    all
}

/// Checks one storm and says how many faults it had.
async fn weather(seed: u64, rate: f64, manifest: &Manifest) -> Result<u64, String> {
    let state = std::env::temp_dir().join(format!("bbprov-storm-{}-{seed}.json", std::process::id()));
    let _ = std::fs::remove_file(&state);
    let mut faults = 0;
    let mut complete = false;
    for attempt in 0..12 {
        // The last attempts have fair weather: a run that can complete must.
        let (rate, timeout, end) = match attempt {
            0..6 => (rate, ROUGH, End::of(seed, attempt)),
            _ => (0.0, FAIR, End::Itself),
        };
        let sandbox = start(Some(Faults { rate, seed: seed * 100 + attempt }), &state).await;
        let ran = run(&sandbox, manifest, timeout, end).await;
        faults += sandbox.counters().faults;
        let exchanges = sandbox.exchanges();
        sandbox.shutdown().await.map_err(|error| error.to_string())?;
        if let Some(strange) = exchanges.iter().find(|exchange| exchange.method == "DELETE") {
            return Err(format!("{strange:?}: nobody asked for a deletion"));
        }
        let Some((plan, account)) = ran else { continue };
        let there = truth(&state).await;
        for (change, outcome) in plan.changes.iter().zip(&account.outcomes) {
            let exists = there.get(change.address.id());
            match outcome {
                Outcome::Done => {
                    let found = exists.ok_or_else(|| format!("{} is called done and is not there", change.address))?;
                    for field in &change.fields {
                        let kinds = change.address.kind().fields();
                        let is = kinds.iter().find(|known| known.name == field.name).map(|known| known.read(found));
                        if is.as_ref() != Some(&field.to) {
                            return Err(format!("{} is called done, and {} is {is:?}", change.address, field.name));
                        }
                    }
                }
                Outcome::Failed(why) | Outcome::Skipped(why) if why.is_empty() => {
                    return Err(format!("{} is not done and nobody says why", change.address));
                }
                Outcome::Failed(_) | Outcome::Skipped(_) => {}
            }
        }
        if account.count("done") == plan.changes.len() && there.len() == manifest.desired.len() {
            complete = true;
            break;
        }
    }
    let _ = std::fs::remove_file(&state);
    if complete { Ok(faults) } else { Err("twelve runs did not complete it".to_owned()) }
}

#[test]
fn after_any_storm_the_account_is_true_and_a_further_run_completes() {
    let storms: u64 = std::env::var("BBPROV_STORMS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let manifest = &manifest();
    let met: u64 = runtime.block_on(async {
        let storms = stream::iter(0..storms).map(|seed| async move {
            let rate = [0.05, 0.2, 0.5][usize::try_from(seed % 3).unwrap()];
            weather(seed, rate, manifest).await.unwrap_or_else(|error| panic!("storm {seed} at rate {rate}: {error}"))
        });
        storms.buffer_unordered(100).fold(0, |all, faults| async move { all + faults }).await
    });
    assert!(met > storms, "{met} faults are too few for {storms} storms");
}
