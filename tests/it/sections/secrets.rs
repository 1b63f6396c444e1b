//! Secrets in sections: fetched once, only when they are needed, and seen nowhere.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{drift, ledger};
use crate::official::holds;
use crate::support::{Bitbucket, Fake, Run, answer};

const TOKEN: &str = "t0p-s3cr3t/\"quoted\"";
const SHORT: &str = "pa55";

/// The program with an API token, and with these variables.
pub fn with(bitbucket: &Bitbucket, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let command = bitbucket.led_here(arguments);
    let command = command.env("BITBUCKET_EMAIL", "olive@example.com").env("BITBUCKET_API_TOKEN", "token");
    let command = command.env("PATH", "/usr/bin:/bin");
    variables.iter().fold(command, |command, (name, value)| command.env(name, value)).run()
}

#[track_caller]
pub fn assert_unseen(run: &Run, secret: &str) {
    assert!(!run.to_string().contains(secret), "{run}");
}

const SECTIONS: &str = "pipelines: {variables: [{key: TOKEN, secured: true, value: {env: CI_TOKEN}}, \
     {key: SAME, secured: true, value: {command: [sh, -c, 'echo x >> count; cat short']}}, \
     {key: AGAIN, secured: true, value: {command: [sh, -c, 'echo x >> count; cat short']}}]}, \
     webhooks: [{url: 'https://ci.example.com', events: ['repo:push'], secret: {file: hook}}]";

fn secrets(bitbucket: &Bitbucket) -> [(&'static str, &'static str); 1] {
    bitbucket.folder.write("short", SHORT);
    bitbucket.folder.write("hook", "hook-secret-of-many-letters\n");
    [("CI_TOKEN", TOKEN)]
}

fn fetched(bitbucket: &Bitbucket) -> usize {
    std::fs::read_to_string(bitbucket.folder.path().join("count")).map_or(0, |text| text.lines().count())
}

fn assert_none_seen(run: &Run) {
    for secret in [TOKEN, SHORT, "hook-secret-of-many-letters", "s3cr3t"] {
        assert_unseen(run, secret);
    }
}

#[test]
fn they_are_fetched_once_and_only_when_they_are_needed() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", SECTIONS));
    for format in ["human", "json"] {
        assert_none_seen(&with(&bitbucket, &["plan", "-v", "--format", format], &[]).exits(0));
    }
    assert_eq!(fetched(&bitbucket), 0, "a plan needs none");
    let variables = secrets(&bitbucket);
    let run = with(&bitbucket, &["apply", "-v", "--report", "json=report.json"], &variables).exits(0);
    assert_none_seen(&run);
    let report = std::fs::read_to_string(bitbucket.folder.path().join("report.json")).unwrap();
    assert!(!report.contains("s3cr3t") && report.contains("\"env\": \"CI_TOKEN\""), "{report}");
    assert_eq!(fetched(&bitbucket), 1, "one source, two variables");
    let sent: Vec<Value> = bitbucket
        .exchanges()
        .iter()
        .filter(|exchange| exchange.method == "POST")
        .map(|exchange| serde_json::from_str(&exchange.request_body).unwrap())
        .collect();
    let value = |key: &str| sent.iter().find(|body| body["key"] == key).map(|body| body["value"].clone()).unwrap();
    assert_eq!((value("TOKEN"), value("SAME"), value("AGAIN")), (json!(TOKEN), json!(SHORT), json!(SHORT)));
    assert!(sent.iter().any(|body| body["secret"] == "hook-secret-of-many-letters"));

    // Nothing is compared, nothing is rewritten, nothing is needed; and that is said once for each kind.
    let run = with(&bitbucket, &["apply"], &[]).exits(0);
    insta::assert_snapshot!(run.stdout, @"
    acme has 1 repository and 1 project

      note acme/ledger variable AGAIN: whether value is still the same secret cannot
           be seen, nor of 2 more; --rewrite-secrets PATTERN writes it again
      note acme/ledger webhook https://ci.example.com: whether secret is still the
           same secret cannot be seen; --rewrite-secrets PATTERN writes it again

    Nothing to do: all 6 managed objects are as the manifest says.
    4 requests used.
    ");
    // Neither for a change of something else.
    let hooks = "/repositories/acme/ledger/hooks";
    let (_, page) = bitbucket.by_hand("GET", hooks, &Value::Null);
    let hook = format!("{hooks}/{}", super::environments::encoded(&page["values"][0]["uuid"]));
    bitbucket.by_hand("PUT", &hook, &json!({"events": ["repo:fork"]}));
    with(&bitbucket, &["apply"], &[]).exits(0);
    assert_eq!(bitbucket.by_hand("GET", &hook, &Value::Null).1["secret_set"], true);
    assert_eq!(fetched(&bitbucket), 1);
    holds(&bitbucket);
}

