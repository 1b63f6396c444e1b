//! A server that does not behave: every run ends, says in one sentence which request met what, and keeps its secret.

mod reading;
mod retries;
mod writing;

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::support::{Fake, Folder, Run, SECRET, answer};

/// One repository in one project: a plan reads two lists.
const MANIFEST: &str = "version: 1
workspaces: [{workspace: acme, repositories: [{slug: ledger, project: PAY, description: Entries}]}]
";

const JSON: &str = "application/json";

/// A success with this JSON.
fn json(body: &str) -> Vec<u8> {
    answer("200 OK", JSON, body)
}

/// The page of a list that holds these items.
fn page(items: &str) -> Vec<u8> {
    json(&format!(r#"{{"values": [{items}]}}"#))
}

/// An answer with one header more.
fn with_header(answer: Vec<u8>, header: &str) -> Vec<u8> {
    let text = String::from_utf8(answer).unwrap();
    text.replacen("\r\n", &format!("\r\n{header}\r\n"), 1).into_bytes()
}

/// Runs a command against a server that serves the small manifest's owner.
fn run(fake: &Fake, arguments: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", MANIFEST);
    fake.command(&folder, arguments).run()
}

/// Asserts that a run failed as it should: with this code, in one sentence that holds these words, and without a secret.
#[track_caller]
fn assert_told(run: Run, code: i32, words: &[&str]) {
    assert_silent_of(&run, &[SECRET]);
    let run = run.exits(code);
    assert_eq!(run.stdout, "", "{run}");
    assert_eq!(run.stderr.lines().count(), 1, "{run}");
    for words in words {
        assert!(run.stderr.contains(words), "no {words:?} in {run}");
    }
}

/// Asserts that nothing of this, no panic and nothing that moves a cursor was printed.
#[track_caller]
fn assert_silent_of(run: &Run, secrets: &[&str]) {
    for never in secrets.iter().chain(&["panicked", "\u{1b}", "\u{202e}"]) {
        assert!(!run.stdout.contains(never) && !run.stderr.contains(never), "{never:?} in {run}");
    }
}

/// A place where nobody may come.
struct Elsewhere(TcpListener);

impl Elsewhere {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    #[track_caller]
    fn assert_untouched(&self) {
        assert_eq!(self.0.accept().map_err(|error| error.kind()).unwrap_err(), ErrorKind::WouldBlock);
    }
}
