//! The bill: an apply to which nothing goes wrong takes no more requests than its plan said, and hardly less.

use std::collections::BTreeSet;

use bbprov::resource::KINDS;
use serde_json::Value;

use crate::sections::{as_olive, somebody};
use crate::support::Bitbucket;

/// Bitbucket makes some things by itself, and not always: so many requests may be saved.
const SAVED: u64 = 4;

/// Asserts of the account of an apply that its bill held.
#[track_caller]
pub fn holds(account: &Value) {
    let number = |key: &str| account["requests"][key].as_u64().unwrap();
    let (said, took) = (number("to_apply"), number("applied"));
    assert!(took <= said && said <= took + SAVED, "{said} were said, {took} it took: {account:#}");
}

/// One of every kind at least, with what can be changed as words.
const EVERYTHING: &str = "
version: 1
workspaces:
  - workspace: acme
    webhooks: [{url: 'https://a.example.com', description: WORD, events: ['repo:push']}]
    pipelines: {variables: [{key: A, value: WORD}]}
    projects:
      - key: PAY
        description: WORD
        permissions: {users: {'ADA': GRANT}, groups: {a: GRANT}}
        branching_model: {production: {name: WORD, enabled: true}}
        default_reviewers: ['ADA']
        deploy_keys: [{label: WORD, key: SAME}]
    repositories:
      - slug: ledger
        project: PAY
        description: WORD
        permissions: {users: {'ADA': GRANT}, groups: {a: GRANT}}
        branching_model: {branch_types: [{kind: feature, prefix: WORD/}]}
        inherit: {default_merge_strategy: FLAG}
        branch_restrictions: [{kind: require_approvals_to_merge, branch: main, value: NUMBER}]
        default_reviewers: ['ADA']
        webhooks: [{url: 'https://a.example.com', description: WORD, events: ['repo:push']}]
        deploy_keys: [{label: WORD, key: SAME}]
        pipelines:
          enabled: true
          variables: [{key: A, value: WORD}]
          schedules: [{branch: main, cron: '0 0 12 * * ? *', enabled: FLAG}, {branch: dev, cron: '0 0 12 * * ? *'}]
          ssh_key_pair: {private_key: {file: repos.yaml}, public_key: KEY}
          known_hosts: [{hostname: git.example.com, key: KEY}]
        environments:
          - {name: Test, type: Test, variables: [{key: A, value: WORD}]}
          - {name: Staging, type: Staging, admin_only: false}
          - {name: Production, type: Production, admin_only: FLAG}
          - {name: Live, type: TYPE, admin_only: FLAG, variables: [{key: A, value: WORD}]}
";

/// The same with nothing in it, and nothing else to be.
const NOTHING: &str = "
version: 1
workspaces:
  - workspace: acme
    exclusive: [webhooks, pipelines]
    webhooks: []
    pipelines: {variables: []}
    projects:
      - key: PAY
        exclusive: [permissions, default_reviewers, deploy_keys]
        permissions: {users: {}, groups: {}}
        default_reviewers: []
        deploy_keys: []
    repositories:
      - slug: ledger
        project: PAY
        exclusive: [permissions, branch_restrictions, default_reviewers, webhooks, deploy_keys, pipelines, environments]
        permissions: {users: {}, groups: {}}
        branch_restrictions: []
        default_reviewers: []
        webhooks: []
        deploy_keys: []
        pipelines: {variables: [], schedules: [], known_hosts: []}
        environments: []
";

/// What the words are in two states, between which everything changes that can.
const STATES: [[(&str, &str); 6]; 2] = [
    [("WORD", "one"), ("GRANT", "write"), ("FLAG", "true"), ("NUMBER", "1"), ("TYPE", "Staging"), ("KEY", FIRST)],
    [("WORD", "two"), ("GRANT", "read"), ("FLAG", "false"), ("NUMBER", "2"), ("TYPE", "Production"), ("KEY", SECOND)],
];
const FIRST: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEzOxb2BvAqlPRZTPpUmFmcYgAONNNCjb0bdRkZ9vmDz";
const SECOND: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq";

fn everything(bitbucket: &Bitbucket, state: &[(&str, &str)]) -> String {
    let text = EVERYTHING.replace("ADA", &somebody(bitbucket, "ada").0).replace("SAME", FIRST);
    state.iter().fold(text, |text, (word, is)| text.replace(word, is))
}

/// Applies, and gives what happened and to which kinds, each with where it stands: `create`, `variable environments/`.
fn applied(bitbucket: &Bitbucket, manifest: &str) -> BTreeSet<(String, String)> {
    bitbucket.manifest(manifest);
    let account = as_olive(bitbucket, &["apply", "--allow-remove", "99", "--format", "json"]).exits(0).json();
    holds(&account);
    let of = |change: &Value| {
        let text = |key: &str| change[key].as_str().unwrap().to_owned();
        let place = ["environments/", "ledger/", "PAY/"].into_iter().find(|place| text("address").contains(place));
        (text("action"), format!("{} {}", text("kind"), place.unwrap_or_default()))
    };
    account["changes"].as_array().unwrap().iter().map(of).collect()
}

/// Every kind is made, changed and removed. A kind that is in the registry and not here fails this.
#[test]
fn no_apply_takes_more_than_its_plan_said() {
    let [one, two] = STATES;
    for [first, second] in [[one, two], [two, one]] {
        let bitbucket = Bitbucket::new();
        let made = applied(&bitbucket, &everything(&bitbucket, &first));
        assert_eq!(made.len(), KINDS.len(), "{made:#?}");
        assert!(made.iter().all(|(action, _)| action == "create"), "{made:#?}");
        let changed = applied(&bitbucket, &everything(&bitbucket, &second));
        let kinds = |of: &BTreeSet<(String, String)>| of.iter().map(|(_, kind)| kind.clone()).collect::<BTreeSet<_>>();
        let unchanged: Vec<String> = kinds(&made).difference(&kinds(&changed)).cloned().collect();
        // Of these there is nothing to change, or it is what the others need.
        assert_eq!(unchanged, ["default reviewer PAY/", "default reviewer ledger/", "pipelines ledger/"]);
        assert!(changed.iter().any(|(action, _)| action == "replace"), "{changed:#?}");
        let removed = applied(&bitbucket, NOTHING);
        assert!(removed.len() > 10 && removed.iter().all(|(action, _)| action == "delete"), "{removed:#?}");
        as_olive(&bitbucket, &["plan", "--detailed-exitcode"]).exits(0);
    }
}