#[test]
fn what_is_known_to_have_none_gets_one() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "webhooks: [{url: 'https://ci.example.com', events: ['repo:push']}]"));
    with(&bitbucket, &["apply"], &[]).exits(0);
    bitbucket.manifest(&ledger(
        "",
        "webhooks: [{url: 'https://ci.example.com', events: ['repo:push'], secret: {env: HOOK}}]",
    ));
    assert_eq!(drift(&bitbucket), ["update acme/ledger/webhooks/https://ci.example.com secret"]);
    with(&bitbucket, &["apply"], &[("HOOK", "x")]).exits(0);
    assert_eq!(drift(&bitbucket), [""; 0]);
}

#[test]
fn they_are_rewritten_on_demand() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", SECTIONS));
    let variables = secrets(&bitbucket);
    with(&bitbucket, &["apply"], &variables).exits(0);
    let rewrite = ["plan", "--rewrite-secrets", "acme/ledger/pipelines/*", "--format", "json"];
    let plan = with(&bitbucket, &rewrite, &[]).exits(0).json();
    let changed: Vec<_> = plan["changes"].as_array().unwrap().iter().map(|change| change["address"].clone()).collect();
    let of = |key: &str| format!("acme/ledger/pipelines/variables/{key}");
    assert_eq!(changed, [of("AGAIN"), of("SAME"), of("TOKEN")]);
    assert_eq!(plan["changes"][2]["fields"], json!([{"name": "value", "from": null, "to": {"env": "CI_TOKEN"}}]));
    let run = with(&bitbucket, &["plan", "--rewrite-secrets", "acme/ledger/pipelines/variables/T*"], &[]).exits(0);
    insta::assert_snapshot!(run.stdout, @"
    acme has 1 repository and 1 project

        repository acme/ledger
          ~ variable TOKEN  value  unseen → {env: CI_TOKEN}

      note acme/ledger variable AGAIN: whether value is still the same secret cannot
           be seen, nor of 1 more; --rewrite-secrets PATTERN writes it again
      note acme/ledger webhook https://ci.example.com: whether secret is still the
           same secret cannot be seen; --rewrite-secrets PATTERN writes it again

    1 to update, 5 unchanged.
    4 requests used; 1 to apply, 1 % of 1,000 an hour.
    ");
    let run = with(&bitbucket, &["apply", "--rewrite-secrets", "acme/ledger"], &[("CI_TOKEN", "another")]).exits(0);
    assert!(run.stdout.contains("4 done"), "{run}");
    let bodies: Vec<Value> = bitbucket
        .exchanges()
        .iter()
        .filter(|exchange| exchange.method == "PUT")
        .map(|exchange| serde_json::from_str(&exchange.request_body).unwrap())
        .collect();
    assert!(bodies.contains(&json!({"key": "TOKEN", "value": "another", "secured": true})), "{bodies:?}");
    for (pattern, why) in [("acme/ledgr", "did you mean acme/ledger?"), ("acme/PAY", "gives no secret")] {
        let run = with(&bitbucket, &["plan", "--rewrite-secrets", pattern], &[]).exits(64);
        assert!(run.stderr.contains(why), "{run}");
    }
    holds(&bitbucket);
}

