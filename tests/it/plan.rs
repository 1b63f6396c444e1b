//! Plans: what they say, what they cost, and that they change nothing.

use bbprov::sandbox::Options;
use serde_json::{Value, json};

use crate::support::{Bitbucket, Run, lines};

const MANIFEST: &str = "\
version: 1
defaults:
  repository: {is_private: true}
workspaces:
  - workspace: acme
    projects:
      - {key: PAY, name: Payments, is_private: true}
      - {key: WEB, is_private: false}
    repositories:
      - {slug: ledger, project: PAY, description: Double-entry ledger}
      - {slug: website, project: WEB, is_private: false}
";

/// A workspace with the manifest's objects in it, and the manifest beside it.
fn applied(manifest: &str) -> Bitbucket {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(manifest);
    bitbucket.run(&["apply"]).exits(0);
    bitbucket
}

fn changes(run: &Run) -> Vec<String> {
    let json = run.json();
    let changes = json["changes"].as_array().unwrap().iter();
    let fields = |change: &Value| {
        let fields = change["fields"].as_array().unwrap().iter();
        fields
            .map(|field| format!(" {}: {} → {}", field["name"].as_str().unwrap(), field["from"], field["to"]))
            .collect::<String>()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    changes
        .map(|change| {
            format!(
                "{} {} {}{}",
                text(&change["action"]),
                text(&change["kind"]),
                text(&change["address"]),
                fields(change)
            )
        })
        .collect()
}

#[test]
fn a_plan_is_read_at_a_glance() {
    let bitbucket = applied(MANIFEST);
    for number in 0..9 {
        bitbucket.by_hand("POST", &format!("/repositories/acme/other-{number}"), &json!({"project": {"key": "PAY"}}));
    }
    let old = json!({"project": {"key": "PAY"}, "description": "An old \u{1b}[31mtool", "is_private": true});
    bitbucket.by_hand("POST", "/repositories/acme/old-tool", &old);
    bitbucket.by_hand("PUT", "/repositories/acme/ledger", &json!({"description": "Old ledger"}));
    bitbucket.by_hand("PUT", "/repositories/acme/website", &json!({"is_private": true}));
    let more: String = lines(50, |number| format!("      - {{slug: service-{number:02}, project: PAY}}\n"));
    bitbucket.manifest(&format!("{MANIFEST}      - {{slug: old-tool, state: absent}}\n      - {{slug: app, project: WEB, mainbranch: main}}\n{more}"));
    let run = bitbucket.run(&["plan", "--detailed-exitcode"]);
    insta::assert_snapshot!(run, @r#"
    exit code 2
    ----- stdout -----
    acme has 12 repositories and 2 projects

      ! repository acme/website   becomes public
            is_private  true → false
      - repository acme/old-tool  deleted, with its history
            (state: absent, repos.yaml:12)
      ~ repository acme/ledger    description  "Old ledger" → "Double-entry ledger"
      + 50 repositories of acme   project PAY, private
            service-00, service-01, service-02 and 47 more (-v lists them)
      + repository acme/app       project WEB, private

      note acme/app: mainbranch waits for the first push: an empty repository has no
           branches

    51 to create, 2 to update, 1 to delete (--allow-delete 1), 2 unchanged.
    2 requests used; 54 to apply, 6 % of 1,000 an hour.
    ----- stderr -----
    "#);
    let run = bitbucket.run(&["plan", "-v", "--only", "acme/service-4*", "--only", "acme/app"]);
    insta::assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    acme has 12 repositories and 2 projects

      + repository acme/app         project WEB, private
      + repository acme/service-40  project PAY, private
      + repository acme/service-41  project PAY, private
      + repository acme/service-42  project PAY, private
      + repository acme/service-43  project PAY, private
      + repository acme/service-44  project PAY, private
      + repository acme/service-45  project PAY, private
      + repository acme/service-46  project PAY, private
      + repository acme/service-47  project PAY, private
      + repository acme/service-48  project PAY, private
      + repository acme/service-49  project PAY, private

      note acme/app: mainbranch waits for the first push: an empty repository has no
           branches

    11 to create, 2 unchanged.
    2 requests used; 11 to apply, 2 % of 1,000 an hour.
    ----- stderr -----
    ");
}

#[test]
fn a_plan_reads_by_get_and_lists_once() {
    let bitbucket = applied(MANIFEST);
    let (before, reads) = (bitbucket.exchanges().len(), bitbucket.sent("GET"));
    bitbucket.run(&["plan"]).exits(0);
    let new = &bitbucket.exchanges()[before..];
    let lines: Vec<_> = new.iter().map(|exchange| format!("{} {}", exchange.method, exchange.path)).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.contains(&"POST /site/oauth2/access_token".to_owned()));
    assert!(lines.contains(&"GET /2.0/workspaces/acme/projects".to_owned()));
    assert!(lines.contains(&"GET /2.0/repositories/acme".to_owned()));
    assert_eq!(bitbucket.sent("GET"), reads + 2);
}

#[test]
fn nothing_is_to_do_after_an_apply() {
    let bitbucket = applied(MANIFEST);
    let run = bitbucket.run(&["plan", "--detailed-exitcode"]);
    insta::assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    acme has 2 repositories and 2 projects

    Nothing to do: all 4 managed objects are as the manifest says.
    2 requests used.
    ----- stderr -----
    ");
}

#[test]
fn every_field_a_manifest_names_is_compared_and_no_other() {
    let whole = "\
version: 1
workspaces:
  - workspace: acme
    projects: [{key: PAY, name: Payments, description: Money, is_private: true}]
    repositories:
      - {slug: ledger, project: PAY, name: Ledger, description: Books, is_private: true, fork_policy: no_forks,
         language: Rust, website: 'https://a.example', mainbranch: main, has_issues: false, has_wiki: false}
";
    let bitbucket = applied(whole);
    let plan = || changes(&bitbucket.run(&["plan", "--format", "json"]).exits(0));
    assert_eq!(plan(), [""; 0]);
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "OPS", "name": "Operations"}));
    let by_hand: [(&str, Value, &str); 9] = [
        (
            "/workspaces/acme/projects/PAY",
            json!({"name": "Pay"}),
            "update project acme/PAY name: \"Pay\" → \"Payments\"",
        ),
        (
            "/workspaces/acme/projects/PAY",
            json!({"description": "x"}),
            "update project acme/PAY description: \"x\" → \"Money\"",
        ),
        (
            "/workspaces/acme/projects/PAY",
            json!({"is_private": false}),
            "update project acme/PAY is_private: false → true",
        ),
        (
            "/repositories/acme/ledger",
            json!({"description": ""}),
            "update repository acme/ledger description: \"\" → \"Books\"",
        ),
        (
            "/repositories/acme/ledger",
            json!({"language": "go"}),
            "update repository acme/ledger language: \"go\" → \"rust\"",
        ),
        (
            "/repositories/acme/ledger",
            json!({"website": ""}),
            "update repository acme/ledger website: \"\" → \"https://a.example\"",
        ),
        (
            "/repositories/acme/ledger",
            json!({"project": {"key": "OPS"}}),
            "update repository acme/ledger project: \"OPS\" → \"PAY\"",
        ),
        (
            "/repositories/acme/ledger",
            json!({"name": "LEDGER"}),
            "update repository acme/ledger name: \"LEDGER\" → \"Ledger\"",
        ),
        (
            "/repositories/acme/ledger",
            json!({"fork_policy": "allow_forks", "no_forks": false, "no_public_forks": false}),
            "update repository acme/ledger fork_policy: \"allow_forks\" → \"no_forks\"",
        ),
    ];
    for (path, body, expected) in by_hand {
        let (status, answer) = bitbucket.by_hand("PUT", path, &body);
        assert_eq!(status, 200, "{path} {body}: {answer}");
        assert_eq!(plan(), [expected]);
        bitbucket.run(&["apply"]).exits(0);
        assert_eq!(plan(), [""; 0], "after {expected}");
    }
    // A field that the manifest does not name is left alone, and not even asked for.
    bitbucket.manifest("version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: ledger, project: PAY}]}]");
    bitbucket.by_hand("PUT", "/repositories/acme/ledger", &json!({"description": "other", "language": "c"}));
    assert_eq!(plan(), [""; 0]);
    let query = bitbucket.exchanges().pop().unwrap().query.unwrap();
    assert!(!query.contains("description"), "{query}");
}

