//! What is in a state besides, and several states at once.

use serde_json::{Value, json};

use super::{import, repository, resource, resources, state};
use crate::support::{Bbprov, Folder};

fn variable(repository: &str, key: &str, value: &str) -> Value {
    json!({"repository": format!("acme/{repository}"), "key": key, "value": value, "secured": true})
}

#[test]
fn what_terraform_reads_discards_or_others_manage_is_passed_over() {
    let mut deposed = resource("bitbucket_repository", "old", repository("old"));
    deposed["instances"][0]["deposed"] = json!("c0ffee00");
    let mut read = resource("bitbucket_repository", "read", repository("read"));
    read["mode"] = json!("data");
    let mut other = resources("aws_s3_bucket", "b", &[(json!(0), json!({})), (json!(1), json!({}))]);
    other["provider"] = json!("provider[\"registry.terraform.io/hashicorp/aws\"]");
    let mut server = resource("bitbucketserver_project", "p", json!({"key": "X"}));
    server["provider"] = json!("provider[\"registry.terraform.io/gavinbunney/bitbucketserver\"]");
    let run = import(state(&[
        deposed,
        read,
        other,
        server,
        resource("bitbucket_repository", "ledger", repository("ledger")),
    ]));
    let run = run.exits(0);
    assert!(run.stdout.contains("- {slug: ledger, project: PAY}"), "{run}");
    assert!(!run.stdout.contains("old") && !run.stdout.contains("slug: read"), "{run}");
    let passed = "passed over: 3 resources of other providers, hashicorp/aws 2, gavinbunney/bitbucketserver 1";
    assert!(run.stderr.contains(passed), "{run}");
    assert!(run.stderr.contains("read 1 resource in 1 state: 0 projects and 1 repository in 1 workspace"), "{run}");
}

/// Teams split their state: what stands in a repository may be managed elsewhere than that.
#[test]
fn several_states_make_one_manifest() {
    let folder = Folder::new();
    folder.write("a.tfstate", state(&[resource("bitbucket_repository", "ledger", repository("ledger"))]));
    let hook =
        json!({"owner": "acme", "repository": "ledger", "url": "https://ci.example.com", "events": ["repo:push"]});
    let same = resource("bitbucket_repository", "same", repository("ledger"));
    let b = state(&[resource("bitbucket_hook", "ci", hook), same]);
    let both = Bbprov::new(&folder, &["import-terraform", "a.tfstate", "-"]).stdin(b.clone()).run().exits(0);
    assert!(both.stdout.contains("url: \"https://ci.example.com\""), "{both}");
    let twice = "note: the same repository as a.tfstate: bitbucket_repository.ledger, which is carried over\n  \
                 standard input: bitbucket_repository.same\n";
    assert!(both.stderr.contains(twice), "{both}");
    let hook = state(&[serde_json::from_str::<Value>(&b).unwrap()["resources"][0].clone()]);
    let alone = import(hook).exits(0);
    assert!(alone.stdout.contains("workspaces: []"), "{alone}");
    assert!(alone.stderr.contains("if another state manages that, name both files\n  bitbucket_hook.ci"), "{alone}");
}

