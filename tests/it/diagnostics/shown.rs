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
    insta::assert_snapshot!(rest, @"
    70 more:
      20 BB0101  a/one.yaml: a key that is not known here
      20 BB0303  a/one.yaml: a repository's slug that cannot be
      30 BB0101  a/two.yaml: a key that is not known here
    mend the first ones first: others may go with them

    90 errors
    ");
    assert_eq!(run.stderr.matches("error[").count(), 20);
}

#[test]
fn a_conflict_shows_both_files() {
    let folder = Folder::new();
    folder.write("a/one.yaml", "version: 1\ndefaults: {repository: {is_private: true}}\nworkspaces: [{workspace: acme, projects: [{key: PAY}]}]\n");
    folder.write("a/two.yaml", "version: 1\nworkspaces: [{workspace: acme, projects: [{key: pay}]}]\ndefaults: {repository: {is_private: false}}\n");
    let run = Bbprov::new(&folder, &["validate", "a"]).run().exits(3);
    insta::assert_snapshot!(run.stderr, @"
    error[BB0202]: project acme/pay is listed twice
     --> a/two.yaml:2:49
      |
    2 | workspaces: [{workspace: acme, projects: [{key: pay}]}]
      |                                                 ^^^ the second time
      |
     ::: a/one.yaml:3:49
      |
    3 | workspaces: [{workspace: acme, projects: [{key: PAY}]}]
      |                                                 --- the first time
      |
      = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0201]: two files give different defaults
     --> a/two.yaml:3:37
      |
    3 | defaults: {repository: {is_private: false}}
      |                                     ^^^^^ this one
      |
     ::: a/one.yaml:2:37
      |
    2 | defaults: {repository: {is_private: true}}
      |                                     ---- and this one
      |
      = help: defaults hold for the whole manifest: keep one of them, or set the value on the objects

    2 errors
    ");
}

#[test]
fn a_manifest_in_one_line_is_shown_around_the_place() {
    let folder = Folder::new();
    let repositories = lines(500, |number| format!("{{slug: service-{number}, project: PAY}}, "));
    let broken = repositories.replace("service-250, project", "service-250, projct");
    folder.write("repos.yaml", format!("version: 1\nworkspaces: [{{workspace: acme, repositories: [{broken}]}}]\n"));
    let run = Bbprov::new(&folder, &["validate"]).run().exits(3);
    insta::assert_snapshot!(run.stderr, @r#"
    error[BB0304]: repository "service-250" names no project
     --> repos.yaml:2:8694
      |
    2 | ...9, project: PAY}, {slug: service-250, projct: PAY}, {slug: service-25...
      |                             ^^^^^^^^^^^ no `project` here, nor in a template or in `defaults.repository`
      |
      = help: add `project: KEY`; Bitbucket would silently put it into the workspace's oldest project

    error[BB0101]: repository has no key `projct`
     --> repos.yaml:2:8707
      |
    2 | ...AY}, {slug: service-250, projct: PAY}, {slug: service-251, project: P...
      |                             ^^^^^^ did you mean `project`?

    2 errors
    "#);
}