#[test]
fn all_that_are_missing_are_told_together_before_anything_is_written() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", &SECTIONS.replace("cat short", "exit 3").replace("}, ", "},\n         ")));
    let run = with(&bitbucket, &["apply"], &[]).exits(4);
    assert_eq!(["POST", "PUT", "DELETE"].map(|method| bitbucket.sent(method)), [0, 0, 0]);
    insta::assert_snapshot!(run.stderr, @"
    error[BB0506]: the environment variable CI_TOKEN is not set
     --> repos.yaml:7:97
      |
    7 | ...es: {variables: [{key: TOKEN, secured: true, value: {env: CI_TOKEN}},
      |                                                        ^ the variable acme/ledger/pipelines/variables/TOKEN takes its `value` from here
      |
      = help: export CI_TOKEN=…

    error[BB0506]: the command sh: it failed (exit status: 3)
     --> repos.yaml:9:45
      |
    9 | ...N, secured: true, value: {command: [sh, -c, 'echo x >> count; exit 3'...
      |                             ^ the variable acme/ledger/pipelines/variables/AGAIN takes its `value` from here
      |
      = help: the same holds for 1 more

    error[BB0506]: cannot read hook: No such file or directory (os error 2)
      --> repos.yaml:10:84
       |
    10 | ...ps://ci.example.com', events: ['repo:push'], secret: {file: hook}}]}
       |                                                         ^ the webhook acme/ledger/webhooks/https://ci.example.com takes its `secret` from here

    3 errors
    ");
}

/// What was plain gets secured with the secret; that is all that needs it.
#[test]
fn a_plain_variable_becomes_a_secret() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "pipelines: {variables: [{key: TOKEN, value: x}]}"));
    with(&bitbucket, &["apply"], &[]).exits(0);
    bitbucket.manifest(&ledger("", "pipelines: {variables: [{key: TOKEN, secured: true, value: {env: CI_TOKEN}}]}"));
    assert_eq!(drift(&bitbucket), ["update acme/ledger/pipelines/variables/TOKEN secured"]);
    with(&bitbucket, &["apply"], &[]).exits(4);
    assert_none_seen(&with(&bitbucket, &["apply"], &[("CI_TOKEN", TOKEN)]).exits(0));
    assert_eq!(drift(&bitbucket), [""; 0]);
}

/// A sandbox in the process takes whatever stands in for a secret.
#[test]
fn a_trial_needs_none() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", SECTIONS));
    with(&bitbucket, &["apply", "--sandbox"], &[]).exits(0);
    assert_eq!(fetched(&bitbucket), 0);
}

/// Whoever answers may repeat what it was sent, as it was or as JSON writes it.
#[test]
fn an_answer_that_repeats_them_does_not_show_them() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [\
         {key: A, secured: true, value: {env: CI_TOKEN}}, {key: B, secured: true, value: {env: SHORT}}]}}]",
    );
    let (json, text) = ("application/json", "text/plain");
    for (status, kind) in [
        ("400 Bad Request", json),
        ("400 Bad Request", text),
        ("409 Conflict", json),
        ("403 Forbidden", text),
        ("500 Internal Server Error", json),
        ("200 OK", text),
    ] {
        let fake = Fake::new(move |head| {
            if head.starts_with("GET") {
                return answer("200 OK", json, "{\"values\": []}");
            }
            let repeated = json!({"type": "error", "error": {
                "message": format!("bad value {TOKEN}"),
                "detail": TOKEN,
                "fields": {"value": [TOKEN, SHORT, format!("'{SHORT}'")]},
                "data": {"arguments": {"value": TOKEN}},
            }});
            let body = if kind == json { repeated.to_string() } else { format!("cannot take {TOKEN} nor {SHORT}") };
            answer(status, kind, &body)
        });
        let command = fake.command(&bitbucket.folder, &["apply", "-v", "--report", "json=report.json"]);
        let run = command.env("CI_TOKEN", TOKEN).env("SHORT", SHORT).run().exits(5);
        assert_none_seen(&run);
        assert!(run.stdout.contains("(hidden)") || status.starts_with("200"), "{run}");
        let report = std::fs::read_to_string(bitbucket.folder.path().join("report.json")).unwrap();
        assert!(!report.contains("s3cr3t") && !report.contains(SHORT), "{report}");
    }
}

/// A variable that came to be between the plan and its apply has a value that nobody can see.
#[test]
fn what_somebody_else_made_meanwhile_is_not_taken_for_done() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: A, secured: true, value: {env: CI_TOKEN}}]}}]",
    );
    let posted = AtomicBool::new(false);
    let fake = Fake::new(move |head| {
        let there = posted.fetch_or(head.starts_with("POST"), Ordering::Relaxed);
        let (status, body) = match (head.starts_with("POST"), there) {
            (true, _) => ("409 Conflict", json!({"type": "error", "error": {"message": "Conflict"}})),
            (false, true) => ("200 OK", json!({"values": [{"uuid": "{1}", "key": "A", "secured": true}]})),
            (false, false) => ("200 OK", json!({"values": []})),
        };
        answer(status, "application/json", &body.to_string())
    });
    let run = fake.command(&bitbucket.folder, &["apply"]).env("CI_TOKEN", TOKEN).run().exits(5);
    assert!(run.says("cannot be seen: run it again with --rewrite-secrets"), "{run}");
}
