//! The table of the document's holes.

use super::Hole::{Also, Body, Field, Kind, Optional, Raw, Status};
use super::Side::{Answer, Both, Request};
use super::{Demand, Exception};

const TEXT: &str = r#"{"type": "string"}"#;
const TEXT_OR_NULL: &str = r#"{"type": ["string", "null"]}"#;
const FLAG: &str = r#"{"type": "boolean"}"#;
const FLAG_OR_NULL: &str = r#"{"type": ["boolean", "null"]}"#;
const NUMBER: &str = r#"{"type": "integer"}"#;
const NULL: &str = r#"{"type": "null"}"#;
const TIME: &str = r#"{"type": "string", "format": "date-time"}"#;
const LINK: &str = r##"{"$ref": "#/definitions/link"}"##;
const LINKS: &str = r##"{"type": "object", "additionalProperties": {"$ref": "#/definitions/link"}}"##;
const EVENT_LINKS: &str = r##"{"type": "object", "properties": {"events": {"$ref": "#/definitions/link"}}}"##;
const OBJECT: &str = r#"{"type": "object"}"#;
const WORKSPACE: &str = r##"{"$ref": "#/definitions/workspace"}"##;

/// `override_settings`, embedded in a repository and sent on its own.
const INHERITANCE: &str = r#"{"type": "object", "properties": {
    "default_merge_strategy": {"type": "boolean"}, "branching_model": {"type": "boolean"},
    "branch_restrictions": {"type": "boolean"}, "default_reviewers": {"type": "boolean"}}}"#;

const DEPLOY_KEY: &str = r#"{"type": "object", "required": ["key"],
    "properties": {"key": {"type": "string"}, "label": {"type": "string"}}}"#;

const NEW_HOOK: &str = r##"{"type": "object", "required": ["url", "events"], "properties": {
    "description": {"type": "string"}, "url": {"type": "string", "format": "uri"}, "active": {"type": "boolean"},
    "events": {"$ref": "#/definitions/webhook_subscription/allOf/1/properties/events"},
    "secret": {"type": ["string", "null"], "maxLength": 128}, "skip_cert_verification": {"type": "boolean"}}}"##;

const HOOK: &str = r##"{"type": "object", "properties": {
    "description": {"type": "string"}, "url": {"type": "string", "format": "uri"}, "active": {"type": "boolean"},
    "events": {"$ref": "#/definitions/webhook_subscription/allOf/1/properties/events"},
    "secret": {"type": ["string", "null"], "maxLength": 128}, "skip_cert_verification": {"type": "boolean"}}}"##;

const BRANCHING: &str = r##"{"type": "object", "properties": {
    "development": {"type": "object", "properties": {
        "name": {"type": ["string", "null"]}, "use_mainbranch": {"type": "boolean"}}},
    "production": {"type": "object", "properties": {
        "name": {"type": ["string", "null"]}, "use_mainbranch": {"type": "boolean"}, "enabled": {"type": "boolean"}}},
    "branch_types": {"$ref": "#/definitions/branching_model_settings/allOf/1/properties/branch_types"},
    "default_branch_deletion": {"type": "string", "enum": ["true", "false"]}}}"##;

const ENVIRONMENT_CHANGE: &str = r#"{"type": "object", "required": ["change"], "properties": {
    "change": {"type": "object", "properties": {
        "name": {"type": "string"},
        "restrictions": {"type": "object", "required": ["admin_only"], "properties": {
            "admin_only": {"type": "boolean"}, "type": {"type": "string"}}}}}}}"#;

const ENVIRONMENT_TYPE: &str = r#"{"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string", "enum": ["Test", "Staging", "Production"]},
    "type": {"type": "string"}, "rank": {"type": "integer"}}}"#;

const RESTRICTIONS: &str = r#"{"type": "object", "properties": {
    "admin_only": {"type": "boolean"}, "type": {"type": "string"}}}"#;

const ERROR_FIELDS: &str = r#"{"type": "object",
    "additionalProperties": {"type": ["string", "array"], "items": {"type": "string"}}}"#;

