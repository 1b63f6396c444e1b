//! What may be answered.

use serde_json::{Value, json};

use super::samples::{PROJECT, REPOSITORY};
use super::{Exchange, answered, breaks, document, exchange, keeps, sent};

const PATH: &str = "/2.0/repositories/acme/app";

/// A repository with one field replaced, or removed.
fn with(field: &str, value: Option<Value>) -> String {
    let mut repository: Value = serde_json::from_str(REPOSITORY).unwrap_or_default();
    match (repository.as_object_mut(), value) {
        (Some(fields), Some(value)) => fields.insert(field.to_owned(), value),
        (Some(fields), None) => fields.remove(field),
        (None, _) => None,
    };
    repository.to_string()
}

#[test]
fn real_repositories_and_projects_fit() {
    keeps(&answered("GET", PATH, 200, REPOSITORY));
    keeps(&Exchange { status: 200, response_body: REPOSITORY, ..sent("POST", PATH, r#"{"scm": "git"}"#) });
    keeps(&Exchange { status: 201, response_body: REPOSITORY, ..sent("PUT", PATH, r#"{"name": "App"}"#) });
    let page = format!(r#"{{"pagelen": 10, "size": 1, "page": 1, "values": [{REPOSITORY}]}}"#);
    keeps(&answered("GET", "/2.0/repositories/acme", 200, &page));
    keeps(&answered("GET", "/2.0/workspaces/acme/projects/PAY", 200, PROJECT));
    let body = r#"{"key": "PAY", "name": "Payments"}"#;
    keeps(&Exchange { status: 201, response_body: PROJECT, ..sent("POST", "/2.0/workspaces/acme/projects", body) });
    keeps(&exchange("DELETE", PATH));
}

#[test]
fn a_partial_answer_may_lack_anything_but_not_invent() {
    let path = "/2.0/repositories/acme?fields=next,values.uuid,values.slug,values.project.key&pagelen=100";
    let next = "https://api.bitbucket.org/2.0/repositories/acme?page=2";
    let page = json!({"next": next, "values": [{"uuid": "{1}", "slug": "app", "project": {"key": "PAY"}}]});
    keeps(&answered("GET", path, 200, &page.to_string()));
    let page = json!({"values": [{"sluug": "app"}]}).to_string();
    breaks(&answered("GET", path, 200, &page), "answer: values[0].sluug: is not a field of repository");
}

#[test]
fn fields_types_enums_and_formats_are_held() {
    for (field, value, problem) in [
        ("owned", json!(1), "answer: owned: is not a field of repository"),
        ("size", json!("big"), "answer: size: is string, but the document wants integer"),
        ("name", json!(null), "answer: name: is null, but the document wants string"),
        ("website", json!(1), "answer: website: is number, but the document wants string or null"),
        (
            "fork_policy",
            json!("some"),
            r#"answer: fork_policy: "some" is none of ["allow_forks","no_public_forks","no_forks"]"#,
        ),
        ("updated_on", json!("2022-09-07T20:19:30"), r#"answer: updated_on: "2022-09-07T20:19:30" is no date-time"#),
        ("links", json!({"html": {"href": "/acme"}}), r#"answer: links.html.href: "/acme" is no uri"#),
        ("links", json!({"wiki": {}}), "answer: links.wiki: is not a field of repository.links"),
        ("type", json!("repo"), r#"answer: type: "repo" is not a kind of repository"#),
        ("owner", json!({"type": "branch"}), r#"answer: owner.type: "branch" is not a kind of account"#),
        ("mainbranch", json!({"name": "main"}), "answer: mainbranch.type: is required"),
        ("workspace", json!({"type": "workspace", "id": 1}), "answer: workspace.id: is not a field of workspace"),
    ] {
        breaks(&answered("GET", PATH, 200, &with(field, Some(value))), problem);
    }
    breaks(&answered("GET", PATH, 200, &with("type", None)), "answer: type: is required");
    let bare = json!({"values": [{"type": "workspace_access", "workspace": {"type": "workspace_base", "name": "A"}}]});
    let problem = "answer: values[0].workspace.name: is not a field of workspace_base";
    breaks(&answered("GET", "/2.0/user/workspaces", 200, &bare.to_string()), problem);
}

#[test]
fn a_success_is_a_documented_one() {
    breaks(&answered("GET", PATH, 201, REPOSITORY), "status: 201 is not documented (documented: 200)");
    breaks(&answered("GET", PATH, 302, ""), "status: 302 is not documented (documented: 200)");
    breaks(&answered("DELETE", PATH, 200, ""), "status: 200 is not documented (documented: 204)");
    // Documented as 200; what comes with the 201 must be a repository all the same.
    keeps(&answered("POST", PATH, 201, REPOSITORY));
    breaks(&answered("POST", PATH, 201, "[]"), "answer: is array, but the document wants object");
}

#[test]
fn a_success_has_the_documented_body() {
    breaks(&answered("GET", PATH, 200, ""), "answer: has no body, but the document describes one");
    breaks(&answered("GET", PATH, 200, "{}{"), "answer: is not json: trailing characters at line 1 column 3");
    breaks(&answered("DELETE", PATH, 204, "{}"), "answer: has a body, but the document describes none");
    let page = Exchange { content_type: Some("text/html"), ..answered("GET", PATH, 200, "<p>") };
    breaks(&page, "answer: is text/html, but the document wants json with status 200");
}

#[test]
fn errors_fit_the_error_schema() {
    let exists = r#"{"type": "error", "error": {"fields": {"name": ["You already have a repository with this name."]},
        "message": "Repository with this Slug and Owner already exists."}}"#;
    keeps(&answered("POST", PATH, 400, exists));
    let missing =
        r#"{"type": "error", "error": {"message": "No such thing", "fields": {"key": "required"}, "id": "a"}}"#;
    keeps(&answered("GET", PATH, 404, missing));
    let scopes =
        r#"{"type": "error", "error": {"message": "lacks scopes", "detail": {"required": ["a"], "granted": []}}}"#;
    keeps(&answered("GET", PATH, 403, scopes));
    let gone = r#"{"type": "error", "error": {"message": "gone", "detail": "read",
        "data": {"announcement_url": "https://developer.atlassian.com"}}}"#;
    keeps(&answered("GET", PATH, 410, gone));
    keeps(&exchange("GET", PATH).with_status(400));
    breaks(&answered("GET", PATH, 404, r#"{"type": "error", "error": {}}"#), "answer: error.message: is required");
    let message = r#"{"type": "error", "error": {"message": 1}}"#;
    breaks(&answered("GET", PATH, 404, message), "answer: error.message: is number, but the document wants string");
    let extra = r#"{"type": "error", "error": {"message": "a"}, "status": 404}"#;
    breaks(&answered("GET", PATH, 404, extra), "answer: status: is not a field of error");
}

#[test]
fn plain_text_announces_a_rate_limit_only() {
    let text = Exchange { content_type: Some("text/plain; charset=utf-8"), ..answered("GET", PATH, 429, "slow down") };
    keeps(&text);
    breaks(&text.with_status(400), "answer: is text/plain; charset=utf-8, but the document wants json with status 400");
    // A gateway's page says nothing about Bitbucket.
    keeps(&Exchange { content_type: Some("text/html"), ..text.with_status(502) });
}

/// The examples of the lists and settings a provisioning tool reads.
#[test]
fn the_document_keeps_its_own_contract_where_it_has_examples() {
    const PARTS: &[&str] =
        &["/permissions-config", "/deploy-keys", "/branching-model", "/default-reviewers", "/user/w", "/hook_events"];
    // Its example is the list's, with a page around the key.
    const WRONG: &str = "/workspaces/{workspace}/projects/{project_key}/deploy-keys/{key_id}";
    let Some(document) = document() else { return };
    let mut seen = 0;
    for (template, item) in document.root["paths"].as_object().into_iter().flatten() {
        let example = &item["get"]["responses"]["200"]["examples"]["application/json"];
        if example.is_null() || template == WRONG || !PARTS.iter().any(|part| template.contains(part)) {
            continue;
        }
        // The examples leave out what does not matter to them.
        let path = format!("/2.0{}?fields=any", template.replace(['{', '}'], ""));
        keeps(&answered("GET", &path, 200, &example.to_string()));
        seen += 1;
    }
    assert!(seen > 10, "only {seen} examples were found");
}

impl Exchange<'_> {
    fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}
