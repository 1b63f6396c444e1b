//! When pipelines run by themselves (api.md §5.9).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::branching_model::check_branch_name;
use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape, cron,
};

/// The kind of [`ScheduleSettings`].
pub struct Schedule;

/// A schedule. Branch, pipeline and time tell one from another, so another time is another schedule.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// The branch whose newest commit is built.
    #[schemars(length(min = 1))]
    pub branch: String,
    /// When, in UTC and in seven fields: seconds, minutes, hours, days, months, days of the week, years. `0 0 12 * * ? *` is
    /// every noon.
    #[schemars(length(min = 1))]
    pub cron: String,
    /// The custom pipeline that runs; that of the branch if it is not said.
    #[schemars(length(min = 1))]
    pub pipeline: Option<String>,
    /// Whether it runs.
    pub enabled: Option<bool>,
}

const FIELDS: &[Field] = &[
    Field::plain("branch", &["target", "ref_name"], Absent::Text),
    Field::plain("pipeline", &["target", "selector", "pattern"], Absent::Null),
    Field { form: Form::Words, ..Field::plain("cron", &["cron_pattern"], Absent::Text) },
    Field::plain("enabled", &["enabled"], Absent::False),
];

/// A branch has no space in its name and a cron expression has seven words: what is between them is a pipeline.
fn identity(branch: &str, pipeline: Option<&str>, cron: &str) -> String {
    let pipeline = pipeline.map_or(String::new(), |pipeline| format!("{pipeline} "));
    format!("{branch} {pipeline}{}", cron.split_whitespace().collect::<Vec<_>>().join(" "))
}

impl Kind for Schedule {
    fn name(&self) -> &'static str {
        "schedule"
    }

    fn section(&self) -> &'static str {
        "pipelines.schedules"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(KindRef::REPOSITORY)
    }

    fn shape(&self) -> Shape {
        Shape::List
    }

    fn identity(&self) -> &'static str {
        "branch"
    }

    fn identity_of(&self, fields: &Fields) -> String {
        let text = |name: &str| fields.text(name).unwrap_or_default();
        identity(text("branch"), fields.text("pipeline"), text("cron"))
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        ScheduleSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        "When pipelines run by themselves. Other schedules stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// Seven fields, in UTC (api.md §5.9). That the branch exists is not asked, there or here.
    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(fields.text("branch").and_then(|branch| check_branch_name("branch", branch)));
        findings.extend(cron::check("cron", fields.text("cron").unwrap_or_default()));
        findings
    }

    fn follows(&self) -> &'static [&'static str] {
        &["pipelines.enabled", "environments", "pipelines.variables"]
    }

    fn describe(&self, fields: &Fields) -> String {
        match fields.flag("enabled") {
            Some(false) => "disabled".to_owned(),
            _ => String::new(),
        }
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["pipelines_config", "schedules"])
    }

    fn lists_without_next(&self) -> bool {
        true
    }

    fn may_be_missing(&self) -> bool {
        true
    }

    /// One that runs for anything but a branch is none that a manifest can name.
    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        let target = answer.get("target")?;
        let selector = target.get("selector");
        let part = |name: &str| selector.and_then(|selector| selector.get(name)).and_then(Value::as_str);
        let pipeline = match part("type") {
            Some("custom") => Some(part("pattern")?),
            Some("branches" | "default") | None => None,
            Some(_) => return None,
        };
        let branch = target.get("ref_name")?.as_str()?;
        Some(Cow::Owned(identity(branch, pipeline, answer.get("cron_pattern")?.as_str()?)))
    }

    fn goes_without_saying(&self, _id: &str, field: &Field, fields: &Fields) -> bool {
        let value = fields.get(field.name);
        value.is_none_or(|value| if field.name == "enabled" { *value == true } else { *value == field.absent.value() })
    }

    /// A new one runs, whatever the request says (api.md §5.9).
    fn comes_unfinished(&self) -> bool {
        true
    }

    fn requests_to_finish(&self, _id: &str, fields: &Fields) -> usize {
        usize::from(fields.flag("enabled") == Some(false))
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let branch = fields.text("branch").unwrap_or_default();
        let selector = match fields.text("pipeline") {
            Some(pipeline) => json!({"type": "custom", "pattern": pipeline}),
            None => json!({"type": "branches", "pattern": branch}),
        };
        let target =
            json!({"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": branch, "selector": selector});
        let body = json!({
            "target": target,
            "cron_pattern": fields.text("cron").unwrap_or_default(),
            "enabled": fields.flag("enabled").unwrap_or(true),
        });
        Request { method: Method::Post, path: self.list(place.parent), body: Some(body) }
    }

    /// Nothing else can be changed, and nothing else ever is: it would be another schedule.
    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        let body = Some(Value::Object(changed.to_body(FIELDS)));
        let path = place.parent.path(&["pipelines_config", "schedules", place.id]);
        Request { method: Method::Put, path, body }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        let path = place.parent.path(&["pipelines_config", "schedules", place.id]);
        Request { method: Method::Delete, path, body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        Scopes { classic: "pipeline:write", api_token: "write:pipeline:bitbucket" }
    }
}
