//! Writes whose answer was lost, refused or not kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{JSON, MANIFEST, assert_silent_of, json, page};
use crate::support::{Fake, Folder, Run, SECRET, answer};

const PROJECT: &str = r#"{"key": "PAY", "uuid": "{p}", "is_private": true}"#;
const LEDGER: &str = r#"{"slug": "ledger", "uuid": "{l}", "project": {"key": "PAY"}, "description": "Entries"}"#;

/// A Bitbucket with the project and without the repository, which answers the rest of the requests so.
fn without_repository(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Fake {
    Fake::new(move |head| match head {
        _ if head.starts_with("GET /2.0/workspaces/acme/projects?") => page(PROJECT),
        _ if head.starts_with("GET /2.0/repositories/acme?") => page(""),
        _ => answer(head),
    })
}

fn apply(fake: &Fake, manifest: &str) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", manifest);
    let run = fake.command(&folder, &["apply", "-v", "--format", "json", "--timeout", "2s"]).run();
    assert_silent_of(&run, &[SECRET]);
    run
}

fn sent(fake: &Fake, method: &str) -> usize {
    fake.requests().iter().filter(|request| request.starts_with(method)).count()
}

/// The error of the only outcome, or its status.
fn outcome(run: &Run, at: usize) -> String {
    let outcome = &run.json()["outcomes"][at];
    outcome["error"].as_str().or(outcome["status"].as_str()).unwrap_or_default().to_owned()
}

/// Answers that say nothing about what became of a POST.
fn lost() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        json(LEDGER)[..100].to_vec(),
        answer("500 Internal Server Error", "text/html", "<html>"),
        answer("504 Gateway Timeout", JSON, "{}"),
        answer("200 OK", "text/html", "<html>"),
        json("{\"slug\": "),
        json("[]"),
        json("17"),
        json(""),
    ]
}

#[test]
fn a_create_whose_answer_was_lost_is_looked_up_and_not_repeated() {
    for lost in lost() {
        let told = String::from_utf8_lossy(&lost).into_owned();
        let fake = without_repository(move |head| if head.starts_with("POST") { lost.clone() } else { json(LEDGER) });
        let run = apply(&fake, MANIFEST).exits(0);
        assert_eq!(outcome(&run, 0), "done", "{told}: {run}");
        assert_eq!((sent(&fake, "POST"), sent(&fake, "GET /2.0/repositories/acme/ledger")), (1, 1), "{told}: {run}");
    }
}

#[test]
fn a_create_that_did_not_happen_is_repeated() {
    let posts = AtomicUsize::new(0);
    let fake = without_repository(move |head| match head {
        _ if !head.starts_with("POST") => answer("404 Not Found", JSON, "{}"),
        _ if posts.fetch_add(1, Ordering::Relaxed) == 0 => Vec::new(),
        _ => json(LEDGER),
    });
    let run = apply(&fake, MANIFEST).exits(0);
    assert_eq!((outcome(&run, 0).as_str(), sent(&fake, "POST")), ("done", 2), "{run}");
}

#[test]
fn a_create_that_never_happens_is_told() {
    let fake = without_repository(move |head| match head.starts_with("POST") {
        true => Vec::new(),
        false => answer("404 Not Found", JSON, "{}"),
    });
    let run = apply(&fake, MANIFEST).exits(5);
    assert!(outcome(&run, 0).starts_with("POST /2.0/repositories/acme/ledger got no answer"), "{run}");
    assert_eq!(sent(&fake, "POST"), 3);
}

#[test]
fn what_exists_already_is_taken_if_it_is_what_was_asked_for() {
    let exists = r#"{"type": "error", "error": {"message": "Repository with this Slug and Owner already exists.",
        "fields": {"name": ["You already have a repository with this name."]}}}"#;
    let refusing = |there: &'static str| {
        without_repository(move |head| match head.starts_with("POST") {
            true => answer("400 Bad Request", JSON, exists),
            false => json(there),
        })
    };
    let fake = refusing(LEDGER);
    let run = apply(&fake, MANIFEST).exits(0);
    assert_eq!((outcome(&run, 0).as_str(), sent(&fake, "POST")), ("done", 1), "{run}");
    let fake = refusing(r#"{"slug": "ledger", "project": {"key": "OTHER"}, "description": "Entries"}"#);
    let run = apply(&fake, MANIFEST).exits(5);
    assert!(outcome(&run, 0).contains("project is \"OTHER\", not \"PAY\""), "{run}");
    assert_eq!(sent(&fake, "POST"), 1);
}

