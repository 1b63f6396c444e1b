//! Whatever goes wrong on the way, what is said of every object is true, nothing is done that nobody asked for, nothing is
//! done twice, and a further run completes: over many seeded storms.
//!
//! `BBPROV_STORMS=20000 cargo test storms` runs a night's worth. A storm that fails names its seed, and is run alone by
//! `BBPROV_STORM=SEED cargo test storms`.

mod program;
mod truth;

use std::path::Path;
use std::time::Duration;

use bbprov::apply::{self, Ended};
use bbprov::manifest::Manifest;
use bbprov::plan;
use bbprov::report;
use bbprov::sandbox::{self, Faults, RateLimit, Sandbox};
use futures::stream::{self, StreamExt};
use serde_json::Value;
use tokio::sync::watch;

use crate::support::Folder;
use truth::{CHANGES, FAIR, MANIFEST, Start, check_objects, check_report, check_requests, client, truth};

/// How many storms there are if nobody says.
const DEFAULT: u64 = 180;

/// How long a request may take in a storm, where some hang.
const ROUGH: Duration = Duration::from_millis(400);

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

/// The storms to run: so many, unless one is asked for.
fn seeds(unless_said: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("BBPROV_STORM") {
        Some(one) => vec![one],
        None => (0..number("BBPROV_STORMS").unwrap_or(unless_said)).collect(),
    }
}

/// Whether one storm is asked for.
fn is_one() -> bool {
    std::env::var_os("BBPROV_STORM").is_some()
}

/// What a storm is made of: faults, and for some seeds tokens that soon expire, or a tight rate limit, or both.
fn weather(seed: u64, attempt: u64) -> sandbox::Options {
    let rate = [0.05, 0.2, 0.5][usize::try_from(seed % 3).unwrap()];
    let lifetime = if seed % 4 < 2 { Duration::from_millis(60 + seed % 90) } else { Duration::from_secs(7_200) };
    let limit = RateLimit { requests: 5 + u32::try_from(seed % 7).unwrap(), per: Duration::from_millis(50) };
    sandbox::Options {
        faults: Some(Faults { rate, seed: seed * 100 + attempt }),
        token_lifetime: lifetime,
        rate_limit: (seed % 5 < 2).then_some(limit),
        ..sandbox::Options::default()
    }
}

/// Plans and applies, and gives the report. None, if there was no plan or the run was killed: then nobody can say anything.
async fn run(sandbox: &Sandbox, manifest: &Manifest, timeout: Duration, end: End) -> Option<Value> {
    let client = client(sandbox, timeout);
    let plan = plan::plan(&client, manifest, &()).await.ok()?;
    let (stop, stopped) = watch::channel(None);
    let secrets = apply::Secrets::default();
    let account = {
        let apply = apply::apply(&client, &plan, &secrets, &(), stopped);
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
    serde_json::from_str(&report::json::document(&plan, Some(&account))).ok()
}

/// What storms have met, to know that they were any.
#[derive(Default)]
struct Met {
    faults: u64,
    limited: u64,
    renewed: u64,
    reports: u64,
}

/// Weathers one storm, and a run in fair weather after it, which completes.
async fn storm(seed: u64, manifest: &Manifest, start: &Start, folder: &Path) -> Result<Met, String> {
    let state = folder.join(format!("{seed}.json"));
    std::fs::write(&state, &start.state).unwrap();
    let mut before = start.objects.clone();
    let mut met = Met::default();
    for attempt in 0..=6 {
        let rough = attempt < 6;
        let (timeout, end) = if rough { (ROUGH, End::of(seed, attempt)) } else { (FAIR, End::Itself) };
        let options = if rough { weather(seed, attempt) } else { sandbox::Options::default() };
        let options = sandbox::Options { record: true, state: Some(state.clone()), ..options };
        let sandbox = Sandbox::start(options).await.map_err(|error| error.to_string())?;
        let report = run(&sandbox, manifest, timeout, end).await;
        let (counters, exchanges) = (sandbox.counters(), sandbox.exchanges());
        sandbox.shutdown().await.map_err(|error| error.to_string())?;
        met.faults += counters.faults;
        met.limited += counters.rate_limited;
        met.renewed += counters.token_fetches.saturating_sub(1);
        let there = truth(&std::fs::read(&state).unwrap());
        let checked = check_requests(&exchanges, start).and_then(|()| check_objects(&there, &before, start));
        checked.map_err(|error| format!("attempt {attempt}: {error}"))?;
        before = there;
        if let Some(report) = report {
            met.reports += 1;
            check_report(&report, &before, &exchanges, start)
                .map_err(|error| format!("attempt {attempt}: {error}; {report:#}"))?;
            if !rough && report["summary"]["done"] != report["changes"].as_array().unwrap().len() {
                return Err(format!("in fair weather it did not complete: {report:#}"));
            }
            // What is complete has nothing more to go wrong.
            if report["summary"]["done"] == report["changes"].as_array().unwrap().len() {
                break;
            }
        } else if !rough {
            return Err("in fair weather there was no report".to_owned());
        }
    }
    let sandbox = Sandbox::start(sandbox::Options { state: Some(state.clone()), ..sandbox::Options::default() });
    let left = plan::plan(&client(&sandbox.await.unwrap(), FAIR), manifest, &()).await.map(|plan| plan.changes.len());
    let _ = std::fs::remove_file(&state);
    if matches!(left, Ok(0)) { Ok(met) } else { Err(format!("{left:?} changes were left")) }
}

#[test]
fn after_any_storm_the_report_is_true_and_a_further_run_completes() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (manifest, folder) = (&truth::read(MANIFEST), Folder::new());
    let seeds = seeds(DEFAULT);
    let count = u64::try_from(seeds.len()).unwrap();
    let met = runtime.block_on(async {
        let start = &Start::new(folder.path()).await;
        let storms = stream::iter(seeds).map(|seed| {
            let folder = folder.path();
            async move {
                let met = storm(seed, manifest, start, folder).await;
                met.unwrap_or_else(|error| panic!("BBPROV_STORM={seed}: {error}"))
            }
        });
        let all = Met::default();
        storms
            .buffer_unordered(100)
            .fold(all, |all, met| async move {
                Met {
                    faults: all.faults + met.faults,
                    limited: all.limited + met.limited,
                    renewed: all.renewed + met.renewed,
                    reports: all.reports + met.reports,
                }
            })
            .await
    });
    println!(
        "{count} storms of {CHANGES} changes: {} faults, {} answers 429, {} tokens renewed, {} reports",
        met.faults, met.limited, met.renewed, met.reports
    );
    assert!(count < 100 || met.faults > 5 * count && met.limited > count && met.renewed > count && met.reports > count);
}
