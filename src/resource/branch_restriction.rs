//! What may happen to branches: the restrictions of a repository (api.md §5.2).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

use super::account::check_group;
use super::branching_model::wrong_in_name;
use super::project::quoted;
use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape,
};
use crate::diagnostic::Code;

/// The kind of [`BranchRestrictionSettings`].
pub struct BranchRestriction;

/// A restriction of what can happen to branches. Its kind and its branches together tell one from another.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BranchRestrictionSettings {
    /// What is restricted. `push` and `restrict_merges` let only the listed accounts and groups do it; `force` and
    /// `delete` let nobody; the others are conditions of a merge, or what happens to a pull request.
    pub kind: Restricted,
    /// The branches: a name in which `*` stands for anything, such as `release/*`, or a type of the branching model, such
    /// as `{type: production}`.
    #[schemars(schema_with = "branch_schema")]
    pub branch: Value,
    /// How many: approvals, approvals of default reviewers, or passing builds that there must be, or commits that a
    /// branch may be behind. Needed by the kinds that count, and only by them.
    pub value: Option<i64>,
    /// The accounts that may, for `push` and `restrict_merges`, by e-mail address, UUID in braces or account id. They
    /// need write access.
    pub users: Option<Vec<String>>,
    /// The groups that may, for `push` and `restrict_merges`, by slug.
    pub groups: Option<Vec<String>>,
}

/// What can be restricted, in Bitbucket's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "these are Bitbucket's words, and their documentation is Bitbucket's")]
pub enum Restricted {
    Push,
    Delete,
    Force,
    RestrictMerges,
    RequireTasksToBeCompleted,
    RequireApprovalsToMerge,
    RequireReviewGroupApprovalsToMerge,
    RequireDefaultReviewerApprovalsToMerge,
    RequireNoChangesRequested,
    RequirePassingBuildsToMerge,
    RequireCommitsBehind,
    ResetPullrequestApprovalsOnChange,
    SmartResetPullrequestApprovals,
    ResetPullrequestChangesRequestedOnChange,
    RequireAllDependenciesMerged,
    EnforceMergeChecks,
    AllowAutoMergeWhenBuildsPass,
    RequireAllCommentsResolved,
}

/// A name with `*` in it, or a type.
fn branch_schema(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            {"type": "string", "minLength": 1},
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["type"],
                "properties": {
                    "type": {
                        "description": "A type of branch in the branching model that holds for the repository.",
                        "type": "string",
                        "enum": ["feature", "bugfix", "release", "hotfix", "development", "production"],
                    },
                },
            },
        ],
    })
}

/// The kinds that somebody can be exempt from.
const EXEMPTING: [&str; 2] = ["push", "restrict_merges"];

/// The kinds that count something.
const COUNTING: [&str; 4] = [
    "require_approvals_to_merge",
    "require_default_reviewer_approvals_to_merge",
    "require_passing_builds_to_merge",
    "require_commits_behind",
];

const FIELDS: &[Field] = &[
    Field::plain("kind", &["kind"], Absent::Text),
    Field::plain("branch", &["pattern"], Absent::Text),
    Field::plain("value", &["value"], Absent::Null),
    Field { form: Form::Accounts, ..Field::plain("users", &["users"], Absent::List) },
    Field { form: Form::Slugs, ..Field::plain("groups", &["groups"], Absent::List) },
];

/// The branches in an answer, as a manifest says them.
fn branch_in(answer: &Value) -> Value {
    let branch_type = || answer.get("branch_type").filter(|branch_type| branch_type.is_string());
    match answer.get("branch_match_kind").and_then(Value::as_str) {
        Some("branching_model") => json!({"type": branch_type()}),
        _ => answer.get("pattern").cloned().unwrap_or_default(),
    }
}

/// `main` or `type:production`. No branch can have a colon in its name.
fn in_words(branch: &Value) -> Option<String> {
    let by_type = || Some(format!("type:{}", branch.get("type")?.as_str()?));
    branch.as_str().map(str::to_owned).or_else(by_type)
}

