//! What goes wrong on the way: there is a whole manifest or none.

use std::sync::Arc;
use std::time::Duration;

use bbprov::bitbucket::{self, Client, Credential, retry::Pace};
use bbprov::inventory::{self, Wish};
use bbprov::manifest::write::{Style, write};
use bbprov::resource::Address;
use bbprov::sandbox::{Credentials, Faults, Options, RateLimit, Sandbox, User};
use serde_json::json;

use super::{export, few, sow};
use crate::formula::{SHAPE, Shape};
use crate::support::{Bitbucket, Fake, Folder, answer};

/// What an export of everything makes of a workspace through such a weather; nothing if it fails.
async fn exported(state: &std::path::Path, faults: Option<Faults>, rate_limit: Option<RateLimit>) -> Option<String> {
    let options = Options { state: Some(state.to_owned()), faults, rate_limit, ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let short = Duration::from_millis(2);
    let options = bitbucket::Options {
        api_url: sandbox.api_url(),
        token_url: sandbox.token_url(),
        timeout: Duration::from_millis(400),
        pace: Pace { failure: short, limit: short, ..Pace::default() },
        ..bitbucket::Options::new(Credential::Basic {
            user: "olive@example.com".to_owned(),
            token: "t".to_owned().into(),
        })
    };
    let client = Client::new(options, Arc::new(())).unwrap();
    let sections = inventory::chosen(&["all".to_owned()]);
    let wish = Wish { workspaces: &["acme".to_owned()], sections: &sections, passes_over: &|_: &Address| false };
    let taken = inventory::take(&client, &wish, &()).await.ok()?;
    assert!(taken.unread.is_empty(), "{:?}", taken.unread);
    let written = write(taken.estate, &Style::default());
    Some(written.files.into_iter().map(|file| file.text).collect())
}

#[test]
fn in_any_weather_the_manifest_is_whole_or_there_is_none() {
    let folder = Folder::new();
    let state = folder.path().join("state.json");
    let here = Bitbucket::with(Options { state: Some(state.clone()), ..Options::default() });
    let team = std::fs::read_to_string(format!("{}/examples/team.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    sow(&here, &team);
    drop(here);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let fair = runtime.block_on(exported(&state, None, None)).unwrap();
    assert!(fair.contains("slug: ledger-api"), "{fair}");
    let limit =
        |seed: u64| seed.is_multiple_of(3).then_some(RateLimit { requests: 20, per: Duration::from_millis(50) });
    let mut whole = 0;
    for seed in 0..24 {
        let faults = Faults { rate: [0.1, 0.3, 0.6][usize::try_from(seed % 3).unwrap()], seed };
        if let Some(text) = runtime.block_on(exported(&state, Some(faults), limit(seed))) {
            assert_eq!(text, fair, "seed {seed}");
            whole += 1;
        }
    }
    assert!((8..24).contains(&whole), "{whole} of 24: the storms are no test");
}

#[test]
fn nothing_is_written_of_what_could_not_be_read_to_its_end() {
    let projects = r#"{"values": [{"key": "P", "name": "P", "uuid": "{1}", "is_private": true}], "size": 1}"#;
    let broken = [
        (answer("200 OK", "application/json", r#"{"values": [], "size": 7}"#), "says that there are 7"),
        (answer("200 OK", "text/html", "<html>"), "text/html"),
        (answer("400 Bad Request", "application/json", r#"{"error": {"message": "odd"}}"#), "odd"),
    ];
    for (bad, word) in broken {
        let fake = Fake::new(move |head| match head.contains("/projects") {
            true => answer("200 OK", "application/json", projects),
            false => bad.clone(),
        });
        let folder = Folder::new();
        let run = fake.command(&folder, &["export", "acme"]).run().exits(1);
        assert!(run.stdout.is_empty() && run.stderr.contains(word), "{run}");
        fake.command(&folder, &["export", "acme", "--split", "teams"]).run().exits(1);
        fake.command(&folder, &["init", "--from", "acme"]).run().exits(1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_workspace_that_is_not_there_is_named() {
    let bitbucket = Bitbucket::with(Options { workspaces: Some(vec!["acme".to_owned()]), ..Options::default() });
    let run = export(&bitbucket, &["acme", "labs"]).exits(64);
    assert!(run.stdout.is_empty() && run.stderr.contains("there is no workspace `labs`"), "{run}");
    let before = bitbucket.sent("GET");
    let run = export(&bitbucket, &["https://bitbucket.org/acme"]).exits(64);
    assert!(run.stderr.contains("is not a workspace's slug"), "{run}");
    export(&bitbucket, &[]).exits(64);
    assert_eq!(bitbucket.sent("GET"), before);
}

#[test]
fn limits_end_it_with_nothing_written() {
    let shape = Shape { repositories: 500, ..SHAPE };
    let bitbucket = shape.build();
    let run = bitbucket.run(&["export", "w0", "--max-requests", "3"]).exits(6);
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr.contains("stopped by --max-requests 3 before everything was read: nothing was written"),
        "{run}"
    );
}

/// The rest is exported, what is missing is said once, and nobody asks in vain again and again.
#[test]
fn a_section_that_may_not_be_read_is_left_out() {
    let scopes = ["project:admin", "project", "repository", "repository:admin"].map(str::to_owned).to_vec();
    let folder = Folder::new();
    let state = folder.path().join("state.json");
    let sown = Bitbucket::with(Options { state: Some(state.clone()), ..Options::default() });
    let restriction = "branch_restrictions: [{kind: force, branch: main}]";
    sow(&sown, &few(40).replace("slug: r3,", &format!("slug: r3, {restriction},")));
    drop(sown);
    let bitbucket = Bitbucket::with(Options { scopes: Some(scopes), state: Some(state), ..Options::default() });
    let run = bitbucket.run(&["export", "acme", "--sections", "webhooks,branch_restrictions", "-j", "2"]).exits(4);
    assert!(run.stdout.contains(restriction) && !run.stdout.contains("webhooks"), "{run}");
    let warning = "warning: webhooks of acme, acme/r0, acme/r1, acme/r10, acme/r11 and 36 more could not be read: ";
    assert!(run.stderr.contains(warning) && run.stderr.contains("lacks the scope webhook"), "{run}");
    assert_eq!(run.stderr.matches("warning").count(), 1, "{run}");
    let asked = bitbucket.exchanges().iter().filter(|exchange| exchange.path.ends_with("/hooks")).count();
    assert!((1..=2).contains(&asked), "{asked}");
    // An access token may not even look at grants, which Bitbucket says of each.
    let run = bitbucket
        .led_here(&["export", "acme", "--sections", "permissions.users", "-j", "2"])
        .env("BITBUCKET_ACCESS_TOKEN", "ATCTTx")
        .run()
        .exits(4);
    assert!(
        run.stderr.contains(
            "permissions.users of acme/P, acme/r0, acme/r1, acme/r10, acme/r11 and 36 more could not be read"
        ),
        "{run}"
    );
    let asked = bitbucket.exchanges().iter().filter(|exchange| exchange.path.ends_with("/users")).count();
    assert!(asked < 20, "{asked}");
}

#[test]
fn a_credential_of_no_use_ends_it() {
    let credentials = Credentials { users: vec![User::default()], ..Credentials::default() };
    let bitbucket = Bitbucket::with(Options { credentials: Some(credentials), ..Options::default() });
    let run = export(&bitbucket, &["acme"]).exits(4);
    assert_eq!(run.stdout, "");
}

/// The proof is worth something: where there is a difference it is shown, with what was written.
#[test]
fn a_check_that_finds_a_difference_shows_it() {
    let read = std::sync::atomic::AtomicUsize::new(0);
    let fake = Fake::new(move |head| {
        let times =
            if head.contains("/repositories/") { read.fetch_add(1, std::sync::atomic::Ordering::Relaxed) } else { 0 };
        let body = match head.contains("/projects") {
            true => json!({"values": [{"key": "P", "name": "P", "uuid": "{1}", "is_private": true}], "size": 1}),
            false => json!({"values": [{
                "slug": "r", "uuid": "{2}", "name": "r", "is_private": true, "project": {"key": "P"},
                "description": if times == 0 { "before" } else { "after" },
            }], "size": 1}),
        };
        answer("200 OK", "application/json", &body.to_string())
    });
    let folder = Folder::new();
    let run = fake.command(&folder, &["export", "acme", "--check"]).run().exits(2);
    assert!(run.stdout.contains("description: before"), "{run}");
    assert!(run.stderr.contains("what was written does not plan to nothing"), "{run}");
    assert!(run.stderr.contains("description  after → before"), "{run}");
}
