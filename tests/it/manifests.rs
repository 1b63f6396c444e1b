//! Manifests that are wrong, hostile or merely unusual: every run ends soon and says where to look, and nothing is sent.

mod files;
mod hostile;
mod random;

use std::time::{Duration, Instant};

use crate::support::{Fake, Folder, Run, SECRET, answer};

/// Runs `validate` and `plan`, which must end alike and send nothing; gives the run of `validate`.
#[track_caller]
fn refused(folder: &Folder, inputs: &[&str], words: &[&str]) -> Run {
    let fake = Fake::new(|_| answer("500 Internal Server Error", "text/plain", "nobody was to come here"));
    let run = |command: &str| {
        let begun = Instant::now();
        let run = fake.command(folder, &[&[command], inputs].concat()).run();
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        assert_clean(&run);
        run.exits(3)
    };
    let (validate, plan) = (run("validate"), run("plan"));
    assert_eq!(validate.stderr, plan.stderr);
    assert_eq!((validate.stdout.as_str(), plan.stdout.as_str()), ("", ""));
    assert!(fake.requests().is_empty());
    for words in words {
        assert!(validate.stderr.contains(words), "no {words:?} in {validate}");
    }
    validate
}

/// Refuses one file with this text.
#[track_caller]
fn text_refused(text: impl AsRef<[u8]>, words: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", text);
    refused(&folder, &[], words)
}

/// Accepts one file with this text.
#[track_caller]
fn text_accepted(text: impl AsRef<[u8]>, words: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", text);
    accepted(&folder, &[], words)
}

#[track_caller]
fn accepted(folder: &Folder, inputs: &[&str], words: &[&str]) -> Run {
    let run = crate::support::Bbprov::new(folder, &[&["validate"], inputs].concat()).run().exits(0);
    assert_clean(&run);
    for words in words {
        assert!(run.stdout.contains(words), "no {words:?} in {run}");
    }
    run
}

/// Nothing that moves a cursor, no secret, no panic, and never more than a person can read.
#[track_caller]
fn assert_clean(run: &Run) {
    for never in [SECRET, "panicked", "\u{1b}", "\u{202e}", "\u{7}", "\u{8}", "\0"] {
        assert!(!run.stdout.contains(never) && !run.stderr.contains(never), "{never:?} in {run}");
    }
    assert!(run.stderr.len() < 40_000, "{} bytes", run.stderr.len());
}

/// A manifest with these repositories in one workspace.
fn manifest(repositories: &str) -> String {
    format!("version: 1\nworkspaces:\n  - workspace: acme\n    repositories: [{repositories}]\n")
}

/// What Bitbucket has no API for is called that, not a spelling mistake.
#[test]
fn what_the_api_cannot_do_is_said() {
    text_refused(
        "version: 1\nworkspaces:\n- workspace: acme\n  groups: [devs]\n  projects: [{key: PAY, branch_restrictions: []}]\n  repositories: [{slug: a, project: PAY, default_merge_strategy: squash}]\n",
        &[
            "groups and memberships can only be changed",
            "a project's branch restrictions can only be set",
            "merge strategies can be read",
            "3 errors",
        ],
    );
}
