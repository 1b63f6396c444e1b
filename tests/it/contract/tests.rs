//! Each rule of the checker, kept and broken by exchanges made by hand.

mod answers;
mod requests;
mod samples;

use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::json;

use super::{Document, Exchange, Violation, shape};

/// Reads the document; without it, says so and gives none.
fn load() -> Option<Document> {
    let Some(path) = std::env::var_os("BITBUCKET_OPENAPI") else {
        // The test's own output, so a failing write has nobody to tell.
        let _ = writeln!(std::io::stderr(), "skipped: BITBUCKET_OPENAPI does not name bitbucket's document");
        return None;
    };
    let loaded = Document::load(Path::new(&path));
    assert!(loaded.is_ok(), "{}", loaded.err().unwrap_or_default());
    loaded.ok()
}

/// The document all tests share.
fn document() -> Option<&'static Document> {
    static DOCUMENT: OnceLock<Option<Document>> = OnceLock::new();
    DOCUMENT.get_or_init(load).as_ref()
}

/// An exchange without bodies that was answered with 204.
fn exchange<'a>(method: &'a str, path: &'a str) -> Exchange<'a> {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    Exchange { method, path, query, request_body: "", status: 204, content_type: None, response_body: "" }
}

/// A request that was answered with JSON.
fn answered<'a>(method: &'a str, path: &'a str, status: u16, response_body: &'a str) -> Exchange<'a> {
    Exchange { status, content_type: Some("application/json"), response_body, ..exchange(method, path) }
}

/// A request with a body, and an answer that leaves nothing to complain about.
fn sent<'a>(method: &'a str, path: &'a str, request_body: &'a str) -> Exchange<'a> {
    let (status, response_body) = (400, r#"{"type": "error", "error": {"message": "Bad request"}}"#);
    Exchange { request_body, ..answered(method, path, status, response_body) }
}

/// What is wrong with an exchange, without the request in front.
fn problems(exchange: &Exchange<'_>) -> Option<Vec<String>> {
    let violations = document()?.check(exchange);
    Some(violations.into_iter().map(|Violation { place, problem, .. }| format!("{place}: {problem}")).collect())
}

#[track_caller]
fn keeps(exchange: &Exchange<'_>) {
    let found = problems(exchange).unwrap_or_default();
    assert!(found.is_empty(), "{} {}: {found:?}", exchange.method, exchange.path);
}

/// The exchange breaks the contract in this one way.
#[track_caller]
fn breaks(exchange: &Exchange<'_>, problem: &str) {
    let Some(found) = problems(exchange) else { return };
    assert_eq!(found, [problem], "{} {}", exchange.method, exchange.path);
}

