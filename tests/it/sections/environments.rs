//! Environments.

use serde_json::{Value, json};

use super::{all, complaints, drift, heals, ledger, settles};
use crate::official::holds;
use crate::support::Bitbucket;

const LIST: &str = "/repositories/acme/ledger/environments";

/// A UUID as it stands in a path.
pub fn encoded(uuid: &Value) -> String {
    uuid.as_str().unwrap().replace('{', "%7B").replace('}', "%7D")
}

/// The UUID of an environment, as it stands in a path.
pub fn uuid(bitbucket: &Bitbucket, name: &str) -> String {
    let (_, page) = bitbucket.by_hand("GET", &format!("{LIST}?pagelen=100"), &Value::Null);
    let environment = page["values"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    encoded(&environment["uuid"])
}

fn manifest(bitbucket: &Bitbucket, kind: &str) {
    let variables = "variables: [{key: A, value: b}, {key: B, value: c}]";
    bitbucket.manifest(&ledger(
        "",
        &format!("environments: [{{name: Live 1, type: {kind}, admin_only: true, {variables}}}]"),
    ));
}

#[test]
fn it_is_made_changed_and_left_alone() {
    let bitbucket = Bitbucket::new();
    manifest(&bitbucket, "Production");
    settles(&bitbucket);
    let path = format!("{LIST}/{}/changes", uuid(&bitbucket, "Live 1"));
    let by_hand = json!({"change": {"restrictions": {"admin_only": false}}});
    let line = ["update acme/ledger/environments/Live 1 admin_only"];
    let sent = heals(&bitbucket, ("POST", &path, by_hand), &line, 1);
    assert_eq!(sent, json!({"change": {"restrictions": {"admin_only": true}}}));
    bitbucket.by_hand("POST", LIST, &json!({"name": "Other", "environment_type": {"name": "Test"}}));
    assert_eq!(drift(&bitbucket), [""; 0]);
    assert_eq!(all(&bitbucket, LIST, "name"), ["Live 1", "Other"]);
    holds(&bitbucket);
}

#[test]
fn another_type_is_another_environment_and_its_variables_come_again() {
    let bitbucket = Bitbucket::new();
    manifest(&bitbucket, "Staging");
    settles(&bitbucket);
    let before = uuid(&bitbucket, "Live 1");
    manifest(&bitbucket, "Production");
    let plan = super::as_olive(&bitbucket, &["plan"]).exits(0);
    insta::assert_snapshot!(plan.stdout, @"
    acme has 1 repository and 1 project

        repository acme/ledger
          ± environment Live 1    deleted and created anew, its variables go with it
                type  Staging → Production
          + variable    Live 1/A  b
          + variable    Live 1/B  c

    2 to create, 1 to replace, 2 unchanged.
    4 requests used; 4 to apply, 1 % of 1,000 an hour.
    ");
    settles(&bitbucket);
    let after = uuid(&bitbucket, "Live 1");
    assert_ne!(before, after);
    let variables = format!("/repositories/acme/ledger/deployments_config/environments/{after}/variables");
    assert_eq!(all(&bitbucket, &variables, "key"), ["A", "B"]);
    holds(&bitbucket);
}

/// Whoever switches Pipelines on gets three environments, and those of the manifest are as it says all the same.
#[test]
fn those_that_come_by_themselves_are_taken_over_and_finished() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(
        "",
        "pipelines: {enabled: true}, environments: [{name: Production, admin_only: true, variables: [{key: A, value: b}]}, {name: Test}]",
    ));
    settles(&bitbucket);
    assert_eq!(all(&bitbucket, LIST, "name"), ["Production", "Staging", "Test"]);
    let (_, page) = bitbucket.by_hand("GET", LIST, &Value::Null);
    assert_eq!(page["values"][2]["restrictions"]["admin_only"], true);
    holds(&bitbucket);
}

#[test]
fn what_cannot_be_is_told_offline() {
    let told = complaints(
        "",
        "environments: [{name: Live},\n {name: Live 2, type: Prod},\n {name: Test},\n {name: Test},\n {name: ''}]",
    );
    insta::assert_snapshot!(told, @r#"
    error[BB0363]: the environment `Live` needs a type
     --> repos.yaml:7:60
      |
    7 |       - {slug: ledger, project: PAY, environments: [{name: Live},
      |                                                            ^^^^ its name is none
      |
      = help: add `type: Test`, `type: Staging` or `type: Production`

    error[BB0363]: the environment `Live 2` needs a type
     --> repos.yaml:8:9
      |
    8 |  {name: Live 2, type: Prod},
      |         ^^^^^^ its name is none
      |
      = help: add `type: Test`, `type: Staging` or `type: Production`

    error[BB0104]: `type` must be `Test`, `Staging` or `Production`
     --> repos.yaml:8:23
      |
    8 |  {name: Live 2, type: Prod},
      |                       ^^^^ this is the text "Prod"
      |
      = help: did you mean `Production`?

    error[BB0202]: environment acme/ledger/environments/Test is listed twice
      --> repos.yaml:10:9
       |
    10 |  {name: Test},
       |         ^^^^ the second time
       |
      ::: repos.yaml:9:9
       |
     9 |  {name: Test},
       |         ---- the first time
       |
       = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0103]: `name` must be text that is not empty
      --> repos.yaml:11:9
       |
    11 |  {name: ''}]}
       |         ^^ this is the text ""

    5 errors
    "#);
}
