//! Branching models of repositories and projects.

use serde_json::{Value, json};

use super::{as_olive, complaints, drift, heals, ledger, settles};
use crate::support::Bitbucket;

const OF_REPOSITORY: &str = "/repositories/acme/ledger/branching-model/settings";
const OF_PROJECT: &str = "/workspaces/acme/projects/PAY/branching-model/settings";

const MODEL: &str = "branching_model: {development: {name: develop, use_mainbranch: false}, \
    production: {name: live, use_mainbranch: false, enabled: true}, default_branch_deletion: true, \
    branch_types: [{kind: feature, prefix: feat/, enabled: true}, {kind: hotfix, enabled: false}]}";

#[test]
fn each_field_heals_by_itself() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(MODEL, ""));
    settles(&bitbucket);
    bitbucket.push("acme/ledger", "develop");
    bitbucket.push("acme/ledger", "live");
    bitbucket.push("acme/ledger", "other");
    bitbucket.manifest(&ledger(MODEL, MODEL));
    settles(&bitbucket);
    for (path, parent) in [(OF_REPOSITORY, "acme/ledger"), (OF_PROJECT, "acme/PAY")] {
        let of_types = |kind: &str, field: &str, value: Value| json!({"branch_types": [{"kind": kind, field: value}]});
        for (body, field) in [
            (json!({"development": {"name": "other"}}), "development.name"),
            (json!({"production": {"name": "other"}}), "production.name"),
            (json!({"production": {"enabled": false}}), "production.enabled"),
            (of_types("feature", "prefix", json!("f/")), "feature.prefix"),
            (of_types("feature", "enabled", json!(false)), "feature.enabled"),
            (of_types("hotfix", "enabled", json!(true)), "hotfix.enabled"),
            (json!({"default_branch_deletion": "false"}), "default_branch_deletion"),
        ] {
            let expected = format!("update {parent}/branching_model {field}");
            heals(&bitbucket, ("PUT", path, body), &[&expected], 1);
        }
        // Whoever makes it the main branch takes its name away, too.
        for part in ["development", "production"] {
            let expected =
                ["name", "use_mainbranch"].map(|field| format!("update {parent}/branching_model {part}.{field}"));
            let body = heals(
                &bitbucket,
                ("PUT", path, json!({part: {"use_mainbranch": true}})),
                &expected.each_ref().map(String::as_str),
                1,
            );
            assert_eq!(body[part]["use_mainbranch"], json!(false));
        }
        // What the manifest does not mention stays.
        bitbucket.by_hand("PUT", path, &of_types("bugfix", "prefix", json!("fix/")));
        bitbucket.by_hand("PUT", path, &of_types("hotfix", "prefix", json!("hot/")));
        assert_eq!(drift(&bitbucket), [""; 0]);
    }
}

#[test]
fn a_name_says_that_it_is_not_the_main_branch() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("branching_model: {development: {name: develop}, default_branch_deletion: false}", ""));
    settles(&bitbucket);
    let expected = "update acme/PAY/branching_model development.name";
    let body = heals(&bitbucket, ("PUT", OF_PROJECT, json!({"development": {"use_mainbranch": true}})), &[expected], 1);
    assert_eq!(body, json!({"development": {"name": "develop", "use_mainbranch": false}}));
    let expected = "update acme/PAY/branching_model default_branch_deletion";
    let body = heals(&bitbucket, ("PUT", OF_PROJECT, json!({"default_branch_deletion": "true"})), &[expected], 1);
    assert_eq!(body, json!({"default_branch_deletion": "false"}), "a text, as Bitbucket has it");
    // And the other way round.
    bitbucket.manifest(&ledger("branching_model: {development: {use_mainbranch: true}}", ""));
    assert_eq!(drift(&bitbucket), ["update acme/PAY/branching_model development.use_mainbranch"]);
    settles(&bitbucket);
}

#[test]
fn a_branch_waits_for_the_first_push() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", MODEL));
    let plan = as_olive(&bitbucket, &["plan", "-v"]).exits(0);
    insta::assert_snapshot!(plan.stdout, @"
    acme has 0 repositories and 0 projects

      + project    acme/PAY
      + repository acme/ledger  project PAY
          + branching model
                feature.prefix           feat/
                feature.enabled          true
                hotfix.enabled           false
                default_branch_deletion  true

      note acme/ledger branching model: development.name waits for the first push:
           an empty repository has no branches
      note acme/ledger branching model: development.use_mainbranch waits for the
           first push: an empty repository has no branches
      note acme/ledger branching model: production.name waits for the first push: an
           empty repository has no branches
      note acme/ledger branching model: production.use_mainbranch waits for the
           first push: an empty repository has no branches
      note acme/ledger branching model: production.enabled waits for the first push:
           an empty repository has no branches

    3 to create.
    2 requests used; 3 to apply, 1 % of 1,000 an hour.
    ");
    as_olive(&bitbucket, &["apply"]).exits(0);
    // As long as it is empty, that is all.
    let run = as_olive(&bitbucket, &["apply"]).exits(0);
    insta::assert_snapshot!(run.stdout, @"
    acme has 1 repository and 1 project

      note acme/ledger branching model: development.name waits for the first push:
           an empty repository has no branches
      note acme/ledger branching model: development.use_mainbranch waits for the
           first push: an empty repository has no branches
      note acme/ledger branching model: production.name waits for the first push: an
           empty repository has no branches
      note acme/ledger branching model: production.enabled waits for the first push:
           an empty repository has no branches

    Nothing to do: all 3 managed objects are as the manifest says.
    3 requests used.
    ");
    bitbucket.push("acme/ledger", "develop");
    bitbucket.push("acme/ledger", "live");
    settles(&bitbucket);
    // Where nothing else is said there is nothing to do yet.
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "branching_model: {development: {name: develop}}"));
    as_olive(&bitbucket, &["apply"]).exits(0);
    assert_eq!(bitbucket.sent("PUT"), 0);
}

