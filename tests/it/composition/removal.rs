//! `~` removes what is inherited, and nothing else does.

use insta::assert_snapshot;

use super::{desired, manifest, validate};
use crate::support::{Bbprov, Bitbucket, Folder};

const TOP: &str = "defaults:
  repository:
    project: PAY
    description: from the defaults
    language: rust
    permissions: {groups: {developers: write, auditors: read}}
    webhooks: [{url: \"https://a.example.com\", events: [\"repo:push\"]}]
    pipelines: {enabled: true, variables: [{key: A, value: b}]}
    branching_model: {development: {use_mainbranch: true}, default_branch_deletion: true}
templates:
  bare: {webhooks: ~, pipelines: {variables: ~}, language: ~}
  again: {webhooks: [{url: \"https://b.example.com\", events: [\"repo:push\"]}], language: go}
  anew: {permissions: ~}
";

#[test]
fn it_removes_values_sections_and_keys_of_mappings() {
    let text = manifest(
        TOP,
        "      - {slug: a, description: ~, permissions: {groups: {auditors: ~}}, branching_model: {development: {use_mainbranch: null}}}
      - {slug: b, uses: [bare], permissions: ~, branching_model: ~}
      - {slug: c, uses: [bare, again], pipelines: {enabled: ~}}
      - {slug: d, uses: [anew], permissions: {groups: {owners: admin}}, branching_model: ~, pipelines: ~, webhooks: Null}
",
    );
    assert_snapshot!(desired(&text), @r#"
    acme/a  project="PAY" language="rust"
    acme/b  project="PAY" description="from the defaults"
    acme/c  project="PAY" description="from the defaults" language="go"
    acme/d  project="PAY" description="from the defaults" language="rust"
    acme/a/branching_model  default_branch_deletion=true
    acme/c/branching_model  development.use_mainbranch=true default_branch_deletion=true
    acme/a/permissions/groups/developers  permission="write"
    acme/c/permissions/groups/auditors  permission="read"
    acme/c/permissions/groups/developers  permission="write"
    acme/d/permissions/groups/owners  permission="admin"
    acme/a/pipelines/enabled  enabled=true
    acme/b/pipelines/enabled  enabled=true
    acme/a/pipelines/variables/A  key="A" value="b" secured=false
    acme/a/webhooks/https://a.example.com  url="https://a.example.com" events=["repo:push"]
    acme/c/webhooks/https://b.example.com  url="https://b.example.com" events=["repo:push"]
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "what a person reads is long")]
fn what_it_cannot_remove_is_said() {
    let run = validate(&manifest(
        TOP,
        "      - {slug: ~, project: ~}
      - {slug: a, project: ~}
      - slug: b
        description:
        webhooks:
        permissions:
      - {slug: c, state: ~, uses: ~, previously: ~}
      - {slug: d, default_reviewers: [~], webhooks: [{url: ~, events: [~], active: ~}]}
      - ~
",
    ));
    assert_snapshot!(run, @r#"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0103]: `slug` must be text
      --> repos.yaml:18:16
       |
    18 |       - {slug: ~, project: ~}
       |                ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0304]: repository "a" names no project
      --> repos.yaml:19:28
       |
    19 |       - {slug: a, project: ~}
       |                            ^ removed by this `~`
       |
       = help: add `project: KEY`; Bitbucket would silently put it into the workspace's oldest project

    error[BB0103]: `description` says nothing
      --> repos.yaml:21:20
       |
    21 |         description:
       |                    ^ this is empty
       |
       = help: write `~` to remove the inherited value, or a value

    error[BB0103]: `webhooks` says nothing
      --> repos.yaml:22:17
       |
    22 |         webhooks:
       |                 ^ this is empty
       |
       = help: write `~` to remove the inherited value, or a value

    error[BB0103]: `permissions` says nothing
      --> repos.yaml:23:20
       |
    23 |         permissions:
       |                    ^ this is empty
       |
       = help: write `~` to remove the inherited value, or a value

    error[BB0103]: `state` must be `present` or `absent`
      --> repos.yaml:24:26
       |
    24 |       - {slug: c, state: ~, uses: ~, previously: ~}
       |                          ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `uses` must be a list
      --> repos.yaml:24:35
       |
    24 |       - {slug: c, state: ~, uses: ~, previously: ~}
       |                                   ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `previously` must be text
      --> repos.yaml:24:50
       |
    24 |       - {slug: c, state: ~, uses: ~, previously: ~}
       |                                                  ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `default reviewer` must be text that is not empty
      --> repos.yaml:25:39
       |
    25 | ... d, default_reviewers: [~], webhooks: [{url: ~, events: [~], active:...
       |                            ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `url` must be text that is not empty
      --> repos.yaml:25:60
       |
    25 | ...efault_reviewers: [~], webhooks: [{url: ~, events: [~], active: ~}]}
       |                                            ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `event` must be text
      --> repos.yaml:25:72
       |
    25 | ...efault_reviewers: [~], webhooks: [{url: ~, events: [~], active: ~}]}
       |                                                        ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `active` must be true or false
      --> repos.yaml:25:84
       |
    25 | ...efault_reviewers: [~], webhooks: [{url: ~, events: [~], active: ~}]}
       |                                                                    ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `repository` must be a mapping with keys such as `branch_restrictions`, `branching_model`, `default_reviewers`, `deploy_keys`
      --> repos.yaml:26:9
       |
    26 |       - ~
       |         ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    13 errors
    "#);
    let run = validate(
        "version: ~\ndefaults: {project: {description: ~}, repository: ~}\ntemplates: {a: ~}\nworkspaces:\n  - workspace: ~\n  - {workspace: acme, webhooks: ~, projects: ~}\n",
    );
    assert_snapshot!(run, @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0103]: `version` must be 1
     --> repos.yaml:1:10
      |
    1 | version: ~
      |          ^ this is `~`
      |
      = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `description` must be text
     --> repos.yaml:2:35
      |
    2 | defaults: {project: {description: ~}, repository: ~}
      |                                   ^ this is `~`
      |
      = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `repository` must be a mapping with keys such as `branch_restrictions`, `branching_model`, `default_reviewers`, `deploy_keys`
     --> repos.yaml:2:51
      |
    2 | defaults: {project: {description: ~}, repository: ~}
      |                                                   ^ this is `~`
      |
      = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `template` must be a mapping with keys such as `branch_restrictions`, `branching_model`, `default_reviewers`, `deploy_keys`
     --> repos.yaml:3:16
      |
    3 | templates: {a: ~}
      |                ^ this is `~`
      |
      = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `workspace` must be text
     --> repos.yaml:5:16
      |
    5 |   - workspace: ~
      |                ^ this is `~`
      |
      = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `webhooks` must be a list
     --> repos.yaml:6:33
      |
    6 |   - {workspace: acme, webhooks: ~, projects: ~}
      |                                 ^ this is `~`
      |
      = help: `~` removes what is inherited, and nothing is inherited here: write a value

    error[BB0103]: `projects` must be a list
     --> repos.yaml:6:46
      |
    6 |   - {workspace: acme, webhooks: ~, projects: ~}
      |                                              ^ this is `~`
      |
      = help: `~` removes what is inherited, and nothing is inherited here: write a value

    7 errors
    ");
}

/// A `~` that does nothing is a slip of the pen or a leftover; in a template it must do something for somebody.
#[test]
fn what_removes_nothing_is_a_warning_at_its_place() {
    let run = validate(&manifest(
        &TOP.replace("anew: {permissions: ~}", "anew: {permissions: ~, website: ~}\n  idle: {website: ~}"),
        "      - {slug: a, website: ~, permissions: {groups: {nobody: ~}, users: {x: ~}}, uses: [anew]}
      - {slug: b, uses: [bare], webhooks: ~}
      - {slug: c, state: absent, mainbranch: ~}
",
    ));
    assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    valid: 0 projects and 3 repositories with 8 settings in 1 workspace, from 1 file
    ----- stderr -----
    warning[BB0210]: there is no `website` that this could remove
      --> repos.yaml:14:35
       |
    14 |   anew: {permissions: ~, website: ~}
       |                                   ^ nothing gives it a value under this
       |
       = help: leave it out

    warning[BB0210]: there is no `website` that this could remove
      --> repos.yaml:19:28
       |
    19 |       - {slug: a, website: ~, permissions: {groups: {nobody: ~}, users:...
       |                            ^ nothing gives it a value under this
       |
       = help: leave it out

    warning[BB0210]: there is no `nobody` that this could remove
      --> repos.yaml:19:62
       |
    19 | ... ~, permissions: {groups: {nobody: ~}, users: {x: ~}}, uses: [anew]}
       |                                       ^ nothing gives it a value under this
       |
       = help: leave it out

    warning[BB0210]: there is no `x` that this could remove
      --> repos.yaml:19:77
       |
    19 | ... ~, permissions: {groups: {nobody: ~}, users: {x: ~}}, uses: [anew]}
       |                                                      ^ nothing gives it a value under this
       |
       = help: leave it out

    warning[BB0210]: there is no `webhooks` that this could remove
      --> repos.yaml:20:43
       |
    20 |       - {slug: b, uses: [bare], webhooks: ~}
       |                                           ^ nothing gives it a value under this
       |
       = help: leave it out
    ");
}

/// A project that a template takes away is missing, and the place is the `~`.
#[test]
fn a_project_that_was_removed_is_missing() {
    let run = validate(&manifest(
        "defaults: {repository: {project: PAY}}\ntemplates: {lost: {project: ~}}\n",
        "      - {slug: a, uses: [lost]}\n      - {slug: b, project: ~}\n      - {slug: c, uses: [lost], project: WEB}\n",
    ));
    assert_snapshot!(run, @r#"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0304]: repository "a" names no project
     --> repos.yaml:3:29
      |
    3 | templates: {lost: {project: ~}}
      |                             ^ removed by this `~`
      |
     ::: repos.yaml:7:16
      |
    7 |       - {slug: a, uses: [lost]}
      |                - this repository has it from template lost
      |
      = help: add `project: KEY`; Bitbucket would silently put it into the workspace's oldest project

    error[BB0304]: repository "b" names no project
     --> repos.yaml:8:28
      |
    8 |       - {slug: b, project: ~}
      |                            ^ removed by this `~`
      |
      = help: add `project: KEY`; Bitbucket would silently put it into the workspace's oldest project

    2 errors
    "#);
}

/// Who owns a section must have it.
#[test]
fn an_exclusive_section_that_was_removed_is_an_error() {
    let run = validate(&manifest(
        "templates: {owned: {exclusive: [webhooks], webhooks: []}}\n",
        "      - {slug: a, project: P, uses: [owned]}\n      - {slug: b, project: P, uses: [owned], webhooks: ~}\n      - {slug: c, project: P, uses: [owned], webhooks: ~, exclusive: ~}\n",
    ));
    assert_snapshot!(run, @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0204]: `webhooks` is exclusive and not there
     --> repos.yaml:2:33
      |
    2 | templates: {owned: {exclusive: [webhooks], webhooks: []}}
      |                                 ^^^^^^^^ what is not listed would go, and nothing is listed
      |
     ::: repos.yaml:7:16
      |
    7 |       - {slug: b, project: P, uses: [owned], webhooks: ~}
      |                - this repository has it from template owned
      |
      = help: list what shall be, or write `webhooks: []` if all of it shall go
    ");
}

/// Where a secret comes from is one thing: an own source takes the place of an inherited one.
#[test]
fn where_a_secret_comes_from_is_not_mixed() {
    let text = manifest(
        "templates: {keys: {pipelines: {ssh_key_pair: {private_key: {env: A}, public_key: \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy\"}}}}\n",
        "      - {slug: a, project: P, uses: [keys], pipelines: {ssh_key_pair: {private_key: {file: b}, public_key: \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy\"}}}\n",
    );
    assert_snapshot!(desired(&text), @r#"
    acme/a  project="P"
    acme/a/pipelines/ssh_key_pair  private_key={"file":"b"} public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy"
    "#);
}

/// What a template holds is hidden like everything else that may be a secret.
#[test]
fn a_secret_in_a_template_is_shown_nowhere() {
    let text = manifest(
        "templates:\n  hooks: {webhooks: [{url: \"https://a.example.com\", events: [\"repo:push\"], secret: s3cr3t-t0k3n}]}\n",
        "      - {slug: a, project: P, uses: [hooks]}\n",
    );
    let run = validate(&text).exits(3);
    assert!(run.stderr.contains("is a secret, and a manifest holds none"), "{run}");
    assert!(!run.to_string().contains("s3cr3t"), "{run}");
    let folder = Folder::new();
    folder.write("repos.yaml", text);
    let run = Bbprov::new(&folder, &["explain", "acme/a"]).run().exits(3);
    assert!(!run.to_string().contains("s3cr3t"), "{run}");
}

/// What is removed is not managed: nothing of it is read, and nothing of it goes.
#[test]
fn a_section_that_was_removed_is_not_looked_at() {
    let bitbucket = Bitbucket::new();
    let text = |uses: &str| {
        let text = manifest(
            "templates: {service: {webhooks: [{url: \"https://a.example.com\", description: A, events: [\"repo:push\"], active: true}]}}\n",
            &format!("      - {{slug: a, project: PAY, uses: [service]{uses}}}\n"),
        );
        text.replace("    repositories", "    projects: [{key: PAY}]\n    repositories")
    };
    bitbucket.manifest(&text(""));
    bitbucket.run(&["apply"]).exits(0);
    let asked = |name: &str| bitbucket.exchanges().iter().filter(|exchange| exchange.path.contains(name)).count();
    bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
    let before = asked("hooks");
    bitbucket.manifest(&text(", webhooks: ~"));
    bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(before > 0);
    assert_eq!(asked("hooks"), before);
}