const REPORT_VALUE: &str = r#"{"type": ["string", "number", "boolean"]}"#;

macro_rules! holes {
    ($($reason:literal => [$($name:ident { $($key:ident: $value:expr),* $(,)? }),* $(,)?],)*) => {
        &[$($(Exception { hole: $name { $($key: $value),* }, reason: $reason },)*)*]
    };
}

/// The holes: kind by kind, with the reason in front.
pub(super) const EXCEPTIONS: &[Exception] = holes! {
    "recorded in every repository, missing from the model" => [
        Field { side: Answer, model: "repository", field: "slug", schema: TEXT },
        Field { side: Answer, model: "repository", field: "workspace", schema: WORKSPACE },
        Field { side: Answer, model: "repository", field: "override_settings", schema: INHERITANCE },
        Field { side: Answer, model: "repository", field: "enforced_signed_commits", schema: FLAG_OR_NULL },
        Field { side: Answer, model: "repository", field: "links.branches", schema: LINK },
        Field { side: Answer, model: "repository", field: "links.tags", schema: LINK },
        Field { side: Answer, model: "repository", field: "links.source", schema: LINK },
    ],
    "the website is returned, null when unset" => [
        Field { side: Answer, model: "repository", field: "website", schema: TEXT_OR_NULL },
    ],
    "the website is believed to be writable, as it is returned" => [
        Field { side: Request, model: "repository", field: "website", schema: TEXT },
    ],
    "a put of fork_policy alone changed nothing (BCLOUD-13093, BCLOUD-17344): clients send both booleans as well" => [
        Field { side: Request, model: "repository", field: "no_forks", schema: FLAG },
        Field { side: Request, model: "repository", field: "no_public_forks", schema: FLAG },
    ],
    "null in a repository that is no fork" => [
        Also { side: Answer, model: "repository", field: "parent", schema: NULL },
    ],
    "null in an empty repository" => [
        Also { side: Answer, model: "repository", field: "mainbranch", schema: NULL },
    ],
    "a description that was never set is null" => [
        Also { side: Answer, model: "repository", field: "description", schema: NULL },
        Also { side: Answer, model: "project", field: "description", schema: NULL },
    ],
    "an ssh clone link is git@bitbucket.org:…, which is no uri" => [
        Also { side: Answer, model: "repository", field: "links.clone[].href", schema: TEXT },
    ],
    "post answers 200 by the document, 201 is believed to come" => [
        Status { operation: "POST /repositories/{workspace}/{repo_slug}", status: 201 },
    ],
    "recorded in every project, missing from the model" => [
        Field { side: Answer, model: "project", field: "workspace", schema: WORKSPACE },
        Field { side: Answer, model: "project", field: "links.self", schema: LINK },
        Field { side: Answer, model: "project", field: "links.repositories", schema: LINK },
    ],
    "in a personal workspace a user owns the projects, not a team" => [
        Kind { model: "project", field: "owner", name: "user" },
    ],
    "recorded as null in lists of members" => [
        Also { side: Answer, model: "user", field: "has_2fa_enabled", schema: NULL },
    ],
    "an error names its fields: texts or lists of texts by field" => [
        Field { side: Answer, model: "error", field: "error.fields", schema: ERROR_FIELDS },
    ],
    "an error may carry an id and data beside its message" => [
        Field { side: Answer, model: "error", field: "error.id", schema: TEXT },
        Field { side: Answer, model: "error", field: "data", schema: OBJECT },
    ],
    "the detail of a missing scope is an object with required and granted" => [
        Also { side: Answer, model: "error", field: "error.detail", schema: OBJECT },
    ],
    "a rate limit is announced in plain text" => [
        Raw { operation: "*", status: 429, content_type: "text/plain" },
    ],
    "a missing pull request is answered in plain text" => [
        Raw {
            operation: "GET /repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}",
            status: 404,
            content_type: "text/plain",
        },
    ],
    "a file's content comes raw, whatever it is" => [
        Raw {
            operation: "GET /repositories/{workspace}/{repo_slug}/src/{commit}/{path}",
            status: 200,
            content_type: "",
        },
    ],
    "the document's treeentry does not say that these are derived from it" => [
        Kind { model: "treeentry", field: "", name: "commit_file" },
        Kind { model: "treeentry", field: "", name: "commit_directory" },
    ],
    "recorded in branches and commits, missing from the models" => [
        Field { side: Answer, model: "base_commit", field: "links", schema: LINKS },
        Field {
            side: Answer,
            model: "branch",
            field: "sync_strategies",
            schema: r#"{"type": "array", "items": {"type": "string"}}"#,
        },
    ],
    "no body is described for a deploy key" => [
        Body { operation: "POST /repositories/{workspace}/{repo_slug}/deploy-keys", schema: DEPLOY_KEY },
        Body { operation: "PUT /repositories/{workspace}/{repo_slug}/deploy-keys/{key_id}", schema: DEPLOY_KEY },
        Body { operation: "POST /workspaces/{workspace}/projects/{project_key}/deploy-keys", schema: DEPLOY_KEY },
    ],
    "the document's own examples of deploy keys have it, the model does not" => [
        Field { side: Answer, model: "deploy_key", field: "id", schema: NUMBER },
        Field { side: Answer, model: "deploy_key", field: "created_on", schema: TIME },
        Field { side: Answer, model: "project_deploy_key", field: "id", schema: NUMBER },
        Field { side: Answer, model: "project_deploy_key", field: "created_on", schema: TIME },
    ],
    "null until the deploy key is used" => [
        Also { side: Answer, model: "deploy_key", field: "last_used", schema: NULL },
        Also { side: Answer, model: "project_deploy_key", field: "last_used", schema: NULL },
    ],
    "no body is described for a webhook" => [
        Body { operation: "POST /repositories/{workspace}/{repo_slug}/hooks", schema: NEW_HOOK },
        Body { operation: "PUT /repositories/{workspace}/{repo_slug}/hooks/{uid}", schema: HOOK },
        Body { operation: "POST /workspaces/{workspace}/hooks", schema: NEW_HOOK },
        Body { operation: "PUT /workspaces/{workspace}/hooks/{uid}", schema: HOOK },
    ],
    "webhooks document 8 of 12 or more live fields" => [
        Field { side: Answer, model: "webhook_subscription", field: "read_only", schema: FLAG },
        Field { side: Answer, model: "webhook_subscription", field: "source", schema: TEXT_OR_NULL },
        Field { side: Answer, model: "webhook_subscription", field: "history_enabled", schema: FLAG },
        Field { side: Answer, model: "webhook_subscription", field: "skip_cert_verification", schema: FLAG },
        Field { side: Answer, model: "webhook_subscription", field: "links", schema: LINKS },
    ],
    "no body is described for the branching model's settings" => [
        Body { operation: "PUT /repositories/{workspace}/{repo_slug}/branching-model/settings", schema: BRANCHING },
        Body {
            operation: "PUT /workspaces/{workspace}/projects/{project_key}/branching-model/settings",
            schema: BRANCHING,
        },
    ],
    "the document's own examples of branching models have it, the models do not" => [
        Field {
            side: Answer,
            model: "branching_model_settings",
            field: "default_branch_deletion",
            schema: r#"{"type": "string", "enum": ["true", "false"]}"#,
        },
        Field { side: Answer, model: "branching_model", field: "links", schema: LINKS },
        Field { side: Answer, model: "project_branching_model", field: "links", schema: LINKS },
    ],
    "null while the branching model follows the main branch" => [
        Also { side: Answer, model: "branching_model_settings", field: "development.name", schema: NULL },
        Also { side: Answer, model: "branching_model_settings", field: "production.name", schema: NULL },
        Also { side: Answer, model: "branching_model", field: "development.name", schema: NULL },
        Also { side: Answer, model: "branching_model", field: "production.name", schema: NULL },
        Also { side: Answer, model: "project_branching_model", field: "development.name", schema: NULL },
        Also { side: Answer, model: "project_branching_model", field: "production.name", schema: NULL },
        Also { side: Answer, model: "effective_repo_branching_model", field: "development.name", schema: NULL },
        Also { side: Answer, model: "effective_repo_branching_model", field: "production.name", schema: NULL },
    ],
    "no body is described for the inheritance: top-level booleans, one a setting" => [
        Body { operation: "PUT /repositories/{workspace}/{repo_slug}/override-settings", schema: INHERITANCE },
    ],
    "a get answers with the switches at the top as well: so a client with live tests reads them" => [
        Field { side: Answer, model: "repository_inheritance_state", field: "default_merge_strategy", schema: FLAG },
        Field { side: Answer, model: "repository_inheritance_state", field: "branching_model", schema: FLAG },
        Field { side: Answer, model: "repository_inheritance_state", field: "branch_restrictions", schema: FLAG },
        Field { side: Answer, model: "repository_inheritance_state", field: "default_reviewers", schema: FLAG },
    ],
    "a put leaves absent fields alone; the match kind defaults to glob; a branching model has no pattern" => [
        Optional { side: Request, model: "branchrestriction", field: "kind" },
        Optional { side: Request, model: "branchrestriction", field: "branch_match_kind" },
        Optional { side: Request, model: "branchrestriction", field: "pattern" },
    ],
    "null in the kinds of restriction that count nothing" => [
        Also { side: Both, model: "branchrestriction", field: "value", schema: NULL },
    ],
    "a user is named by uuid or account id, and the bare account has no account id" => [
        Field { side: Both, model: "account", field: "account_id", schema: TEXT },
    ],
    "a default reviewer calls itself so in the document's own examples" => [
        Kind { model: "default_reviewer_and_type", field: "", name: "default_reviewer" },
    ],
    "the document's own example has the events' links below links" => [
        Field { side: Answer, model: "subject_types", field: "repository.links", schema: EVENT_LINKS },
        Field { side: Answer, model: "subject_types", field: "workspace.links", schema: EVENT_LINKS },
    ],
    "the document's text has a membership's permission, the model has not" => [
        Field {
            side: Answer,
            model: "workspace_membership",
            field: "permission",
            schema: r#"{"type": "string", "enum": ["owner", "member"]}"#,
        },
    ],
    "the address of a member, where it was asked for" => [
        Field { side: Answer, model: "account", field: "email", schema: TEXT },
    ],
    "transcribed from permission lists, missing from the model" => [
        Field { side: Answer, model: "group", field: "default_permission", schema: TEXT_OR_NULL },
        Field { side: Answer, model: "group", field: "account_privilege", schema: TEXT_OR_NULL },
    ],
    "the pipelines configuration calls itself so" => [
        Kind { model: "pipelines_config", field: "", name: "repository_pipelines_configuration" },
    ],
    "environments document 2 of 12 or more live fields" => [
        Field { side: Both, model: "deployment_environment", field: "environment_type", schema: ENVIRONMENT_TYPE },
        Field { side: Both, model: "deployment_environment", field: "restrictions", schema: RESTRICTIONS },
        Field { side: Answer, model: "deployment_environment", field: "slug", schema: TEXT },
        Field { side: Answer, model: "deployment_environment", field: "rank", schema: NUMBER },
        Field { side: Answer, model: "deployment_environment", field: "hidden", schema: FLAG },
        Field { side: Answer, model: "deployment_environment", field: "category", schema: OBJECT },
        Field { side: Answer, model: "deployment_environment", field: "lock", schema: OBJECT },
        Field { side: Answer, model: "deployment_environment", field: "change_request_config", schema: OBJECT },
        Field { side: Answer, model: "deployment_environment", field: "deployment_gate_enabled", schema: FLAG },
        Field { side: Answer, model: "deployment_environment", field: "environment_lock_enabled", schema: FLAG },
    ],
    "no body is described for an environment's change: an envelope with what changes" => [
        Body {
            operation: "POST /repositories/{workspace}/{repo_slug}/environments/{environment_uuid}/changes",
            schema: ENVIRONMENT_CHANGE,
        },
    ],
    "a schedule's target is sent with its discriminator" => [
        Field {
            side: Request,
            model: "pipeline_schedule_post_request_body",
            field: "target.type",
            schema: r#"{"type": "string", "enum": ["pipeline_ref_target"]}"#,
        },
    ],
    "creating a report may answer 200 or 201" => [
        Status {
            operation: "PUT /repositories/{workspace}/{repo_slug}/commit/{commit}/reports/{reportId}",
            status: 201,
        },
    ],
    "the value of a report's link is an object whose fields no schema names" => [
        Field { side: Request, model: "report_data", field: "value.text", schema: TEXT },
        Field { side: Request, model: "report_data", field: "value.href", schema: TEXT },
    ],
    "the value of a report's datum is a text, a number or a boolean as well as an object" => [
        Also { side: Both, model: "report_data", field: "value", schema: REPORT_VALUE },
    ],
};