#[test]
fn what_is_wrong_is_found_without_a_network() {
    let complaints = complaints(
        "branching_model: {
          development: {use_mainbranch: false},
          production: {use_mainbranch: false, enabled: false},
          branch_types: [{kind: feature, prefix: 'a/*'}, {kind: hotfix, prefix: 'b/'}, {kind: release, prefix: b},
            {kind: bugfix, prefix: c/}, {kind: bugfix, enabled: true}, {kind: chore, prefix: d/}]}",
        "branching_model: {
          development: {name: develop, use_mainbranch: true},
          production: {name: 'x y', enabled: true},
          branch_types: [{kind: feature, prefix: '[', enabled: false}, {kind: hotfix, prefix: 'x'},
            {kind: bugfix, prefix: x/, enabled: false}, {prefix: y}],
          default_branch_deletion: 'true'}",
    );
    insta::assert_snapshot!(complaints, @r#"
    error[BB0331]: the development branch is not the main branch, and has no name
     --> repos.yaml:6:41
      |
    6 |           development: {use_mainbranch: false},
      |                                         ^^^^^
      |
      = help: write `name` beside it

    error[BB0333]: no branch can begin with "a/*"
     --> repos.yaml:8:50
      |
    8 | ...[{kind: feature, prefix: 'a/*'}, {kind: hotfix, prefix: 'b/'}, {kind:...
      |                             ^^^^^ no spaces, and none of ~ ^ : ? * [ \

    error[BB0333]: "b" and "b/" begin the same branches
     --> repos.yaml:8:81
      |
    8 | ...ix: 'a/*'}, {kind: hotfix, prefix: 'b/'}, {kind: release, prefix: b},
      |                                       ^^^^ no prefix can be the beginning of another
      |
      = help: change one of them, or switch its type off with `enabled: false`

    error[BB0205]: `kind: bugfix` stands twice in one list
     --> repos.yaml:9:41
      |
    9 | ...nd: bugfix, prefix: c/}, {kind: bugfix, enabled: true}, {kind: chore,...
      |                             ^ the second time
      |
     ::: repos.yaml:9:13
      |
    9 |             {kind: bugfix, prefix: c/}, {kind: bugfix, enabled: true}, {...
      |             - the first time
      |
      = help: say everything about it in one place

    error[BB0104]: `kind` must be `feature`, `bugfix`, `release` or `hotfix`
     --> repos.yaml:9:79
      |
    9 | ...fix: c/}, {kind: bugfix, enabled: true}, {kind: chore, prefix: d/}]}}
      |                                                    ^^^^^ this is the text "chore"

    error[BB0331]: the development branch has a name or is the main branch, not both
      --> repos.yaml:12:31
       |
    12 |           development: {name: develop, use_mainbranch: true},
       |                               ^^^^^^^ `development.use_mainbranch` is true
       |
       = help: write `use_mainbranch: false`, or leave the name out

    error[BB0332]: no branch can be named "x y"
      --> repos.yaml:13:30
       |
    13 |           production: {name: 'x y', enabled: true},
       |                              ^^^^^ no spaces, and none of ~ ^ : ? * [ \

    error[BB0102]: branch_type lacks `kind`
      --> repos.yaml:15:57
       |
    15 |             {kind: bugfix, prefix: x/, enabled: false}, {prefix: y}],
       |                                                         ^ in the entry that begins here

    error[BB0103]: `default_branch_deletion` must be true or false
      --> repos.yaml:16:36
       |
    16 |           default_branch_deletion: 'true'}}
       |                                    ^^^^^^ this is the text "true"
       |
       = help: write `true`, without quotes

    9 errors
    "#);
}

#[test]
fn a_branch_that_is_not_there_is_named_by_bitbucket() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", ""));
    settles(&bitbucket);
    bitbucket.push("acme/ledger", "main");
    bitbucket.manifest(&ledger("", "branching_model: {development: {name: develop}, default_branch_deletion: true}"));
    let run = as_olive(&bitbucket, &["apply"]).exits(5);
    insta::assert_snapshot!(run.stdout, @"
    acme has 1 repository and 1 project

        repository acme/ledger
          ~ branching model  development.name, default_branch_deletion
                development.name         none → develop
                default_branch_deletion  false → true

    1 to update, 2 unchanged.
    3 requests used; 1 to apply, 1 % of 1,000 an hour.

      failed in repository acme/ledger
          branching model
            PUT /2.0/repositories/acme/ledger/branching-model/settings was answered
            400: Bad request; development.name: The branch does not exist.

    1 failed, in 1 request.
    Mend what failed, and run the same command again: what is done stays done.
    ");
}
