//! Failures that pass, and failures that do not: both end soon.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{JSON, assert_told, json, page, run, with_header};
use crate::support::{Bbprov, Fake, Folder, SECRET, answer};

/// Gives the first answer so many times, then the small manifest's objects.
fn first(times: usize, trouble: Vec<u8>) -> Fake {
    let count = AtomicUsize::new(0);
    Fake::new(move |_| match count.fetch_add(1, Ordering::Relaxed) < times {
        true => trouble.clone(),
        false => page(r#"{"slug": "ledger", "key": "PAY", "project": {"key": "PAY"}, "description": "Entries"}"#),
    })
}

#[test]
fn what_passes_is_waited_out() {
    let limit = answer("429 Too Many Requests", "text/plain", "Rate limit for this resource has been exceeded");
    let unavailable = answer("503 Service Unavailable", "text/html", "<html>");
    for trouble in [with_header(limit, "Retry-After: 0"), with_header(unavailable, "Retry-After: 0")] {
        let fake = first(3, trouble);
        let run = run(&fake, &["plan"]).exits(0);
        assert!(run.stdout.contains("Nothing to do"), "{run}");
        assert_eq!(fake.requests().len(), 5, "{run}");
    }
}

#[test]
fn a_broken_connection_is_tried_again() {
    let fake = first(1, Vec::new());
    run(&fake, &["plan"]).exits(0);
    let fake = first(1, json(r#"{"values": []}"#)[..70].to_vec());
    run(&fake, &["plan"]).exits(0);
}

#[test]
fn an_absurd_wait_ends_the_run() {
    for seconds in ["18446744073709551615", "9999999"] {
        let limit = answer("429 Too Many Requests", "text/plain", "Rate limit");
        let fake = first(usize::MAX, with_header(limit, &format!("Retry-After: {seconds}")));
        let stopped = run(&fake, &["plan"]).exits(6);
        assert!(stopped.stderr.contains("stopped by Bitbucket's rate limit, which asks to wait"), "{stopped}");
        let gone = answer("503 Service Unavailable", "text/plain", "later");
        let fake = first(usize::MAX, with_header(gone, &format!("X-RateLimit-Reset: {seconds}")));
        assert_told(run(&fake, &["plan"]), 1, &["GET /2.0/", "503", "later"]);
    }
}

#[test]
fn a_server_that_never_lets_anybody_in_is_not_stormed() {
    let limit = answer("429 Too Many Requests", "text/plain", "Rate limit");
    let fake = first(usize::MAX, with_header(limit, "Retry-After: 0"));
    let folder = Folder::new();
    folder.write("repos.yaml", super::MANIFEST);
    let mut child = fake.command(&folder, &["plan"]).spawn();
    std::thread::sleep(Duration::from_millis(700));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!((2..40).contains(&fake.requests().len()), "{}", fake.requests().len());
}

/// Runs a plan against a server that gives everybody this answer, which ends within bounds.
#[track_caller]
fn assert_ends(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static, words: &[&str]) {
    let fake = Fake::new(answer);
    let begun = Instant::now();
    assert_told(run(&fake, &["plan", "-v", "--timeout", "300ms"]), 1, words);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // Two lists, each tried five times.
    assert!(fake.requests().len() <= 10, "{}", fake.requests().len());
}

#[test]
fn a_server_that_closes_every_connection() {
    assert_ends(|_| Vec::new(), &["GET /2.0/", "the connection broke off (tried 5 times)"]);
}

#[test]
fn an_answer_that_breaks_off_in_its_body() {
    assert_ends(
        |_| json(r#"{"values": []}"#)[..90].to_vec(),
        &["GET /2.0/", "the connection broke off (tried 5 times)"],
    );
}

#[test]
fn a_server_that_never_answers() {
    let hang = |_: &str| {
        std::thread::sleep(Duration::from_secs(60));
        Vec::new()
    };
    assert_ends(hang, &["GET /2.0/", "no answer in time", "--timeout"]);
}

#[test]
fn a_flood_of_headers() {
    let flood = "X-Flood: water\r\n".repeat(10_000);
    assert_ends(move |_| with_header(json("{}"), flood.trim_end()), &["GET /2.0/", "no answer"]);
    let long = "x".repeat(2_000_000);
    assert_ends(move |_| with_header(json("{}"), &format!("X-Flood: {long}")), &["GET /2.0/", "no answer"]);
}

#[test]
fn what_is_no_http() {
    assert_ends(|_| b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), &["GET /2.0/", "no answer"]);
    assert_ends(|_| b"\0\xff\x1b[2J\r\n\r\n".to_vec(), &["GET /2.0/", "no answer"]);
}

#[test]
fn what_is_said_to_be_gzip_and_is_not() {
    assert_ends(|_| with_header(json("{}"), "Content-Encoding: gzip"), &["GET /2.0/", "gzip"]);
}

#[test]
fn a_body_without_end_is_not_read_to_the_end_nor_again() {
    let fake = Fake::new(|_| answer("200 OK", JSON, &" ".repeat(40 << 20)));
    assert_told(run(&fake, &["plan"]), 1, &["GET /2.0/", "longer than 32 MB"]);
    assert_eq!(fake.requests().len(), 2);
}

#[test]
fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let folder = Folder::new();
    folder.write("repos.yaml", super::MANIFEST);
    let run = Bbprov::new(&folder, &["plan"])
        .env("BITBUCKET_API_URL", &format!("http://{address}/2.0"))
        .env("BITBUCKET_ACCESS_TOKEN", SECRET)
        .run();
    assert_told(run, 1, &["GET /2.0/", "127.0.0.1 refuses connections"]);
}
