//! Whether Pipelines runs, and a repository that gets all of it at once.

use std::time::Duration;

use bbprov::sandbox::Options;
use serde_json::{Value, json};

use super::{all, as_olive, drift, heals, ledger, settles};
use crate::official::holds;
use crate::support::Bitbucket;

const CONFIG: &str = "/repositories/acme/ledger/pipelines_config";

#[test]
fn it_is_switched_on_and_off() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "pipelines: {enabled: true}"));
    settles(&bitbucket);
    let line = ["update acme/ledger/pipelines/enabled enabled"];
    let sent = heals(&bitbucket, ("PUT", CONFIG, json!({"enabled": false})), &line, 1);
    assert_eq!(sent, json!({"enabled": true}));
    bitbucket.manifest(&ledger("", "pipelines: {enabled: false}"));
    settles(&bitbucket);
    assert_eq!(bitbucket.by_hand("GET", CONFIG, &Value::Null).1["enabled"], false);
    holds(&bitbucket);
}

#[test]
fn what_was_never_switched_on_is_off() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", ""));
    settles(&bitbucket);
    assert_eq!(bitbucket.by_hand("GET", CONFIG, &Value::Null).0, 404);
    bitbucket.manifest(&ledger("", "pipelines: {enabled: false, variables: [], schedules: [], known_hosts: []}"));
    assert_eq!(drift(&bitbucket), [""; 0]);
    bitbucket.manifest(&ledger("", "pipelines: {enabled: true}, description: x"));
    let drift = drift(&bitbucket);
    assert_eq!(drift, ["update acme/ledger description", "update acme/ledger/pipelines/enabled enabled"]);
}

#[test]
fn a_plan_that_shows_late_is_waited_for() {
    let bitbucket = Bitbucket::with(Options { settling: Duration::from_millis(400), ..Options::default() });
    bitbucket.manifest(&ledger("", "pipelines: {enabled: true}, environments: [{name: Test, admin_only: true}]"));
    // How often it is looked at until it shows nobody can know beforehand.
    as_olive(&bitbucket, &["apply"]).exits(0);
    let run = as_olive(&bitbucket, &["plan"]).exits(0);
    assert!(run.stdout.contains("Nothing to do"), "{run}");
}

/// As long as it is not there, it does not show.
#[test]
fn the_first_time_that_it_is_switched_on_is_waited_for() {
    let bitbucket = Bitbucket::with(Options { settling: Duration::from_millis(400), ..Options::default() });
    bitbucket.manifest(&ledger("", "pipelines: {enabled: true}"));
    as_olive(&bitbucket, &["apply"]).exits(0);
    assert_eq!(drift(&bitbucket), [""; 0]);
}

const WHOLE: &str = "pipelines: {enabled: true, variables: [{key: REGION, value: eu-west-1}], \
     schedules: [{branch: main, cron: '0 0 12 * * ? *'}], known_hosts: [{hostname: git.example.com, key: KEY}]}, \
     environments: [{name: Staging, admin_only: true, variables: [{key: A, value: b}]}, {name: Live, type: Production}]";

#[test]
fn a_new_repository_gets_all_of_it_in_order() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", &WHOLE.replace("KEY", super::ssh::KEY)));
    settles(&bitbucket);
    let writes: Vec<_> = bitbucket
        .exchanges()
        .into_iter()
        .filter(|exchange| exchange.method != "GET" && exchange.path.contains("/ledger/"))
        .map(|exchange| exchange.path)
        .collect();
    let place = |part: &str| writes.iter().position(|path| path.ends_with(part)).unwrap();
    assert!(place("/pipelines_config") < place("/environments"), "{writes:?}");
    assert!(place("/environments") < place("/pipelines_config/variables"), "{writes:?}");
    assert!(place("/environments") < place("%7D/variables"), "{writes:?}");
    assert!(place("/pipelines_config/variables") < place("/schedules"), "{writes:?}");
    let names = all(&bitbucket, "/repositories/acme/ledger/environments", "name");
    assert_eq!(names, ["Live", "Production", "Staging", "Test"]);
    holds(&bitbucket);
}

/// The bill of a plan is what its apply pays.
#[test]
fn the_bill_is_what_is_paid() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(
        "",
        "pipelines: {enabled: true}, environments: [{name: Live, type: Production, admin_only: true}]",
    ));
    settles(&bitbucket);
    bitbucket.manifest(&ledger(
        "",
        "pipelines: {enabled: false, variables: [{key: A, value: b}]}, environments: [{name: Live, type: Production, admin_only: false}]",
    ));
    let run = as_olive(&bitbucket, &["apply", "--format", "json"]).exits(0).json();
    assert_eq!(run["requests"]["to_apply"], 5, "two are looked at again");
    assert_eq!(run["requests"]["applied"], run["requests"]["to_apply"]);
}
