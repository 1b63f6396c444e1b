//! Schedules.

use serde_json::{Value, json};

use super::{complaints, drift, heals, ledger, settles};
use crate::official::holds;
use crate::support::Bitbucket;

const LIST: &str = "/repositories/acme/ledger/pipelines_config/schedules";

fn all(bitbucket: &Bitbucket) -> Vec<Value> {
    bitbucket.by_hand("GET", LIST, &Value::Null).1["values"].as_array().unwrap().clone()
}

#[test]
fn it_is_made_switched_and_made_anew_at_another_time() {
    let bitbucket = Bitbucket::new();
    let schedules = "pipelines: {schedules: [{branch: main, cron: '0 0  12 * * ? *', pipeline: nightly, enabled: true}, {branch: main, cron: 0 0 12 * * ? *}]}";
    bitbucket.manifest(&ledger("", schedules));
    settles(&bitbucket);
    let selectors: Vec<_> = all(&bitbucket).iter().map(|schedule| schedule["target"]["selector"].clone()).collect();
    assert!(selectors.contains(&json!({"type": "custom", "pattern": "nightly"})), "{selectors:?}");
    assert!(selectors.contains(&json!({"type": "branches", "pattern": "main"})), "{selectors:?}");

    let nightly = all(&bitbucket).into_iter().find(|one| one["target"]["selector"]["type"] == "custom").unwrap();
    let path = format!("{LIST}/{}", super::environments::encoded(&nightly["uuid"]));
    let line = ["update acme/ledger/pipelines/schedules/main nightly 0 0 12 * * ? * enabled"];
    let sent = heals(&bitbucket, ("PUT", &path, json!({"enabled": false})), &line, 1);
    assert_eq!(sent, json!({"enabled": true}));

    // Whether one runs that the manifest does not speak of is nobody's business.
    let other = all(&bitbucket).into_iter().find(|one| one["target"]["selector"]["type"] == "branches").unwrap();
    let path = format!("{LIST}/{}", super::environments::encoded(&other["uuid"]));
    bitbucket.by_hand("PUT", &path, &json!({"enabled": false}));
    assert_eq!(drift(&bitbucket), [""; 0]);

    bitbucket.manifest(&ledger("", &schedules.replace("12", "13")));
    settles(&bitbucket);
    assert_eq!(all(&bitbucket).len(), 4, "those of before stay");
    holds(&bitbucket);
}

/// Bitbucket lets a new one run, whatever it is told.
#[test]
fn one_that_shall_not_run_does_not() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "pipelines: {schedules: [{branch: main, cron: 0 0 12 * * ? *, enabled: false}]}"));
    settles(&bitbucket);
    assert_eq!(all(&bitbucket)[0]["enabled"], false);
    holds(&bitbucket);
}

#[test]
fn one_too_many_is_no_matter_of_the_credential() {
    let bitbucket = Bitbucket::new();
    let schedules: String = (0..11).map(|hour| format!("{{branch: main, cron: 0 0 {hour} * * ? *}}, ")).collect();
    bitbucket.manifest(&ledger("", &format!("pipelines: {{schedules: [{schedules}]}}")));
    let run = super::as_olive(&bitbucket, &["apply", "--format", "json"]).exits(5).json();
    assert_eq!((&run["summary"]["done"], &run["summary"]["failed"]), (&json!(12), &json!(1)), "{run:#}");
}

#[test]
fn what_cannot_be_is_told_offline() {
    let told = complaints(
        "",
        "pipelines: {schedules: [{branch: main, cron: 30 4 * * *},\n {branch: a b, cron: 0 0 12 * * * *},\n {branch: main, cron: 0 0 25 * * ? *},\n {branch: main, cron: 0 0 12 * * ? *},\n {branch: main, cron: 0  0 12 * * ? *, enabled: false},\n {cron: 0 0 12 * * ? *}]}",
    );
    insta::assert_snapshot!(told, @r#"
    error[BB0364]: this is no cron expression of seven fields
     --> repos.yaml:7:83
      |
    7 | ...oject: PAY, pipelines: {schedules: [{branch: main, cron: 30 4 * * *},
      |                                                             ^^^^^^^^^^ this has 5
      |
      = help: seconds come first and years last, and Sunday is 1: perhaps `0 30 4 * * ? *`

    error[BB0332]: no branch can be named "a b"
     --> repos.yaml:8:11
      |
    8 |  {branch: a b, cron: 0 0 12 * * * *},
      |           ^^^ no spaces, and none of ~ ^ : ? * [ \

    error[BB0364]: this is no cron expression of seven fields
     --> repos.yaml:8:22
      |
    8 |  {branch: a b, cron: 0 0 12 * * * *},
      |                      ^^^^^^^^^^^^^^ one of the two fields for days is `?`
      |
      = help: days of the month, or of the week, but not both

    error[BB0364]: this is no cron expression of seven fields
     --> repos.yaml:9:23
      |
    9 |  {branch: main, cron: 0 0 25 * * ? *},
      |                       ^^^^^^^^^^^^^^ "25" cannot be hours, which are 0 to 23

    error[BB0202]: schedule acme/ledger/pipelines/schedules/main 0 0 12 * * ? * is listed twice
      --> repos.yaml:11:11
       |
    11 |  {branch: main, cron: 0  0 12 * * ? *, enabled: false},
       |           ^^^^ the second time
       |
      ::: repos.yaml:10:11
       |
    10 |  {branch: main, cron: 0 0 12 * * ? *},
       |           ---- the first time
       |
       = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0102]: schedule lacks `branch`
      --> repos.yaml:12:2
       |
    12 |  {cron: 0 0 12 * * ? *}]}}
       |  ^ in the entry that begins here

    6 errors
    "#);
}
