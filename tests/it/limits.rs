//! Runs that are to end before they are through: by a number of requests, by a time, by a server, by a person who waits.

use std::time::{Duration, Instant};

use bbprov::sandbox::{Options, RateLimit};

use crate::support::{Bitbucket, Fake, Folder, answer, lines};

fn manifest(repositories: usize) -> String {
    let repositories = lines(repositories, |number| format!("      - {{slug: r{number}, project: P}}\n"));
    format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    projects: [{{key: P}}]\n    repositories:\n{repositories}"
    )
}

#[test]
fn not_one_request_more_than_allowed_and_the_next_run_continues() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(20));
    let run = bitbucket.run(&["apply", "--max-requests", "12", "-j", "4", "--format", "json"]).exits(6).json();
    assert_eq!(bitbucket.sent("GET") + bitbucket.sent("POST"), 12);
    assert_eq!((&run["summary"]["done"], &run["summary"]["failed"]), (&10.into(), &0.into()), "{run:#}");
    let why = run["outcomes"].as_array().unwrap().iter().find(|outcome| outcome["status"] == "skipped").unwrap();
    assert_eq!(why["error"], "not tried: --max-requests 12");
    bitbucket.run(&["apply"]).exits(0);
    assert_eq!(bitbucket.sent("POST"), 21);
    let run = bitbucket.run(&["plan", "--max-requests", "1"]).exits(6);
    assert!(run.stderr.contains("stopped by --max-requests 1 before there was a plan"), "{run}");
}

#[test]
fn a_deadline_is_kept_and_reported_within() {
    let bitbucket = Bitbucket::with(Options { latency: Duration::from_millis(50), ..Options::default() });
    bitbucket.manifest(&manifest(200));
    let started = Instant::now();
    let run = bitbucket.run(&["apply", "--deadline", "900ms", "-j", "2"]).exits(6);
    assert!(run.stdout.contains("not tried: --deadline 900ms"), "{run}");
    assert!(run.stdout.contains("Stopped in time"), "{run}");
    // Generous for a busy machine; without the deadline it takes five seconds.
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(bitbucket.sent("POST") > 2, "{run}");
}

/// What is on its way when the time is up is not waited for any longer, however patient `--timeout` is.
#[test]
fn a_deadline_holds_for_what_is_on_its_way() {
    let bitbucket = Bitbucket::with(Options { latency: Duration::from_secs(20), ..Options::default() });
    bitbucket.manifest(&manifest(1));
    // With a token that is there, and with one that is to be fetched.
    for command in [
        bitbucket.led_here(&["plan", "--deadline", "1s"]).env("BITBUCKET_ACCESS_TOKEN", "x"),
        bitbucket.command(&["plan", "--deadline", "1s"]),
    ] {
        let started = Instant::now();
        let run = command.run().exits(6);
        assert!(run.stderr.contains("stopped by --deadline 1s"), "{run}");
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
}

#[test]
fn a_limit_that_asks_for_more_than_an_hour_ends_the_run() {
    let fake = Fake::new(|head| match head.starts_with("GET") {
        true => answer("200 OK", "application/json", r#"{"values": []}"#),
        false => {
            let text =
                "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            text.as_bytes().to_vec()
        }
    });
    let folder = Folder::new();
    folder.write("repos.yaml", manifest(50));
    let run = fake.command(&folder, &["apply", "-j", "4"]).run().exits(6);
    assert!(run.stdout.contains("Bitbucket's rate limit, which asks to wait 120 minutes"), "{run}");
    let posts = fake.requests().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(posts, 1, "nobody is sent after the one that was refused");
}

/// A credential whose allowance is larger is told so, and the bill is reckoned by that.
#[test]
fn a_larger_allowance_is_taken_from_the_answer() {
    let fake = Fake::new(|_| {
        let body = r#"{"values": []}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-RateLimit-Limit: 5000\r\nX-RateLimit-NearLimit: true";
        format!("{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
    });
    let folder = Folder::new();
    folder.write("repos.yaml", manifest(2_000));
    let run = fake.command(&folder, &["plan"]).run().exits(0);
    assert!(run.stdout.ends_with("2 requests used; 2,001 to apply, 41 % of 5,000 an hour.\n"), "{run}");
}

/// Ctrl-C is heard while everybody waits for the rate limit, and nothing is sent after it.
#[cfg(unix)]
#[test]
fn who_waits_can_be_interrupted() {
    let limit = RateLimit { requests: 5, per: Duration::from_secs(3600) };
    let bitbucket = Bitbucket::with(Options { rate_limit: Some(limit), ..Options::default() });
    bitbucket.manifest(&manifest(20));
    let child = bitbucket.command(&["apply", "-j", "4", "--format", "json"]).spawn();
    let started = Instant::now();
    while bitbucket.sandbox().counters().rate_limited == 0 {
        assert!(started.elapsed() < Duration::from_secs(30), "the limit was not met");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    let sent = bitbucket.sent("POST");
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(bitbucket.sent("POST"), sent);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["done"], 3);
    assert_eq!(report["summary"]["skipped"], 18);
    // Long before the five seconds that the wait would have taken, or the fifteen of a second one.
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn only_what_fits_is_read_and_counted_and_a_slip_is_told() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(
        "version: 1\nworkspaces:\n- {workspace: acme, projects: [{key: P}], repositories: [{slug: pay-a, project: P}, {slug: web, project: P}]}\n- {workspace: labs, projects: [{key: L}]}",
    );
    let run = bitbucket.run(&["apply", "--only", "acme/pay-*", "--format", "json"]).exits(0).json();
    assert_eq!(run["summary"]["done"], 2, "{run:#}");
    assert!(bitbucket.exchanges().iter().all(|exchange| !exchange.path.contains("labs")));
    let run = bitbucket.run(&["plan", "--only", "acme/pay-*", "--format", "json"]).exits(0).json();
    assert_eq!((&run["summary"]["unchanged"], &run["summary"]["create"]), (&2.into(), &0.into()));
    let run = bitbucket.run(&["apply", "--only", "acme/wbe"]).exits(64);
    assert!(run.stderr.contains("did you mean acme/web?"), "{run}");
}

/// Scopes are asked of what is to be done, and of nothing else.
#[test]
fn only_what_is_done_needs_its_scope() {
    let scopes = ["project", "project:admin", "repository", "repository:admin"].map(str::to_owned).to_vec();
    let bitbucket = Bitbucket::with(Options { scopes: Some(scopes), ..Options::default() });
    bitbucket.manifest(&manifest(2));
    bitbucket.run(&["apply"]).exits(0);
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: r0, project: P, description: x}, {slug: r1, state: absent}]}]",
    );
    let run = bitbucket.run(&["apply", "--allow-delete", "1"]).exits(4);
    assert!(run.stderr.contains("the credential lacks repository:delete (for 1 of the changes)"), "{run}");
    bitbucket.run(&["apply", "--only", "acme/r0"]).exits(0);
    assert_eq!((bitbucket.sent("PUT"), bitbucket.sent("DELETE")), (1, 0));
}
