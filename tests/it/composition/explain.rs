//! `bbprov explain`: every value, and who says it.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Bbprov, Folder, Run};

const SHARED: &str = "version: 1
defaults:
  repository:
    is_private: true
    fork_policy: no_public_forks
    description: from the defaults
    permissions: {groups: {developers: write, auditors: read}}
    webhooks: [{url: \"https://ci.example.com/hook\", events: [\"repo:push\"], secret: {env: HOOK_SECRET}}]
templates:
  service:
    uses: [reviewed]
    fork_policy: no_forks
    pipelines: {enabled: true}
  reviewed:
    permissions: {groups: {auditors: ~}}
    branch_restrictions:
      - {kind: require_approvals_to_merge, branch: main, value: 2}
      - {kind: push, branch: {type: production}, groups: [release-managers, release-managers-elsewhere]}
    environments:
      - {name: Live, type: Production, variables: [{key: A, value: \"1\"}]}
";

const TEAM: &str = "version: 1
workspaces:
  - workspace: acme
    auth: {access_token: {env: ACME_TOKEN}}
    webhooks: [{url: \"https://audit.example.com\", events: [\"repo:push\"]}]
    projects:
      - {key: PAY, name: Payments, permissions: {groups: {leads: admin}}}
      - {key: ledger}
    repositories:
      - slug: ledger
        project: PAY
        uses: [service]
        description: ~
        webhooks: ~
        permissions: {groups: {developers: admin}}
        exclusive: [permissions]
      - {slug: old, project: PAY, state: absent}
";

fn explain(arguments: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("teams/shared.yaml", SHARED);
    folder.write("teams/team.yaml", TEAM);
    folder.write("teams/web.yaml", "version: 1\nworkspaces: [{workspace: acme, webhooks: [{url: \"https://web.example.com\", events: [\"repo:push\"]}]}]\n");
    Bbprov::new(&folder, &[&["explain"], arguments].concat()).run()
}

#[test]
fn every_value_says_where_it_comes_from_and_what_it_took_the_place_of() {
    let run = explain(&["acme/ledger", "teams"]);
    assert_snapshot!(run, @r#"
    exit code 0
    ----- stdout -----
    acme/ledger   project, teams/team.yaml:8

      nothing more is said of it

    acme/ledger   repository, teams/team.yaml:10

      uses: [service]             teams/team.yaml:12
      project: PAY                teams/team.yaml:11
      is_private: true            from defaults, teams/shared.yaml:4
      description: ~              removed in teams/team.yaml:13
        not from the defaults     from defaults, teams/shared.yaml:6
      fork_policy: no_forks       from template service, teams/shared.yaml:12
        not no_public_forks       from defaults, teams/shared.yaml:5
      permissions:
        groups:
          developers: admin       teams/team.yaml:15
            not write             from defaults, teams/shared.yaml:7
          auditors: ~             removed by template reviewed, teams/shared.yaml:15
            not read              from defaults, teams/shared.yaml:7
      branch_restrictions:        from template reviewed, teams/shared.yaml:16
        - {kind: require_approvals_to_merge, branch: main, value: 2}
        - kind: push
          branch: {type: production}
          groups: [release-managers, release-managers-elsewhere]
      pipelines:
        enabled: true             from template service, teams/shared.yaml:13
      environments:               from template reviewed, teams/shared.yaml:19
        - {name: Live, type: Production, variables: [{key: A, value: "1"}]}
      webhooks: ~                 removed in teams/team.yaml:14
        not [{url: "https://ci.example.com/hook"…
                                  from defaults, teams/shared.yaml:8
      exclusive: [permissions]    teams/team.yaml:16
    ----- stderr -----
    "#);
    let longest = run.stdout.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{longest:?}");
}

#[test]
fn workspaces_and_projects_are_explained_as_well() {
    assert_snapshot!(explain(&["acme", "teams"]), @r#"
    exit code 0
    ----- stdout -----
    acme   workspace, teams/team.yaml:3, teams/web.yaml:2

      auth: {access_token: {env: ACME_TOKEN}}                      teams/team.yaml:4
      webhooks:
        - {url: "https://audit.example.com", events: ["repo:push"]}
                                                                   teams/team.yaml:5
        - {url: "https://web.example.com", events: ["repo:push"]}  teams/web.yaml:2

      and 2 projects and 2 repositories: bbprov explain acme/NAME
    ----- stderr -----
    "#);
    assert_snapshot!(explain(&["acme/PAY", "teams/team.yaml", "teams/shared.yaml"]), @"
    exit code 0
    ----- stdout -----
    acme/PAY   project, teams/team.yaml:7

      name: Payments      teams/team.yaml:7
      permissions:
        groups:
          leads: admin    teams/team.yaml:7
    ----- stderr -----
    ");
    assert_snapshot!(explain(&["acme/old", "teams"]), @r#"
    exit code 0
    ----- stdout -----
    acme/old   repository, teams/team.yaml:17

      state: absent                           teams/team.yaml:17
      project: PAY                            teams/team.yaml:17
      is_private: true                        from defaults, teams/shared.yaml:4
      description: from the defaults          from defaults, teams/shared.yaml:6
      fork_policy: no_public_forks            from defaults, teams/shared.yaml:5
      permissions:
        groups:
          developers: write                   from defaults, teams/shared.yaml:7
          auditors: read                      from defaults, teams/shared.yaml:7
      webhooks:                               from defaults, teams/shared.yaml:8
        - url: "https://ci.example.com/hook"
          events: ["repo:push"]
          secret: {env: HOOK_SECRET}
    ----- stderr -----
    "#);
}

#[test]
fn a_longer_address_shows_a_part() {
    assert_snapshot!(explain(&["acme/ledger/permissions", "teams"]), @"
    exit code 0
    ----- stdout -----
    acme/ledger   repository, teams/team.yaml:10

      permissions:
        groups:
          developers: admin  teams/team.yaml:15
            not write        from defaults, teams/shared.yaml:7
          auditors: ~        removed by template reviewed, teams/shared.yaml:15
            not read         from defaults, teams/shared.yaml:7
    ----- stderr -----
    ");
    assert_snapshot!(explain(&["acme/ledger/branch_restrictions/push type:production", "teams"]), @"
    exit code 0
    ----- stdout -----
    acme/ledger   repository, teams/team.yaml:10

      branch_restrictions:
        - kind: push        from template reviewed, teams/shared.yaml:18
          branch: {type: production}
          groups: [release-managers, release-managers-elsewhere]
    ----- stderr -----
    ");
    assert_snapshot!(explain(&["acme/ledger/environments/Live/variables/A", "teams"]), @r#"
    exit code 0
    ----- stdout -----
    acme/ledger   repository, teams/team.yaml:10

      environments:
        - {name: Live, type: Production, variables: [{key: A, value: "1"}]}
                                        from template reviewed, teams/shared.yaml:20
    ----- stderr -----
    "#);
    assert_snapshot!(explain(&["acme/webhooks/https://web.example.com", "teams"]), @r#"
    exit code 0
    ----- stdout -----
    acme   workspace, teams/team.yaml:3, teams/web.yaml:2

      webhooks:
        - {url: "https://web.example.com", events: ["repo:push"]}  teams/web.yaml:2
    ----- stderr -----
    "#);
    assert_snapshot!(explain(&["acme/ledger/description/", "teams"]), @"
    exit code 0
    ----- stdout -----
    acme/ledger   repository, teams/team.yaml:10

      description: ~           removed in teams/team.yaml:13
        not from the defaults  from defaults, teams/shared.yaml:6
    ----- stderr -----
    ");
}

#[test]
fn an_address_that_nothing_has_is_wrong_usage() {
    for (address, near) in [
        ("acme/leger", "did you mean acme/ledger?"),
        ("acme/ledger/permisions", "did you mean acme/ledger/permissions?"),
        ("acme/ledger/webhooks/https://ci.example.com/hook", "nothing in the manifest has such an address"),
        ("acm", "did you mean acme?"),
        ("nowhere/at-all", "which is WORKSPACE/NAME"),
        ("", "which is WORKSPACE/NAME"),
        ("/", "which is WORKSPACE/NAME"),
        ("acme//x", "nothing in the manifest"),
    ] {
        let run = explain(&[address, "teams"]).exits(64);
        assert!(run.stderr.contains(near) && run.stdout.is_empty(), "{run}");
    }
    explain(&["acme/ledger", "nowhere.yaml"]).exits(3);
}

#[test]
fn a_program_reads_paths_values_and_places() {
    let document = explain(&["acme/ledger", "teams", "--format", "json"]).exits(0).json();
    assert_eq!(document["version"], 1);
    let objects = document["objects"].as_array().unwrap();
    assert_eq!(objects.iter().map(|one| &one["kind"]).collect::<Vec<_>>(), ["project", "repository"]);
    let values = objects[1]["values"].as_array().unwrap();
    let value = |path: Value| values.iter().find(|value| value["path"] == path).cloned().unwrap_or_default();
    assert_eq!(
        value(json!(["fork_policy"])),
        json!({
            "address": "acme/ledger/fork_policy", "path": ["fork_policy"], "value": "no_forks", "removed": false,
            "from": {"layer": "template", "template": "service", "place": {"file": "teams/shared.yaml", "line": 12, "column": 5}},
            "overridden": [{
                "value": "no_public_forks",
                "from": {"layer": "defaults", "template": null, "place": {"file": "teams/shared.yaml", "line": 5, "column": 5}},
            }],
        })
    );
    assert_eq!(value(json!(["description"]))["removed"], true);
    assert_eq!(value(json!(["permissions", "groups", "developers"]))["from"]["layer"], "object");
    let item = value(json!(["branch_restrictions", 1]));
    assert_eq!(item["address"], "acme/ledger/branch_restrictions/push type:production");
    assert_eq!(item["value"]["branch"], json!({"type": "production"}));
}

/// Whatever a manifest holds, it is shown as text.
#[test]
fn what_is_shown_moves_no_cursor() {
    let folder = Folder::new();
    let nasty = "\\u001b[31mred\\u202e \\u0007 end";
    folder.write(
        "repos.yaml",
        format!("version: 1\ntemplates: {{\"{nasty}\": {{description: \"{nasty}\"}}}}\nworkspaces: [{{workspace: acme, repositories: [{{slug: a, project: P, uses: [\"{nasty}\"], website: {}}}]}}]", "x".repeat(5_000_000)),
    );
    let run = Bbprov::new(&folder, &["explain", "acme/a", "--color", "always"]).run().exits(0);
    for never in ["\u{1b}[31mred", "\u{202e}", "\u{7}"] {
        assert!(!run.to_string().contains(never), "{never:?} in {run}");
    }
    assert!(run.stdout.len() < 10_000 && run.stderr.len() < 10_000);
}
