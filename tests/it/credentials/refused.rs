//! Credentials that are refused: each has its own sentence, with the way out.

use std::sync::atomic::{AtomicUsize, Ordering};

use bbprov::sandbox::{Credentials, OAuthClient};

use super::{
    CLIENT, CONSUMER, EMAIL, MANIFEST, USERNAME, assert_refused, assert_secret, bitbucket, everybody, run, with,
};
use crate::support::{Bbprov, Fake, Folder, SECRET, answer, lines};

const JSON: &str = "application/json";

#[test]
fn a_token_in_the_wrong_place_is_called_out_before_anything_is_sent() {
    let bitbucket = bitbucket();
    let cases = [
        (vec![("BITBUCKET_ACCESS_TOKEN", "ATATTs3cr3t-t0k3n")], "set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN"),
        (vec![EMAIL, ("BITBUCKET_API_TOKEN", "ATCTTs3cr3t-t0k3n")], "set BITBUCKET_ACCESS_TOKEN"),
        (vec![EMAIL, ("BITBUCKET_API_TOKEN", "ATBBs3cr3t-t0k3n")], "removed those on 2026-07-28"),
        (vec![("BITBUCKET_ACCESS_TOKEN", "ATBBs3cr3t-t0k3n")], "removed those on 2026-07-28"),
        (vec![CONSUMER[0], CONSUMER[1], USERNAME, ("BITBUCKET_PASSWORD", "ATBBs3cr3t-t0k3n")], "2026-07-28"),
    ];
    for (variables, words) in cases {
        assert_refused(run(&bitbucket, &["plan"], &variables), &[words]);
    }
    assert!(bitbucket.exchanges().is_empty());
}

#[test]
fn static_tokens_that_are_unknown_say_what_to_look_at() {
    let bitbucket = bitbucket();
    let token = [("BITBUCKET_ACCESS_TOKEN", "unknown-token")];
    assert_refused(run(&bitbucket, &["plan"], &token), &["refused the credential", "BITBUCKET_ACCESS_TOKEN", "401"]);
    let token = [EMAIL, ("BITBUCKET_API_TOKEN", "unknown-token")];
    assert_refused(run(&bitbucket, &["plan"], &token), &["refused the credential", "BITBUCKET_EMAIL", "401"]);
}

/// Everybody, with the consumer changed.
fn consumer(change: impl FnOnce(&mut OAuthClient)) -> Credentials {
    let mut credentials = everybody();
    change(&mut credentials.clients[0]);
    credentials
}

#[test]
fn consumers_that_cannot_work_say_what_to_mend() {
    let unknown = with(consumer(|client| client.id = "other".to_owned()));
    let words = ["does not know this OAuth consumer", "BITBUCKET_OAUTH_CLIENT_ID", "unauthorized_client"];
    assert_refused(run(&unknown, &["plan"], &CONSUMER), &words);
    let public = with(consumer(|client| client.private = false));
    assert_refused(run(&public, &["plan"], &CONSUMER), &["not private", "This is a private consumer"]);
    let nowhere = with(consumer(|client| client.callback = false));
    assert_refused(run(&nowhere, &["plan"], &CONSUMER), &["no callback URL", "enter any"]);
}

#[test]
fn the_retired_grant_names_the_ways_that_work() {
    let person = [CONSUMER[0], CONSUMER[1], USERNAME, ("BITBUCKET_PASSWORD", SECRET)];
    let words = ["the password grant", "retired", "unset BITBUCKET_USERNAME", "BITBUCKET_API_TOKEN"];
    let retired = with(consumer(|client| client.grants.retain(|grant| grant != "password")));
    assert_refused(run(&retired, &["plan"], &person), &words);
    let wrong = [CONSUMER[0], CONSUMER[1], USERNAME, ("BITBUCKET_PASSWORD", "another-password")];
    assert_refused(run(&bitbucket(), &["plan"], &wrong), &words);
}

#[test]
fn a_refresh_token_that_is_used_up_says_so() {
    let bitbucket = bitbucket();
    let used = [CONSUMER[0], CONSUMER[1], ("BITBUCKET_REFRESH_TOKEN", "another-token")];
    assert_refused(run(&bitbucket, &["plan"], &used), &["refused the refresh token", "good for one use"]);
}