#[test]
fn one_that_fails_does_not_stop_its_siblings() {
    let fake = without_repository(|head| match head.starts_with("POST /2.0/repositories/acme/bad ") {
        true => answer("400 Bad Request", JSON, "{\"error\": {\"message\": \"no \\u001b[31m such \\u202e luck\"}}"),
        false => {
            let slug = head.split(' ').nth(1).unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
            json(&format!(r#"{{"slug": "{slug}", "project": {{"key": "PAY"}}}}"#))
        }
    });
    let manifest = "version: 1
defaults: {repository: {project: PAY}}
workspaces: [{workspace: acme, repositories: [{slug: a}, {slug: bad}, {slug: c}]}]
";
    let run = apply(&fake, manifest).exits(5);
    assert_eq!((outcome(&run, 0), outcome(&run, 2)), ("done".into(), "done".into()), "{run}");
    assert!(outcome(&run, 1).contains("POST /2.0/repositories/acme/bad was answered 400: no"), "{run}");
    assert_eq!(sent(&fake, "POST"), 3);
}

#[test]
fn what_needs_a_project_that_failed_is_skipped_and_says_so() {
    let fake = Fake::new(|head| match head.starts_with("GET") {
        true => page(""),
        false => answer("400 Bad Request", JSON, r#"{"error": {"message": "no"}}"#),
    });
    let run = apply(&fake, &MANIFEST.replace("workspace: acme,", "workspace: acme, projects: [{key: PAY}],")).exits(5);
    assert!(outcome(&run, 0).contains("POST /2.0/workspaces/acme/projects was answered 400: no"), "{run}");
    assert!(outcome(&run, 1).contains("needs project acme/PAY, which failed"), "{run}");
    assert_eq!(sent(&fake, "POST"), 1);
}

/// A Bitbucket in which the repository has another description, and answers an update so.
fn with_repository(update: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Fake {
    Fake::new(move |head| match head {
        _ if head.starts_with("GET /2.0/workspaces/acme/projects?") => page(PROJECT),
        _ if head.starts_with("GET /2.0/repositories/acme?") => page(&LEDGER.replace("Entries", "Old")),
        _ => update(),
    })
}

#[test]
fn an_update_that_is_accepted_and_not_made_is_told() {
    let fake = with_repository(|| json(&LEDGER.replace("Entries", "Old")));
    let run = apply(&fake, MANIFEST).exits(5);
    assert!(outcome(&run, 0).contains("accepted the change and did not make it"), "{run}");
    assert!(outcome(&run, 0).contains("description is \"Old\", not \"Entries\""), "{run}");
    assert_eq!(sent(&fake, "PUT /2.0/repositories/acme/%7Bl%7D"), 1);
}

#[test]
fn an_update_whose_answer_cannot_be_used_is_told() {
    let words = [("<html>", "text/html"), ("{\"slug", JSON)];
    for (body, content_type) in words {
        let fake = with_repository(move || answer("200 OK", content_type, body));
        let run = apply(&fake, MANIFEST).exits(5);
        assert!(outcome(&run, 0).starts_with("PUT /2.0/repositories/acme/%7Bl%7D got an answer"), "{run}");
    }
}

#[test]
fn an_update_that_redirects_sends_nothing_elsewhere() {
    let elsewhere = super::Elsewhere::new();
    let to = format!("Location: http://{}/x", elsewhere.address());
    let fake = with_repository(move || super::with_header(answer("307 Temporary Redirect", JSON, ""), &to));
    let run = apply(&fake, MANIFEST).exits(5);
    assert!(outcome(&run, 0).contains("redirect"), "{run}");
    elsewhere.assert_untouched();
}

#[test]
fn a_credential_that_is_refused_stops_new_work() {
    let fake =
        without_repository(|_| answer("401 Unauthorized", JSON, r#"{"error": {"message": "Token is invalid"}}"#));
    let folder = Folder::new();
    let slugs: String = (0..50).map(|n| format!("{{slug: r{n}}},")).collect();
    let manifest = format!(
        "version: 1\ndefaults: {{repository: {{project: PAY}}}}\nworkspaces: [{{workspace: acme, repositories: [{slugs}]}}]"
    );
    folder.write("repos.yaml", manifest);
    let run = fake.command(&folder, &["apply", "-j", "4", "--format", "json"]).run().exits(4);
    assert!(sent(&fake, "POST") <= 4, "{}", sent(&fake, "POST"));
    assert_eq!(run.json()["summary"]["skipped"], 50 - sent(&fake, "POST"), "{run}");
    assert!(run.stderr.contains("BITBUCKET_ACCESS_TOKEN"), "{run}");
}

#[test]
fn a_create_whose_answer_names_nothing_is_not_done() {
    for found in ["{}", r#"{"slug": "other"}"#, r#"{"type": "error"}"#] {
        let fake = without_repository(move |head| match head.starts_with("POST") {
            true => json("{}"),
            false => json(found),
        });
        let run = apply(&fake, MANIFEST).exits(5);
        assert_ne!(outcome(&run, 0), "done", "{run}");
    }
}
