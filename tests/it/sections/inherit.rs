//! What repositories have from their projects.

use serde_json::{Value, json};

use super::{as_olive, drift, heals, ledger, settles};
use crate::support::Bitbucket;

const PATH: &str = "/repositories/acme/ledger/override-settings";

#[test]
fn each_field_heals_by_itself() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "inherit: {branching_model: true, default_merge_strategy: false}"));
    settles(&bitbucket);
    for (body, field) in [
        (json!({"branching_model": false}), "branching_model"),
        (json!({"default_merge_strategy": true}), "default_merge_strategy"),
    ] {
        let expected = format!("update acme/ledger/inherit {field}");
        let sent = heals(&bitbucket, ("PUT", PATH, body), &[&expected], 1);
        assert_eq!(sent.as_object().map(serde_json::Map::len), Some(1), "only what changes, at the top: {sent}");
    }
    bitbucket.manifest(&ledger("", "inherit: {branching_model: false}"));
    assert_eq!(drift(&bitbucket), ["update acme/ledger/inherit branching_model"]);
    settles(&bitbucket);
    let (_, shown) = bitbucket.by_hand("GET", PATH, &Value::Null);
    assert_eq!(shown["default_merge_strategy"], json!(false), "what the manifest does not say stays");
}

#[test]
fn it_is_read_back_once_and_that_is_in_the_bill() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "inherit: {branching_model: true}"));
    settles(&bitbucket);
    bitbucket.by_hand("PUT", PATH, &json!({"branching_model": false}));
    let before = bitbucket.sent("GET") + bitbucket.sent("PUT");
    let run = as_olive(&bitbucket, &["apply", "--format", "json"]).exits(0).json();
    let sent = bitbucket.sent("GET") + bitbucket.sent("PUT") - before;
    assert_eq!(run["requests"]["to_apply"], json!(2));
    assert_eq!(json!(sent), json!(run["requests"]["used"].as_u64().unwrap() + 2));
}
