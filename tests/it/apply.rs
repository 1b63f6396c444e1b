//! Applies: each change once, in the order of need, and an account that is true.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bbprov::sandbox::Options;
use serde_json::{Value, json};

use crate::support::{Bbprov, Bitbucket, Folder, lines};

fn manifest(repositories: usize) -> String {
    let repositories: String = lines(repositories, |number| format!("      - {{slug: r{number}, project: P}}\n"));
    format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    projects: [{{key: P}}]\n    repositories:\n{repositories}"
    )
}

#[test]
fn a_first_apply_without_anything() {
    let folder = Folder::new();
    folder.write("repos.yaml", "version: 1\nworkspaces: [{workspace: acme, projects: [{key: PAY}], repositories: [{slug: ledger, project: PAY}]}]");
    let run = Bbprov::new(&folder, &["apply", "--sandbox"]).run();
    insta::assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    acme has 0 repositories and 0 projects

      + project    acme/PAY
      + repository acme/ledger  project PAY

    2 to create.
    2 requests used; 2 to apply, 1 % of 1,000 an hour.

    2 done, in 2 requests.
    ----- stderr -----
    ");
}

#[test]
fn so_many_creates_are_so_many_posts_and_one_token() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(120));
    let run = bitbucket.run(&["apply", "-j", "16", "--format", "json"]).exits(0).json();
    assert_eq!(run["summary"]["done"], 121);
    assert_eq!(run["requests"], json!({"used": 2, "to_apply": 121, "hourly": 1000, "hours": 0, "applied": 121}));
    assert_eq!((bitbucket.sent("POST"), bitbucket.sent("PUT"), bitbucket.sent("DELETE")), (121, 0, 0));
    assert_eq!(bitbucket.sandbox().counters().token_fetches, 1);
    // The smallest body is the one that Bitbucket's documentation shows.
    let creates =
        bitbucket.exchanges().into_iter().filter(|exchange| exchange.path.starts_with("/2.0/repositories/acme/r"));
    let bodies: Vec<Value> = creates.map(|exchange| serde_json::from_str(&exchange.request_body).unwrap()).collect();
    assert_eq!(bodies.len(), 120);
    assert!(bodies.iter().all(|body| *body == json!({"scm": "git", "project": {"key": "P"}})));
    bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// The bill, of every sort of change, is what the sandbox counts.
#[test]
fn the_bill_is_what_is_paid() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(250));
    bitbucket.run(&["apply"]).exits(0);
    let changed = manifest(250)
        .replace("{key: P}", "{key: P, name: Other}, {key: Q}")
        .replace("{slug: r7, project: P}", "{slug: r7, project: Q}")
        .replace("{slug: r8, project: P}", "{slug: r8, state: absent}")
        .replace("{slug: r9, project: P}", "{slug: r9, project: Q, description: x}")
        .replace("{slug: r249, project: P}", "{slug: new, project: Q}");
    bitbucket.manifest(&changed);
    let counted = || ["GET", "POST", "PUT", "DELETE"].map(|method| bitbucket.sent(method));
    let [read, created, updated, deleted] = counted();
    let plan = bitbucket.run(&["plan", "--format", "json"]).exits(0).json();
    assert_eq!(counted(), [read + 4, created, updated, deleted], "the projects, and three pages of repositories");
    assert_eq!((&plan["requests"]["used"], &plan["requests"]["to_apply"]), (&4.into(), &6.into()), "{plan:#}");
    let run = bitbucket.run(&["apply", "--allow-delete", "1", "--format", "json"]).exits(0).json();
    assert_eq!(counted(), [read + 8, created + 2, updated + 3, deleted + 1]);
    assert_eq!(run["requests"]["applied"], 6);
}

#[test]
fn a_bill_beyond_an_hour_says_how_long_it_takes() {
    let bitbucket = Bitbucket::new();
    for (repositories, end) in [
        (997, "2 requests used; 998 to apply, 100 % of 1,000 an hour.\n"),
        (998, "2 requests used; 999 to apply, 100 % of 1,000 an hour: about 1 hour.\n"),
        (2_997, "2 requests used; 2,998 to apply, 300 % of 1,000 an hour: about 2 hours.\n"),
    ] {
        bitbucket.manifest(&manifest(repositories));
        let run = bitbucket.run(&["plan"]).exits(0);
        assert!(run.stdout.ends_with(end), "{run}");
    }
}

