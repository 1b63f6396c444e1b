//! Every code has a text, and every example in it is what it claims to be.

use std::collections::BTreeSet;

use bbprov::diagnostic::{Code, Sources};
use bbprov::manifest;
use bbprov::sandbox::Options;

use crate::support::{Bbprov, Bitbucket, Folder};

/// What the text of a code shows.
struct Example {
    /// What exists before, applied to a sandbox.
    exists: Option<String>,
    wrong: Vec<(String, String)>,
    right: Vec<(String, String)>,
}

/// The lines of a block that is set in below a heading.
fn block(text: &str, heading: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("\n{heading}:\n\n"))?;
    let lines = rest.lines().map_while(|line| line.strip_prefix("    ").or((line.is_empty()).then_some("")));
    Some(lines.map(|line| format!("{line}\n")).collect::<String>().trim_end().to_owned() + "\n")
}

/// The files of a block: one, or each below a comment that names it.
fn files(code: Code, block: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("# ").filter(|name| name.split('.').next_back() == Some("yaml")) {
            Some(name) => files.push((name.to_owned(), String::new())),
            None if files.is_empty() => files.push(("repos.yaml".to_owned(), format!("{line}\n"))),
            None => files.last_mut().unwrap().1.extend([line, "\n"]),
        }
    }
    files.into_iter().map(|(name, text)| (name, whole(code, &text))).collect()
}

/// A part of a manifest, put where it belongs: examples that are about YAML are whole already.
fn whole(code: Code, text: &str) -> String {
    if code.id().starts_with("BB00") || text.starts_with("version:") {
        return text.to_owned();
    }
    if ["workspaces:", "defaults:", "templates:"].iter().any(|key| text.starts_with(key)) {
        return format!("version: 1\n{text}");
    }
    let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
    format!("version: 1\nworkspaces:\n  - workspace: acme\n{lines}")
}

fn example(code: Code) -> Option<Example> {
    let text = code.explanation();
    let exists = block(text, "Exists").map(|block| whole(code, &block));
    let wrong = files(code, &block(text, "Wrong")?);
    Some(Example { exists, wrong, right: files(code, &block(text, "Right")?) })
}

/// The codes of all that the loader says of some files.
fn offline(files: &[(String, String)]) -> BTreeSet<Code> {
    let mut sources = Sources::default();
    for (name, text) in files {
        sources.add(name, text.as_str());
    }
    let found =
        manifest::from_sources(sources).map_or_else(|invalid| invalid.diagnostics, |manifest| manifest.warnings);
    found.iter().map(|diagnostic| diagnostic.code).collect()
}

/// The codes of all that a plan says, against a sandbox in which something exists.
fn online(exists: Option<&str>, files: &[(String, String)]) -> BTreeSet<Code> {
    let bitbucket = Bitbucket::with(Options { workspaces: Some(vec!["acme".to_owned()]), ..Options::default() });
    if let Some(exists) = exists {
        bitbucket.manifest(exists);
        bitbucket.run(&["apply", "--yes"]).exits(0);
    }
    for (name, text) in files {
        bitbucket.folder.write(name, text);
    }
    let run = bitbucket.command(&["plan"]).env("ACME_TOKEN", "token").env("APP_PASSWORD", "ATBBexample").run();
    let codes = Code::ALL.iter().filter(|code| run.stderr.contains(&format!("[{code}]"))).copied().collect();
    assert!(run.code == 0 || run.stderr.contains("[BB"), "{run}");
    codes
}

#[test]
fn every_example_is_what_it_claims_to_be() {
    let mut wrong = Vec::new();
    for code in Code::ALL.iter().copied() {
        let Some(example) = example(code) else {
            let too_large = [Code::Unreadable, Code::TooLarge, Code::NotUtf8, Code::TooManyObjects];
            assert!(too_large.contains(&code), "{code} has no example");
            continue;
        };
        let is_online = code.id() > "BB0401" && code.id() < "BB0500" || code.id() > "BB0505" && code.id() < "BB0508";
        let (failing, passing) = if is_online {
            assert_eq!(offline(&example.wrong), BTreeSet::new(), "{code} is found offline");
            (online(example.exists.as_deref(), &example.wrong), online(example.exists.as_deref(), &example.right))
        } else {
            (offline(&example.wrong), offline(&example.right))
        };
        if failing != BTreeSet::from([code]) || !passing.is_empty() {
            wrong.push(format!("{code}: the wrong one gives {failing:?}, the right one {passing:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_wrong_with_files_has_codes() {
    let folder = Folder::new();
    let code = |arguments: &[&str]| Bbprov::new(&folder, arguments).run().exits(3).stderr;
    assert!(code(&["validate", "nothing.yaml"]).starts_with("error[BB0001]"));
    folder.write("large.yaml", " ".repeat((64 << 20) + 1));
    assert!(code(&["validate", "large.yaml"]).starts_with("error[BB0002]"));
    folder.write("latin.yaml", b"version: 1 # gr\xf6\xdfe\n");
    assert!(code(&["validate", "latin.yaml"]).starts_with("error[BB0003]"));
}

#[test]
fn texts_are_short_and_fit_a_terminal() {
    for code in Code::ALL {
        let text = code.explanation();
        let prose = text.split("\nWrong:").next().unwrap_or_default();
        assert!(text.ends_with('\n') && !text.starts_with(char::is_whitespace), "{code}");
        assert!((1..=12).contains(&prose.split("\nExists:").next().unwrap().trim().lines().count()), "{code}");
        let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 84).collect();
        assert!(long.is_empty(), "{code}: {long:?}");
        assert!(!text.contains('\t') && !text.contains("  \n"), "{code}");
    }
}

#[test]
fn codes_are_explained_and_listed() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| Bbprov::new(&folder, arguments).run();
    let explained = run(&["explain", "bb0304"]).exits(0);
    assert!(explained.stdout.starts_with("BB0304: a repository without a project\n\nEvery repository"), "{explained}");
    assert!(explained.stdout.contains("\nRight:\n\n    repositories:\n"), "{explained}");
    let list = run(&["explain"]).exits(0).stdout;
    assert_eq!(list.lines().count(), Code::ALL.len());
    let unknown = run(&["explain", "BB0394"]).exits(64);
    assert!(unknown.stderr.contains("there is no code BB0394. Did you mean BB0"), "{unknown}");
    run(&["explain", "BB99999999999999999999"]).exits(64);
}
