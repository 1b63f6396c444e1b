//! The plan and its outcomes for programs: one document, whose keys are stable and described by a JSON Schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

use crate::apply::Account;
use crate::plan::Plan;
use crate::resource::Action;

/// A plan of bbprov; after an apply, with what became of every change.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "bbprov plan", deny_unknown_fields)]
struct Document<'a> {
    /// The version of this format.
    #[schemars(extend("const" = 1))]
    version: u32,
    /// What is to change, ordered by workspace, kind and name.
    changes: Vec<Change<'a>>,
    /// What a person should know and nothing is done about.
    notes: Vec<Note<'a>>,
    /// What those accounts call themselves that stand in addresses and values, by UUID or account id as they stand there;
    /// only if any is known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    people: BTreeMap<&'a str, &'a str>,
    /// What could not be read and is not planned; only if there is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<UnreadRow<'a>>,
    /// How many of each sort.
    summary: Summary,
    /// What it costs in requests to the API, token fetches aside.
    requests: Requests,
    /// What became of every change, in the order of `changes`; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<OutcomeRow>")]
    outcomes: Option<Vec<OutcomeRow<'a>>>,
}

/// One change to one object.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct Change<'a> {
    /// The object: `workspace/name`.
    address: &'a str,
    /// What it is: `project`, `repository`.
    kind: &'static str,
    /// What happens to it.
    action: ActionName,
    /// The fields that change; of a new object all that are set, and of what is removed from a section what they were.
    fields: Vec<FieldRow<'a>>,
    /// Why, if that is not plain from the fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    reason: Option<&'a str>,
}

/// One field of an object.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct FieldRow<'a> {
    /// Its name in the manifest.
    name: &'static str,
    /// What it is; null for a new object, and for a secret, which nobody can see.
    from: &'a Value,
    /// What it shall be; null for what is removed. Of a secret that is where it comes from.
    to: &'a Value,
}

/// Something to know about an object.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct Note<'a> {
    /// The object.
    address: &'a str,
    /// What to know.
    text: &'a str,
}

/// A workspace, or a section of something in it, that could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct UnreadRow<'a> {
    /// The workspace.
    workspace: &'a str,
    /// What the section is in; only if the rest of the workspace was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    address: Option<&'a str>,
    /// The section, such as `webhooks`; only if the rest of the workspace was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    section: Option<&'static str>,
    /// Why.
    error: String,
}

/// How many of each sort.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct Summary {
    /// Objects to create.
    create: usize,
    /// Objects to update.
    update: usize,
    /// Objects to delete and create anew.
    replace: usize,
    /// Objects to delete.
    delete: usize,
    /// Managed objects that are as they shall be.
    unchanged: usize,
    /// Managed objects that could not be read and are not planned; only if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    unplanned: Option<usize>,
    /// Changes that were made; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    done: Option<usize>,
    /// Changes that failed; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    failed: Option<usize>,
    /// Changes that were not tried; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    skipped: Option<usize>,
}

/// What it costs in requests to the API.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct Requests {
    /// Spent on reading.
    used: usize,
    /// Needed for the changes, if nothing goes wrong.
    to_apply: usize,
    /// How many are allowed in an hour, with all credentials together.
    hourly: usize,
    /// For how many hours the changes must wait because they exceed what reading has left of that.
    hours: usize,
    /// Spent on the changes; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "usize")]
    applied: Option<usize>,
}

/// What became of one change.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct OutcomeRow<'a> {
    /// The object.
    address: &'a str,
    /// What it is.
    kind: &'static str,
    /// What was to happen to it.
    action: ActionName,
    /// What became of that.
    status: StatusName,
    /// Why it failed or was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    error: Option<&'a str>,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum ActionName {
    Create,
    Update,
    Replace,
    Delete,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum StatusName {
    Done,
    Failed,
    Skipped,
}

impl From<Action> for ActionName {
    fn from(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Replace => Self::Replace,
            Action::Delete => Self::Delete,
        }
    }
}

/// A plan, and what became of it if it was applied, as one JSON document.
#[must_use]
pub fn document(plan: &Plan, account: Option<&Account>) -> String {
    let counts = plan.counts();
    let count = |status| account.map(|account| account.count(status));
    let document = Document {
        version: 1,
        changes: plan.changes.iter().map(change_row).collect(),
        notes: plan.notes.iter().map(|note| Note { address: note.address.as_str(), text: &note.text }).collect(),
        people: plan.people.iter().collect(),
        unread: plan.unread.iter().flat_map(unread_rows).collect(),
        summary: Summary {
            create: counts.create,
            update: counts.update,
            replace: counts.replace,
            delete: counts.delete + counts.remove,
            unchanged: plan.unchanged,
            unplanned: Some(plan.unplanned).filter(|count| *count > 0),
            done: count("done"),
            failed: count("failed"),
            skipped: count("skipped"),
        },
        requests: Requests {
            used: plan.bill.used,
            to_apply: plan.bill.to_apply,
            hourly: plan.bill.hourly,
            hours: plan.bill.hours(),
            applied: account.map(|account| account.requests),
        },
        outcomes: account.map(|account| outcome_rows(plan, account)),
    };
    // A document of text, numbers and JSON values always serialises.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn change_row(change: &crate::plan::Change) -> Change<'_> {
    Change {
        address: change.address.as_str(),
        kind: change.address.kind().name(),
        action: change.action.into(),
        fields: change
            .fields
            .iter()
            .map(|field| FieldRow { name: field.name, from: &field.from, to: &field.to })
            .collect(),
        reason: change.reason.as_deref(),
    }
}

fn unread_rows(unread: &crate::plan::Unread) -> impl Iterator<Item = UnreadRow<'_>> {
    let row = |workspace, address, section| UnreadRow { workspace, address, section, error: unread.why() };
    let whole = unread.workspaces.iter().map(move |workspace| row(workspace.as_str(), None, None));
    let sections = unread.sections.iter().map(move |(kind, within)| {
        row(within.split('/').next().unwrap_or_default(), Some(within.as_str()), Some(kind.section()))
    });
    whole.chain(sections)
}

fn outcome_rows<'a>(plan: &'a Plan, account: &'a Account) -> Vec<OutcomeRow<'a>> {
    let rows = plan.changes.iter().zip(&account.outcomes).map(|(change, outcome)| OutcomeRow {
        address: change.address.as_str(),
        kind: change.address.kind().name(),
        action: change.action.into(),
        status: match outcome {
            crate::apply::Outcome::Done => StatusName::Done,
            crate::apply::Outcome::Failed(_) => StatusName::Failed,
            crate::apply::Outcome::Skipped(_) => StatusName::Skipped,
        },
        error: outcome.error(),
    });
    rows.collect()
}

/// The JSON Schema (draft-07) of [`document`].
#[must_use]
pub fn plan_schema() -> Value {
    SchemaSettings::draft07()
        .for_serialize()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<Document<'static>>()
        .to_value()
}