#[test]
fn a_deleted_repository_is_the_only_one_created_again() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(30));
    bitbucket.run(&["apply"]).exits(0);
    assert_eq!(bitbucket.by_hand("DELETE", "/repositories/acme/r7", &Value::Null).0, 204);
    let posts = bitbucket.sent("POST");
    let run = bitbucket.run(&["apply", "--format", "json"]).exits(0).json();
    assert_eq!(
        run["outcomes"],
        json!([{"address": "acme/r7", "kind": "repository", "action": "create", "status": "done"}])
    );
    assert_eq!(bitbucket.sent("POST"), posts + 1);
}

#[test]
fn projects_come_before_the_repositories_that_need_them_and_nobody_else_waits() {
    let bitbucket = Bitbucket::with(Options { latency: Duration::from_millis(30), ..Options::default() });
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "OLD", "name": "Old"}));
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: NEW}, {key: OLD}], repositories: [{slug: a, project: NEW}, {slug: b, project: OLD}]}]",
    );
    bitbucket.run(&["apply", "-j", "4"]).exits(0);
    let writes: Vec<_> = bitbucket
        .exchanges()
        .into_iter()
        .filter(|exchange| exchange.method == "POST")
        .map(|exchange| exchange.path)
        .collect();
    let at =
        |path: &str| writes.iter().position(|written| written == path).unwrap_or_else(|| panic!("{path}: {writes:?}"));
    assert!(at("/2.0/workspaces/acme/projects") < at("/2.0/repositories/acme/a"));
    assert!(at("/2.0/repositories/acme/b") < at("/2.0/repositories/acme/a"));
}

#[test]
fn updates_go_to_the_uuid_and_hold_only_what_changes() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest("version: 1\nworkspaces: [{workspace: acme, projects: [{key: P}], repositories: [{slug: a, project: P, description: new, is_private: true}]}]");
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "P", "name": "P"}));
    let (_, created) = bitbucket.by_hand(
        "POST",
        "/repositories/acme/a",
        &json!({"project": {"key": "P"}, "description": "old", "is_private": true}),
    );
    bitbucket.run(&["apply"]).exits(0);
    let update = bitbucket.exchanges().into_iter().find(|exchange| exchange.method == "PUT").unwrap();
    let uuid = created["uuid"].as_str().unwrap().trim_matches(['{', '}']).to_owned();
    assert_eq!(update.path, format!("/2.0/repositories/acme/%7B{uuid}%7D"));
    assert_eq!(update.request_body, r#"{"description":"new"}"#);
}

#[test]
fn privacy_changes_in_the_order_that_bitbucket_allows() {
    let with = |private: bool| {
        format!(
            "version: 1\nworkspaces: [{{workspace: acme, projects: [{{key: P, is_private: {private}}}], repositories: [{{slug: a, project: P, is_private: {private}}}]}}]"
        )
    };
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&with(true));
    bitbucket.run(&["apply"]).exits(0);
    for private in [false, true, false] {
        bitbucket.manifest(&with(private));
        bitbucket.run(&["apply", "-j", "8", "--allow-public"]).exits(0);
        bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
    }
}

#[test]
fn deletions_need_to_be_permitted_by_number() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(3));
    bitbucket.run(&["apply"]).exits(0);
    bitbucket.manifest("version: 1\nworkspaces: [{workspace: acme, projects: [{key: P, state: absent}], repositories: [{slug: r0, state: absent}, {slug: r1, state: absent}, {slug: r2, state: absent}, {slug: never-was, state: absent}]}]");
    for allowed in [&[][..], &["--allow-delete", "3"]] {
        let run = bitbucket.run(&[&["apply", "--yes"], allowed].concat()).exits(7);
        assert!(run.stderr.contains("--allow-delete 4"), "{run}");
        assert_eq!(bitbucket.sent("DELETE"), 0);
    }
    let run = bitbucket.run(&["apply", "--allow-delete", "4", "-j", "1"]);
    insta::assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    acme has 3 repositories and 1 project

      - project    acme/P   deleted, must be empty  (state: absent, repos.yaml:2)
      - repository acme/r0  deleted, with its history  (state: absent, repos.yaml:2)
      - repository acme/r1  deleted, with its history  (state: absent, repos.yaml:2)
      - repository acme/r2  deleted, with its history  (state: absent, repos.yaml:2)

    4 to delete (--allow-delete 4), 1 unchanged.
    2 requests used; 4 to apply, 1 % of 1,000 an hour.

    4 done, in 4 requests.
    ----- stderr -----
    ");
    assert_eq!(bitbucket.sent("DELETE"), 4);
    bitbucket.run(&["apply"]).exits(0);
}

