//! What Bitbucket holds and no manifest can say: it is left out and told, and what is left is valid.

use bbprov::sandbox::{Credentials, Options, User};
use serde_json::{Value, json};

use super::{export, few, holds, sow};
use crate::sections::somebody;
use crate::support::{Bitbucket, Fake, Folder, answer};

/// Exports from a server that has these repositories, and these answers for paths that end so.
fn odd(repositories: &Value, others: Vec<(&'static str, Value)>) -> crate::support::Run {
    let repositories = repositories.clone();
    let fake = Fake::new(move |head| {
        let path = head.split([' ', '?']).nth(1).unwrap_or_default();
        let page = |values: &Value| json!({"values": values, "size": values.as_array().map_or(0, Vec::len)});
        let projects = json!([
            {"key": "PAY", "name": "Payments", "uuid": "{1}", "is_private": true},
            {"key": "web", "name": "Web", "uuid": "{2}", "is_private": true},
            {"key": "WEB", "name": "Web", "uuid": "{3}", "is_private": true},
            {"key": "2ND", "name": "Second", "uuid": "{4}", "is_private": true},
        ]);
        let other = others.iter().find(|(end, _)| path.ends_with(end)).map(|(_, values)| values);
        let body = match path {
            path if path.ends_with("/projects") => page(&projects),
            "/2.0/repositories/acme" => page(&repositories),
            _ => page(other.unwrap_or(&json!([]))),
        };
        answer("200 OK", "application/json", &body.to_string())
    });
    let folder = Folder::new();
    let sections =
        "webhooks,branch_restrictions,pipelines.schedules,pipelines.variables,deploy_keys,permissions.groups";
    let run = fake.command(&folder, &["export", "acme", "--sections", sections]).run().exits(0);
    folder.write("repos.yaml", &run.stdout);
    fake.command(&folder, &["validate"]).run().exits(0);
    run
}

#[expect(clippy::needless_pass_by_value, reason = "it is written where it is passed")]
fn repository(slug: &str, more: Value) -> Value {
    let mut repository = json!({
        "slug": slug, "uuid": format!("{{{slug}}}"), "name": slug, "is_private": true, "project": {"key": "PAY"},
        "fork_policy": "no_forks", "mainbranch": {"name": "main"},
    });
    repository.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    repository
}

#[test]
fn objects_that_break_the_rules_are_left_out_and_named() {
    let repositories = json!([
        repository("fine", json!({})),
        repository("Odd Name", json!({})),
        repository("unseen", json!({"project": {"key": "HIDDEN"}})),
        repository("orphan", json!({"project": null})),
        repository("public", json!({"is_private": false})),
        repository("policy", json!({"fork_policy": "by_moonlight"})),
        repository("number", json!({"description": 7})),
        repository("word", json!({"is_private": "yes"})),
    ]);
    let run = odd(&repositories, Vec::new());
    insta::assert_snapshot!(run, @r#"
    exit code 0
    ----- stdout -----
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What exists in acme, as `bbprov export` found it.
    version: 1

    defaults:
      repository: {is_private: true, fork_policy: no_forks}

    workspaces:
      - workspace: acme
        projects:
          - {key: PAY, name: Payments, is_private: true}
        repositories:
          - {slug: fine, project: PAY}
          - {slug: number, project: PAY}
          - {slug: policy, project: PAY, fork_policy: ~}
          - {slug: word, project: PAY, is_private: ~}
    ----- stderr -----
    warning: project acme/2ND is left out: "2ND" cannot be a project key
    warning: project acme/WEB is left out: another project has the same key; and the same of 1 more
    warning: repository acme/Odd Name is left out: "Odd Name" cannot be a slug
    warning: repository acme/public is left out: a public repository cannot be in a private project
    warning: repository acme/orphan is left out: repository "orphan" names no project
    warning: repository acme/unseen is left out: this credential cannot see the project acme/HIDDEN
    warning: `description` of repository acme/number is left out: it is the number 7, which a manifest cannot say
    warning: `fork_policy` of repository acme/policy is left out: it is the text "by_moonlight", which a manifest cannot say
    warning: `is_private` of repository acme/word is left out: it is the text "yes", which a manifest cannot say
    acme has 8 repositories and 4 projects, read in 54 requests
    "#);
}

#[test]
fn what_stands_in_an_object_and_cannot_be_said_is_left_out_and_named() {
    let hook = |url: &str, events: &[&str]| json!({"uuid": format!("{{{url}}}"), "url": url, "events": events, "active": true});
    let hooks = json!([
        hook("https://twice.example.com", &["repo:push"]),
        {"uuid": "{second}", "url": "https://twice.example.com", "events": ["repo:fork"], "active": false},
        hook("https://none.example.com", &[]),
        hook("ftp://odd.example.com", &["repo:push"]),
        hook("https://fine.example.com", &["repo:push", "not:known:yet"]),
        {"uuid": "{signed}", "url": "https://signed.example.com", "events": ["repo:push"], "active": true, "secret_set": true,
         "secret": "s3cr3t-of-acme"},
    ]);
    let restrictions = json!([
        {"id": 1, "kind": "require_moon_phase", "branch_match_kind": "glob", "pattern": "main", "users": [], "groups": []},
        {"id": 2, "kind": "require_approvals_to_merge", "branch_match_kind": "glob", "pattern": "main", "value": null},
        {"id": 3, "kind": "push", "branch_match_kind": "glob", "pattern": "main", "users": [], "groups": [{"slug": "a/b"}, {"slug": "b"}]},
        {"id": 4, "kind": "force", "branch_match_kind": "branching_model", "branch_type": "moonlit", "pattern": "", "users": [], "groups": []},
        {"id": 5, "kind": "force", "branch_match_kind": "glob", "pattern": "release/*", "users": [], "groups": [], "value": null},
    ]);
    let target = |selector: Value| json!({"ref_type": "branch", "ref_name": "main", "selector": selector});
    let schedules = json!([
        {"uuid": "{1}", "enabled": true, "cron_pattern": "0 0 4 * * ? *", "target": target(json!({"type": "pull-requests"}))},
        {"uuid": "{2}", "enabled": false, "cron_pattern": "0 0 4 * * ? *", "target": target(json!({"type": "custom", "pattern": "n"}))},
        {"uuid": "{3}", "enabled": true, "cron_pattern": "at noon", "target": target(json!({"type": "branches", "pattern": "main"}))},
    ]);
    let variables = json!([
        {"uuid": "{1}", "key": "A-B", "value": "x", "secured": false},
        {"uuid": "{2}", "key": "TOKEN", "secured": true},
        {"uuid": "{3}", "key": "EMPTY", "value": "", "secured": false},
    ]);
    let keys = json!([{"id": 1, "key": "ssh-rsa short", "label": "odd"}]);
    let grants = json!([
        {"permission": "triage", "group": {"slug": "odd"}},
        {"permission": "write", "group": {"slug": "team: x"}},
        {"permission": "write", "group": {"slug": "env"}},
    ]);
    let others = vec![
        ("/hooks", hooks),
        ("/branch-restrictions", restrictions),
        ("/schedules", schedules),
        ("/variables", variables),
        ("/deploy-keys", keys),
        ("/groups", grants),
    ];
    let run = odd(&json!([repository("fine", json!({}))]), others);
    insta::assert_snapshot!(run, @r#"
    exit code 0
    ----- stdout -----
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What exists in acme, as `bbprov export` found it.
    version: 1

    workspaces:
      - workspace: acme
        pipelines:
          variables:
            - {key: EMPTY, value: ""}
            - {key: TOKEN, value: {env: ACME_TOKEN}, secured: true}
        webhooks: [{url: "https://signed.example.com", events: ["repo:push"], secret: {env: ACME_SIGNED_SECRET}}]
        projects:
          - {key: PAY, name: Payments, is_private: true, permissions: {groups: {env: write}}}
        repositories:
          - slug: fine
            project: PAY
            is_private: true
            fork_policy: no_forks
            permissions: {groups: {env: write}}
            branch_restrictions:
              - {kind: force, branch: release/*}
              - {kind: push, branch: main, users: []}
            pipelines:
              variables:
                - {key: EMPTY, value: ""}
                - {key: TOKEN, value: {env: FINE_TOKEN}, secured: true}
              schedules: [{branch: main, pipeline: "n", cron: "0 0 4 * * ? *", enabled: false}]
            webhooks: [{url: "https://signed.example.com", events: ["repo:push"], secret: {env: FINE_SIGNED_SECRET}}]

    # Secrets, which Bitbucket shows to nobody. A run that writes one takes it from the environment; whether several have the
    # same, where they share one here, nobody can see:
    #   ACME_TOKEN          value of the variable TOKEN in acme
    #   ACME_SIGNED_SECRET  secret of the webhook https://signed.example.com in acme
    #   FINE_TOKEN          value of the variable TOKEN in acme/fine
    #   FINE_SIGNED_SECRET  secret of the webhook https://signed.example.com in acme/fine
    ----- stderr -----
    warning: project acme/2ND is left out: "2ND" cannot be a project key
    warning: project acme/WEB is left out: another project has the same key; and the same of 1 more
    warning: group permission acme/fine/permissions/groups/team: x is left out: "team: x" is no group
    warning: group permission acme/fine/permissions/groups/odd is left out: it is the text "triage", which a manifest cannot say
    warning: group permission acme/PAY/permissions/groups/team: x is left out: "team: x" is no group
    warning: group permission acme/PAY/permissions/groups/odd is left out: it is the text "triage", which a manifest cannot say
    warning: branch restriction acme/fine/branch_restrictions/require_approvals_to_merge main is left out: `require_approvals_to_merge` needs a number
    warning: branch restriction acme/fine/branch_restrictions/force type:moonlit is left out: it is a mapping, which a manifest cannot say
    warning: branch restriction acme/fine/branch_restrictions/require_moon_phase main is left out: it is the text "require_moon_phase", which a manifest cannot say
    warning: `groups` of branch restriction acme/fine/branch_restrictions/push main is left out: "a/b" is no group
    warning: variable acme/fine/pipelines/variables/A-B is left out: this cannot be the key of a variable
    warning: variable acme/pipelines/variables/A-B is left out: this cannot be the key of a variable
    warning: schedule acme/fine/pipelines/schedules is left out: a manifest has no words for what it is
    warning: schedule acme/fine/pipelines/schedules/main at noon is left out: this is no cron expression of seven fields
    warning: webhook acme/fine/webhooks/https://none.example.com is left out: a webhook hears of at least one event
    warning: webhook acme/fine/webhooks/ftp://odd.example.com is left out: a webhook needs a URL
    warning: webhook acme/fine/webhooks/https://twice.example.com is left out: another webhook has the same url; and the same of 1 more
    warning: webhook acme/fine/webhooks/https://fine.example.com is left out: there is no event "not:known:yet"
    warning: webhook acme/webhooks/https://none.example.com is left out: a webhook hears of at least one event
    warning: webhook acme/webhooks/ftp://odd.example.com is left out: a webhook needs a URL
    warning: webhook acme/webhooks/https://twice.example.com is left out: another webhook has the same url; and the same of 1 more
    warning: webhook acme/webhooks/https://fine.example.com is left out: there is no event "not:known:yet"
    warning: deploy key acme/fine/deploy_keys/ssh-rsa short is left out: this is not a public key of SSH
    warning: deploy key acme/PAY/deploy_keys/ssh-rsa short is left out: this is not a public key of SSH
    secrets that the manifest takes from the environment:
      ACME_TOKEN          value of the variable TOKEN in acme
      ACME_SIGNED_SECRET  secret of the webhook https://signed.example.com in acme
      FINE_TOKEN          value of the variable TOKEN in acme/fine
      FINE_SIGNED_SECRET  secret of the webhook https://signed.example.com in acme/fine
    acme has 1 repository and 4 projects, read in 18 requests
    "#);
    assert!(!run.to_string().contains("s3cr3t-of-acme"), "{run}");
}

/// Nobody can grant or take what the owner of a workspace may do.
#[test]
fn an_owners_grants_are_left_out() {
    let folder = Folder::new();
    let state = folder.path().join("state.json");
    let before = Bitbucket::with(Options { state: Some(state.clone()), ..Options::default() });
    let (ada, _) = somebody(&before, "ada");
    let (alan, _) = somebody(&before, "alan");
    let grants = format!("slug: r0, permissions: {{users: {{\"{ada}\": admin, \"{alan}\": write}}}},");
    sow(&before, &few(2).replace("slug: r0,", &grants));
    drop(before);
    let user = |email: &str, owner| User {
        email: Some(email.to_owned()),
        api_token: Some("token".to_owned()),
        owner,
        ..User::default()
    };
    let users = vec![user("olive@example.com", true), user("ada@example.com", true), user("alan@example.com", false)];
    let credentials = Credentials { users, ..Credentials::default() };
    let bitbucket =
        Bitbucket::with(Options { credentials: Some(credentials), state: Some(state), ..Options::default() });
    let run = export(&bitbucket, &["acme", "--sections", "permissions", "--check"]).exits(0);
    assert!(run.stdout.contains(&alan) && !run.stdout.contains(&ada), "{run}");
    assert!(
        run.stderr.contains(&format!("acme/r0/permissions/users/{ada} is left out: the account owns the workspace")),
        "{run}"
    );
}

/// Texts that YAML would take for something else, or that move a cursor, are what they were.
#[test]
fn texts_come_back_as_they_are() {
    let bitbucket = Bitbucket::new();
    let texts = [
        "yes",
        "007",
        "1.10",
        "null",
        "~",
        "*a",
        "- x",
        "a: b # c",
        "\u{202e}evil",
        "a\n\n  b\nc",
        "\"q\" 'q'",
        "{a}",
        "%",
        "💶",
    ];
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "P", "name": "on", "is_private": true}));
    for (at, text) in texts.iter().enumerate() {
        let body = json!({"project": {"key": "P"}, "is_private": true, "description": text});
        assert_eq!(
            bitbucket
                .by_hand(
                    "POST",
                    &format!(
                        "/repositories/acme/{}",
                        ["on", "no", "1.0", "r"][at % 4].to_owned() + &"_".repeat(at / 4)
                    ),
                    &body
                )
                .0,
            200
        );
    }
    let run = export(&bitbucket, &["acme", "--check"]).exits(0);
    assert!(!run.stdout.contains('\u{202e}'), "{run}");
    holds(&bitbucket, &run.stdout);
}
