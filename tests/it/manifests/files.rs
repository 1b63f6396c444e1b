//! Where manifests come from, and how they are written.

use super::{accepted, manifest, refused, text_accepted, text_refused};
use crate::support::{Bbprov, Folder};

const LEDGER: &str = "{slug: ledger, project: PAY}";

#[test]
fn what_is_not_there_or_no_manifest_is_named() {
    let folder = Folder::new();
    refused(&folder, &[], &["cannot read repos.yaml: there is no such file", "the smallest manifest"]);
    refused(&folder, &["nowhere.yaml"], &["cannot read nowhere.yaml"]);
    refused(&folder, &["teams/*.yaml"], &["no file matches teams/*.yaml"]);
    refused(&folder, &["[*.yaml"], &["[*.yaml"]);
    folder.write("empty/.hidden.yaml", manifest(LEDGER));
    folder.write("empty/readme.md", "x");
    refused(&folder, &["empty"], &["the folder empty holds no manifest"]);
    std::fs::create_dir(folder.path().join("x.yaml")).unwrap();
    refused(&folder, &["x.yaml"], &["the folder x.yaml holds no manifest"]);
    refused(&folder, &["*.yaml"], &["no file matches *.yaml"]);
    refused(&folder, &["nowhere.yaml", "empty"], &["nowhere.yaml", "the folder empty"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_not_passed_over() {
    let folder = Folder::new();
    folder.write("teams/a.yaml", manifest(LEDGER));
    std::os::unix::fs::symlink("nowhere", folder.path().join("teams/b.yaml")).unwrap();
    std::os::unix::fs::symlink(".", folder.path().join("teams/circle")).unwrap();
    refused(&folder, &["teams"], &["cannot read teams/b.yaml: there is no such file"]);
    refused(&folder, &["teams/b.yaml"], &["cannot read teams/b.yaml: there is no such file"]);
    refused(&folder, &["teams/*.yaml"], &["cannot read teams/b.yaml: there is no such file"]);
}

#[test]
fn a_name_that_plays_with_the_terminal_is_shown_as_text() {
    let folder = Folder::new();
    let name = "\u{1b}[31mred\u{202e}.yaml";
    folder.write(name, "version: 2");
    refused(&folder, &[name], &["red"]);
    refused(&folder, &["\u{1b}[31mnowhere\u{202e}.yaml"], &["nowhere"]);
}

#[test]
fn texts_that_are_no_yaml_or_too_much_of_it() {
    text_refused("", &["there is nothing in this file"]);
    text_refused("# only a comment\n", &["nothing in this file"]);
    text_refused("---\n", &["nothing in this file"]);
    text_refused(b"version: 1\nworkspaces: \xff\xfe\n", &["repos.yaml:2:13: this is not UTF-8", "0xff"]);
    text_refused(b"\xff\xfev\0e\0r\0", &["this is not UTF-8"]);
    text_refused("version: 1\n\tworkspaces: []\n", &["repos.yaml:1:", "found a tab"]);
    text_refused("version: 1\n---\nversion: 1\n", &["a second document begins here", "repos.yaml:3:"]);
    text_refused("just words", &["repos.yaml:1:1"]);
    text_refused("version: 1\nworkspaces: [{workspace: acme}", &["repos.yaml:"]);
    text_refused(manifest("{slug: ledger, project: PAY, is_private: yes}"), &["write `true`, without quotes"]);
    text_refused(manifest("{slug: ledger, slug: wages, project: PAY}"), &["the first time", "the second time"]);
}

#[test]
fn ways_of_writing_that_mean_the_same() {
    let text = manifest(LEDGER);
    text_accepted(format!("\u{feff}{text}"), &["1 repository"]);
    text_accepted(text.replace('\n', "\r\n"), &["1 repository"]);
    text_accepted(format!("%YAML 1.2\n---\n{text}...\n"), &["1 repository"]);
    text_accepted(text.trim_end(), &["1 repository"]);
    text_accepted(
        manifest("{slug: 007, project: PAY}, {slug: &a 1.10, project: PAY}, {slug: 0x1f, project: PAY}"),
        &["3 repositories"],
    );
}

#[test]
fn a_slug_that_looks_like_a_number_is_taken_as_it_is_written() {
    let folder = Folder::new();
    let text =
        manifest("{slug: 007, project: &p PAY}, {slug: &a 1.10, project: *p}, {slug: !!str 1_0, project: *p}, *x");
    let text = text.replace("version: 1", "version: 1\ndefaults: {repository: {description: &d 1e3}}");
    let text = text.replace("*x", "{slug: a, project: *p, description: *d}");
    folder.write("repos.yaml", text.replace("repositories", "projects: [{key: PAY}]\n    repositories"));
    let run = Bbprov::new(&folder, &["plan", "--sandbox", "--format", "json"]).run().exits(0);
    let addresses: Vec<_> = run.json()["changes"].as_array().unwrap().iter().map(|c| c["address"].clone()).collect();
    assert_eq!(addresses, ["acme/PAY", "acme/007", "acme/1.10", "acme/1_0", "acme/a"], "{run}");
    assert!(run.stdout.contains("\"1e3\""), "{run}");
}

#[test]
fn anchors_and_merges_work() {
    let text = "version: 1
defaults:
  repository: &base {project: PAY, is_private: true}
workspaces:
  - workspace: acme
    repositories:
      - {<<: *base, slug: a, is_private: false}
      - {<<: [*base, {description: x}], slug: b}
";
    text_accepted(text, &["2 repositories"]);
}

#[test]
fn several_files_are_one_manifest() {
    let folder = Folder::new();
    folder.write("teams/a.yaml", manifest("{slug: a, project: PAY}"));
    folder.write("teams/deep/er/b.yml", manifest("{slug: b, project: PAY}"));
    folder.write("teams/notes.txt", "not yaml: [");
    accepted(&folder, &["teams"], &["2 repositories in 1 workspace, from 2 files"]);
    accepted(&folder, &["teams/**/*.y*ml"], &["2 repositories in 1 workspace, from 2 files"]);
    accepted(&folder, &["teams/a.yaml", "teams", "./teams/../teams/a.yaml"], &["2 repositories"]);
    folder.write("teams/c.yaml", manifest("{slug: c, project: PAY}, {slug: a, project: PAY}"));
    let words = ["acme/a is listed twice", "teams/c.yaml:4:", "teams/a.yaml:4:", "the first time"];
    refused(&folder, &["teams"], &words);
}

#[test]
fn defaults_that_disagree_show_both_places() {
    let folder = Folder::new();
    for (file, private) in [("a.yaml", true), ("b.yaml", false)] {
        let defaults = format!("defaults: {{repository: {{is_private: {private}}}}}\nworkspaces");
        folder.write(file, manifest("").replace("workspaces", &defaults));
    }
    refused(&folder, &["a.yaml", "b.yaml"], &["two files give different defaults", "b.yaml:2:", "a.yaml:2:"]);
    accepted(&folder, &["a.yaml"], &["0 repositories"]);
}

#[test]
fn standard_input_is_a_file_like_any_other() {
    let folder = Folder::new();
    let run = |inputs: &[&str], text: &str| {
        Bbprov::new(&folder, &[&["validate"], inputs].concat()).stdin(text.to_owned()).run()
    };
    run(&["-"], &manifest(LEDGER)).exits(0);
    run(&["-", "-"], &manifest(LEDGER)).exits(0);
    let bad = run(&["-"], "version: 2").exits(3);
    assert!(bad.stderr.contains("<stdin>:1:"), "{bad}");
    run(&["-"], "").exits(3);
}