#[test]
fn a_failure_stops_only_what_needs_it() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(
        "\
version: 1
workspaces:
  - workspace: acme
    projects: [{key: GOOD}, {key: BAD, name: Taken}]
    repositories: [{slug: a, project: GOOD}, {slug: b, project: BAD}, {slug: c, project: BAD}, {slug: d, project: GOOD}]
",
    );
    // Keys that differ only in case collide, which a list read by their exact name does not show.
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "bad", "name": "Other"}));
    let run = bitbucket.run(&["apply", "-j", "1"]);
    insta::assert_snapshot!(run, @"
    exit code 5
    ----- stdout -----
    acme has 0 repositories and 1 project

      + project    acme/BAD   Taken
      + project    acme/GOOD
      + repository acme/a     project GOOD
      + repository acme/b     project BAD
      + repository acme/c     project BAD
      + repository acme/d     project GOOD

    6 to create.
    2 requests used; 6 to apply, 1 % of 1,000 an hour.

      failed project acme/BAD
            POST /2.0/workspaces/acme/projects was answered 400: Bad request;
            Project with this Owner and Key already exists.
      skipped acme/b, acme/c
            needs project acme/BAD, which failed

    3 done, 1 failed, 2 skipped, in 5 requests.
    Mend what failed, and run the same command again: what is done stays done.
    ----- stderr -----
    ");
    assert_eq!(bitbucket.by_hand("GET", "/repositories/acme/d", &Value::Null).0, 200);
}

/// Ctrl-C finishes what is on its way and says what was not tried; running again continues.
#[cfg(unix)]
#[test]
fn an_interrupted_apply_tells_the_truth_and_is_continued() {
    for (signal, code) in [("-INT", 130), ("-TERM", 6)] {
        let bitbucket = Bitbucket::with(Options { latency: Duration::from_millis(40), ..Options::default() });
        // Four seconds of work, so that even on a busy machine the signal comes into the middle of it.
        bitbucket.manifest(&manifest(400));
        let child = bitbucket.command(&["apply", "--format", "json", "-j", "4"]).spawn();
        let started = Instant::now();
        while bitbucket.sent("POST") < 8 {
            assert!(started.elapsed() < Duration::from_secs(30), "no write came");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let exist: HashSet<String> = (1..=4)
            .flat_map(|page| {
                let path = format!("/repositories/acme?pagelen=100&page={page}");
                bitbucket.by_hand("GET", &path, &Value::Null).1["values"].as_array().unwrap().clone()
            })
            .map(|found| found["slug"].as_str().unwrap().to_owned())
            .collect();
        let mut tally = (0, 0);
        for outcome in report["outcomes"].as_array().unwrap().iter().filter(|outcome| outcome["kind"] == "repository") {
            let name = outcome["address"].as_str().unwrap().trim_start_matches("acme/");
            match outcome["status"].as_str().unwrap() {
                "done" => tally.0 += usize::from(exist.contains(name)),
                "skipped" => tally.1 += usize::from(!exist.contains(name)),
                other => panic!("{other}: {outcome}"),
            }
        }
        assert_eq!(tally.0 + tally.1, 400, "{report:#}");
        assert!(tally.0 > 0 && tally.1 > 0, "{tally:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("what is on its way is finished first"), "{stderr}");
        bitbucket.run(&["apply", "-j", "32"]).exits(0);
        bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
        assert_eq!(bitbucket.sent("POST"), 401);
    }
}

#[test]
fn a_report_is_written_beside_in_another_format() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(1));
    bitbucket.run(&["plan", "--report", "json=plan.json", "--report", "human=plan.txt", "--color", "always"]).exits(0);
    let read = |name: &str| std::fs::read_to_string(bitbucket.folder.path().join(name)).unwrap();
    let plan: Value = serde_json::from_str(&read("plan.json")).unwrap();
    assert_eq!(plan["summary"]["create"], 2);
    assert!(read("plan.txt").contains("+ repository acme/r0"), "{}", read("plan.txt"));
    assert!(!read("plan.txt").contains('\u{1b}'));
}

#[test]
fn colour_is_where_it_is_wanted() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(1));
    let coloured = |arguments: &[&str]| bitbucket.run(arguments).exits(0).stdout.contains('\u{1b}');
    assert!(!coloured(&["plan"]));
    assert!(coloured(&["plan", "--color", "always"]));
    assert!(bitbucket.command(&["plan"]).env("CLICOLOR_FORCE", "1").run().stdout.contains('\u{1b}'));
    assert!(!coloured(&["plan", "--color", "never"]));
}
