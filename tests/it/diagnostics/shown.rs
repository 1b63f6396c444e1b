//! What a person sees of many errors, of several files, and of a manifest in one line.

use crate::support::{Bbprov, Folder, lines};

#[test]
fn a_hundred_errors_are_summed_up_by_file_and_code() {
    let folder = Folder::new();
    let repositories =
        |slug: &str| lines(30, |number| format!("      - {{slug: {slug}{number}, project: PAY, privat: 1}}\n"));
    let manifest =
        |repositories: &str| format!("version: 1\nworkspaces:\n  - workspace: acme\n    repositories:\n{repositories}");
    folder.write("a/one.yaml", manifest(&repositories("One")));
    folder.write("a/two.yaml", manifest(&repositories("two")));
    let run = Bbprov::new(&folder, &["validate", "a"]).run().exits(3);
    let (_, rest) = run.stderr.split_once("\nand ").unwrap();
    insta::assert_snapshot!(rest, @"");
    assert_eq!(run.stderr.matches("error[").count(), 20);
}

#[test]
fn a_conflict_shows_both_files() {
    let folder = Folder::new();
    folder.write("a/one.yaml", "version: 1\ndefaults: {repository: {is_private: true}}\nworkspaces: [{workspace: acme, projects: [{key: PAY}]}]\n");
    folder.write("a/two.yaml", "version: 1\nworkspaces: [{workspace: acme, projects: [{key: pay}]}]\ndefaults: {repository: {is_private: false}}\n");
    let run = Bbprov::new(&folder, &["validate", "a"]).run().exits(3);
    insta::assert_snapshot!(run.stderr, @"");
}

#[test]
fn a_manifest_in_one_line_is_shown_around_the_place() {
    let folder = Folder::new();
    let repositories = lines(500, |number| format!("{{slug: service-{number}, project: PAY}}, "));
    let broken = repositories.replace("service-250, project", "service-250, projct");
    folder.write("repos.yaml", format!("version: 1\nworkspaces: [{{workspace: acme, repositories: [{broken}]}}]\n"));
    let run = Bbprov::new(&folder, &["validate"]).run().exits(3);
    insta::assert_snapshot!(run.stderr, @"");
}
