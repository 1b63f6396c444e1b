//! Variables of repositories, workspaces and environments.

use serde_json::{Value, json};

use super::{all, complaints, drift, heals, ledger, settles};
use crate::official::holds;
use crate::support::{Bitbucket, lines};

const OF_LEDGER: &str = "/repositories/acme/ledger/pipelines_config/variables";
const OF_ACME: &str = "/workspaces/acme/pipelines-config/variables";

/// The path of one.
fn one(bitbucket: &Bitbucket, list: &str, key: &str) -> String {
    let (_, page) = bitbucket.by_hand("GET", &format!("{list}?pagelen=100"), &Value::Null);
    let variable = page["values"].as_array().unwrap().iter().find(|variable| variable["key"] == key).unwrap();
    format!("{list}/{}", super::environments::encoded(&variable["uuid"]))
}

/// Creates, changes by hand, and leaves alone what is not listed.
fn whole_life(bitbucket: &Bitbucket, list: &str, name: &str) {
    settles(bitbucket);
    let path = one(bitbucket, list, "REGION");
    let line = [format!("update {name}/REGION value")];
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let sent = heals(bitbucket, ("PUT", &path, json!({"value": "us-east-1"})), &line, 1);
    assert_eq!(sent, json!({"key": "REGION", "value": "eu-west-1", "secured": false}));
    let both = [format!("replace {name}/REGION value"), format!("replace {name}/REGION secured")];
    let both: Vec<&str> = both.iter().map(String::as_str).collect();
    heals(bitbucket, ("PUT", &path, json!({"secured": true, "value": "hush"})), &both, 2);
    bitbucket.by_hand("POST", list, &json!({"key": "OTHER", "value": "stays"}));
    assert_eq!(drift(bitbucket), [""; 0]);
    let path = one(bitbucket, list, "REGION");
    let line = [
        format!("create {name}/REGION key"),
        format!("create {name}/REGION value"),
        format!("create {name}/REGION secured"),
    ];
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    heals(bitbucket, ("DELETE", &path, Value::Null), &line, 1);
    assert_eq!(all(bitbucket, list, "key"), ["OTHER", "REGION"]);
    holds(bitbucket);
}

#[test]
fn of_a_repository() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "pipelines: {enabled: true, variables: [{key: REGION, value: eu-west-1}]}"));
    whole_life(&bitbucket, OF_LEDGER, "acme/ledger/pipelines/variables");
}

#[test]
fn of_a_workspace() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: REGION, value: eu-west-1}]}}]",
    );
    whole_life(&bitbucket, OF_ACME, "acme/pipelines/variables");
}

#[test]
fn of_an_environment() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(
        "",
        "pipelines: {enabled: true}, environments: [{name: Live 1, type: Production, variables: [{key: REGION, value: eu-west-1}]}]",
    ));
    settles(&bitbucket);
    let environment = super::environments::uuid(&bitbucket, "Live 1");
    let list = format!("/repositories/acme/ledger/deployments_config/environments/{environment}/variables");
    whole_life(&bitbucket, &list, "acme/ledger/environments/Live 1/variables");
}

/// Lists of Pipelines have no `next`: one asks until there is no more.
#[test]
fn more_than_a_page() {
    let bitbucket = Bitbucket::new();
    let variables = lines(130, |number| format!("{{key: V{number}, value: '{number}'}}, "));
    bitbucket.manifest(&ledger("", &format!("pipelines: {{variables: [{variables}]}}")));
    settles(&bitbucket);
    let gets = bitbucket.sent("GET");
    assert_eq!(drift(&bitbucket), [""; 0]);
    assert_eq!(bitbucket.sent("GET") - gets, 2 + 3, "projects, repositories, two pages, and none after them");
}

#[test]
fn values_are_text_whatever_they_look_like() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(
        "",
        "pipelines: {variables: [{key: A, value: 007}, {key: B, value: 1.10}, {key: C, value: ''}, {key: D, value: \"two\\nlines\"}]}",
    ));
    settles(&bitbucket);
    assert_eq!(all(&bitbucket, OF_LEDGER, "value"), ["", "007", "1.10", "two\nlines"]);
}

