//! Texts that try to break the reader, or the terminal.

use super::{assert_clean, manifest, text_accepted, text_refused};
use crate::support::{Bbprov, Folder};

#[test]
fn nests_are_refused() {
    text_refused("[".repeat(100_000), &["nested deeper than 32 levels", "repos.yaml:1:"]);
    text_refused("{a: ".repeat(100_000), &["nested deeper than 32 levels"]);
    text_refused(format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), &["nested deeper than 32 levels"]);
    text_refused("- ".repeat(100_000), &["nested deeper than 32 levels"]);
    let block = (0..3_000).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n");
    text_refused(block, &["nested deeper than 32 levels"]);
    text_refused("? ".repeat(100_000), &["repos.yaml:1:"]);
}

#[test]
fn aliases_that_explode_are_refused() {
    let mut bomb = "version: 1\na: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 0..9u8 {
        let (this, last) = (char::from(b'b' + level), char::from(b'a' + level));
        bomb.extend([format!("{this}: &{this} ["), format!("*{last},").repeat(10), "]\n".to_owned()]);
    }
    text_refused(bomb, &["grows beyond its bounds"]);
    text_refused("a: &a [*a]\n", &["repos.yaml:1:"]);
    text_refused(format!("a: &a {{}}\nb: {{{}}}", "<<: *a, ".repeat(100_000)), &["repos.yaml:"]);
    text_refused(format!("a: &a {}\nb: [{}]", "x".repeat(100_000), "*a, ".repeat(100_000)), &["repos.yaml:"]);
}

#[test]
fn scalars_without_measure_are_shown_in_part() {
    let long = "x".repeat(5_000_000);
    text_refused(manifest(&format!("{{slug: {long}, project: PAY}}")), &["cannot be a slug"]);
    text_refused(manifest(&format!("{{slug: a, project: {long}}}")), &["repos.yaml:4:"]);
    text_refused(manifest(&format!("{{slug: a, project: PAY, {long}: 1}}")), &["repos.yaml:4:"]);
    text_refused(manifest(&format!("{{slug: a, project: PAY, {}: 1}}", &long[..1000])), &["has no key `xxx"]);
    text_refused(manifest(&format!("{{slug: a, project: PAY, is_private: {long}}}")), &["true or false"]);
    text_refused(manifest(&format!("{{slug: a, project: PAY, fork_policy: {long}}}")), &["`allow_forks`"]);
    text_refused(format!("version: 1\nworkspaces: [{{workspace: {long}}}]"), &["not a workspace's slug"]);
    text_refused(&long, &["repos.yaml:1:1"]);
    text_refused(format!("&{long} a: *{long}"), &["repos.yaml:1:"]);
    text_refused(format!("!{long} a"), &["repos.yaml:1:"]);
    text_accepted(manifest(&format!("{{slug: a, project: PAY, description: {long}}}")), &["valid: "]);
}

#[test]
fn many_keys_and_many_workspaces_take_no_longer_than_they_are_long() {
    let keys: String = (0..100_000).map(|n| format!("k{n}: 1, ")).collect();
    text_refused(manifest(&format!("{{slug: a, project: PAY, {keys}}}")), &["has no key `k0`"]);
    let doubles = "slug: a, ".repeat(100_000);
    text_refused(manifest(&format!("{{{doubles} project: PAY}}")), &["`slug` stands twice"]);
    let workspaces: String = (0..100_000).map(|n| format!("{{workspace: w{n}}}, ")).collect();
    text_accepted(format!("version: 1\nworkspaces: [{workspaces}]"), &["100000 workspaces"]);
    text_refused(manifest(&"{slug: a, project: PAY}, ".repeat(100_000)), &["acme/a is listed twice"]);
}

#[test]
fn a_hundred_thousand_repositories_are_validated() {
    let repositories: String = (0..100_000)
        .map(|n| format!("      - {{slug: service-{n}, description: Number {n}, is_private: true}}\n"))
        .collect();
    let text = format!(
        "version: 1\ndefaults: {{repository: {{project: PAY}}}}\nworkspaces:\n  - workspace: acme\n    repositories:\n{repositories}"
    );
    text_accepted(text, &["100000 repositories"]);
}

#[test]
fn control_characters_are_told_or_shown_as_what_they_are() {
    text_refused("version: 1\nworkspaces: \0\n", &["repos.yaml:2:"]);
    text_refused("version: 1\n\u{1b}[2J: 1\n", &["repos.yaml:2:"]);
    let nasty = "\\u001b[31mred\\u001b]0;title\\u0007 \\u202eevil\\u0008\\u0000";
    text_refused(manifest(&format!("{{slug: \"{nasty}\", project: PAY}}")), &["cannot be a slug", "evil"]);
    text_refused(manifest(&format!("{{slug: a, project: \"{nasty}\"}}")), &["evil", "help"]);
    text_refused(manifest(&format!("{{slug: a, project: PAY, \"{nasty}\": 1}}")), &["has no key", "evil"]);
    text_refused(manifest(&format!("{{slug: a, project: PAY, fork_policy: \"{nasty}\"}}")), &["`allow_forks`"]);
    text_refused(format!("version: 1\nworkspaces: [{{workspace: \"{nasty}\"}}]"), &["not a workspace's slug"]);
    text_refused("version: 1\nworkspaces: [{workspace: ac\u{202e}me}]", &["not a workspace's slug"]);
    text_refused("version: 1\nworkspaces: \u{202e}*nothing\n", &["repos.yaml:2:"]);
}

#[test]
fn a_description_reaches_the_terminal_as_text() {
    let folder = Folder::new();
    let nasty = "\\u001b[31mred\\u001b]0;title\\u0007 \\u202eevil\\u0008 end";
    let text = manifest(&format!("{{slug: a, project: PAY, description: \"{nasty}\", name: \"{nasty}\"}}"));
    folder.write("repos.yaml", text.replace("repositories", "projects: [{key: PAY}]\n    repositories"));
    for arguments in [&["plan", "--sandbox", "-v"][..], &["apply", "--sandbox", "-v"], &["plan", "--sandbox"]] {
        let run = Bbprov::new(&folder, arguments).run();
        assert_clean(&run);
        if arguments.contains(&"-v") {
            assert!(run.stdout.contains("evil") && run.stdout.contains("end"), "{run}");
        }
    }
    // In colour there are escape codes, and none but our own.
    for arguments in [&["plan", "--sandbox", "-v", "--color", "always"][..], &["validate", "--color", "always"]] {
        let run = Bbprov::new(&folder, arguments).run();
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(!text.contains("\u{1b}[31mred") && !text.contains("\u{1b}]0") && !text.contains('\u{202e}'), "{run}");
    }
    folder.write("bad.yaml", manifest(&format!("{{slug: \"{nasty}\", project: \"{nasty}\", \"{nasty}\": 1}}")));
    let run = Bbprov::new(&folder, &["validate", "--color", "always", "bad.yaml"]).run().exits(3);
    assert!(!run.stderr.contains("\u{1b}[31mred") && !run.stderr.contains("\u{1b}]0"), "{run}");
}