/// The program as an OAuth consumer of a server that answers token requests and all others so.
fn consumer_of(fake: &Fake, folder: &Folder) -> Bbprov {
    folder.write("repos.yaml", MANIFEST);
    Bbprov::new(folder, &["plan", "-v", "--timeout", "500ms"])
        .env("BITBUCKET_API_URL", &format!("http://{}/2.0", fake.address))
        .env("BITBUCKET_TOKEN_URL", &format!("http://{}/token", fake.address))
        .env("BITBUCKET_OAUTH_CLIENT_ID", "id")
        .env("BITBUCKET_OAUTH_CLIENT_SECRET", CLIENT)
}

fn token_fetches(fake: &Fake) -> usize {
    fake.requests().iter().filter(|request| request.starts_with("POST /token ")).count()
}

#[test]
fn a_token_endpoint_that_does_not_behave_is_named() {
    let minted = format!(r#"{{"token": "{SECRET}"}}"#);
    let cases: [(Vec<u8>, &str); 9] = [
        (answer("200 OK", "text/html", &format!("<html>{SECRET}")), "answered 200, but not with a token"),
        (answer("200 OK", JSON, &minted), "answered without an access token"),
        (answer("200 OK", JSON, "[]"), "answered 200, but not with a token"),
        (answer("200 OK", JSON, r#"{"access_token": 7}"#), "answered without an access token"),
        (answer("404 Not Found", "text/html", "<html>nothing \u{1b}[2J here"), "answered 404"),
        (answer("400 Bad Request", JSON, "[]"), "answered 400"),
        (answer("400 Bad Request", "text/plain", &format!("you sent {CLIENT}")), "you sent (hidden)"),
        (answer("400 Bad Request", JSON, r#"{"error": "x\u001b[2J", "error_description": "y"}"#), "refused the OAuth"),
        (answer("200 OK", JSON, r#"{"access_token": "line\nbreak"}"#), "cannot be sent"),
    ];
    for (trouble, words) in cases {
        let folder = Folder::new();
        let fake = Fake::new(move |_| trouble.clone());
        let run = consumer_of(&fake, &folder).run();
        // Only what the token endpoint says of the credential is about the credential.
        match run.stderr.contains("no token could be fetched") {
            true => assert!(run.code == 1 && run.stderr.contains(words), "{run}"),
            false => assert_refused(run, &[words]),
        }
        assert_eq!(fake.requests().len(), 1, "{words}");
    }
}

/// No token, but nothing said against the credential: that is not what exit 4 is for.
#[track_caller]
fn assert_no_token(run: crate::support::Run, words: &str) {
    let run = run.exits(1);
    assert!(run.stderr.contains("no token could be fetched: the token endpoint http://"), "{run}");
    assert!(run.stderr.contains(words), "{run}");
    assert!(!run.to_string().contains(SECRET), "{run}");
}

#[test]
fn a_token_endpoint_that_fails_or_breaks_off_is_named() {
    let folder = Folder::new();
    let fake = Fake::new(|_| answer("500 Internal Server Error", "text/html", "<html>"));
    assert_no_token(consumer_of(&fake, &folder).run(), "/token answered 500");
    let fake = Fake::new(|_| Vec::new());
    assert_no_token(consumer_of(&fake, &folder).run(), "the connection broke off (tried 5 times)");
    let half = answer("200 OK", JSON, &format!(r#"{{"access_token": "{SECRET}"}}"#));
    let fake = Fake::new(move |_| half[..half.len() - 3].to_vec());
    assert_no_token(consumer_of(&fake, &folder).run(), "broke off");
}

#[test]
fn a_token_endpoint_that_redirects_is_not_followed() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let to = elsewhere.local_addr().unwrap();
    let redirect =
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{to}/token\r\nContent-Length: 0\r\n\r\n");
    let fake = Fake::new(move |_| redirect.clone().into_bytes());
    let folder = Folder::new();
    assert_no_token(consumer_of(&fake, &folder).run(), "/token answered 307");
    assert!(elsewhere.accept().is_err());
}

#[test]
fn both_ages_of_token_answers_work() {
    let old = r#"{"scopes": "repository:admin repository project:admin project", "access_token": "minted-s3cr3t",
        "expires_in": 7200, "token_type": "bearer", "state": "client_credentials", "refresh_token": "r3fr3sh-t0k3n"}"#;
    let new = r#"{"scope": "repository:admin repository project:admin project", "access_token": "minted-s3cr3t",
        "expires_in": 3600, "token_type": "Bearer"}"#;
    for body in [old, new] {
        let fake = Fake::new(move |head| match head {
            _ if head.starts_with("POST /token ") => answer("200 OK", JSON, body),
            _ if head.contains("Bearer minted-s3cr3t") => answer("200 OK", JSON, r#"{"values": []}"#),
            _ => answer("401 Unauthorized", JSON, "{}"),
        });
        let folder = Folder::new();
        let run = consumer_of(&fake, &folder).run().exits(0);
        assert_secret(&run);
        assert!(!run.to_string().contains("minted-s3cr3t") && !run.to_string().contains("r3fr3sh"), "{run}");
        assert_eq!((run.stderr.as_str(), token_fetches(&fake)), ("", 1), "{run}");
    }
}

#[test]
fn a_token_that_is_refused_even_fresh_is_fetched_twice_at_most() {
    let fake = Fake::new(|head| match head.starts_with("POST /token ") {
        true => answer("200 OK", JSON, r#"{"access_token": "minted-s3cr3t"}"#),
        false => answer("401 Unauthorized", JSON, r#"{"error": {"message": "not you, minted-s3cr3t"}}"#),
    });
    let folder = Folder::new();
    let run = consumer_of(&fake, &folder).run();
    assert!(!run.to_string().contains("minted"), "{run}");
    assert_refused(run, &["refused all the same", "401: not you, (hidden)"]);
    assert!(token_fetches(&fake) <= 2, "{}", token_fetches(&fake));
}

#[test]
fn a_token_that_expires_is_renewed_once_for_everybody() {
    let minted = AtomicUsize::new(0);
    let fake = Fake::new(move |head| match head {
        _ if head.starts_with("POST /token ") => {
            let number = minted.fetch_add(1, Ordering::Relaxed);
            answer("200 OK", JSON, &format!(r#"{{"access_token": "minted-s3cr3t-{number}"}}"#))
        }
        // The first token reads the lists, and has expired when the repositories are created.
        _ if head.starts_with("GET") => answer("200 OK", JSON, r#"{"values": [{"key": "PAY", "slug": "x"}]}"#),
        _ if head.contains("minted-s3cr3t-1") => {
            let slug = head.split([' ', '/']).nth(5).unwrap_or_default();
            answer("201 Created", JSON, &format!(r#"{{"slug": "{slug}", "project": {{"key": "PAY"}}}}"#))
        }
        _ => answer("401 Unauthorized", JSON, r#"{"error": {"message": "Access token expired."}}"#),
    });
    let folder = Folder::new();
    let slugs: String = lines(40, |n| format!("{{slug: r{n}, project: PAY}},"));
    let manifest = format!("version: 1\nworkspaces: [{{workspace: acme, repositories: [{slugs}]}}]");
    folder.write("repos.yaml", manifest);
    let run = Bbprov::new(&folder, &["apply", "-j", "16"])
        .env("BITBUCKET_API_URL", &format!("http://{}/2.0", fake.address))
        .env("BITBUCKET_TOKEN_URL", &format!("http://{}/token", fake.address))
        .env("BITBUCKET_OAUTH_CLIENT_ID", "id")
        .env("BITBUCKET_OAUTH_CLIENT_SECRET", CLIENT)
        .run()
        .exits(0);
    assert!(run.stdout.contains("40 done"), "{run}");
    assert_eq!(token_fetches(&fake), 2, "{run}");
}

#[test]
fn plain_http_over_a_network_is_wrong_usage_and_nothing_is_sent() {
    let bitbucket = bitbucket();
    for (flag, url) in [
        ("--api-url", "http://api.bitbucket.org/2.0"),
        ("--token-url", "http://192.0.2.1/token"),
        ("--api-url", "http://127.0.0.1.example.com/2.0"),
        ("--api-url", "ftp://127.0.0.1/2.0"),
        ("--api-url", "https://ana:s3cr3t-t0k3n@api.bitbucket.org/2.0"),
        ("--api-url", "http//ana:s3cr3t-t0k3n@api.bitbucket.org"),
        ("--api-url", "https://api.bitbucket.org/2.0?x=1"),
    ] {
        let run = run(&bitbucket, &["plan", flag, url], &CONSUMER).exits(64);
        assert!(run.stderr.contains(flag), "{run}");
    }
    assert!(bitbucket.exchanges().is_empty());
}
