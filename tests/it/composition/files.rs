//! One manifest of many files: each team has its own, and what contradicts another is shown with both places.

use insta::assert_snapshot;

use super::{lines, load};
use crate::support::{Bbprov, Folder, Run};

fn validate(files: &[(&str, &str)]) -> Run {
    let folder = Folder::new();
    for (name, text) in files {
        folder.write(name, text);
    }
    Bbprov::new(&folder, &["validate", "."]).run()
}

/// What teams share, in a file that lists nothing; what each says of the workspace adds up.
#[test]
fn teams_have_files_of_their_own() {
    let shared = "version: 1
defaults: {repository: {is_private: true}}
templates: {service: {language: rust}}
";
    let payments = "version: 1
defaults: {repository: {uses: [service]}}
workspaces:
  - workspace: acme
    auth: {access_token: {env: ACME_TOKEN}}
    exclusive: [webhooks]
    pipelines: {variables: [{key: A, value: a}]}
    projects: [{key: PAY}]
    repositories: [{slug: ledger, project: PAY}]
";
    let website = "version: 1
templates: {service: {language: rust}}
workspaces:
  - workspace: labs
    repositories: [{slug: x, project: LAB}]
  - workspace: acme
    exclusive: [webhooks, pipelines]
    auth: {access_token: {env: ACME_TOKEN}}
    webhooks: [{url: \"https://web.example.com\", events: [\"repo:push\"]}]
    pipelines: {variables: [{key: B, value: b}]}
    repositories: [{slug: website, project: WEB}]
";
    let manifest = load(&[shared, payments, website]).unwrap();
    assert_snapshot!(lines(&manifest), @r#"
    acme/PAY  
    acme/ledger  project="PAY" is_private=true language="rust"
    acme/website  project="WEB" is_private=true language="rust"
    acme/pipelines/variables/A  key="A" value="a" secured=false
    acme/pipelines/variables/B  key="B" value="b" secured=false
    acme/webhooks/https://web.example.com  url="https://web.example.com" events=["repo:push"]
    labs/x  project="LAB" is_private=true language="rust"
    "#);
    let backwards = load(&[website, payments, shared]).unwrap();
    assert_eq!(lines(&manifest), lines(&backwards));
    let owned: Vec<_> =
        manifest.owned.iter().map(|owned| format!("{} {}", owned.parent, owned.kind.section())).collect();
    assert_eq!(owned, ["acme webhooks", "acme pipelines.variables"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "what a person reads is long")]
fn contradictions_show_both_places() {
    let run = validate(&[
        (
            "payments.yaml",
            "version: 1
defaults: {repository: {is_private: true, permissions: {groups: {a: read}}, uses: [service]}}
templates: {service: {language: rust}, same: {is_private: true, language: go}}
workspaces:
  - workspace: acme
    auth: {access_token: {env: ACME_TOKEN}}
    webhooks: [{url: \"https://a.example.com\", events: [\"repo:push\"]}]
    pipelines: {variables: [{key: A, value: a}]}
    projects: [{key: PAY}]
    repositories: [{slug: ledger, project: PAY}]
",
        ),
        (
            "website.yaml",
            "version: 1
defaults: {repository: {is_private: false, permissions: {groups: {a: write, b: read}}, uses: [same]}}
templates: {service: {language: go}, same: {language: go, is_private: true}}
workspaces:
  - workspace: acme
    auth: {access_token: {env: OTHER_TOKEN}}
    webhooks: [{url: \"https://a.example.com\", events: [\"repo:fork\"]}]
    pipelines: {variables: [{key: A, value: b}]}
    projects: [{key: pay}]
    repositories: [{slug: ledger, project: PAY}]
",
        ),
    ]);
    assert_snapshot!(run, @r#"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0201]: two files give different defaults
     --> ./website.yaml:2:37
      |
    2 | defaults: {repository: {is_private: false, permissions: {groups: {a: wri...
      |                                     ^^^^^ this one
      |
     ::: ./payments.yaml:2:37
      |
    2 | defaults: {repository: {is_private: true, permissions: {groups: {a: read...
      |                                     ---- and this one
      |
      = help: defaults hold for the whole manifest: keep one of them, or set the value on the objects

    error[BB0201]: two files give different defaults
     --> ./website.yaml:2:70
      |
    2 | ...te: false, permissions: {groups: {a: write, b: read}}, uses: [same]}}
      |                                         ^^^^^ this one
      |
     ::: ./payments.yaml:2:69
      |
    2 | ...is_private: true, permissions: {groups: {a: read}}, uses: [service]}}
      |                                                ---- and this one
      |
      = help: defaults hold for the whole manifest: keep one of them, or set the value on the objects

    error[BB0201]: two files give different defaults
     --> ./website.yaml:2:94
      |
    2 | ...te: false, permissions: {groups: {a: write, b: read}}, uses: [same]}}
      |                                                                 ^ this one
      |
     ::: ./payments.yaml:2:83
      |
    2 | ...is_private: true, permissions: {groups: {a: read}}, uses: [service]}}
      |                                                              - and this one
      |
      = help: defaults hold for the whole manifest: keep one of them, or set the value on the objects

    error[BB0206]: two templates are called `service`
     --> ./website.yaml:3:13
      |
    3 | templates: {service: {language: go}, same: {language: go, is_private: tr...
      |             ^^^^^^^ this one
      |
     ::: ./payments.yaml:3:13
      |
    3 | templates: {service: {language: rust}, same: {is_private: true, language...
      |             ------- and this one
      |
      = help: templates hold for the whole manifest: keep one of them, or give one another name

    error[BB0505]: two places give `acme` different credentials
     --> ./website.yaml:6:11
      |
    6 |     auth: {access_token: {env: OTHER_TOKEN}}
      |           ^ this one
      |
     ::: ./payments.yaml:6:11
      |
    6 |     auth: {access_token: {env: ACME_TOKEN}}
      |           - and this one
      |
      = help: keep one of them: it holds for the workspace wherever that is listed

    error[BB0202]: webhook acme/webhooks/https://a.example.com is listed twice
     --> ./website.yaml:7:22
      |
    7 |     webhooks: [{url: "https://a.example.com", events: ["repo:fork"]}]
      |                      ^^^^^^^^^^^^^^^^^^^^^^^ the second time
      |
     ::: ./payments.yaml:7:22
      |
    7 |     webhooks: [{url: "https://a.example.com", events: ["repo:push"]}]
      |                      ----------------------- the first time
      |
      = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0202]: variable acme/pipelines/variables/A is listed twice
     --> ./website.yaml:8:35
      |
    8 |     pipelines: {variables: [{key: A, value: b}]}
      |                                   ^ the second time
      |
     ::: ./payments.yaml:8:35
      |
    8 |     pipelines: {variables: [{key: A, value: a}]}
      |                                   - the first time
      |
      = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0202]: project acme/pay is listed twice
     --> ./website.yaml:9:22
      |
    9 |     projects: [{key: pay}]
      |                      ^^^ the second time
      |
     ::: ./payments.yaml:9:22
      |
    9 |     projects: [{key: PAY}]
      |                      --- the first time
      |
      = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0202]: repository acme/ledger is listed twice
      --> ./website.yaml:10:27
       |
    10 |     repositories: [{slug: ledger, project: PAY}]
       |                           ^^^^^^ the second time
       |
      ::: ./payments.yaml:10:27
       |
    10 |     repositories: [{slug: ledger, project: PAY}]
       |                           ------ the first time
       |
       = help: keep one of them: an object has one place in a manifest, or in all its files

    9 errors
    "#);
}

/// The section may stand in one file, and that it is exclusive in another; it must stand somewhere.
#[test]
fn what_a_workspace_owns_is_said_in_any_of_its_files() {
    let owner = "version: 1\nworkspaces: [{workspace: acme, exclusive: [webhooks]}]\n";
    let hooks = "version: 1\nworkspaces: [{workspace: acme, webhooks: []}]\n";
    assert_eq!(validate(&[("a.yaml", owner), ("b.yaml", hooks)]).exits(0).stderr, "");
    assert_snapshot!(validate(&[("a.yaml", owner), ("b.yaml", owner)]), @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0204]: `webhooks` is exclusive and not there
     --> ./a.yaml:2:44
      |
    2 | workspaces: [{workspace: acme, exclusive: [webhooks]}]
      |                                            ^^^^^^^^ what is not listed would go, and nothing is listed
      |
      = help: list what shall be, or write `webhooks: []` if all of it shall go

    error[BB0204]: `webhooks` is exclusive and not there
     --> ./b.yaml:2:44
      |
    2 | workspaces: [{workspace: acme, exclusive: [webhooks]}]
      |                                            ^^^^^^^^ what is not listed would go, and nothing is listed
      |
      = help: list what shall be, or write `webhooks: []` if all of it shall go

    2 errors
    ");
}

#[test]
fn a_file_holds_something() {
    assert_snapshot!(validate(&[("a.yaml", "version: 1\n"), ("b.yaml", "version: 1\nworkspace: []\n")]), @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0102]: manifest lacks `workspaces`
     --> ./a.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^ in the entry that begins here

    error[BB0101]: manifest has no key `workspace`
     --> ./b.yaml:2:1
      |
    2 | workspace: []
      | ^^^^^^^^^ did you mean `workspaces`?

    2 errors
    ");
}
