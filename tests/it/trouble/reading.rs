//! Answers to a plan's GETs that cannot be used.

use super::{Elsewhere, JSON, MANIFEST, assert_silent_of, assert_told, json, page, run, with_header};
use crate::support::{Fake, Folder, SECRET, answer};

/// Two of each kind, so that a list without `size` is followed and not left for single objects.
const PAIRS: &str = "version: 1
workspaces:
  - workspace: acme
    repositories: [{slug: ledger, project: PAY}, {slug: wages, project: WAG}]
";

/// Asserts that a list with this `next` is refused in these words.
#[track_caller]
fn assert_next_told(next: &str, words: &[&str]) {
    let folder = Folder::new();
    folder.write("repos.yaml", PAIRS);
    let body = json(&format!(r#"{{"values": [], "next": "{next}"}}"#));
    let fake = Fake::new(move |_| body.clone());
    assert_told(fake.command(&folder, &["plan", "-v"]).run(), 1, words);
}

/// Runs a plan, and the same more talkative and as JSON, against a server that gives everybody this answer.
#[track_caller]
fn assert_plan_told(answer: &[u8], code: i32, words: &[&str]) {
    for arguments in [&["plan"][..], &["plan", "-v"], &["plan", "--format", "json"], &["apply", "--yes"]] {
        let answer = answer.to_vec();
        let fake = Fake::new(move |_| answer.clone());
        assert_told(run(&fake, arguments), code, words);
        assert!(fake.requests().iter().all(|request| request.starts_with("GET ")), "{:?}", fake.requests());
    }
}

#[test]
fn what_is_no_json_is_named() {
    let html = answer("200 OK", "text/html; charset=utf-8", "<html><title>Maintenance</title></html>");
    assert_plan_told(&html, 1, &["GET /2.0/", "text/html", "in place of JSON", "Maintenance"]);
    let text = answer("200 OK", "text/plain", "\u{1b}[2J\u{202e}gone");
    assert_plan_told(&text, 1, &["GET /2.0/", "text/plain", "gone"]);
    assert_plan_told(&json(r#"{"values": [{"slug": "led"#), 1, &["GET /2.0/", "breaks off"]);
    assert_plan_told(&json(&"[".repeat(100_000)), 1, &["GET /2.0/", "JSON"]);
    assert_plan_told(&json("\u{1b}]0;title"), 1, &["GET /2.0/", "JSON"]);
}

#[test]
fn json_of_another_shape_is_named_and_never_taken_for_an_empty_workspace() {
    for body in ["", "[]", "17", "\"values\"", "null", "{}", r#"{"values": 3}"#, r#"{"values": {"slug": "ledger"}}"#] {
        assert_plan_told(&json(body), 1, &["GET /2.0/", "list"]);
    }
    for items in ["1", "null", "{}", r#"{"slug": 7}"#, r#"{"slug": "ledger", "key": "PAY"}, {"uuid": "{1}"}"#] {
        assert_plan_told(&page(items), 1, &["GET /2.0/", "an item"]);
    }
    let more = json(r#"{"size": 3, "values": [{"slug": "ledger", "key": "PAY"}]}"#);
    assert_plan_told(&more, 1, &["GET /2.0/", "it holds 1 items and says that there are 3"]);
    assert_plan_told(&json(r#"{"values": [], "next": 7}"#), 1, &["GET /2.0/", "`next`"]);
}

#[test]
fn refusals_are_passed_on_in_bitbuckets_words() {
    let words = r#"{"type": "error", "error": {"message": "Gone \u001b[31mred\u001b]0;title\u202eevil\nsecond line"}}"#;
    assert_plan_told(&answer("410 Gone", JSON, words), 1, &["GET /2.0/", "410", "Gone", "red", "evil", "second line"]);
    assert_plan_told(&answer("400 Bad Request", JSON, ""), 1, &["GET /2.0/", "400"]);
    assert_plan_told(&answer("418 Teapot", "text/plain", "short and stout"), 1, &["418", "short and stout"]);
    let page = answer("502 Bad Gateway", "text/html", "<html>nginx</html>");
    assert_plan_told(&with_header(page, "Retry-After: 0"), 1, &["GET /2.0/", "502", "an HTML page"]);
}

#[test]
fn a_server_that_repeats_the_secret_is_not_repeated() {
    let fake = Fake::new(|head| {
        let header = head.lines().find(|line| line.to_lowercase().starts_with("authorization")).unwrap_or_default();
        answer("400 Bad Request", "text/plain", &format!("bad header: {header}"))
    });
    assert_told(run(&fake, &["plan", "-v"]), 1, &["400: bad header"]);
    let fake = Fake::new(|head| answer("200 OK", "text/plain", head));
    assert_told(run(&fake, &["plan", "-v"]), 1, &["text/plain"]);
}

#[test]
fn a_next_to_another_host_is_not_followed() {
    let elsewhere = Elsewhere::new();
    let address = elsewhere.address();
    let ways = [
        format!("http://{address}/2.0/repositories/acme?page=2"),
        format!("//{address}/x"),
        format!("https://user:pass@{address}/x"),
    ];
    for next in ways {
        assert_next_told(&next, &["GET /2.0/", "another host", "127.0.0.1"]);
    }
    elsewhere.assert_untouched();
}

#[test]
fn a_next_that_leads_nowhere_is_named() {
    for next in ["http://[", "http://", "javascript:alert(1)", "\\u001b[2J:x"] {
        assert_next_told(next, &["GET /2.0/", "`next`"]);
    }
}

/// Answers every list with a page and a `next` that the number of the request makes.
fn endless(next: impl Fn(usize) -> String + Send + Sync + 'static) -> Fake {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Fake::new(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        json(&format!(r#"{{"values": [{{"slug": "other", "key": "OTHER"}}], "next": "{}"}}"#, next(number)))
    })
}

#[test]
fn a_next_in_a_circle_ends() {
    let folder = Folder::new();
    folder.write("repos.yaml", PAIRS);
    for fake in [endless(|_| "/2.0/again?c=1".into()), endless(|number| format!("/2.0/again?c={number}"))] {
        let run = fake.command(&folder, &["plan"]).run();
        assert_told(run, 1, &["GET /2.0/", "`next` leads in a circle"]);
        assert!(fake.requests().len() < 10, "{}", fake.requests().len());
    }
}

#[test]
fn an_impossible_size_takes_no_memory() {
    let body = format!(
        r#"{{"size": {}, "values": [{{"slug": "other", "key": "OTHER"}}], "next": "/2.0/x?page=2"}}"#,
        u64::MAX
    );
    let fake = Fake::new(move |head| match head.contains("pagelen") {
        true => json(&body),
        false => answer("404 Not Found", JSON, "{}"),
    });
    let run = run(&fake, &["plan"]);
    assert_silent_of(&run, &[SECRET]);
    assert!(run.stderr.contains("there is no project `PAY`"), "{run}");
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let elsewhere = Elsewhere::new();
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let to = format!("Location: http://{}/2.0/x", elsewhere.address());
        let redirect = with_header(answer(status, JSON, ""), &to);
        assert_plan_told(&redirect, 1, &["GET /2.0/", "redirects to another host", "127.0.0.1"]);
    }
    elsewhere.assert_untouched();
}

#[test]
fn a_redirect_that_leads_nowhere_is_named() {
    let circle = with_header(answer("302 Found", JSON, ""), "Location: /2.0/again");
    assert_plan_told(&circle, 1, &["GET /2.0/", "redirects in a circle"]);
    assert_plan_told(&answer("302 Found", JSON, ""), 1, &["GET /2.0/", "redirect without a location"]);
    let nowhere = with_header(answer("302 Found", JSON, ""), "Location: http://[");
    assert_plan_told(&nowhere, 1, &["GET /2.0/", "redirect"]);
}

#[test]
fn a_redirect_on_the_same_host_is_followed_with_the_credential() {
    let fake = Fake::new(|head| match head.contains("/elsewhere") {
        true if head.contains(SECRET) => page(r#"{"slug": "ledger", "key": "PAY", "project": {"key": "PAY"}}"#),
        true => answer("401 Unauthorized", JSON, ""),
        false => with_header(answer("302 Found", JSON, ""), "Location: /2.0/elsewhere"),
    });
    run(&fake, &["plan"]).exits(0);
}

#[test]
fn a_proxy_of_the_system_does_not_get_what_is_meant_for_this_machine() {
    let elsewhere = Elsewhere::new();
    let folder = Folder::new();
    folder.write("repos.yaml", MANIFEST);
    let fake = Fake::new(|_| page(r#"{"slug": "ledger", "key": "PAY"}"#));
    let proxy = format!("http://{}", elsewhere.address());
    let run =
        fake.command(&folder, &["plan", "--timeout", "300ms"]).env("BITBUCKET_TOKEN_URL", "https://bitbucket.org/x");
    run.env("HTTP_PROXY", &proxy).env("http_proxy", &proxy).env("ALL_PROXY", &proxy).run().exits(0);
    elsewhere.assert_untouched();
}

/// An answer that does not say its name says nothing, least of all that the object is not there.
#[test]
fn a_single_object_without_a_name_is_named() {
    for nameless in [r#"{"values": []}"#, "[]", r#"{"slug": "other"}"#] {
        let fake = Fake::new(move |head| match head {
            _ if head.starts_with("GET /2.0/workspaces/acme/projects?") => page(r#"{"key": "PAY"}"#),
            _ if head.starts_with("GET /2.0/repositories/acme?") => json(
                r#"{"size": 5000, "pagelen": 100, "values": [{"slug": "other"}], "next": "/2.0/repositories/acme?page=2"}"#,
            ),
            _ => json(nameless),
        });
        assert_told(run(&fake, &["plan"]), 1, &["GET /repositories/acme/ledger"]);
    }
}

#[test]
fn a_list_that_cannot_be_sorted_is_read_as_it_comes() {
    let fake = Fake::new(|head| match head {
        _ if head.contains("&sort=") => answer(
            "400 Bad Request",
            JSON,
            r#"{"error": {"message": "Field \".created_on\" does not support sorting"}}"#,
        ),
        _ => page(r#"{"slug": "ledger", "key": "PAY", "project": {"key": "PAY"}, "description": "Entries"}"#),
    });
    let run = run(&fake, &["plan"]).exits(0);
    assert!(run.stdout.contains("Nothing to do"), "{run}");
    assert_eq!(fake.requests().len(), 3, "{run}");
}
