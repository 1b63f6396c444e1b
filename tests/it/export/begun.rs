//! Manifests to begin with.

use super::{few, sow};
use crate::support::{Bbprov, Bitbucket, Folder};

#[test]
fn a_manifest_to_begin_with_works_at_once() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| Bbprov::new(&folder, arguments).run();
    let begun = run(&["init"]).exits(0);
    insta::assert_snapshot!(begun, @"
    exit code 0
    ----- stdout -----
    ----- stderr -----
    wrote repos.yaml and manifest.schema.json, by which editors complete and explain it
    next: try it with bbprov apply --sandbox, and name your workspace in it
    ");
    let apply = run(&["apply", "--sandbox"]).exits(0);
    assert_eq!(apply.stderr, "", "{apply}");
    // The schema is the one that it names, and explains it.
    let text = std::fs::read_to_string(folder.path().join("repos.yaml")).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema=manifest.schema.json\n"), "{text}");
    let schema = std::fs::read_to_string(folder.path().join("manifest.schema.json")).unwrap();
    assert_eq!(schema, run(&["schema"]).exits(0).stdout);
    // What is commented out would be valid as well.
    let more: String = text
        .lines()
        .map(|line| {
            format!(
                "{}\n",
                line.replacen("# - slug: ledger ", "- slug: ledger # ", 1).replacen("      #   ", "        ", 1)
            )
        })
        .collect();
    assert!(more.contains("\n      - slug: ledger"), "{more}");
    folder.write("more.yaml", &more);
    run(&["validate", "more.yaml"]).exits(0);
    let again = run(&["init"]).exits(64);
    assert!(again.stderr.contains("repos.yaml is there already: nothing was written"), "{again}");
    assert_eq!(std::fs::read_to_string(folder.path().join("repos.yaml")).unwrap(), text);
}

#[test]
fn it_stands_where_it_is_wanted_and_keeps_an_older_schema() {
    let folder = Folder::new();
    folder.write("teams/manifest.schema.json", "{}\n");
    let run = Bbprov::new(&folder, &["init", "teams/pay.yaml"]).run().exits(0);
    assert!(run.stderr.contains("left manifest.schema.json as it is"), "{run}");
    assert_eq!(std::fs::read_to_string(folder.path().join("teams/manifest.schema.json")).unwrap(), "{}\n");
    Bbprov::new(&folder, &["validate", "teams/pay.yaml"]).run().exits(0);
}

#[test]
fn a_manifest_can_begin_with_what_exists() {
    let bitbucket = Bitbucket::new();
    sow(&bitbucket, &few(3));
    let run = bitbucket.as_owner(&["init", "--from", "acme", "--sections", "webhooks"]).run().exits(0);
    assert_eq!(run.stdout, "", "{run}");
    let plan = bitbucket.as_owner(&["plan", "--detailed-exitcode"]).run().exits(0);
    assert!(plan.stdout.contains("all 4 managed objects"), "{plan}");
    let before = bitbucket.sent("GET");
    bitbucket.as_owner(&["init", "--from", "acme"]).run().exits(64);
    assert_eq!(bitbucket.sent("GET"), before);
}
