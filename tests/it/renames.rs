//! What gets another name and stays the same.

use serde_json::{Value, json};

use crate::support::Bitbucket;

fn manifest(repository: &str) -> String {
    format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    projects: [{{key: PAY}}, {{key: WEB}}]\n    repositories:\n{repository}"
    )
}

const OLD: &str =
    "      - {slug: gateway, project: PAY, webhooks: [{url: \"https://ci.example.com\", events: [\"repo:push\"]}]}\n";
const NEW: &str = "      - {slug: api-gateway, previously: gateway, project: WEB, description: moved, webhooks: [{url: \"https://ci.example.com\", description: moved, events: [\"repo:push\"]}]}\n";

fn read(bitbucket: &Bitbucket, path: &str) -> (u16, Value) {
    bitbucket.by_hand("GET", path, &Value::Null)
}

#[test]
fn a_renamed_repository_keeps_its_uuid_and_what_it_holds() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(OLD));
    bitbucket.run(&["apply"]).exits(0);
    let (_, before) = read(&bitbucket, "/repositories/acme/gateway");
    bitbucket.manifest(&manifest(NEW));
    let run = bitbucket.run(&["apply"]).exits(0);
    insta::assert_snapshot!(run, @r#"
    exit code 0
    ----- stdout -----
    acme has 1 repository and 2 projects

      ~ repository acme/api-gateway  slug, project, description
            slug         gateway → api-gateway
            project      PAY → WEB
            description  "" → moved
          ~ webhook https://ci.example.com
                description  https://ci.example.com → moved

    2 to update, 2 unchanged.
    3 requests used; 2 to apply, 1 % of 1,000 an hour.

    2 done, in 2 requests.
    ----- stderr -----
    "#);
    let (_, after) = read(&bitbucket, "/repositories/acme/api-gateway");
    assert_eq!((&after["uuid"], &after["project"]["key"]), (&before["uuid"], &json!("WEB")));
    let (_, hooks) = read(&bitbucket, "/repositories/acme/api-gateway/hooks");
    assert_eq!(hooks["values"].as_array().unwrap().len(), 1, "{hooks:#}");
    bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
    // Elsewhere it exists by neither name, and is made by the new one.
    let elsewhere = Bitbucket::new();
    elsewhere.manifest(&manifest(NEW));
    elsewhere.run(&["apply"]).exits(0);
    assert_eq!(read(&elsewhere, "/repositories/acme/api-gateway").0, 200);
}

#[test]
fn a_deletion_beside_a_creation_that_looks_like_it_is_asked_about() {
    let bitbucket = Bitbucket::new();
    let slug = |text: &str| manifest(&format!("      - {{slug: {text}, project: PAY}}\n"));
    bitbucket.manifest(&slug("payments-api"));
    bitbucket.run(&["apply"]).exits(0);
    let both = "      - {slug: payments-api, project: PAY, state: absent}\n      - {slug: payment-api, project: PAY}\n";
    bitbucket.manifest(&manifest(both));
    let run = bitbucket.run(&["apply", "--allow-delete", "1"]).exits(3);
    insta::assert_snapshot!(run, @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0404]: is acme/payment-api a new repository, or payments-api under another name?
     --> repos.yaml:7:16
      |
    7 |       - {slug: payment-api, project: PAY}
      |                ^^^^^^^^^^^ payments-api is deleted, and this one created
      |
      = help: write `previously: payments-api` here in place of its `state: absent` to rename it with all it holds; to lose that, delete it in a run of its own first
    ");
    assert_eq!((bitbucket.sent("DELETE"), bitbucket.sent("POST")), (0, 3));
}

#[test]
fn former_names_are_checked_offline() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest(
        "      - {slug: a, previously: a, project: PAY}\n      - {slug: b, previously: c, project: PAY}\n      - {slug: c, previously: Old, project: PAY}\n      - {slug: d, previously: x, project: PAY}\n      - {slug: e, previously: x, project: PAY}\n",
    ));
    insta::assert_snapshot!(bitbucket.run(&["validate"]).exits(3), @r#"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0203]: acme/a is what it is called now
     --> repos.yaml:6:31
      |
    6 |       - {slug: a, previously: a, project: PAY}
      |                               ^
      |
      = help: leave `previously` out

    error[BB0203]: acme/c is the name of another one
     --> repos.yaml:7:31
      |
    7 |       - {slug: b, previously: c, project: PAY}
      |                               ^ taken for this one's former name
      |
     ::: repos.yaml:8:16
      |
    8 |       - {slug: c, previously: Old, project: PAY}
      |                - this one

    error[BB0303]: "Old" cannot be a slug
     --> repos.yaml:8:31
      |
    8 |       - {slug: c, previously: Old, project: PAY}
      |                               ^^^ lower case letters, digits, `_`, `.` and single `-` between them, at most 62 in all

    error[BB0203]: acme/x was the name of one only
      --> repos.yaml:10:31
       |
    10 |       - {slug: e, previously: x, project: PAY}
       |                               ^ the second time
       |
      ::: repos.yaml:9:31
       |
     9 |       - {slug: d, previously: x, project: PAY}
       |                               - the first time

    4 errors
    "#);
}
