//! What is no state, or one that nobody wrote in good faith: every run ends soon, says what it was given and shows none of it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{SECRET, import, repository, resource, resources, state};
use crate::support::{Bbprov, Folder};

#[track_caller]
fn refused(text: impl AsRef<[u8]>, words: &str) {
    let begun = Instant::now();
    let run = import(text).exits(3);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(run.stdout, "", "{run}");
    assert!(run.stderr.contains(words), "no {words:?} in {run}");
    assert!(!run.stderr.contains(SECRET) && !run.stderr.contains("panicked") && run.stderr.len() < 1_000, "{run}");
}

#[test]
fn what_is_no_state_is_told_by_what_it_is() {
    let whole = state(&[resource("bitbucket_repository", "ledger", repository("ledger"))]);
    for (text, words) in [
        ("", "there is nothing in it"),
        (" \n", "there is nothing in it"),
        ("# s3cr3t\nresource \"bitbucket_repository\" \"x\" {\n}\n", "this is a configuration, not a state"),
        ("s3cr3t: yes", "this is not JSON"),
        ("[]", "this is not JSON"),
        ("{\"version\": 4, \"s3cr3t\" 1}", "this is not JSON from line 1, column 25 on"),
        (&whole[..whole.len() - 20], "it ends in the middle, in line 1"),
        ("{}", "this is JSON, but no state"),
        ("{\"version\": \"s3cr3t\"}", "this is JSON, but no state"),
        ("{\"version\": 4}", "this state holds no resources"),
        ("{\"version\": 3, \"modules\": []}", "a state of version 3, and only version 4 is read"),
        ("{\"version\": 5, \"resources\": []}", "a state of version 5, and only version 4 is read"),
        ("{\"format_version\": \"1.2\", \"planned_values\": {}}", "this is a plan"),
        ("{\"format_version\": \"1.0\", \"values\": {}}", "`terraform show -json`"),
        ("{\"meta\": {}, \"encrypted_data\": \"s3cr3t\", \"encryption_version\": \"v0\"}", "`tofu state pull`"),
        ("PK\u{3}\u{4}s3cr3t", "this is a saved plan"),
        ("{\"version\": 4, \"resources\": \"s3cr3t\"}", "not written as a state of version 4"),
        ("{\"version\": 4, \"resources\": [{\"type\": \"s3cr3t\"}]}", "not written as a state of version 4"),
        ("{\"version\": 4, \"resources\": []}", "nothing of the DrFaust92 or zahiar provider, no resources at all"),
    ] {
        refused(text, words);
    }
    refused(b"{\"version\": 4, \"\xff s3cr3t\"}", "this is not text");
    let other =
        json!({"mode": "managed", "type": "x", "name": "x", "provider": "provider[\"a/b/c\"]", "instances": [{}, {}]});
    refused(state(&[other]), "nothing of the DrFaust92 or zahiar provider, resources of others: b/c 2");
    let missing = Bbprov::new(&Folder::new(), &["import-terraform", "terraform.tfstate"]).run().exits(1);
    assert!(missing.stderr.contains("cannot read terraform.tfstate"), "{missing}");
    Bbprov::new(&Folder::new(), &["import-terraform"]).run().exits(64);
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = "[".repeat(1_000_000);
    refused(format!("{{\"version\": 4, \"resources\": [], \"x\": {deep}"), "line 1");
    refused(format!("{{\"version\": 4, \"resources\": {deep}"), "line 1");
    refused(" ".repeat((64 << 20) + 1), "larger than 64 MB");
}

/// What one resource cannot be is no reason to leave the others behind.
#[test]
fn a_resource_that_cannot_be_stops_no_other() {
    let mut deep = String::from("1");
    for _ in 0..10_000 {
        deep = format!("[{deep}]");
    }
    let ledger = resource("bitbucket_repository", "ledger", repository("ledger")).to_string();
    let broken = |attributes: &str| {
        format!(
            "{{\"mode\": \"managed\", \"type\": \"bitbucket_repository\", \"name\": \"broken\", \"provider\": \
             \"provider.bitbucket\", \"instances\": [{{\"attributes\": {attributes}}}]}}"
        )
    };
    let long = "x".repeat(200_000);
    for attributes in [
        "null",
        "[]",
        "\"s3cr3t\"",
        &deep,
        &format!("{{\"owner\": {deep}}}"),
        &format!("{{\"owner\": \"acme\", \"name\": \"{long}\", \"project_key\": \"{long}\"}}"),
        &format!("{{\"owner\": \"{long}\", \"name\": \"a\", \"project_key\": \"A\"}}"),
        "{\"owner\": \"a/../b\", \"name\": \"../..\", \"project_key\": \"\\u001b[2J\"}",
        "{\"owner\": \"acme\", \"name\": 7, \"project_key\": {\"a\": 1}}",
        "{\"owner\": \"acme\", \"slug\": \"a\", \"name\": [\"\\u202e\"], \"project_key\": \"A\", \"is_private\": \"yes\"}",
    ] {
        let text = format!("{{\"version\": 4, \"resources\": [{}, {ledger}]}}", broken(attributes));
        let run = import(text).exits(0);
        assert!(run.stdout.contains("- {slug: ledger, project: PAY}"), "{run}");
        assert!(run.stderr.contains("bitbucket_repository.broken") || run.stdout.contains("slug: a\n"), "{run}");
        assert!(!run.stderr.contains(['\u{1b}', '\u{202e}']) && run.stderr.len() < 3_000, "{run}");
        assert!(!run.to_string().contains(SECRET), "{run}");
    }
}

/// A large state takes no longer than its size.
#[test]
fn many_resources_are_read_in_time() {
    let instances: Vec<_> = (0..5_000).map(|number| (json!(number), repository(&format!("r{number}")))).collect();
    let text = state(&[resources("bitbucket_repository", "all", &instances)]);
    let begun = Instant::now();
    let run = import(text).exits(0);
    assert!(run.stderr.contains("5000 repositories"), "{}", run.stderr);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
