//! What a credential may do, as far as that can be known before anything is written.

use bbprov::sandbox::Options;

use super::{MANIFEST, assert_refused, assert_secret};
use crate::support::{Bitbucket, Fake, Folder, SECRET, answer};

const JSON: &str = "application/json";

#[test]
fn missing_scopes_are_told_after_the_plan_and_before_any_write() {
    let scopes = Some(["repository", "project"].map(str::to_owned).to_vec());
    let bitbucket = Bitbucket::with(Options { scopes, ..Options::default() });
    bitbucket.manifest(MANIFEST);
    for command in ["plan", "apply"] {
        let run = bitbucket.run(&[command]).exits(4);
        assert!(run.stdout.contains("2 to create"), "{run}");
        assert!(run.stderr.contains("lacks project:admin") && run.stderr.contains("repository:admin"), "{run}");
    }
    assert_eq!(bitbucket.sent("POST"), 0);
    let run = bitbucket.led_here(&["plan"]).env("BITBUCKET_ACCESS_TOKEN", SECRET).run().exits(4);
    assert_secret(&run);
    assert!(run.stderr.contains("lacks project:admin"), "learnt from X-OAuth-Scopes: {run}");
}

fn run(status: &'static str, body: &'static str) -> crate::support::Run {
    let fake = Fake::new(move |_| answer(status, JSON, body));
    let folder = Folder::new();
    folder.write("repos.yaml", MANIFEST);
    let run = fake.command(&folder, &["plan"]).run();
    assert_secret(&run);
    run
}

#[test]
fn a_scope_that_reading_needs_is_told_as_what_is_missing() {
    let body = r#"{"type": "error", "error": {"message": "Your credentials lack one or more required privilege scopes.",
        "detail": {"required": ["repository", "project"], "granted": ["repository", "webhook"]}}}"#;
    let run = run("403 Forbidden", body);
    assert!(!run.stderr.contains("webhook"), "{run}");
    assert_refused(run, &["acme", "lacks the scope project ", "GET /2.0/"]);
}

#[test]
fn a_workspace_that_is_closed_is_about_the_credential() {
    let body = r#"{"type": "error", "error": {"message": "You do not have access to this workspace."}}"#;
    assert_refused(run("403 Forbidden", body), &["no access to the workspace `acme`", "GET /2.0/"]);
}

#[test]
fn a_workspace_that_is_missing_is_about_the_manifest() {
    let body = r#"{"type": "error", "error": {"message": "No workspace with identifier \u001b[31m'acme'\u202e."}}"#;
    let run = run("404 Not Found", body).exits(3);
    assert!(run.stderr.contains("repos.yaml:2:26"), "{run}");
    assert!(run.stderr.contains("there is no workspace `acme`") && run.stderr.contains("No workspace with"), "{run}");
    assert!(!run.stderr.contains('\u{202e}'), "{run}");
}
