//! Workspaces with credentials of their own: each request carries the right one, and none holds up another.

use std::time::{Duration, Instant};

use bbprov::sandbox::{AccessToken, AccessTokenKind, Credentials, Options, RateLimit};
use serde_json::Value;

use crate::support::{Bbprov, Bitbucket, Fake, Folder, Run, answer, flat, lines};

const JSON: &str = "application/json";
const ACME: &str = "acme-s3cr3t";
const LABS: &str = "labs-s3cr3t";

/// A workspace that takes its credential as `auth` says, with a project and so many repositories in it.
fn workspace(slug: &str, auth: &str, repositories: usize) -> String {
    let repositories = lines(repositories, |number| format!("{{slug: r{number}, project: P}}, "));
    format!("  - {{workspace: {slug}, auth: {auth}, projects: [{{key: P}}], repositories: [{repositories}]}}\n")
}

/// Two of them, with a token each.
fn two(acme: usize, labs: usize) -> String {
    let acme = workspace("acme", "{access_token: {env: ACME_TOKEN}}", acme);
    let labs = workspace("labs", "{access_token: {env: LABS_TOKEN}}", labs);
    format!("version: 1\nworkspaces:\n{acme}{labs}")
}

fn with_tokens(command: Bbprov) -> Bbprov {
    command.env("ACME_TOKEN", ACME).env("LABS_TOKEN", LABS)
}

#[track_caller]
fn assert_secret(run: &Run) {
    for secret in [ACME, LABS, "panicked"] {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{secret} in {run}");
    }
}

/// A sandbox that lets in these tokens, each with its scopes.
fn sandbox(tokens: &[(&str, Option<&[&str]>)], options: Options) -> Bitbucket {
    let token = |(token, scopes): &(&str, Option<&[&str]>)| AccessToken {
        token: (*token).to_owned(),
        scopes: scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect()),
        kind: AccessTokenKind::Workspace,
    };
    let access_tokens = tokens.iter().map(token).collect();
    Bitbucket::with(Options { credentials: Some(Credentials { access_tokens, ..Credentials::default() }), ..options })
}