/// Repositories and environments that were made by hand are found by data sources.
#[test]
fn what_is_only_read_lends_its_name() {
    let (repository, environment) =
        ("{00000001-0000-4000-8000-000000000000}", "{00000002-0000-4000-8000-000000000000}");
    let read = |kind: &str, attributes: Value| {
        let mut group = resource(kind, "byhand", attributes);
        group["mode"] = json!("data");
        group["module"] = json!("module.team[0]");
        group
    };
    let run = import(state(&[
        read(
            "bitbucket_repository",
            json!({"workspace": "acme", "repo_slug": repository, "uuid": repository, "full_name": "acme/ledger",
                   "name": "Ledger", "project": [{"key": "PAY"}], "owner": [{"username": "acme"}]}),
        ),
        read(
            "bitbucket_deployment",
            json!({"workspace": "acme", "repository": "Ledger", "uuid": environment, "name": "Blue", "stage": "Staging"}),
        ),
        resource(
            "bitbucket_deployment_variable",
            "url",
            json!({"deployment": format!("acme/ledger:{environment}"), "key": "URL", "value": "x", "secured": false}),
        ),
        resource(
            "bitbucket_repository_group_permission",
            "developers",
            json!({"workspace": "acme", "repo_slug": repository, "group_slug": "developers", "permission": "write"}),
        ),
    ]));
    let run = run.exits(0);
    for words in [
        "slug: ledger\n        project: PAY\n        permissions: {groups: {developers: write}}\n",
        "environments: [{name: Blue, type: Staging, variables: [{key: URL, value: x}]}]\n",
    ] {
        assert!(run.stdout.contains(words), "no {words:?} in {run}");
    }
    assert!(run.stderr.contains("only reads it"), "{run}");
    assert!(run.stderr.contains("\n  module.team[0].data.bitbucket_repository.byhand\n"), "{run}");
}

/// A workspace that a state knows by its UUID alone gets its slug from whoever knows it.
#[test]
fn a_workspace_is_called_by_its_slug() {
    let folder = Folder::new();
    let id = "{0b5c4f1e-8f0a-4c39-9d0e-1f2a3b4c5d6e}";
    let mut ledger = repository("ledger");
    ledger["owner"] = json!(id);
    folder.write("terraform.tfstate", state(&[resource("bitbucket_repository", "ledger", ledger)]));
    let run = |more: &[&str]| Bbprov::new(&folder, &[&["import-terraform", "terraform.tfstate"], more].concat()).run();
    let unknown = run(&[]).exits(0);
    assert!(unknown.stderr.contains(&format!("`--workspace '{id}=SLUG'`")), "{unknown}");
    let known = run(&["--workspace", &format!("{}=acme", id.trim_matches(['{', '}']).to_uppercase())]).exits(0);
    assert!(known.stdout.contains("workspace: acme") && known.stdout.contains("slug: ledger"), "{known}");
    let wrong = run(&["--workspace", "acme"]).exits(64);
    assert!(wrong.stderr.contains("write UUID=SLUG"), "{wrong}");
}

#[test]
fn one_secret_has_one_name_and_others_have_others() {
    let all = [
        resources("bitbucket_repository", "all", &["a", "b", "c"].map(|slug| (json!(slug), repository(slug)))),
        resources(
            "bitbucket_repository_variable",
            "same",
            &["a", "b", "c"].map(|slug| (json!(slug), variable(slug, "NPM_TOKEN", "s3cr3t-one"))),
        ),
        resources(
            "bitbucket_repository_variable",
            "own",
            &["a", "b", "c"].map(|slug| (json!(slug), variable(slug, "DB_PASSWORD", &format!("s3cr3t-{slug}")))),
        ),
        // Imported into Terraform: the state does not know what it is.
        resources(
            "bitbucket_repository_variable",
            "unknown",
            &["a", "b"].map(|slug| (json!(slug), variable(slug, "API_KEY", ""))),
        ),
        resource("bitbucket_repository_variable", "ours", variable("c", "BITBUCKET_ACCESS_TOKEN", "s3cr3t-ours")),
    ];
    let run = import(state(&all)).exits(0);
    assert!(!run.to_string().contains("s3cr3t"), "{run}");
    let names: Vec<&str> = run.stdout.split("{env: ").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    assert_eq!(names.iter().filter(|name| **name == "NPM_TOKEN").count(), 3, "{run}");
    for slug in ["A", "B", "C"] {
        assert_eq!(names.iter().filter(|name| **name == format!("{slug}_DB_PASSWORD")).count(), 1, "{run}");
    }
    assert!(names.contains(&"A_API_KEY") && names.contains(&"B_API_KEY"), "{run}");
    // It would be taken for the credential of the run.
    assert!(!names.contains(&"BITBUCKET_ACCESS_TOKEN"), "{run}");
    assert!(run.stderr.contains("NPM_TOKEN"), "{run}");
    assert!(run.stderr.contains("value of the variable NPM_TOKEN in acme/a, and 2 more"), "{run}");
}