#[test]
fn the_main_branch_waits_for_the_first_push() {
    let bitbucket = applied(
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: P}], repositories: [{slug: a, project: P, mainbranch: dev}]}]",
    );
    let plan = bitbucket.run(&["plan", "--format", "json"]).exits(0);
    assert_eq!(changes(&plan), [""; 0]);
    assert!(plan.json()["notes"][0]["text"].as_str().unwrap().contains("first push"), "{plan}");
    for branch in ["main", "dev"] {
        bitbucket.push("acme/a", branch);
    }
    let plan = bitbucket.run(&["plan", "--format", "json"]).exits(0);
    assert_eq!(changes(&plan), ["update repository acme/a mainbranch: \"main\" → \"dev\""]);
    bitbucket.run(&["apply"]).exits(0);
    bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn what_does_not_fit_what_exists_is_found_before_any_write() {
    let bitbucket = Bitbucket::with(Options { workspaces: Some(vec!["acme".into()]), ..Options::default() });
    bitbucket.by_hand(
        "POST",
        "/workspaces/acme/projects",
        &json!({"key": "PAY", "name": "Payments", "is_private": true}),
    );
    bitbucket.by_hand("POST", "/repositories/acme/ledger", &json!({"project": {"key": "PAY"}, "is_private": true}));
    bitbucket.manifest(
        "\
version: 1
workspaces:
  - workspace: acme
    repositories:
      - {slug: a, project: PAYX}
      - {slug: b, project: OPS}
      - {slug: c, project: PAY, is_private: false}
      - {slug: ledger, project: PAY, name: The Ledger}
",
    );
    let run = bitbucket.run(&["apply"]);
    insta::assert_snapshot!(run, @r#"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0402]: there is no project `PAYX` in the workspace `acme`
     --> repos.yaml:5:28
      |
    5 |       - {slug: a, project: PAYX}
      |                            ^^^^ did you mean `PAY`?

    error[BB0402]: there is no project `OPS` in the workspace `acme`
     --> repos.yaml:6:28
      |
    6 |       - {slug: b, project: OPS}
      |                            ^^^ neither there nor in this manifest
      |
      = help: to create it, list it: `projects: [{key: OPS}]` under the workspace

    error[BB0306]: a public repository cannot be in a private project
     --> repos.yaml:7:45
      |
    7 |       - {slug: c, project: PAY, is_private: false}
      |                                             ^^^^^ the repository is public, and PAY private
      |
      = help: make the project public, or the repository private, or name another project

    error[BB0405]: changing the name to "The Ledger" would move the repository
     --> repos.yaml:8:44
      |
    8 |       - {slug: ledger, project: PAY, name: The Ledger}
      |                                            ^^^^^^^^^^ Bitbucket derives the slug "the-ledger" from it, and the address would change with it
      |
      = help: leave `name` out, or choose a name that gives "ledger"

    4 errors
    "#);
    bitbucket.manifest("version: 1\nworkspaces: [{workspace: acne, repositories: [{slug: a, project: PAY}]}]");
    let run = bitbucket.run(&["apply"]);
    insta::assert_snapshot!(run, @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0406]: there is no workspace `acne`, or this credential cannot see it
     --> repos.yaml:2:26
      |
    2 | workspaces: [{workspace: acne, repositories: [{slug: a, project: PAY}]}]
      |                          ^^^^ Bitbucket says: No workspace with identifier 'acne'.
      |
      = help: write the slug, which is what follows bitbucket.org/ in the workspace's URL, not its name
    ");
    assert_eq!((bitbucket.sent("POST"), bitbucket.sent("PUT")), (0, 0));
}

/// A rename in the manifest's sense is not built yet: a name that moves a repository must not slip through.
#[test]
fn a_name_that_would_move_the_repository_is_refused() {
    let bitbucket = applied(
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: P}], repositories: [{slug: a, project: P}]}]",
    );
    bitbucket.manifest("version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, name: Bee}]}]");
    let run = bitbucket.run(&["apply", "-q"]).exits(3);
    assert!(run.stderr.contains("repos.yaml:2:75"), "{run}");
    assert!(run.stderr.contains("would move the repository"), "{run}");
    assert_eq!(bitbucket.sent("PUT"), 0);
}

