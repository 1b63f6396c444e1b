//! What stands in `examples/` works as it stands.

use std::collections::HashSet;

use crate::support::{Bbprov, Bitbucket, Folder};

fn example(name: &str) -> String {
    format!("{}/examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn manifests() -> Vec<String> {
    let entries = std::fs::read_dir(example("")).unwrap().map(|entry| entry.unwrap().path());
    let yaml = entries.filter(|path| path.extension().is_some_and(|end| end == "yaml"));
    let manifests: Vec<_> = yaml.map(|path| path.display().to_string()).collect();
    assert!(!manifests.is_empty());
    manifests
}

#[test]
fn every_manifest_validates_plans_and_applies() {
    let folder = Folder::new();
    for manifest in manifests() {
        Bbprov::new(&folder, &["validate", &manifest]).run().exits(0);
        let plan = Bbprov::new(&folder, &["plan", "--sandbox", "--detailed-exitcode", &manifest]).run().exits(2);
        assert_eq!(plan.stderr, "", "{plan}");
        let apply = Bbprov::new(&folder, &["apply", "--sandbox", "--format", "json", &manifest]).run().exits(0);
        let summary = &apply.json()["summary"];
        assert_eq!(summary["done"], summary["create"], "{apply}");
    }
}

/// Everything that can be governed, applied once, is as it shall be.
#[test]
fn a_governed_team_comes_to_rest() {
    let bitbucket = Bitbucket::new();
    let run = |arguments: &[&str]| {
        let command = bitbucket.as_owner(&[arguments, &[&example("team.yaml")]].concat());
        let secrets = ["CI_HOOK_SECRET", "CI_SSH_KEY", "REGISTRY_TOKEN", "DATABASE_PASSWORD"];
        secrets.into_iter().fold(command, |command, name| command.env(name, "s3cr3t-of-the-team")).run()
    };
    let first = run(&["apply"]).exits(0);
    let second = run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(second.stdout.contains("Nothing to do: all 50 managed objects are as the manifest says."), "{second}");
    for run in [first, second] {
        assert!(!run.to_string().contains("s3cr3t-of-the-team"), "{run}");
    }
    let kinds: HashSet<&str> = bbprov::resource::KINDS.iter().map(|kind| kind.section()).collect();
    let text = std::fs::read_to_string(example("team.yaml")).unwrap();
    for section in kinds {
        let key = section.rsplit('.').next().unwrap();
        assert!(text.contains(&format!("{key}:")), "{section} is missing in the example");
    }
}

#[test]
fn every_manifest_names_the_schema_that_explains_it() {
    for manifest in manifests() {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let first = text.lines().next().unwrap();
        assert_eq!(first, "# yaml-language-server: $schema=../schemas/manifest.schema.json", "{manifest}");
    }
}

#[test]
fn the_program_that_uses_the_library_works() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_bbprov")).parent().unwrap().join("examples/new_team");
    let output = std::process::Command::new(&program).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; `cargo test` builds it", program.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(stdout, "acme/NEW create done\nacme/new-api create done\nacme/new-web create done\n");
}

/// What `--help` shows as a file of credentials is one.
#[test]
fn the_credentials_that_the_help_shows_are_read() {
    let help = Bbprov::new(&Folder::new(), &["sandbox", "--help"]).run().exits(0).stdout;
    let (_, file) = help.split_once("all of it optional:").unwrap();
    let credentials: bbprov::sandbox::Credentials = serde_json::from_str(file).unwrap();
    assert_eq!((credentials.clients.len(), credentials.users.len(), credentials.access_tokens.len()), (1, 1, 1));
}