#[test]
fn what_cannot_be_is_told_offline() {
    let variables = "pipelines: {variables: [{key: 1A, value: x}, {key: A-B, value: x}, {key: C, value: x}, {key: C, value: y}, \
                     {key: D, secured: true, value: hunter2hunter2}, {key: E, value: {env: E}}, {key: F, value: true}, {key: G}, \
                     {key: H, securd: true, value: hunter2hunter2}, {key: I, secured: 'yes', value: hunter2hunter2}, \
                     {key: J, secured: true, value: {env: hunter2-hunter2}}, {key: K, secured: true, value: {env: A, file: b}}]}";
    let told = complaints("", &variables.replace("}, {", "},\n         {"));
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told, @r#"
    error[BB0361]: this cannot be the key of a variable
     --> repos.yaml:7:68
      |
    7 | ...g: ledger, project: PAY, pipelines: {variables: [{key: 1A, value: x},
      |                                                           ^^ it begins with a digit

    error[BB0361]: this cannot be the key of a variable
     --> repos.yaml:8:16
      |
    8 |          {key: A-B, value: x},
      |                ^^^ letters, digits and `_`
      |
      = help: perhaps `A_B`

    error[BB0202]: variable acme/ledger/pipelines/variables/C is listed twice
      --> repos.yaml:10:16
       |
    10 |          {key: C, value: y},
       |                ^ the second time
       |
      ::: repos.yaml:9:16
       |
     9 |          {key: C, value: x},
       |                - the first time
       |
       = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0501]: the value of a secured variable is a secret, and a manifest holds none
      --> repos.yaml:11:41
       |
    11 |          {key: D, secured: true, value: **************},
       |                                         ^^^^^^^^^^^^^^ not shown here
       |
       = help: write where it comes from: `{env: NAME}`, `{file: path}` or `{command: [program, argument]}`; and put a new secret in the place of this one

    error[BB0362]: only a secured variable takes its value from elsewhere
      --> repos.yaml:12:26
       |
    12 |          {key: E, value: {env: E}},
       |                          ^ this variable is not secured
       |
       = help: add `secured: true`, or write the value itself

    error[BB0103]: `value` must be text
      --> repos.yaml:13:26
       |
    13 |          {key: F, value: true},
       |                          ^^^^ this is true
       |
       = help: if the word true is meant, put it in quotes: "true"

    error[BB0102]: variable lacks `value`
      --> repos.yaml:14:10
       |
    14 |          {key: G},
       |          ^ in the entry that begins here

    error[BB0101]: variable has no key `securd`
      --> repos.yaml:15:19
       |
    15 |          {key: H, securd: true, value: **************},
       |                   ^^^^^^ did you mean `secured`?

    error[BB0103]: `secured` must be true or false
      --> repos.yaml:16:28
       |
    16 |          {key: I, secured: 'yes', value: **************},
       |                            ^^^^^ this is the text "yes"
       |
       = help: write `true`, without quotes

    error[BB0503]: this is not the name of an environment variable
      --> repos.yaml:17:47
       |
    17 |          {key: J, secured: true, value: {env: ***************}},
       |                                               ^^^^^^^^^^^^^^^ letters, digits and `_`
       |
       = help: write the name of the variable that holds the secret, not the secret

    error[BB0502]: `value` must come from one place
      --> repos.yaml:18:41
       |
    18 |          {key: K, secured: true, value: {env: A, file: b}}]}}
       |                                         ^ this names several
       |
       = help: write `{env: NAME}`, `{file: path}` or `{command: [program, argument]}`

    11 errors
    "#);
}

#[test]
fn a_workspace_needs_the_scope_for_its_variables() {
    let bitbucket = Bitbucket::with(bbprov::sandbox::Options {
        scopes: Some(["pipeline", "project", "repository"].map(str::to_owned).to_vec()),
        ..bbprov::sandbox::Options::default()
    });
    bitbucket.manifest("version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: A, value: b}]}}]");
    let run = bitbucket.run(&["apply"]).exits(4);
    assert!(run.stderr.contains("lacks pipeline:variable"), "{run}");
}