/// A server in which nothing exists and everything can be made, unless `refuse` says otherwise of a request.
fn obliging(refuse: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Fake {
    Fake::new(move |head| {
        if let Some(refusal) = refuse(head) {
            return refusal;
        }
        let path = head.split(' ').nth(1).unwrap_or_default();
        match (head.starts_with("GET"), path.split('/').collect::<Vec<_>>().as_slice()) {
            (true, _) => answer("200 OK", JSON, r#"{"values": []}"#),
            (false, [_, _, "repositories", _, slug]) => {
                answer("201 Created", JSON, &format!(r#"{{"slug": "{slug}", "project": {{"key": "P"}}}}"#))
            }
            _ => answer("201 Created", JSON, r#"{"key": "P"}"#),
        }
    })
}

fn run_against(fake: &Fake, manifest: String, arguments: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", manifest);
    let command = Bbprov::new(&folder, arguments)
        .env("BITBUCKET_API_URL", &format!("http://{}/2.0", fake.address))
        .env("BITBUCKET_TOKEN_URL", &format!("http://{}/token", fake.address));
    let run = with_tokens(command).run();
    assert_secret(&run);
    run
}

/// How many changes of a workspace ended this way.
fn count(report: &Value, workspace: &str, status: &str) -> usize {
    let of = |outcome: &&Value| {
        outcome["address"].as_str().unwrap().starts_with(&format!("{workspace}/")) && outcome["status"] == status
    };
    report["outcomes"].as_array().unwrap().iter().filter(of).count()
}

#[test]
fn each_request_carries_the_credential_of_its_workspace() {
    let fake = obliging(|_| None);
    run_against(&fake, two(3, 3), &["apply"]).exits(0);
    let requests = fake.requests();
    assert_eq!(requests.len(), 2 * (2 + 1 + 3));
    for request in requests {
        let (line, head) = request.split_once("\r\n").unwrap();
        let (own, other) = if line.contains("/acme") { (ACME, LABS) } else { (LABS, ACME) };
        assert!(head.contains(&format!("Bearer {own}")) && !head.contains(other), "{request}");
    }
}

#[test]
fn workspaces_without_their_own_take_the_one_of_the_run_and_only_then_it_is_looked_for() {
    let bitbucket = sandbox(&[(ACME, None), (LABS, None)], Options::default());
    bitbucket.manifest(&two(1, 1));
    let plan = |arguments: &[&str]| with_tokens(bitbucket.led_here(arguments));
    plan(&["plan"]).run().exits(0);
    bitbucket.manifest(&format!("{}  - {{workspace: other, projects: [{{key: P}}]}}\n", two(1, 1)));
    let run = plan(&["plan"]).run().exits(4);
    assert!(run.stderr.contains("no credential: set BITBUCKET_ACCESS_TOKEN"), "{run}");
    plan(&["plan", "--only", "labs/*"]).run().exits(0);
    plan(&["apply"]).env("BITBUCKET_ACCESS_TOKEN", LABS).run().exits(0);
    let run = plan(&["plan"]).env("BITBUCKET_ACCESS_TOKEN", "unknown-token").run().exits(4);
    assert!(run.stderr.contains("other could not be read: Bitbucket refused the credential"), "{run}");
    assert!(run.stderr.contains("set BITBUCKET_ACCESS_TOKEN"), "{run}");
}

/// Acme's budget is spent in the middle of its repositories, for an hour; labs is through before anybody is sent again.
#[cfg(unix)]
#[test]
fn a_credential_that_has_to_wait_holds_up_no_other() {
    let limit = RateLimit { requests: 8, per: Duration::from_secs(3600) };
    let bitbucket = sandbox(&[(ACME, None), (LABS, None)], Options { rate_limit: Some(limit), ..Options::default() });
    bitbucket.manifest(&two(40, 5));
    let child = with_tokens(bitbucket.led_here(&["apply", "-j", "2", "--format", "json"])).spawn();
    let made = |workspace: &str| {
        let exchanges = bitbucket.exchanges();
        exchanges
            .iter()
            .filter(|made| made.status < 300 && made.method == "POST" && made.path.contains(workspace))
            .count()
    };
    let started = Instant::now();
    while made("/labs") < 6 || bitbucket.sandbox().counters().rate_limited == 0 {
        assert!(started.elapsed() < Duration::from_secs(30), "labs waits for acme: {} made", made("/labs"));
        std::thread::sleep(Duration::from_millis(5));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((count(&report, "labs", "done"), count(&report, "labs", "skipped")), (6, 0), "{report:#}");
    assert_eq!((count(&report, "acme", "done"), count(&report, "acme", "skipped")), (6, 35), "{report:#}");
}

#[test]
fn a_rate_limit_that_takes_too_long_ends_its_own_workspace_only() {
    let too_long =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 72000\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let fake = obliging(move |head| {
        (head.starts_with("POST") && head.contains("/acme")).then(|| too_long.as_bytes().to_vec())
    });
    let report = run_against(&fake, two(20, 20), &["apply", "-j", "2", "--format", "json"]).exits(6).json();
    assert_eq!((count(&report, "labs", "done"), count(&report, "acme", "skipped")), (21, 21), "{report:#}");
    // It is the same while reading: what is known of is made.
    let fake = obliging(move |head| head.contains("/acme").then(|| too_long.as_bytes().to_vec()));
    let run = run_against(&fake, two(2, 2), &["apply", "--format", "json"]).exits(6);
    let report = run.json();
    assert_eq!((count(&report, "labs", "done"), &report["summary"]["create"]), (3, &3.into()), "{run}");
    assert!(report["unread"][0]["error"].as_str().unwrap().starts_with("Bitbucket's rate limit"), "{run}");
    let run = run_against(&fake, two(2, 0), &["plan", "--only", "acme/*"]).exits(6);
    assert!(run.stderr.contains("before there was a plan"), "{run}");
}

#[test]
fn a_credential_that_is_refused_while_reading_leaves_the_other_workspaces_to_be_made() {
    let bitbucket = sandbox(&[(LABS, None)], Options::default());
    bitbucket.manifest(&two(2, 2));
    let run = with_tokens(bitbucket.led_here(&["plan"])).run().exits(4);
    assert_secret(&run);
    for text in [&run.stdout, &run.stderr] {
        assert!(flat(text).contains("acme could not be read: repos.yaml:3: Bitbucket refused the credential"), "{run}");
    }
    assert!(run.stderr.contains("set `access_token` (") && !run.stderr.contains("BITBUCKET_"), "{run}");
    assert!(run.stdout.contains("3 to create") && !run.stdout.contains("acme/P"), "{run}");
    let run = with_tokens(bitbucket.led_here(&["apply", "--format", "json"])).run().exits(4);
    let report = run.json();
    assert_eq!((report["outcomes"].as_array().unwrap().len(), count(&report, "labs", "done")), (3, 3), "{run}");
    assert_eq!(report["unread"].as_array().unwrap().len(), 1, "{run}");
    assert!(run.stderr.contains("acme could not be read"), "{run}");
    // With nothing left to do for the others, it is still not well.
    with_tokens(bitbucket.led_here(&["apply"])).run().exits(4);
    with_tokens(bitbucket.led_here(&["plan", "--detailed-exitcode"])).run().exits(4);
    // Alone it is what it always was.
    let run = with_tokens(bitbucket.led_here(&["plan", "--only", "acme/*"])).run().exits(4);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{run}");
}

#[test]
fn a_credential_that_is_refused_while_writing_ends_its_own_workspace_only() {
    let fake = obliging(|head| {
        let refused = head.starts_with("POST") && head.contains("/acme");
        refused.then(|| answer("401 Unauthorized", JSON, r#"{"error": {"message": "Token expired."}}"#))
    });
    let run = run_against(&fake, two(20, 20), &["apply", "-j", "2", "--format", "json"]).exits(4);
    let report = run.json();
    assert_eq!(count(&report, "labs", "done"), 21, "{run}");
    // The project is the only one that can be tried, and the repositories need it.
    assert_eq!((count(&report, "acme", "failed"), count(&report, "acme", "skipped")), (1, 20), "{run}");
    assert!(run.stderr.contains("repos.yaml:3: Bitbucket refused the credential"), "{run}");
    assert_eq!(fake.requests().iter().filter(|request| request.starts_with("POST")).count(), 22);
}

#[test]
fn a_number_of_requests_is_for_all_credentials_together() {
    let bitbucket = sandbox(&[(ACME, None), (LABS, None)], Options::default());
    bitbucket.manifest(&two(20, 20));
    let arguments = ["apply", "--max-requests", "14", "-j", "3", "--format", "json"];
    let report = with_tokens(bitbucket.led_here(&arguments)).run().exits(6).json();
    assert_eq!(bitbucket.sent("GET") + bitbucket.sent("POST"), 14);
    assert_eq!((&report["summary"]["done"], &report["summary"]["failed"]), (&10.into(), &0.into()), "{report:#}");
    with_tokens(bitbucket.led_here(&["apply"])).run().exits(0);
    assert_eq!(bitbucket.sent("POST"), 42);
}

#[test]
fn the_credential_that_lacks_a_scope_is_named() {
    let bitbucket = sandbox(&[(ACME, Some(&["project", "repository"])), (LABS, None)], Options::default());
    bitbucket.manifest(&two(2, 2));
    let run = with_tokens(bitbucket.led_here(&["apply"])).run().exits(4);
    assert!(run.stderr.contains("the credential for acme lacks project:admin (for 1 of the changes)"), "{run}");
    assert!(!run.stderr.contains("labs"), "{run}");
    assert_eq!(bitbucket.sent("POST"), 0);
}
