//! Exports: what exists, written down so that it plans to nothing and is read with pleasure.

mod begun;
mod beside;
mod broken;
mod odd;
mod split;
mod varied;

use std::collections::BTreeSet;

use bbprov::sandbox::Options;

use crate::formula::{SHAPE, Shape};
use crate::official;
use crate::sections::somebody;
use crate::support::{Bitbucket, Run, lines};

/// What no file and no output may hold.
const SECRET: &str = "s3cr3t-of-acme";

fn export(bitbucket: &Bitbucket, arguments: &[&str]) -> Run {
    bitbucket.as_owner(&[&["export"], arguments].concat()).run()
}

/// The program as the owner of the workspace, with every secret that a manifest names.
fn with_secrets(bitbucket: &Bitbucket, arguments: &[&str], manifest: &str) -> Run {
    let names: BTreeSet<&str> = manifest.split("{env: ").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    names.into_iter().fold(bitbucket.as_owner(arguments), |command, name| command.env(name, SECRET)).run()
}

/// Lets the objects of a manifest exist.
fn sow(bitbucket: &Bitbucket, manifest: &str) {
    bitbucket.folder.write("seed.yaml", manifest);
    with_secrets(bitbucket, &["apply", "-j", "32", "seed.yaml"], manifest).exits(0);
}

/// Whether everything that a manifest says is so.
#[track_caller]
fn holds(bitbucket: &Bitbucket, manifest: &str) {
    bitbucket.folder.write("held.yaml", manifest);
    let plan = bitbucket.as_owner(&["plan", "--detailed-exitcode", "-j", "32", "held.yaml"]).run().exits(0);
    assert_eq!(plan.stderr, "", "{plan}");
}

#[test]
fn a_varied_workspace_is_written_as_a_person_would_have_written_it() {
    let bitbucket = Bitbucket::new();
    let accounts = varied::PEOPLE.map(|name| somebody(&bitbucket, name).0);
    let seed = varied::manifest(&accounts);
    sow(&bitbucket, &seed);
    varied::push(&bitbucket);
    let run = export(&bitbucket, &["acme", "--sections", "all", "--check", "-j", "32"]).exits(0);
    assert!(run.stderr.contains("what was written plans to nothing"), "{run}");
    let lines = run.stdout.lines().count();
    assert!(lines * 10 <= varied::count() * 34, "{lines} lines for {} repositories", varied::count());
    assert!(run.stdout.lines().all(|line| line.len() < 200), "{run}");
    assert!(!run.to_string().contains(SECRET), "{run}");
    // What was wanted of it is still so.
    holds(&bitbucket, &seed);
    // Without sections most have a line each, and the same again is the same text.
    let plain = export(&bitbucket, &["acme", "--check"]).exits(0);
    assert!(plain.stdout.lines().count() <= varied::count() * 2, "{plain}");
    let again = export(&bitbucket, &["acme", "-j", "1"]).exits(0);
    assert_eq!(again.stdout, plain.stdout);
}

/// Exported, applied to an empty workspace and exported again, it is the same: nothing was lost on the way.
#[test]
fn a_governed_team_survives_a_move() {
    let example = format!("{}/examples/team.yaml", env!("CARGO_MANIFEST_DIR"));
    let (here, there) = (Bitbucket::new(), Bitbucket::new());
    sow(&here, &std::fs::read_to_string(example).unwrap());
    let first = export(&here, &["acme", "--sections", "all", "--check"]).exits(0);
    sow(&there, &first.stdout);
    let second = export(&there, &["acme", "--sections", "all", "--check"]).exits(0);
    assert_eq!(second.stdout, first.stdout);
    official::holds(&here);
    for run in [first, second] {
        assert!(!run.to_string().contains(SECRET), "{run}");
        assert!(!run.stderr.contains("warning"), "{run}");
    }
}

#[test]
fn a_request_for_each_hundred_is_all_it_takes() {
    let shape = Shape { repositories: 1_000, projects: 1, ..SHAPE };
    let bitbucket = shape.build();
    let run = bitbucket.run(&["export", "w0"]).exits(0);
    assert_eq!((bitbucket.sent("GET"), bitbucket.sandbox().counters().token_fetches), (11, 1));
    assert_eq!(run.stdout.matches("slug: ").count(), 1_000, "{run}");
    assert_eq!(run.stdout.lines().count() / 100, 10, "{run}");
    let lists = bitbucket.exchanges().into_iter().filter_map(|exchange| exchange.query);
    assert!(lists.collect::<Vec<_>>().iter().all(|query| query.contains("fields=next")));
}