macro_rules! demands {
    ($($operation:literal $verb:ident $field:literal because $reason:literal;)*) => {
        &[$(Demand { operation: $operation, field: $field, wanted: demands!($verb), reason: $reason },)*]
    };
    (needs) => { true };
    (refuses) => { false };
}

/// Where Bitbucket is stricter than the document, which neither requires nor forbids these. A field inside an object
/// is asked of that object only when it is there.
pub(super) const DEMANDS: &[Demand] = demands! {
    "POST /workspaces/{workspace}/projects" refuses "type" because "bitbucket refuses it: extra keys not allowed";
    "PUT /workspaces/{workspace}/projects/{project_key}"
        refuses "type" because "bitbucket refuses it: extra keys not allowed";
    "POST /workspaces/{workspace}/projects" needs "links.avatar" because "bitbucket refuses links without it";
    "PUT /workspaces/{workspace}/projects/{project_key}"
        needs "links.avatar" because "bitbucket refuses links without it";
    "POST /workspaces/{workspace}/projects" needs "key" because "is required: the path does not name a new project";
    "POST /workspaces/{workspace}/projects" needs "name" because "is required for a new project";
    "POST /repositories/{workspace}/{repo_slug}/branch-restrictions"
        needs "kind" because "a new restriction has no kind to keep";
    "POST /repositories/{workspace}/{repo_slug}/pipelines_config/ssh/known_hosts"
        needs "type" because "bitbucket refuses a known host without it";
    "POST /repositories/{workspace}/{repo_slug}/pipelines_config/ssh/known_hosts"
        needs "public_key.type" because "bitbucket refuses a known host without it";
    "PUT /repositories/{workspace}/{repo_slug}/pipelines_config/ssh/known_hosts/{known_host_uuid}"
        needs "type" because "bitbucket refuses a known host without it";
    "PUT /repositories/{workspace}/{repo_slug}/pipelines_config/ssh/known_hosts/{known_host_uuid}"
        needs "public_key.type" because "bitbucket refuses a known host without it";
    "PUT /repositories/{workspace}/{repo_slug}/commit/{commit}/reports/{reportId}"
        needs "type" because "a report needs it in practice";
    "PUT /repositories/{workspace}/{repo_slug}/commit/{commit}/reports/{reportId}"
        needs "details" because "bitbucket refuses a report without it";
    "POST /repositories/{workspace}/{repo_slug}/commit/{commit}/reports/{reportId}/annotations"
        needs "[].type" because "an annotation needs it in practice";
};

/// Parts of an operation's name whose lists neither filter nor sort, though they are collections.
pub(in super::super) const UNFILTERED: &[(&str, &str)] = &[
    ("/permissions-config/", "lists of explicit permissions cannot be filtered or sorted"),
    ("/pipelines_config/", "lists of pipelines ignore it"),
    ("/pipelines-config/", "lists of pipelines ignore it"),
    ("/deployments_config/", "lists of pipelines ignore it"),
    ("/environments", "lists of pipelines ignore it"),
];