/// What everybody has stands in the defaults, but no secret that is not the same for all.
#[test]
fn only_what_is_the_same_is_shared() {
    let hook = |slug: &str, secret: &str| {
        json!({"owner": "acme", "repository": slug, "url": "https://ci.example.com/bitbucket/hook", "description": "CI",
               "events": ["repo:push"], "active": true, "secret": secret})
    };
    let slugs = ["a", "b", "c", "d", "e", "f"];
    let with = |secret: &dyn Fn(&str) -> String| {
        state(&[
            resources("bitbucket_repository", "all", &slugs.map(|slug| (json!(slug), repository(slug)))),
            resources("bitbucket_hook", "ci", &slugs.map(|slug| (json!(slug), hook(slug, &secret(slug))))),
        ])
    };
    let same = import(with(&|_| "s3cr3t".to_owned())).exits(0);
    assert_eq!(same.stdout.matches("url:").count(), 1, "{same}");
    let different = import(with(&|slug| format!("s3cr3t-{slug}"))).exits(0);
    assert_eq!(different.stdout.matches("url:").count(), slugs.len(), "{different}");
}

#[test]
fn what_a_manifest_cannot_say_is_told() {
    let mut ledger = repository("ledger");
    ledger["fork_policy"] = json!("no_public_forks");
    ledger["is_private"] = json!(false);
    ledger["from_the_future"] = json!("x");
    let mut nowhere = repository("nowhere");
    nowhere["project_key"] = json!(null);
    let key = json!({"workspace": "acme", "repository": "ledger", "key": "ssh-rsa AAAA", "label": "cut off"});
    let run = import(state(&[
        resource("bitbucket_repository", "ledger", ledger),
        resource("bitbucket_repository", "nowhere", nowhere),
        resource("bitbucket_deploy_key", "cut", key),
        resource("bitbucket_from_the_future", "x", json!({})),
        resource("bitbucket_repository_variable", "lost", variable("other", "KEY", "s3cr3t")),
    ]));
    insta::assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What Terraform manages according to terraform.tfstate, as `bbprov import-terraform` read it.
    version: 1

    workspaces:
      - workspace: acme
        repositories:
          - {slug: ledger, project: PAY, is_private: false}
    ----- stderr -----
    note: `from_the_future`: this attribute is not known here
      bitbucket_repository.ledger

    note: the state holds no `project_key` of it, without which it cannot be managed
      bitbucket_repository.nowhere

    note: this type of resource is not known here
      bitbucket_from_the_future.x

    note: it is in a repository that is not carried over; if another state manages that, name both files
      bitbucket_repository_variable.lost

    note: its `fork_policy` is left out: a public repository cannot have `no_public_forks`
      bitbucket_repository.ledger

    note: it is left out: this is not a public key of SSH
      bitbucket_deploy_key.cut

    read 5 resources in 1 state: 0 projects and 1 repository in 1 workspace
    save it as repos.yaml; what exists is adopted by: bbprov plan repos.yaml
    ");
}

/// A folder for each team, as an export writes it.
#[test]
fn projects_get_files_of_their_own() {
    let folder = Folder::new();
    let mut web = repository("website");
    web["project_key"] = json!("WEB");
    let both =
        [resource("bitbucket_repository", "a", repository("ledger")), resource("bitbucket_repository", "b", web)];
    folder.write("terraform.tfstate", state(&both));
    let run = Bbprov::new(&folder, &["import-terraform", "--split", "teams", "terraform.tfstate"]).run().exits(0);
    assert_eq!(run.stdout, "", "{run}");
    for file in ["PAY.yaml", "WEB.yaml"] {
        assert!(folder.path().join("teams").join(file).is_file(), "{file}: {run}");
    }
    Bbprov::new(&folder, &["validate", "teams"]).run().exits(0);
}
