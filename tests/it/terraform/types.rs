//! Every type of resource of both providers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{DRFAUST92, SECRET, ZAHIAR, import, repository, resource, state};
use crate::support::{Bbprov, Bitbucket, Folder};

const OF_DRFAUST92: [&str; 28] = [
    "branch",
    "branch_restriction",
    "branching_model",
    "commit_file",
    "default_reviewers",
    "deploy_key",
    "deployment",
    "deployment_variable",
    "forked_repository",
    "gpg_key",
    "group",
    "group_membership",
    "hook",
    "pipeline_schedule",
    "pipeline_ssh_key",
    "pipeline_ssh_known_host",
    "project",
    "project_branching_model",
    "project_default_reviewers",
    "project_group_permission",
    "project_user_permission",
    "repository",
    "repository_group_permission",
    "repository_user_permission",
    "repository_variable",
    "ssh_key",
    "workspace_hook",
    "workspace_variable",
];

const OF_ZAHIAR: [&str; 13] = [
    "branch_restriction",
    "default_reviewer",
    "deploy_key",
    "deployment",
    "deployment_variable",
    "group",
    "group_member",
    "group_permission",
    "pipeline_key_pair",
    "pipeline_variable",
    "project",
    "repository",
    "user_permission",
];

fn types(state: &str) -> BTreeSet<String> {
    let state: Value = serde_json::from_str(state).unwrap();
    let managed = state["resources"].as_array().unwrap().iter().filter(|group| group["mode"] == "managed");
    managed.filter_map(|group| group["type"].as_str()?.strip_prefix("bitbucket_").map(str::to_owned)).collect()
}

