//! Exports: what exists, written down so that it plans to nothing and is read with pleasure.

mod varied;

use serde_json::{Value, json};

use crate::sections::somebody;
use crate::support::{Bitbucket, Run};

fn export(bitbucket: &Bitbucket, arguments: &[&str]) -> Run {
    bitbucket.as_owner(&[&["export"], arguments].concat()).run()
}

/// Lets the objects of a manifest exist.
fn sow(bitbucket: &Bitbucket, manifest: &str) {
    bitbucket.folder.write("seed.yaml", manifest);
    bitbucket.as_owner(&["apply", "-j", "32", "seed.yaml"]).env("S", "s3cr3t-of-acme").run().exits(0);
}

#[test]
fn a_varied_workspace_is_written_as_a_person_would_have_written_it() {
    let bitbucket = Bitbucket::new();
    let accounts = varied::PEOPLE.map(|name| somebody(&bitbucket, name).0);
    sow(&bitbucket, &varied::manifest(&accounts));
    let run = export(&bitbucket, &["acme", "--sections", "all", "-j", "32"]);
    std::fs::write("/tmp/exp-try/varied.yaml", &run.stdout).unwrap();
    std::fs::write("/tmp/exp-try/varied.err", &run.stderr).unwrap();
    std::fs::write("/tmp/exp-try/varied-seed.yaml", varied::manifest(&accounts)).unwrap();
    let run = run.exits(0);
    let lines = run.stdout.lines().count();
    assert!(lines <= 3 * varied::count(), "{lines} lines for {} repositories", varied::count());
    assert!(!run.to_string().contains("s3cr3t"), "{run}");
}
