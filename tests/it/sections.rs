//! What stands in repositories, projects and workspaces: one file a section, and here what is the same for all of them.

mod branch_restrictions;
mod branching_model;
mod deploy_keys;
mod environments;
mod inherit;
mod pipelines;
mod schedules;
mod secrets;
mod ssh;
mod variables;

use serde_json::{Value, json};

use crate::support::{Bitbucket, Run};
use crate::{bill, official};

/// A manifest with the repository `acme/ledger` in the project `acme/PAY`, each with sections in YAML's short form.
pub fn ledger(project: &str, repository: &str) -> String {
    format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    projects:\n      - {{key: PAY, {project}}}\n    \
         repositories:\n      - {{slug: ledger, project: PAY, {repository}}}\n"
    )
}

/// What a plan would change, each field of each object by itself: `update acme/ledger/inherit branching_model`.
pub fn drift(bitbucket: &Bitbucket) -> Vec<String> {
    let plan = as_olive(bitbucket, &["plan", "--format", "json"]).exits(0).json();
    let changes = plan["changes"].as_array().into_iter().flatten();
    let of = |change: &Value| {
        let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let what = format!("{} {}", name(&change["action"]), name(&change["address"]));
        let fields = change["fields"].as_array().cloned().unwrap_or_default();
        fields.iter().map(|field| format!("{what} {}", name(&field["name"]))).collect::<Vec<_>>()
    };
    changes.flat_map(of).collect()
}

/// The program with an API token of somebody who owns the workspace: others may not grant anything.
pub fn as_olive(bitbucket: &Bitbucket, arguments: &[&str]) -> Run {
    let command = bitbucket.led_here(arguments);
    command.env("BITBUCKET_EMAIL", "olive@example.com").env("BITBUCKET_API_TOKEN", "token").run()
}

/// Applies, after which there is nothing to do. It took no more requests than the plan said, and what was sent and answered
/// is what Bitbucket's document says.
#[track_caller]
pub fn settles(bitbucket: &Bitbucket) {
    bill::holds(&as_olive(bitbucket, &["apply", "--format", "json"]).exits(0).json());
    assert_eq!(drift(bitbucket), [""; 0]);
    official::holds(bitbucket);
}

/// Somebody changes something by hand. It shows as exactly this drift, and applying mends exactly that, in so many
/// requests that write. Gives the last of those.
#[track_caller]
pub fn heals(bitbucket: &Bitbucket, by_hand: (&str, &str, Value), expected: &[&str], writes: usize) -> Value {
    let (method, path, body) = by_hand;
    let (status, answer) = bitbucket.by_hand(method, path, &body);
    assert!(status < 300, "{method} {path} {body}: {status} {answer}");
    assert_eq!(drift(bitbucket), expected, "{body}");
    let written =
        |bitbucket: &Bitbucket| ["POST", "PUT", "DELETE"].map(|method| bitbucket.sent(method)).iter().sum::<usize>();
    let before = written(bitbucket);
    settles(bitbucket);
    assert_eq!(written(bitbucket) - before, writes, "{body}");
    let exchanges = bitbucket.exchanges();
    let last = exchanges.iter().rev().find(|exchange| exchange.method != "GET").unwrap();
    serde_json::from_str(&last.request_body).unwrap_or(Value::Null)
}

/// Somebody of the workspace, by UUID and by account id.
pub fn somebody(bitbucket: &Bitbucket, name: &str) -> (String, String) {
    let (_, members) = bitbucket.by_hand("GET", "/workspaces/acme/members?pagelen=100", &Value::Null);
    let email = format!("{name}@example.com");
    let users = members["values"].as_array().cloned().unwrap_or_default();
    let user =
        users.into_iter().map(|member| member["user"].clone()).find(|user| user["display_name"] == email.as_str());
    let user = user.unwrap_or_else(|| panic!("no {name} in {members}"));
    [&user["uuid"], &user["account_id"]].map(|id| id.as_str().unwrap().to_owned()).into()
}

/// What a list's items have under a name, sorted.
pub fn all(bitbucket: &Bitbucket, path: &str, name: &str) -> Vec<Value> {
    let (_, page) = bitbucket.by_hand("GET", &format!("{path}?pagelen=100"), &Value::Null);
    let mut all: Vec<_> = page["values"].as_array().into_iter().flatten().map(|item| item[name].clone()).collect();
    all.sort_by_key(Value::to_string);
    all
}

/// The messages about a manifest with this repository.
pub fn complaints(project: &str, repository: &str) -> String {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(project, repository));
    bitbucket.led_here(&["validate"]).run().stderr
}

#[test]
fn a_new_repository_is_made_with_all_it_holds_and_in_order() {
    let bitbucket = Bitbucket::new();
    let (ada, account) = {
        let (_, _) = bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "PAY", "name": "Pay"}));
        somebody(&bitbucket, "ada")
    };
    bitbucket.manifest(&ledger(
        &format!("permissions: {{users: {{'{ada}': write}}}}"),
        &format!(
            "branching_model: {{development: {{use_mainbranch: true}}}}, inherit: {{branching_model: false}}, \
             branch_restrictions: [{{kind: push, branch: main, users: ['{account}'], groups: []}}], \
             default_reviewers: ['{ada}'], deploy_keys: [{{key: {}, label: ci}}]",
            deploy_keys::KEY
        ),
    ));
    settles(&bitbucket);
    let written: Vec<String> = bitbucket
        .exchanges()
        .iter()
        .filter(|exchange| exchange.method != "GET")
        .map(|exchange| exchange.path.rsplit_once("/acme/").unwrap().1.to_owned())
        .collect();
    let place =
        |part: &str| written.iter().position(|path| path.contains(part)).unwrap_or_else(|| panic!("{written:?}"));
    assert!(place("permissions-config") < place("branch-restrictions"), "{written:?}");
    assert!(place("permissions-config") < place("default-reviewers"), "{written:?}");
    assert!(place("branching-model") < place("override-settings"), "{written:?}");
    assert!(place("override-settings") < place("branch-restrictions"), "{written:?}");
}