#[test]
fn the_states_hold_every_type() {
    assert_eq!(types(DRFAUST92), OF_DRFAUST92.map(str::to_owned).into());
    let mut of_zahiar: BTreeSet<String> = OF_ZAHIAR.map(str::to_owned).into();
    of_zahiar.insert("webhook".to_owned());
    assert_eq!(types(ZAHIAR), of_zahiar);
    for kind in types(DRFAUST92).into_iter().chain(types(ZAHIAR)) {
        let run = import(state(&[resource(&format!("bitbucket_{kind}"), "x", json!({}))])).exits(0);
        assert!(!run.stderr.contains("this type of resource is not known"), "{kind}: {run}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "what a person reads is long")]
fn what_drfaust92s_provider_manages_is_carried_over_or_named() {
    let run = import(DRFAUST92).exits(0);
    assert!(!run.to_string().contains(SECRET), "{run}");
    insta::assert_snapshot!(run, @r#"
    exit code 0
    ----- stdout -----
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What Terraform manages according to terraform.tfstate, as `bbprov import-terraform` read it.
    version: 1

    defaults:
      repository: {is_private: true, pipelines: {enabled: true}}

    workspaces:
      - workspace: acme
        pipelines:
          variables: [{key: REGISTRY_TOKEN, value: {env: ACME_REGISTRY_TOKEN}, secured: true}]
        webhooks:
          - url: https://audit.example.com/bitbucket
            description: Audit
            events: ["pullrequest:created", "repo:push"]
            active: false
        projects:
          - key: PAY
            name: Payments
            is_private: true
            branching_model: {development: {name: develop}, branch_types: [{kind: bugfix, prefix: fix/, enabled: true}]}
            permissions: {users: {"{d9b5b140-af3f-497f-8afc-2a0b26789200}": read}, groups: {leads: create-repo}}
            default_reviewers: ["{d9b5b140-af3f-497f-8afc-2a0b26789200}"]
          - {key: WEB, name: Web, is_private: false}
        repositories:
          - slug: api-gateway
            project: PAY
            name: API Gateway
            fork_policy: no_public_forks
            branch_restrictions:
              - {kind: push, branch: main, users: []}
              - {kind: restrict_merges, branch: main, groups: [developers]}
            pipelines:
              variables:
                - {key: CI_TOKEN, value: {env: CI_TOKEN}, secured: true}
                - {key: DATABASE_PASSWORD, value: {env: API_GATEWAY_DATABASE_PASSWORD}, secured: true}
            webhooks:
              - url: https://ci.example.com/bitbucket
                description: CI
                events: ["pullrequest:created", "repo:push"]
                secret: {env: CI_SECRET}
          - slug: fraud-rules
            project: PAY
            fork_policy: no_public_forks
            pipelines: {enabled: false}
            webhooks:
              - url: https://ci.example.com/bitbucket
                description: CI
                events: ["pullrequest:created", "repo:push"]
                secret: {env: CI_SECRET}
          - slug: ledger
            project: PAY
            description: Double-entry ledger
            fork_policy: no_public_forks
            language: rust
            branching_model:
              production: {name: release, enabled: true}
              branch_types:
                - {kind: feature, prefix: feat/, enabled: true}
                - {kind: release, enabled: false}
                - {kind: hotfix, prefix: hotfix/, enabled: true}
            inherit: {branching_model: false}
            permissions: {users: {"{e29d8b3b-1f09-408b-ae11-825412901d4d}": admin}, groups: {developers: write}}
            branch_restrictions:
              - {kind: force, branch: main}
              - kind: push
                branch: {type: production}
                users: ["{e29d8b3b-1f09-408b-ae11-825412901d4d}"]
                groups: [release-managers]
              - {kind: require_approvals_to_merge, branch: main, value: 2}
            default_reviewers: ["{d9b5b140-af3f-497f-8afc-2a0b26789200}", "{e29d8b3b-1f09-408b-ae11-825412901d4d}"]
            pipelines:
              variables:
                - {key: CI_TOKEN, value: {env: CI_TOKEN}, secured: true}
                - {key: DATABASE_PASSWORD, value: {env: LEDGER_DATABASE_PASSWORD}, secured: true}
                - {key: REGION, value: eu-west-1}
              schedules: [{branch: main, cron: "0 0 4 * * ? *"}]
              ssh_key_pair:
                private_key: {env: LEDGER_PRIVATE_KEY}
                public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy
              known_hosts:
                - {hostname: git.example.com, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKY7v0cZ3kq5yqLwM0mB9Jt1xV2nD8sPq4eUoW6hRfTg}
            environments:
              - name: Live
                type: Production
                admin_only: true
                variables:
                  - {key: DATABASE_PASSWORD, value: {env: LEDGER_LIVE_DATABASE_PASSWORD}, secured: true}
                  - {key: URL, value: "https://ledger.acme.example"}
            webhooks:
              - url: https://ci.example.com/bitbucket
                description: CI
                events: ["pullrequest:created", "repo:push"]
                secret: {env: CI_SECRET}
            deploy_keys:
              - {key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy ci@acme, label: ci}

          - {slug: parser, project: WEB, is_private: false, name: Parser}
          - {slug: website, project: WEB, is_private: false, website: "https://acme.example"}

    # Who is who:
    #   {e29d8b3b-1f09-408b-ae11-825412901d4d}  Ada Lovelace

    # Secrets, which Bitbucket shows to nobody. A run that writes one takes it from the environment; whether several have the
    # same, where they share one here, nobody can see:
    #   ACME_REGISTRY_TOKEN            value of the variable REGISTRY_TOKEN in acme
    #   CI_TOKEN                       value of the variable CI_TOKEN in acme/api-gateway, and 1 more
    #   API_GATEWAY_DATABASE_PASSWORD  value of the variable DATABASE_PASSWORD in acme/api-gateway
    #   CI_SECRET                      secret of the webhook https://ci.example.com/bitbucket in acme/api-gateway, and 2 more
    #   LEDGER_DATABASE_PASSWORD       value of the variable DATABASE_PASSWORD in acme/ledger
    #   LEDGER_PRIVATE_KEY             private key of the SSH key pair in acme/ledger
    #   LEDGER_LIVE_DATABASE_PASSWORD  value of the variable DATABASE_PASSWORD of Live in acme/ledger
    ----- stderr -----
    note: `has_wiki`: Bitbucket shut its wikis down on 2026-08-20
      bitbucket_repository.website

    note: `link`: avatars are not managed, and stay as they are
      bitbucket_repository.website

    note: carried over as any repository: it stays a fork, but if it goes missing an empty one takes its place
      bitbucket_forked_repository.parser

    note: the state has accounts by their names, which are nobody's for sure: whom it lets through stays as it is, until `users` lists their e-mail addresses
      bitbucket_branch_restriction.api["merge"]

    note: the state refers to its environment by a UUID, and holds no such `bitbucket_deployment`
      bitbucket_deployment_variable.live["gone"]

    note: it runs on a tag, and schedules of a manifest run on branches
      bitbucket_pipeline_schedule.ledger["tag"]

    note: the state holds no `private_key` of it, without which it cannot be managed
      bitbucket_pipeline_ssh_key.api

    note: `skip_cert_verification`: whether a webhook's certificate is checked is not managed, and stays as it is
      bitbucket_hook.ci["ledger"]
      bitbucket_hook.ci["api-gateway"]
      bitbucket_hook.ci["fraud-rules"]

    note: the state holds no `key` of it, without which it cannot be managed
      bitbucket_deploy_key.imported

    note: groups and their members can only be changed on the workspace's settings pages; grants to them are carried over
      bitbucket_group.developers
      bitbucket_group_membership.developers["ada"]
      bitbucket_group_membership.developers["grace"]

    note: the keys of a person's account belong to that person
      bitbucket_ssh_key.ada
      bitbucket_gpg_key.ada

    note: what is committed stays, and is changed by commits
      bitbucket_commit_file.readme

    note: branches stay, and are made by pushing them
      bitbucket_branch.develop

    passed over: 1 resource of other providers, hashicorp/aws 1

    secrets that the manifest takes from the environment:
      ACME_REGISTRY_TOKEN            value of the variable REGISTRY_TOKEN in acme
      CI_TOKEN                       value of the variable CI_TOKEN in acme/api-gateway, and 1 more
      API_GATEWAY_DATABASE_PASSWORD  value of the variable DATABASE_PASSWORD in acme/api-gateway
      CI_SECRET                      secret of the webhook https://ci.example.com/bitbucket in acme/api-gateway, and 2 more
      LEDGER_DATABASE_PASSWORD       value of the variable DATABASE_PASSWORD in acme/ledger
      LEDGER_PRIVATE_KEY             private key of the SSH key pair in acme/ledger
      LEDGER_LIVE_DATABASE_PASSWORD  value of the variable DATABASE_PASSWORD of Live in acme/ledger

    read 49 resources in 1 state: 2 projects and 5 repositories with 37 settings in 1 workspace
    save it as repos.yaml; what exists is adopted by: bbprov plan repos.yaml
    "#);
}

#[test]
fn what_zahiars_provider_manages_is_carried_over_or_named() {
    let run = import(ZAHIAR).exits(0);
    assert!(!run.to_string().contains(SECRET), "{run}");
    insta::assert_snapshot!(run, @r#"
    exit code 0
    ----- stdout -----
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What Terraform manages according to terraform.tfstate, as `bbprov import-terraform` read it.
    version: 1

    workspaces:
      - workspace: acme
        projects:
          - {key: EXP, name: Example Project, description: An example project, is_private: true}
        repositories:
          - slug: one
            project: EXP
            is_private: true
            fork_policy: no_forks
            permissions: {users: {"{e29d8b3b-1f09-408b-ae11-825412901d4d}": admin}, groups: {example: read}}
            branch_restrictions:
              - {kind: push, branch: main, users: ["{e29d8b3b-1f09-408b-ae11-825412901d4d}"], groups: [release-managers]}
              - {kind: require_approvals_to_merge, branch: main, value: 2}
              - {kind: restrict_merges, branch: main}
            default_reviewers: ["{e29d8b3b-1f09-408b-ae11-825412901d4d}"]
            pipelines:
              enabled: true
              variables: [{key: EMPTY, value: ""}]
              ssh_key_pair:
                private_key: {env: ONE_PRIVATE_KEY}
                public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy
            environments:
              - name: Blue
                type: Staging
                variables:
                  - {key: API_TOKEN, value: {env: ONE_BLUE_API_TOKEN}, secured: true}
                  - {key: URL, value: "https://blue.example.com"}
            webhooks: [{url: "https://ci.example.com/", description: CI, events: ["repo:push"]}]
            deploy_keys: [{key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy, label: ci}]
          - slug: two
            project: EXP
            is_private: true
            fork_policy: no_forks
            pipelines:
              variables: [{key: api_token, value: {env: TWO_API_TOKEN}, secured: true}]

          - {slug: legacy, project: OLD, pipelines: {variables: [{key: LEGACY, value: "yes"}]}}

    # Secrets, which Bitbucket shows to nobody. A run that writes one takes it from the environment; whether several have the
    # same, where they share one here, nobody can see:
    #   ONE_PRIVATE_KEY     private key of the SSH key pair in acme/one
    #   ONE_BLUE_API_TOKEN  value of the variable API_TOKEN of Blue in acme/one
    #   TWO_API_TOKEN       value of the variable api_token in acme/two
    ----- stderr -----
    note: the state has accounts by their names, which are nobody's for sure: whom it lets through stays as it is, until `users` lists their e-mail addresses
      bitbucket_branch_restriction.merge

    note: groups and their members can only be changed on the workspace's settings pages; grants to them are carried over
      bitbucket_group.example
      bitbucket_group_member.example

    note: Terraform only reads it; it is listed because something in it is managed
      data.bitbucket_repository.legacy

    secrets that the manifest takes from the environment:
      ONE_PRIVATE_KEY     private key of the SSH key pair in acme/one
      ONE_BLUE_API_TOKEN  value of the variable API_TOKEN of Blue in acme/one
      TWO_API_TOKEN       value of the variable api_token in acme/two

    read 20 resources in 1 state: 1 project and 3 repositories with 16 settings in 1 workspace
    save it as repos.yaml; what exists is adopted by: bbprov plan repos.yaml
    "#);
}

/// Whoever imports and applies to nothing gets what Terraform had, and is at rest then.
#[test]
fn what_was_carried_over_comes_to_rest() {
    for state in [DRFAUST92, ZAHIAR] {
        let manifest = import(state).exits(0).stdout;
        let bitbucket = Bitbucket::new();
        bitbucket.manifest(&manifest);
        if manifest.contains("project: OLD") {
            bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "OLD", "name": "Old"}));
        }
        let secrets = manifest.split("{env: ").skip(1).filter_map(|rest| rest.split('}').next());
        let secrets: BTreeSet<&str> = secrets.collect();
        let run = |arguments: &[&str]| {
            let command = bitbucket.as_owner(arguments);
            let value = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----";
            secrets.iter().fold(command, |command, name| command.env(name, value)).run()
        };
        run(&["apply"]).exits(0);
        let plan = run(&["plan", "--detailed-exitcode"]).exits(0);
        assert!(plan.stdout.contains("Nothing to do"), "{plan}");
    }
}

/// The addresses that a person looks for, as `terraform state list` prints them.
#[test]
fn resources_are_named_as_terraform_names_them() {
    let group = |module: Option<&str>, key: Value| {
        let mut group = resource("bitbucket_group", "all", json!({}));
        group["instances"][0]["index_key"] = key;
        if let Some(module) = module {
            group["module"] = json!(module);
        }
        group
    };
    let groups = [
        group(None, Value::Null),
        group(None, json!(0)),
        group(Some("module.team[\"pay\"].module.people"), json!("a \"b\"")),
        resource("bitbucket_repository", "ledger", repository("ledger")),
    ];
    let folder = Folder::new();
    folder.write("terraform.tfstate", state(&groups));
    let run = Bbprov::new(&folder, &["import-terraform", "-v", "terraform.tfstate"]).run().exits(0);
    for address in [
        "bitbucket_group.all",
        "bitbucket_group.all[0]",
        r#"module.team["pay"].module.people.bitbucket_group.all["a \"b\""]"#,
    ] {
        assert!(run.stderr.contains(&format!("\n  {address}\n")), "{address} is missing in {run}");
    }
}
