//! What may be sent.

use super::{Exchange, breaks, exchange, keeps, sent};

const REPOSITORY: &str = "/2.0/repositories/acme/app";
const PROJECTS: &str = "/2.0/workspaces/acme/projects";

#[test]
fn repositories_are_created_and_updated_in_part() {
    let body = r#"{"scm": "git", "name": "App", "project": {"key": "PAY"}, "is_private": true, "language": "rust",
        "description": "pays", "fork_policy": "no_forks", "no_forks": true, "no_public_forks": true,
        "website": "https://example.com", "mainbranch": {"name": "main"}, "has_issues": false, "has_wiki": false}"#;
    keeps(&sent("POST", REPOSITORY, body));
    keeps(&sent("PUT", "/2.0/repositories/acme/%7B898477b2%7D", r#"{"description": ""}"#));
    keeps(&sent("PUT", REPOSITORY, r#"{"project": {"key": "PAY"}}"#));
    // The document requires no body here.
    keeps(&sent("POST", REPOSITORY, ""));
}

#[test]
fn unknown_fields_wrong_types_and_values_outside_an_enum_are_violations() {
    for (body, problem) in [
        (r#"{"nmae": "App"}"#, "request body: nmae: is not a field of repository"),
        (r#"{"slug": "app"}"#, "request body: slug: is not a field of repository"),
        (r#"{"project": {"kee": "PAY"}}"#, "request body: project.kee: is not a field of project"),
        (r#"{"links": {"web": {}}}"#, "request body: links.web: is not a field of repository.links"),
        (r#"{"is_private": "yes"}"#, "request body: is_private: is string, but the document wants boolean"),
        (r#"{"description": null}"#, "request body: description: is null, but the document wants string"),
        (r#"{"project": "PAY"}"#, "request body: project: is string, but the document wants object"),
        (r#"{"scm": "hg"}"#, r#"request body: scm: "hg" is none of ["git"]"#),
        (r#"{"type": "project"}"#, r#"request body: type: "project" is not a kind of repository"#),
        (r#"{"created_on": "yesterday"}"#, r#"request body: created_on: "yesterday" is no date-time"#),
        ("[]", "request body: is array, but the document wants object"),
        ("{", "request body: is not json: EOF while parsing an object at line 1 column 1"),
    ] {
        breaks(&sent("PUT", REPOSITORY, body), problem);
    }
}

#[test]
fn projects_refuse_what_bitbucket_refuses() {
    let body = r#"{"key": "PAY", "name": "Payments", "description": "", "is_private": true}"#;
    keeps(&sent("POST", PROJECTS, body));
    let avatar = r#"{"key": "PAY", "name": "P", "links": {"avatar": {"href": "data:image/gif;base64,R0lG"}}}"#;
    keeps(&sent("POST", PROJECTS, avatar));
    keeps(&sent("PUT", "/2.0/workspaces/acme/projects/PAY", r#"{"is_private": true}"#));
    for (body, problem) in [
        ("", "request body: is required"),
        (r#"{"name": "P"}"#, "request body: key: is required: the path does not name a new project"),
        (
            r#"{"type": "project", "key": "P", "name": "P"}"#,
            "request body: type: bitbucket refuses it: extra keys not allowed",
        ),
        (r#"{"key": "P", "name": "P", "links": {}}"#, "request body: links.avatar: bitbucket refuses links without it"),
        (r#"{"key": "P", "name": "P", "workspace": {}}"#, "request body: workspace: is not a field of project"),
    ] {
        breaks(&sent("POST", PROJECTS, body), problem);
    }
}

#[test]
fn bodies_the_document_forgot_are_held_against_the_table() {
    let hooks = "/2.0/repositories/acme/app/hooks";
    keeps(&sent("POST", hooks, r#"{"url": "https://example.com", "active": true, "events": ["repo:push"]}"#));
    keeps(&sent("PUT", "/2.0/workspaces/acme/hooks/%7B1%7D", r#"{"secret": null}"#));
    let event = r#"{"url": "https://example.com", "events": []}"#;
    breaks(&sent("POST", hooks, event), "request body: events: 0 is less than 1");
    let keys = "/2.0/repositories/acme/app/deploy-keys";
    keeps(&sent("POST", keys, r#"{"key": "ssh-ed25519 AAAA", "label": "ci"}"#));
    breaks(&sent("POST", keys, r#"{"label": "ci"}"#), "request body: key: is required");
    let model = "/2.0/repositories/acme/app/branching-model/settings";
    keeps(&sent("PUT", model, r#"{"development": {"name": null, "use_mainbranch": true}}"#));
    let settings = "/2.0/repositories/acme/app/override-settings";
    keeps(&sent("PUT", settings, r#"{"branching_model": false}"#));
    let wrapped = r#"{"override_settings": {}}"#;
    breaks(&sent("PUT", settings, wrapped), "request body: override_settings: is not a field of this object");
    let changes = "/2.0/repositories/acme/app/environments/%7B1%7D/changes/";
    keeps(&sent("POST", changes, r#"{"change": {"restrictions": {"admin_only": true}}}"#));
    let rank = r#"{"change": {"rank": 1}}"#;
    breaks(&sent("POST", changes, rank), "request body: change.rank: is not a field of this object");
}

#[test]
fn a_body_where_none_belongs_is_a_violation() {
    let none = "request body: the document describes none for this operation";
    breaks(&Exchange { request_body: "{}", ..exchange("DELETE", REPOSITORY) }, none);
    let reviewer = "/2.0/repositories/acme/app/default-reviewers/%7B1%7D";
    keeps(&sent("PUT", reviewer, ""));
    breaks(&sent("PUT", reviewer, "{}"), none);
}

#[test]
fn later_resources_are_covered_by_the_same_rules() {
    let rules = "/2.0/repositories/acme/app/branch-restrictions";
    let rule = r#"{"kind": "push", "branch_match_kind": "branching_model", "branch_type": "release",
        "users": [{"uuid": "{1}"}, {"account_id": "557058:1"}], "groups": [{"slug": "developers"}]}"#;
    keeps(&sent("POST", rules, rule));
    keeps(&sent("PUT", "/2.0/repositories/acme/app/branch-restrictions/7", r#"{"users": []}"#));
    breaks(&sent("POST", rules, r#"{"pattern": "*"}"#), "request body: kind: a new restriction has no kind to keep");
    let permission = "/2.0/workspaces/acme/projects/PAY/permissions-config/groups/developers";
    keeps(&sent("PUT", permission, r#"{"permission": "create-repo"}"#));
    breaks(&sent("PUT", permission, "{}"), "request body: permission: is required");
    let hosts = "/2.0/repositories/acme/app/pipelines_config/ssh/known_hosts";
    let host = r#"{"type": "pipeline_known_host", "hostname": "example.com",
        "public_key": {"type": "pipeline_ssh_public_key", "key_type": "ssh-ed25519", "key": "AAAA"}}"#;
    keeps(&sent("POST", hosts, host));
    let untyped = host.replace(r#""type": "pipeline_known_host", "#, "");
    breaks(&sent("POST", hosts, &untyped), "request body: type: bitbucket refuses a known host without it");
    let schedule = r#"{"cron_pattern": "0 0 12 * * ? *", "enabled": true, "target": {"type": "pipeline_ref_target",
        "ref_type": "branch", "ref_name": "main", "selector": {"type": "custom", "pattern": "nightly"}}}"#;
    keeps(&sent("POST", "/2.0/repositories/acme/app/pipelines_config/schedules", schedule));
    let environment = r#"{"name": "Live", "environment_type": {"name": "Production"}}"#;
    keeps(&sent("POST", "/2.0/repositories/acme/app/environments", environment));
    let variable = r#"{"key": "TOKEN", "value": "x", "secured": true}"#;
    keeps(&sent("POST", "/2.0/workspaces/acme/pipelines-config/variables", variable));
}