impl Kind for BranchRestriction {
    fn name(&self) -> &'static str {
        "branch restriction"
    }

    fn section(&self) -> &'static str {
        "branch_restrictions"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(KindRef::REPOSITORY)
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn identity(&self) -> &'static str {
        "kind"
    }

    fn identity_of(&self, fields: &Fields) -> String {
        let branch = fields.get("branch").and_then(in_words).unwrap_or_default();
        format!("{} {branch}", fields.text("kind").unwrap_or_default())
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        BranchRestrictionSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        "What can happen to branches, and what a merge needs. Other restrictions stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// Whom some kinds let through, what others count, and what a pattern can match (api.md §5.2).
    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let kind = fields.text("kind").unwrap_or_default();
        let mut findings = Vec::new();
        for (field, word) in [("users", "accounts"), ("groups", "groups")] {
            if fields.get(field).is_some() && !EXEMPTING.contains(&kind) {
                findings.push(
                    Finding::error(Code::SameForEverybody, field, format!("`{kind}` is the same for everybody"))
                        .label(format!("only `push` and `restrict_merges` are for some {word} and not for others")),
                );
            }
        }
        let groups = fields.get("groups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        findings.extend(groups.filter_map(|slug| check_group("groups", slug).err()));
        findings.extend(check_value(kind, fields.get("value")));
        if EXEMPTING.contains(&kind) && fields.get("users").is_none() && fields.get("groups").is_none() {
            findings.push(
                Finding::warning(Code::NobodyExempt, "kind", format!("nobody is named that `{kind}` lets through"))
                    .label("a new one lets nobody through")
                    .help("list them under `users` or `groups`; `users: []` says that nobody is meant"),
            );
        }
        let wrong =
            fields.text("branch").and_then(|pattern| Some((pattern, wrong_in_name(&pattern.replace('*', "x"))?)));
        if let Some((pattern, why)) = wrong {
            findings.push(
                Finding::error(Code::BranchPattern, "branch", format!("no branch is named like {}", quoted(pattern)))
                    .label(why)
                    .help("`*` stands for anything, and every other character for itself; for a type of the branching model write `branch: {type: production}`"),
            );
        }
        findings
    }

    /// Whoever is exempt needs write access, and a type of branch the branching model.
    fn follows(&self) -> &'static [&'static str] {
        &["branching_model", "inherit", "permissions.users", "permissions.groups"]
    }

    fn describe(&self, fields: &Fields) -> String {
        let value = fields.get("value").map(|value| format!("value {value}"));
        let listed = ["users", "groups"].into_iter().filter_map(|list| {
            let names = fields.get(list)?.as_array().filter(|names| !names.is_empty())?;
            let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
            Some(format!("{list} {}", names.join(" ")))
        });
        value.into_iter().chain(listed).collect::<Vec<_>>().join(", ")
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["branch-restrictions"])
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        let kind = answer.get("kind")?.as_str()?;
        Some(Cow::Owned(format!("{kind} {}", in_words(&branch_in(answer))?)))
    }

    fn read(&self, field: &Field, answer: &Value, wanted: Option<&Value>) -> Value {
        if field.name == "branch" { branch_in(answer) } else { field.read(answer, wanted) }
    }

    /// That nobody is let through is said, as there might have been somebody.
    fn goes_without_saying(&self, _id: &str, field: &Field, fields: &Fields) -> bool {
        let is_empty = |field| fields.get(field).and_then(Value::as_array).is_none_or(Vec::is_empty);
        let exempts = fields.text("kind").is_some_and(|kind| EXEMPTING.contains(&kind));
        match field.name {
            "users" => is_empty("users") && !(exempts && is_empty("groups")),
            _ => fields.get(field.name).is_none_or(|value| *value == field.absent.value()),
        }
    }

    fn server_id(&self, answer: &Value) -> Option<String> {
        answer.get("id")?.as_u64().map(|id| id.to_string())
    }

    /// Bitbucket wants both lists for the kinds that have them, but does not take an empty one beside one that is not.
    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let mut body = fields.to_body(FIELDS);
        match fields.get("branch").and_then(|branch| branch.get("type")) {
            Some(branch_type) => {
                body.remove("pattern");
                body.insert("branch_match_kind".to_owned(), json!("branching_model"));
                body.insert("branch_type".to_owned(), branch_type.clone());
            }
            None => drop(body.insert("branch_match_kind".to_owned(), json!("glob"))),
        }
        if fields.text("kind").is_some_and(|kind| EXEMPTING.contains(&kind)) {
            let is_empty = |list| fields.get(list).and_then(Value::as_array).is_none_or(Vec::is_empty);
            match (is_empty("users"), is_empty("groups")) {
                (true, true) => body.extend(["users", "groups"].map(|list| (list.to_owned(), json!([])))),
                (true, false) => drop(body.remove("users")),
                (false, true) => drop(body.remove("groups")),
                (false, false) => {}
            }
        }
        Request { method: Method::Post, path: self.list(place.parent), body: Some(Value::Object(body)) }
    }

    /// What is not sent stays, so that an empty list is sent as one. Kind and branches are its identity: they never change.
    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        let path = place.parent.path(&["branch-restrictions", place.id]);
        Request { method: Method::Put, path, body: Some(Value::Object(changed.to_body(FIELDS))) }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        let path = place.parent.path(&["branch-restrictions", place.id]);
        Request { method: Method::Delete, path, body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "repository:admin", api_token: "admin:repository:bitbucket" }
    }
}

fn check_value(kind: &str, value: Option<&Value>) -> Option<Finding> {
    let least = i64::from(kind != "require_commits_behind");
    match (COUNTING.contains(&kind), value) {
        (true, None) => Some(
            Finding::error(Code::RestrictionValue, "kind", format!("`{kind}` needs a number"))
                .help("write how many: `value: 1`"),
        ),
        (true, Some(value)) if value.as_i64().is_none_or(|value| value < least) => Some(
            Finding::error(Code::RestrictionValue, "value", format!("`{kind}` needs a number from {least} on"))
                .help("to have no such restriction, leave the whole entry out"),
        ),
        (false, Some(_)) => Some(
            Finding::error(Code::RestrictionValue, "value", format!("`{kind}` counts nothing"))
                .label(format!("only {} have a value", COUNTING.map(|kind| format!("`{kind}`")).join(", "))),
        ),
        _ => None,
    }
}
