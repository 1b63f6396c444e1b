//! The same by the program itself, which is ended by SIGINT, SIGTERM and SIGKILL.

use std::process::Command;
use std::time::Duration;

use bbprov::sandbox::{Faults, Options, RateLimit};
use serde_json::Value;

use super::truth::{MANIFEST, Start, check_objects, check_report, check_requests, truth};
use crate::support::{Bitbucket, Folder};

const APPLY: [&str; 10] = ["apply", "--yes", "--allow-delete", "2", "--format", "json", "--timeout", "1s", "-j", "4"];

/// Starts the program in a storm and sends it a signal. Gives its report, if it printed one.
fn run(bitbucket: &Bitbucket, seed: u64, attempt: u64) -> Result<Option<Value>, String> {
    let signal = ["INT", "TERM", "KILL"][usize::try_from((seed + attempt) % 3).unwrap()];
    let child = bitbucket.command(&APPLY).spawn();
    std::thread::sleep(Duration::from_millis(20 + (seed * 131 + attempt * 197) % 1_200));
    let _ = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let told = (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned());
    if output.stdout.is_empty() {
        // Killed, or ended before there was a plan, which it says.
        let said = told.0.is_none() || !told.1.is_empty();
        return if said { Ok(None) } else { Err(format!("SIG{signal}: neither a report nor a reason: {told:?}")) };
    }
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("SIG{signal}: {error}"))?;
    let not_done = report["summary"]["done"] != report["changes"].as_array().unwrap().len();
    match told.0 {
        Some(0) if not_done => Err(format!("it ends with 0, and not all is done: {report:#}")),
        Some(0 | 4 | 5 | 6 | 130) => Ok(Some(report)),
        // The signal may come between the report and the end.
        None if signal == "KILL" => Ok(Some(report)),
        _ => Err(format!("SIG{signal}: {told:?}")),
    }
}

fn storm(seed: u64, start: &Start) -> Result<usize, String> {
    let folder = Folder::new();
    let state = folder.path().join("state.json");
    std::fs::write(&state, &start.state).unwrap();
    let mut before = start.objects.clone();
    let mut reports = 0;
    for attempt in 0..3 {
        let bitbucket = Bitbucket::with(Options {
            faults: Some(Faults { rate: 0.15, seed: seed * 100 + attempt }),
            latency: Duration::from_millis(20),
            token_lifetime: Duration::from_millis(if seed.is_multiple_of(2) { 300 } else { 60_000 }),
            rate_limit: seed.is_multiple_of(3).then_some(RateLimit { requests: 6, per: Duration::from_secs(1) }),
            state: Some(state.clone()),
            ..Options::default()
        });
        bitbucket.manifest(MANIFEST);
        let report = run(&bitbucket, seed, attempt)?;
        let exchanges = bitbucket.sandbox().exchanges();
        // It saves what it holds.
        drop(bitbucket);
        let there = truth(&std::fs::read(&state).unwrap());
        check_requests(&exchanges, start)?;
        check_objects(&there, &before, start)?;
        if let Some(report) = report {
            reports += 1;
            check_report(&report, &there, &exchanges, start).map_err(|error| format!("{error}; {report:#}"))?;
        }
        before = there;
    }
    let bitbucket = Bitbucket::with(Options { state: Some(state.clone()), ..Options::default() });
    bitbucket.manifest(MANIFEST);
    let run = bitbucket.run(&APPLY);
    let again = bitbucket.run(&["plan", "--detailed-exitcode"]);
    drop(bitbucket);
    check_objects(&truth(&std::fs::read(&state).unwrap()), &before, start)?;
    if (run.code, again.code) == (0, 0) { Ok(reports) } else { Err(format!("in fair weather: {run} {again}")) }
}

#[cfg(unix)]
#[test]
fn signals_at_any_moment_leave_a_true_report_and_a_further_run_completes() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let start = runtime.block_on(Start::new(folder.path()));
    // Each takes seconds, of which it mostly waits: one in twelve, many at once, and never so many that nobody waits for them.
    let some = |seed: &u64| seed % 12 == seed / 12 % 12 || super::is_one();
    let seeds: Vec<u64> = super::seeds(super::DEFAULT).into_iter().filter(some).take(64).collect();
    let mut reports = 0;
    for some in seeds.chunks(8) {
        reports += std::thread::scope(|scope| {
            let storms: Vec<_> = some.iter().map(|seed| (seed, scope.spawn(|| storm(*seed, &start)))).collect();
            let ended = storms.into_iter().map(|(seed, storm)| {
                storm.join().unwrap().unwrap_or_else(|error| panic!("BBPROV_STORM={seed}: {error}"))
            });
            ended.sum::<usize>()
        });
    }
    println!("{} storms of the program, {reports} reports", seeds.len());
    assert!(seeds.len() < 12 || reports > 0, "no run came to its report");
}