/// One list for each section that is named and each object, and nothing for the others.
#[test]
fn sections_cost_a_list_each_and_only_if_they_are_named() {
    let bitbucket = Bitbucket::new();
    sow(&bitbucket, &few(5));
    for (sections, lists) in [
        ("webhooks", 5 + 1),
        ("permissions", 2 * (5 + 1)),
        ("permissions.groups", 5 + 1),
        ("webhooks,pipelines.enabled", 5 + 1 + 5),
        ("deploy_keys,deploy_keys", 5 + 1),
        // Three environments come with Pipelines, each with its variables.
        ("environments", 5 + 3),
    ] {
        let before = bitbucket.sent("GET");
        export(&bitbucket, &["acme", "--sections", sections]).exits(0);
        assert_eq!(bitbucket.sent("GET") - before, 2 + lists, "{sections}");
    }
    let run = export(&bitbucket, &["acme", "--sections", "webhook"]).exits(64);
    assert!(run.stderr.contains("webhooks"), "{run}");
    // More than an hour allows is worth a word before it begins.
    sow(&bitbucket, &few(80));
    let run = export(&bitbucket, &["acme", "--sections", "all", "-j", "64"]).exits(0);
    assert!(run.stderr.contains("requests, one for each and each object: about 2 hours at 1000 an hour"), "{run}");
}

fn few(count: usize) -> String {
    let repositories = lines(count, |at| {
        let pipelines = if at == 0 { ", pipelines: {enabled: true}" } else { "" };
        format!("      - {{slug: r{at}, project: P{pipelines}}}\n")
    });
    format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    projects: [{{key: P}}]\n    repositories:\n{repositories}"
    )
}

#[test]
fn several_workspaces_make_one_manifest_and_share_its_defaults() {
    let bitbucket = Bitbucket::new();
    let repositories = lines(4, |at| format!("      - {{slug: r{at}, project: P, is_private: true}}\n"));
    let of = |slug: &str| {
        format!(
            "  - workspace: {slug}\n    projects: [{{key: P, is_private: true}}]\n    repositories:\n{repositories}"
        )
    };
    sow(&bitbucket, &format!("version: 1\nworkspaces:\n{}{}", of("labs"), of("acme")));
    let run = export(&bitbucket, &["labs", "acme", "labs", "--check"]).exits(0);
    insta::assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What exists in acme and labs, as `bbprov export` found it.
    version: 1

    defaults:
      project: {is_private: true}
      repository: {is_private: true}

    workspaces:
      - workspace: acme
        projects:
          - {key: P}
        repositories:
          - {slug: r0, project: P}
          - {slug: r1, project: P}
          - {slug: r2, project: P}
          - {slug: r3, project: P}

      - workspace: labs
        projects:
          - {key: P}
        repositories:
          - {slug: r0, project: P}
          - {slug: r1, project: P}
          - {slug: r2, project: P}
          - {slug: r3, project: P}
    ----- stderr -----
    acme has 4 repositories and 1 project, labs has 4 repositories and 1 project, read in 4 requests; what was written plans to nothing
    ");
}

/// The sandbox in this process has nothing in its workspaces.
#[test]
fn an_empty_workspace_is_a_manifest_as_well() {
    let bitbucket = Bitbucket::with(Options { workspaces: Some(Vec::new()), ..Options::default() });
    let run = bitbucket.led_here(&["export", "acme", "--sandbox", "--check"]).run();
    insta::assert_snapshot!(run, @"
    exit code 0
    ----- stdout -----
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What exists in acme, as `bbprov export` found it.
    version: 1

    workspaces:
      - workspace: acme
    ----- stderr -----
    acme has 0 repositories and 0 projects, read in 2 requests; what was written plans to nothing
    ");
}

/// Few depart from what is the rule: each says so itself, with `~` where there is nothing to say.
#[test]
fn exceptions_are_said_by_those_who_are_exceptions() {
    let bitbucket = Bitbucket::new();
    let repositories = lines(12, |at| {
        let more = match at {
            2 => "",
            5 => ", permissions: {groups: {contractors: write}}",
            7 => ", permissions: {groups: {auditors: write, devs: write}}, pipelines: {enabled: false}",
            _ => ", permissions: {groups: {auditors: read, devs: write}}, pipelines: {enabled: true}",
        };
        format!("      - {{slug: r{at}, project: P, is_private: true{more}}}\n")
    });
    sow(
        &bitbucket,
        &format!(
            "version: 1\nworkspaces:\n  - workspace: acme\n    projects: [{{key: P}}]\n    repositories:\n{repositories}"
        ),
    );
    let run = export(&bitbucket, &["acme", "--sections", "permissions,pipelines.enabled", "--check"]).exits(0);
    insta::assert_snapshot!(run.stdout, @"
    # yaml-language-server: $schema=manifest.schema.json
    #
    # What exists in acme, as `bbprov export` found it.
    version: 1

    defaults:
      repository:
        is_private: true
        permissions: {groups: {auditors: read, devs: write}}
        pipelines: {enabled: true}

    workspaces:
      - workspace: acme
        projects:
          - {key: P, is_private: true}
        repositories:
          - {slug: r0, project: P}
          - {slug: r1, project: P}
          - {slug: r10, project: P}
          - {slug: r11, project: P}
          - {slug: r2, project: P, permissions: ~, pipelines: {enabled: false}}
          - {slug: r3, project: P}
          - {slug: r4, project: P}
          - slug: r5
            project: P
            permissions: {groups: {auditors: ~, contractors: write, devs: ~}}
            pipelines: {enabled: false}
          - {slug: r6, project: P}
          - {slug: r7, project: P, permissions: {groups: {auditors: write}}, pipelines: {enabled: false}}
          - {slug: r8, project: P}
          - {slug: r9, project: P}
    ");
}
