//! Who the program is for Bitbucket: every kind of credential, and every way in which one is refused.

mod refused;
mod scopes;
mod secrets;
mod sources;
mod workspaces;

use std::process::Command;

use bbprov::sandbox::{AccessToken, AccessTokenKind, Credentials, OAuthClient, Options, User};

use crate::support::{Bbprov, Bitbucket, Run, SECRET};

const MANIFEST: &str = "version: 1
workspaces: [{workspace: acme, projects: [{key: PAY}], repositories: [{slug: ledger, project: PAY}]}]
";

/// The consumer's secret.
const CLIENT: &str = "cl13nt-s3cr3t";

/// Everybody the sandbox lets in.
fn everybody() -> Credentials {
    let grants = ["client_credentials", "password", "refresh_token"].map(str::to_owned).to_vec();
    let consumer = OAuthClient {
        id: "id".to_owned(),
        secret: CLIENT.to_owned(),
        private: true,
        callback: true,
        grants,
        scopes: None,
        refresh_tokens: vec![SECRET.to_owned()],
    };
    let person = User {
        username: Some("ana".to_owned()),
        email: Some("ana@example.com".to_owned()),
        password: Some(SECRET.to_owned()),
        api_token: Some(SECRET.to_owned()),
        ..User::default()
    };
    let token = AccessToken { token: SECRET.to_owned(), scopes: None, kind: AccessTokenKind::Workspace };
    Credentials { clients: vec![consumer], users: vec![person], access_tokens: vec![token], ..Credentials::default() }
}

fn bitbucket() -> Bitbucket {
    with(everybody())
}

fn with(credentials: Credentials) -> Bitbucket {
    let bitbucket = Bitbucket::with(Options { credentials: Some(credentials), ..Options::default() });
    bitbucket.manifest(MANIFEST);
    bitbucket
}

const ID: (&str, &str) = ("BITBUCKET_OAUTH_CLIENT_ID", "id");
const CONSUMER: [(&str, &str); 2] = [ID, ("BITBUCKET_OAUTH_CLIENT_SECRET", CLIENT)];
const EMAIL: (&str, &str) = ("BITBUCKET_EMAIL", "ana@example.com");
const USERNAME: (&str, &str) = ("BITBUCKET_USERNAME", "ana");

fn environment(command: Bbprov, variables: &[(&str, &str)]) -> Bbprov {
    variables.iter().fold(command, |command, (name, value)| command.env(name, value))
}

/// Runs with exactly these variables, and asserts that no secret came out.
#[track_caller]
fn run(bitbucket: &Bitbucket, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let run = environment(bitbucket.led_here(arguments), variables).run();
    assert_secret(&run);
    run
}

#[track_caller]
fn assert_secret(run: &Run) {
    for secret in [SECRET, CLIENT, "panicked", "\u{1b}"] {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{secret} in {run}");
    }
}

/// Asserts that the run ended without a credential, in one sentence with these words.
#[track_caller]
fn assert_refused(run: Run, words: &[&str]) {
    let run = run.exits(4);
    assert_secret(&run);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{run}");
    for words in words {
        assert!(run.stderr.contains(words), "no {words:?} in {run}");
    }
}

/// The five kinds, and the variables that describe each.
fn kinds() -> [(&'static str, Vec<(&'static str, &'static str)>); 5] {
    [
        ("access-token", vec![("BITBUCKET_ACCESS_TOKEN", SECRET)]),
        ("api-token", vec![EMAIL, ("BITBUCKET_API_TOKEN", SECRET)]),
        ("client-credentials", CONSUMER.to_vec()),
        ("password", [&CONSUMER[..], &[USERNAME, ("BITBUCKET_PASSWORD", SECRET)]].concat()),
        ("refresh-token", [&CONSUMER[..], &[("BITBUCKET_REFRESH_TOKEN", SECRET)]].concat()),
    ]
}

#[test]
fn every_kind_works_with_at_most_one_token_fetch() {
    for (kind, variables) in kinds() {
        let bitbucket = bitbucket();
        let run = run(&bitbucket, &["apply", "-v"], &variables).exits(0);
        let fetches = u64::from(!kind.ends_with("-token") || kind == "refresh-token");
        assert_eq!(bitbucket.sandbox().counters().token_fetches, fetches, "{kind}: {run}");
        assert_eq!(bitbucket.sent("POST"), 2, "{kind}: {run}");
    }
}

#[test]
fn the_other_name_of_an_access_token_works() {
    run(&bitbucket(), &["plan"], &[("BITBUCKET_OAUTH_TOKEN", SECRET)]).exits(0);
}

#[test]
fn several_credentials_are_named_and_one_can_be_chosen() {
    let bitbucket = bitbucket();
    let everything = kinds().map(|(_, variables)| variables).concat();
    let names = ["access-token", "api-token", "password", "refresh-token", "--auth"];
    assert_refused(run(&bitbucket, &["plan"], &everything), &names);
    let two = [&kinds()[0].1[..], &kinds()[1].1].concat();
    assert_refused(run(&bitbucket, &["plan"], &two), &["access-token and api-token"]);
    assert!(bitbucket.exchanges().is_empty());
    for (kind, _) in kinds() {
        let bitbucket = self::bitbucket();
        run(&bitbucket, &["plan", "--auth", kind], &everything).exits(0);
    }
}

#[test]
fn nothing_and_too_little_say_what_to_set() {
    let bitbucket = bitbucket();
    assert_refused(run(&bitbucket, &["plan"], &[]), &["no credential: set BITBUCKET_ACCESS_TOKEN", "--sandbox"]);
    assert_refused(run(&bitbucket, &["plan"], &[EMAIL]), &["api-token is incomplete: set BITBUCKET_API_TOKEN"]);
    let chosen = run(&bitbucket, &["plan", "--auth", "password"], &CONSUMER);
    assert_refused(chosen, &["password is incomplete: set BITBUCKET_USERNAME and BITBUCKET_PASSWORD"]);
    assert!(bitbucket.exchanges().is_empty());
}

#[test]
fn no_secret_stands_in_the_arguments_or_in_the_help() {
    let help = Command::new(env!("CARGO_BIN_EXE_bbprov"))
        .args(["plan", "--help"])
        .env("BITBUCKET_API_URL", format!("https://{SECRET}.example.com"))
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains(SECRET));
}
