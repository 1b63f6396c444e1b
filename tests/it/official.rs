//! Every request bbprov sends, and every answer the sandbox gives, against Bitbucket's official document.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use bbprov::sandbox::{self, Options, Pages};
use serde_json::{Value, json};

use crate::contract::{Document, Exchange};
use crate::support::{Bitbucket, lines};

/// The document, if there is one to be read. It is Atlassian's and not part of the project.
#[expect(clippy::print_stderr, reason = "says that a test was skipped")]
fn document() -> Option<Document> {
    let Some(path) = std::env::var_os("BITBUCKET_OPENAPI").map(PathBuf::from) else {
        eprintln!("skipped: BITBUCKET_OPENAPI does not name Bitbucket's document");
        return None;
    };
    Some(Document::load(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn violations(document: &Document, exchanges: &[sandbox::Exchange]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut is_new = |one: &sandbox::Exchange| {
        let said = (one.method.clone(), one.path.clone(), one.query.clone(), one.request_body.clone());
        seen.insert((said, one.status, one.response_body.clone()))
    };
    let api = exchanges.iter().filter(|exchange| exchange.path.starts_with("/2.0/") && is_new(exchange));
    let checked = api.flat_map(|exchange| {
        document.check(&Exchange {
            method: &exchange.method,
            path: &exchange.path,
            query: exchange.query.as_deref(),
            request_body: &exchange.request_body,
            status: exchange.status,
            content_type: exchange.content_type.as_deref(),
            response_body: &exchange.response_body,
        })
    });
    let mut violations: Vec<_> = checked.map(|violation| violation.to_string()).collect();
    violations.sort();
    violations.dedup();
    violations
}

static DOCUMENT: LazyLock<Option<Document>> = LazyLock::new(document);

/// Asserts that all that the program sent, and all that it was answered, is what the document says, if there is one.
#[track_caller]
pub fn holds(bitbucket: &Bitbucket) {
    let Some(document) = &*DOCUMENT else { return };
    let violations = violations(document, &bitbucket.exchanges());
    assert!(violations.is_empty(), "{violations:#?}");
}

/// The same, and of everybody else what was not refused; but for pushes, which the document does not describe.
#[track_caller]
pub fn holds_for_everybody(bitbucket: &Bitbucket) {
    holds(bitbucket);
    let Some(document) = &*DOCUMENT else { return };
    let exchanges = bitbucket.sandbox().exchanges().into_iter();
    let taken: Vec<_> = exchanges.filter(|one| one.status < 300 && !one.path.ends_with("/src")).collect();
    let violations = violations(document, &taken);
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Every request that bbprov can make for what it manages: creates with all fields, updates of each, moves, deletions,
/// refusals, and lists of several pages.
fn whole_life(bitbucket: &Bitbucket) {
    let many: String = lines(120, |number| format!("      - {{slug: r{number}, project: PAY}}\n"));
    let with = |repository: &str, rest: &str| {
        format!(
            "version: 1\nworkspaces:\n  - workspace: acme\n    projects:\n      - {{key: PAY, name: Payments, description: Money, is_private: true}}\n      - {{key: WEB, is_private: false}}\n    repositories:\n      - {{slug: whole, {repository}}}\n{rest}"
        )
    };
    let first = "project: PAY, name: Whole, description: Everything, is_private: true, fork_policy: no_public_forks, language: rust, website: 'https://a.example', mainbranch: main, has_issues: false, has_wiki: false";
    bitbucket.manifest(&with(first, &many));
    bitbucket.run(&["apply", "-j", "16"]).exits(0);
    bitbucket.push("acme/whole", "main");
    bitbucket.push("acme/whole", "dev");
    let second = "project: WEB, name: WHOLE, description: '', is_private: false, fork_policy: no_forks, language: go, website: '', mainbranch: dev";
    bitbucket.manifest(
        &with(second, "      - {slug: r0, state: absent}\n")
            .replace("name: Payments, description: Money", "name: Pay, description: ''"),
    );
    bitbucket.run(&["apply", "--allow-delete", "1", "--allow-public"]).exits(0);
    bitbucket.by_hand("POST", "/workspaces/acme/projects", &json!({"key": "lab", "name": "x"}));
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: LAB}], repositories: [{slug: x, project: LAB}]}]",
    );
    bitbucket.run(&["apply"]).exits(5);
}

#[test]
fn what_is_sent_and_what_the_sandbox_answers_is_what_the_document_says() {
    let Some(document) = document() else { return };
    for pages in [Pages::Numbered, Pages::Opaque] {
        let bitbucket = Bitbucket::with(Options { pages, ..Options::default() });
        whole_life(&bitbucket);
        let methods: std::collections::BTreeSet<String> =
            bitbucket.exchanges().into_iter().map(|exchange| exchange.method).collect();
        assert_eq!(methods.into_iter().collect::<Vec<_>>(), ["DELETE", "GET", "POST", "PUT"]);
        let violations = violations(&document, &bitbucket.exchanges());
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

#[test]
fn what_the_sandbox_answers_to_others_is_what_the_document_says() {
    let Some(document) = document() else { return };
    let bitbucket = Bitbucket::new();
    whole_life(&bitbucket);
    for path in [
        "/user",
        "/workspaces/acme",
        "/repositories/acme/r1",
        "/repositories/acme/none",
        "/workspaces/acme/projects/PAY",
    ] {
        bitbucket.by_hand("GET", path, &Value::Null);
    }
    let violations = violations(&document, &bitbucket.sandbox().exchanges());
    let sent_by_hand_on_purpose = |violation: &&String| !violation.contains("/src");
    let violations: Vec<_> = violations.iter().filter(sent_by_hand_on_purpose).collect();
    assert!(violations.is_empty(), "{violations:#?}");
}