/// What Bitbucket has is looked at where the manifest says nothing: a public repository fits into no private project.
#[test]
fn a_public_repository_is_not_moved_into_a_private_project() {
    let bitbucket = Bitbucket::new();
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "A", "name": "A", "is_private": false}));
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "B", "name": "B", "is_private": true}));
    bitbucket.by_hand("POST", "/repositories/acme/r", &json!({"project": {"key": "A"}, "is_private": false}));
    bitbucket.manifest("version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: r, project: B}]}]");
    let run = bitbucket.run(&["apply"]).exits(3);
    assert!(run.stderr.contains("the repository is public, and B private"), "{run}");
    assert_eq!(bitbucket.sent("PUT"), 0);
}

#[test]
fn the_line_break_at_the_end_of_a_block_is_no_difference() {
    let bitbucket = applied(
        "version: 1\nworkspaces:\n- workspace: acme\n  projects: [{key: P}]\n  repositories:\n  - slug: a\n    project: P\n    description: |\n      Two\n      lines\n",
    );
    bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
    let (_, there) = bitbucket.by_hand("GET", "/repositories/acme/a", &Value::Null);
    assert_eq!(there["description"], "Two\nlines");
}

#[test]
fn a_project_that_holds_what_the_manifest_does_not_name_is_not_deleted() {
    let bitbucket = applied(
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: P}, {key: Q}], repositories: [{slug: a, project: P}, {slug: b, project: P}, {slug: c, project: Q}]}]",
    );
    let gone = |repositories: &str| {
        format!(
            "version: 1\nworkspaces: [{{workspace: acme, projects: [{{key: P, state: absent}}], repositories: [{repositories}]}}]"
        )
    };
    bitbucket.manifest(&gone("{slug: a, state: absent}"));
    let run = bitbucket.run(&["apply", "--allow-delete", "9"]).exits(3);
    assert!(run.stderr.contains("it still holds 1 that this manifest does not name"), "{run}");
    assert_eq!(bitbucket.sent("DELETE"), 0);
    // One deleted and one moved out of it: then it can go.
    bitbucket.manifest(&gone("{slug: a, state: absent}, {slug: b, project: Q}"));
    bitbucket.run(&["apply", "--allow-delete", "2"]).exits(0);
    bitbucket.run(&["plan", "--detailed-exitcode"]).exits(0);
}
