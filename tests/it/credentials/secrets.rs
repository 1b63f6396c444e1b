//! Secrets from files and commands, and refresh tokens that are replaced.

use super::{CONSUMER, EMAIL, ID, USERNAME, assert_refused, assert_secret, bitbucket, run};
use crate::support::{Run, SECRET};

#[test]
fn a_file_stands_in_for_whatever_secret_is_missing() {
    let texts = [SECRET.to_owned(), format!("{SECRET}\n"), format!("{SECRET}\r\n"), format!("\u{feff}{SECRET}\n\n")];
    for text in texts {
        let bitbucket = bitbucket();
        let file = bitbucket.folder.write("token", &text);
        for variables in [vec![], vec![EMAIL], vec![CONSUMER[0], CONSUMER[1], USERNAME]] {
            let run = run(&bitbucket, &["plan", "-q", "--token-file", &file], &variables).exits(0);
            assert_eq!(run.stdout.matches("to create").count(), 1, "{text:?} {variables:?} {run}");
        }
        bitbucket.folder.write("secret", super::CLIENT);
        run(&bitbucket, &["plan", "--token-file", "secret"], &[ID]).exits(0);
    }
}

#[test]
fn a_file_that_holds_no_secret_is_named() {
    let bitbucket = bitbucket();
    bitbucket.folder.write("empty", " \r\n");
    bitbucket.folder.write("binary", [0xff, 0xfe, 0x00]);
    std::fs::create_dir(bitbucket.folder.path().join("folder")).unwrap();
    bitbucket.folder.write("long", "x".repeat(1 << 20));
    for file in ["empty", "binary", "folder", "missing", "long", "/dev/zero"] {
        assert_refused(run(&bitbucket, &["plan", "--token-file", file], &[]), &[&format!("--token-file {file}: ")]);
    }
    bitbucket.folder.write("lines", "first-line\nsecond-line\n");
    let lines = run(&bitbucket, &["plan", "--token-file", "lines"], &[]).exits(4);
    assert!(lines.stderr.contains("cannot be sent") && !lines.stderr.contains("first-line"), "{lines}");
    assert!(bitbucket.exchanges().is_empty());
}

#[cfg(unix)]
#[test]
fn a_refresh_token_is_written_back_and_works_again() {
    use std::os::unix::fs::PermissionsExt;
    let bitbucket = bitbucket();
    let file = bitbucket.folder.write("token", SECRET);
    let path = bitbucket.folder.path().join(&file);
    let first = run(&bitbucket, &["plan", "--token-file", &file], &CONSUMER).exits(0);
    assert!(first.stderr.contains("other users of this machine can read token"), "{first}");
    let mut known = vec![SECRET.to_owned()];
    for _ in 0..2 {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!known.contains(&text) && !text.trim().is_empty());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let run = run(&bitbucket, &["plan", "-v", "--token-file", &file], &CONSUMER).exits(0);
        assert!(!run.to_string().contains(text.trim()) && run.stderr.is_empty(), "{run}");
        known.push(text);
    }
    let names: Vec<_> = std::fs::read_dir(bitbucket.folder.path()).unwrap().map(|entry| entry.unwrap()).collect();
    assert_eq!(names.len(), 2, "nothing stays beside it: {names:?}");
}

#[cfg(unix)]
#[test]
fn what_lies_where_the_new_token_is_written_is_not_left_readable() {
    use std::os::unix::fs::PermissionsExt;
    let bitbucket = bitbucket();
    let file = bitbucket.folder.write("token", SECRET);
    bitbucket.folder.write("token.new", "left by a run that died");
    run(&bitbucket, &["plan", "-q", "--token-file", &file], &CONSUMER).exits(0);
    let metadata = std::fs::metadata(bitbucket.folder.path().join("token")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_token_stays_a_link() {
    let bitbucket = bitbucket();
    bitbucket.folder.write("kept/token", SECRET);
    std::os::unix::fs::symlink("kept/token", bitbucket.folder.path().join("link")).unwrap();
    run(&bitbucket, &["plan", "-q", "--token-file", "link"], &CONSUMER).exits(0);
    assert_ne!(std::fs::read_to_string(bitbucket.folder.path().join("kept/token")).unwrap(), SECRET);
    run(&bitbucket, &["plan", "-q", "--token-file", "link"], &CONSUMER).exits(0);
}

#[test]
fn a_refresh_token_without_a_file_is_said_to_be_lost() {
    let bitbucket = bitbucket();
    let variables = [CONSUMER[0], CONSUMER[1], ("BITBUCKET_REFRESH_TOKEN", SECRET)];
    let run = run(&bitbucket, &["plan", "-v"], &variables).exits(0);
    assert!(run.stderr.contains("warning: ") && run.stderr.contains("--token-file"), "{run}");
    let exchanges = bitbucket.sandbox().exchanges();
    let fetched = exchanges.iter().find(|exchange| exchange.path.contains("access_token")).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&fetched.response_body).unwrap();
    for minted in ["access_token", "refresh_token"] {
        assert!(!run.to_string().contains(answer[minted].as_str().unwrap()), "{run}");
    }
}

fn by_command(command: &str) -> Run {
    let bitbucket = bitbucket();
    let run = bitbucket.led_here(&["plan", "--token-command", command]).env("PATH", "/usr/bin:/bin").run();
    assert_secret(&run);
    run
}

#[test]
fn a_command_prints_the_secret_or_is_named() {
    for command in [format!("echo {SECRET}"), format!("printf '{SECRET}\\r\\nlogin: ana\\n'")] {
        by_command(&command).exits(0);
    }
    assert_refused(by_command("exit 3"), &["--token-command: it failed", "3"]);
    assert_refused(by_command(&format!("echo {SECRET}; exit 1")), &["--token-command: it failed"]);
    assert_refused(by_command("true"), &["--token-command: it printed nothing"]);
    assert_refused(by_command("printf '\\377\\376\\n'"), &["--token-command: what it prints is not text"]);
    assert_refused(by_command("yes"), &["--token-command: "]);
    by_command("no-such-command-of-all").exits(4);
}

#[test]
fn a_file_and_a_command_together_are_wrong_usage() {
    let bitbucket = bitbucket();
    run(&bitbucket, &["plan", "--token-file", "x", "--token-command", "y"], &[]).exits(64);
}