#[test]
fn paths_are_found_and_literals_win() {
    keeps(&answered("GET", "/2.0/repositories/acme?fields=values", 200, "{}"));
    keeps(&answered("GET", "/2.0/repositories/acme/?fields=values", 200, "{}"));
    keeps(&exchange("DELETE", "/2.0/repositories/acme/%7B898477b2-a080-4089-b385-597a783db392%7D"));
    // Were `activity` taken for a pull request's number, the answer would have to be a pull request.
    keeps(&answered("GET", "/2.0/repositories/acme/app/pullrequests/activity", 200, r#"{"values": []}"#));
    let number = answered("GET", "/2.0/repositories/acme/app/pullrequests/1?fields=x", 200, r#"{"values": []}"#);
    breaks(&number, "answer: values: is not a field of pullrequest");
    // A branch's name may have slashes, a file's path as well.
    keeps(&answered("GET", "/2.0/repositories/acme/app/refs/branches/feature/a?fields=name", 200, r#"{"name": "a"}"#));
    keeps(&Exchange {
        content_type: Some("text/plain"),
        ..answered("GET", "/2.0/repositories/acme/app/src/main/a/b.txt", 200, "raw")
    });
}

#[test]
fn unknown_paths_and_methods_are_violations() {
    breaks(&exchange("GET", "/2.0/repositries/acme"), "path: is not in the document");
    breaks(&exchange("GET", "/2.0/repositories/acme//"), "path: is not in the document");
    breaks(&exchange("GET", "/1.0/groups/acme"), "path: does not begin with /2.0/");
    breaks(&exchange("GET", "/2.0/repositories/acme/{a}"), r#"path: "{a}" has '{', which must be percent-encoded"#);
    breaks(&exchange("GET", "/2.0/repositories/acme/a%7"), r#"path: "a%7" has a broken percent-escape"#);
    breaks(
        &exchange("PATCH", "/2.0/repositories/acme/app"),
        "method: the document has no PATCH for /repositories/{workspace}/{repo_slug}",
    );
    breaks(&exchange("POST", "/2.0/user"), "method: the document has no POST for /user");
    let page = r#"{"values": []}"#;
    breaks(&answered("GET", "/2.0/workspaces", 200, page), "operation: is deprecated in the document");
}

#[test]
fn query_parameters_are_documented_ones() {
    let list = |query: &str| format!("/2.0/repositories/acme?{query}");
    let page = r#"{"values": []}"#;
    let all = "role=admin&q=project.key+%3D+%22PAY%22&sort=-updated_on&page=2&pagelen=100&fields=%2Bvalues.x,-values.y";
    keeps(&answered("GET", &list(all), 200, page));
    keeps(&answered("GET", "/2.0/user/workspaces?administrator=true", 200, page));
    keeps(&answered("GET", "/2.0/repositories/acme/app?fields=uuid", 200, "{}"));
    for (query, problem) in [
        ("rolle=admin", "query: rolle: is not documented for this operation"),
        ("role=boss", r#"query: role: "boss" is none of ["admin","contributor","member","owner"]"#),
        ("page=0", r#"query: page: "0" is not a number from 1 to 4294967295"#),
        ("pagelen=1000", r#"query: pagelen: "1000" is not a number from 1 to 100"#),
        ("sort=name,uuid", r#"query: sort: "name,uuid" is more than one field"#),
        ("fields=+values.x", "query: fields: has a space: a plus must be written as %2B"),
        ("fields=a&fields=b", "query: fields: is given more than once"),
        (r#"q=name="a""#, r#"query: q: "name=\"a\"" has '"', which must be percent-encoded"#),
    ] {
        breaks(&answered("GET", &list(query), 200, page), problem);
    }
    let workspaces = answered("GET", "/2.0/user/workspaces?administrator=maybe", 200, page);
    breaks(&workspaces, r#"query: administrator: "maybe" is no boolean"#);
    let single = answered("GET", "/2.0/user?pagelen=10&fields=uuid", 200, "{}");
    breaks(&single, "query: pagelen: only a collection takes it");
    let permissions = answered("GET", "/2.0/repositories/acme/app/permissions-config/users?q=x", 200, page);
    breaks(&permissions, "query: q: lists of explicit permissions cannot be filtered or sorted");
}

#[test]
fn exceptions_remember_that_they_applied() {
    let Some(document) = load() else { return };
    let unused = |part: &str| document.unused_exceptions().iter().filter(|one| one.contains(part)).count();
    let part = "unlisted field repository.no_forks";
    assert_eq!(unused(part), 1);
    let violations = document.check(&sent("PUT", "/2.0/repositories/acme/app", r#"{"no_forks": true}"#));
    assert_eq!((violations, unused(part)), (Vec::new(), 0));
}

#[test]
fn a_violation_names_its_request() {
    let Some(document) = document() else { return };
    let violations = document.check(&sent("PUT", "/2.0/repositories/acme/app", r#"{"project": {"key": 1}}"#));
    let lines: Vec<_> = violations.iter().map(Violation::to_string).collect();
    let line = "PUT /2.0/repositories/acme/app: request body: project.key: is number, but the document wants string";
    assert_eq!(lines, [line]);
}

#[test]
fn a_document_the_checker_does_not_understand_is_refused() {
    assert!(Document::load(Path::new("/nonexistent")).is_err());
    let root = json!({"definitions": {"a": {"properties": {"b": {"oneOf": []}}}}});
    assert_eq!(shape::understands(&root), Err(r#"the checker does not know the schema keyword "oneOf""#.to_owned()));
    let root = json!({"definitions": {"a": {"items": {"$ref": "#/definitions/b"}}}});
    assert_eq!(shape::understands(&root), Err(r##"nothing is at "#/definitions/b""##.to_owned()));
}
