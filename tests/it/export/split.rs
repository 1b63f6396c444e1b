//! Exports into a folder: a file for each project, all or none.

use std::fs;

use super::{export, sow};
use crate::support::{Bitbucket, lines};

fn manifest(workspace: &str) -> String {
    let projects = lines(3, |at| format!("      - {{key: P{at}, is_private: true}}\n"));
    let repositories = lines(12, |at| {
        let hook = "webhooks: [{url: \"https://ci.example.com/hook\", events: [\"repo:push\"], secret: {env: S}}]";
        format!("      - {{slug: r{at}, project: P{}, is_private: true, {hook}}}\n", at % 3)
    });
    format!(
        "version: 1\nworkspaces:\n  - workspace: {workspace}\n    webhooks: [{{url: \"https://audit.example.com\", events: \
         [\"repo:push\"]}}]\n    projects:\n{projects}    repositories:\n{repositories}"
    )
}

fn files(bitbucket: &Bitbucket, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![bitbucket.folder.path().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(bitbucket.folder.path()).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn each_project_has_its_file_and_together_they_plan_to_nothing() {
    let bitbucket = Bitbucket::new();
    sow(&bitbucket, &manifest("acme"));
    let arguments = ["acme", "--sections", "webhooks", "--split", "teams", "--check"];
    let run = export(&bitbucket, &arguments).exits(0);
    assert_eq!(run.stdout, "", "{run}");
    let there = ["teams/P0.yaml", "teams/P1.yaml", "teams/P2.yaml", "teams/_shared.yaml", "teams/manifest.schema.json"];
    assert_eq!(files(&bitbucket, "teams"), there);
    let text = |file: &str| fs::read_to_string(bitbucket.folder.path().join(file)).unwrap();
    insta::assert_snapshot!(text("teams/_shared.yaml"), @r#"
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What exists in acme, as `bbprov export` found it.
    version: 1

    defaults:
      project: {is_private: true}
      repository:
        is_private: true
        webhooks: [{url: "https://ci.example.com/hook", events: ["repo:push"], secret: {env: CI_SECRET}}]

    workspaces:
      - workspace: acme
        webhooks: [{url: "https://audit.example.com", events: ["repo:push"]}]

    # Secrets, which Bitbucket shows to nobody. A run that writes one takes it from the environment; whether several have the
    # same, where they share one here, nobody can see:
    #   CI_SECRET  secret of the webhook https://ci.example.com/hook in `defaults`
    "#);
    insta::assert_snapshot!(text("teams/P1.yaml"), @"
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What exists in acme, as `bbprov export` found it.
    version: 1

    workspaces:
      - workspace: acme
        projects:
          - {key: P1}
        repositories:
          - {slug: r1, project: P1}
          - {slug: r10, project: P1}
          - {slug: r4, project: P1}
          - {slug: r7, project: P1}
    ");
    let plan = bitbucket.as_owner(&["plan", "--detailed-exitcode", "teams"]).run().exits(0);
    assert!(plan.stdout.contains("all 28 managed objects"), "{plan}");
    // The same again changes nothing; anything else is somebody's work.
    export(&bitbucket, &arguments).exits(0);
    bitbucket.folder.write("teams/P1.yaml", "mine");
    let run = export(&bitbucket, &arguments).exits(64);
    assert!(run.stderr.contains("teams/P1.yaml is there already: nothing was written"), "{run}");
    assert_eq!(text("teams/P1.yaml"), "mine");
    assert_eq!(files(&bitbucket, "teams"), there);
}

#[test]
fn several_workspaces_have_folders_of_their_own() {
    let bitbucket = Bitbucket::new();
    sow(&bitbucket, &manifest("acme"));
    sow(&bitbucket, &manifest("labs"));
    export(&bitbucket, &["acme", "labs", "--split", "all", "--check"]).exits(0);
    let there = files(&bitbucket, "all");
    assert_eq!(there.len(), 8, "{there:?}");
    assert!(there.contains(&"all/labs/P2.yaml".to_owned()), "{there:?}");
    let text = fs::read_to_string(bitbucket.folder.path().join("all/labs/P2.yaml")).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema=../manifest.schema.json\n"), "{text}");
}

/// A manifest of somebody else's in the folder would be read as a part of this one.
#[test]
fn a_folder_that_holds_other_manifests_is_left_alone() {
    let bitbucket = Bitbucket::new();
    sow(&bitbucket, &manifest("acme"));
    bitbucket.folder.write("teams/old.yml", "version: 1\nworkspaces: []\n");
    bitbucket.folder.write("teams/README.md", "ours");
    let run = export(&bitbucket, &["acme", "--split", "teams"]).exits(64);
    assert!(run.stderr.contains("teams/old.yml"), "{run}");
    assert_eq!(files(&bitbucket, "teams"), ["teams/README.md", "teams/old.yml"]);
}
