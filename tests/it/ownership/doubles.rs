//! Several things of one name, of which the manifest lists one: webhooks with the same URL.

use serde_json::{Value, json};

use super::{manifest, run};
use crate::support::Bitbucket;

const HOOKS: &str = "/repositories/acme/ledger/hooks";
const LISTED: &str = "webhooks: [{url: 'https://ci.example.com', description: CI, events: ['repo:push']}]";

/// A repository with three webhooks of one URL, of which the second is just as the manifest says, and one more.
fn doubled() -> (Bitbucket, Value) {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest("", "webhooks: []"));
    run(&bitbucket, &["apply"]).exits(0);
    let hook = |url: &str, description: &str, events: &[&str]| {
        let body = json!({"url": url, "description": description, "events": events});
        bitbucket.by_hand("POST", HOOKS, &body).1["uuid"].clone()
    };
    hook("https://ci.example.com", "old CI", &["repo:push"]);
    let best = hook("https://ci.example.com", "CI", &["repo:push"]);
    hook("https://ci.example.com", "CI", &["repo:push", "repo:fork"]);
    hook("https://other.example.com", "other", &["repo:push"]);
    hook("https://other.example.com", "other", &["repo:push"]);
    (bitbucket, best)
}

#[test]
fn of_several_the_one_most_like_the_manifest_is_managed() {
    let (bitbucket, _) = doubled();
    bitbucket.manifest(&manifest("", LISTED));
    insta::assert_snapshot!(run(&bitbucket, &["plan", "--detailed-exitcode"]), @"
    exit code 0
    ----- stdout -----
    acme has 1 repository and 1 project

      note acme/ledger webhook https://ci.example.com: there are 3 of these; the one
           most like the manifest is managed, and the others stay as they are

    Nothing to do: all 3 managed objects are as the manifest says.
    3 requests used.
    ----- stderr -----
    ");
    // Something else of it is wanted, and the same one is changed.
    bitbucket.manifest(&manifest("", &LISTED.replace("repo:push", "repo:created")));
    let changes = &run(&bitbucket, &["plan", "--format", "json"]).json()["changes"];
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes:#}");
    assert_eq!(changes[0]["fields"][0]["from"], json!(["repo:push"]), "{changes:#}");
}

#[test]
fn an_exclusive_section_holds_none_of_the_others() {
    let (bitbucket, best) = doubled();
    bitbucket.manifest(&manifest("webhooks", LISTED));
    let plan = run(&bitbucket, &["plan", "--format", "json"]).exits(0).json();
    let mut addresses: Vec<&str> =
        plan["changes"].as_array().unwrap().iter().map(|change| change["address"].as_str().unwrap()).collect();
    assert_eq!(addresses.len(), 4, "{plan:#}");
    addresses.dedup();
    assert_eq!(addresses.len(), 4, "each by a name of its own: {plan:#}");
    let refused = run(&bitbucket, &["apply"]).exits(7);
    assert!(refused.stderr.contains("removes 4, of them 4 of the 5 webhooks of acme/ledger"), "{refused}");
    let applied = run(&bitbucket, &["apply", "--allow-remove", "4"]).exits(0);
    assert!(applied.says("removed: repo:push (exclusive, repos.yaml:8; one like it stays)"), "{applied}");
    let left = bitbucket.by_hand("GET", HOOKS, &Value::Null).1;
    assert_eq!((left["size"].as_u64(), &left["values"][0]["uuid"]), (Some(1), &best), "{left:#}");
    run(&bitbucket, &["plan", "--detailed-exitcode"]).exits(0);
}
