//! When pipelines run by themselves (api.md §5.9).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape,
};
use crate::diagnostic::Code;

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

/// What stands in each field of a cron expression: its name, and the least and largest number.
const CRON: [(&str, u16, u16); 7] = [
    ("seconds", 0, 59),
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("days", 1, 31),
    ("months", 1, 12),
    ("days of the week", 1, 7),
    ("years", 1970, 2199),
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
        generator.root_schema_for::<ScheduleSettings>()
    }

    fn summary(&self) -> &'static str {
        "When pipelines run by themselves. Other schedules stay as they are."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let mut findings = Vec::new();
        if fields.text("branch").is_some_and(|branch| branch.contains(char::is_whitespace)) {
            findings.push(
                Finding::error(Code::BranchName, "branch", "this is not the name of a branch")
                    .label("it holds a space"),
            );
        }
        findings.extend(check_cron(fields.text("cron").unwrap_or_default()));
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

/// Whether a text can be a cron expression of seven fields.
fn check_cron(text: &str) -> Option<Finding> {
    let wrong = Finding::error(Code::Cron, "cron", "this is no cron expression of seven fields");
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != CRON.len() {
        let wrong = wrong.label(format!("this has {}", fields.len()));
        return Some(match fields.as_slice() {
            // As most others write it.
            [minutes, hours, day, month, weekday] => {
                let (day, weekday) = if *weekday == "*" { (*day, "?") } else { ("?", *weekday) };
                wrong.help(format!(
                    "seconds come first and years last: perhaps `0 {minutes} {hours} {day} {month} {weekday} *`"
                ))
            }
            _ => wrong.help("seconds, minutes, hours, days, months, days of the week, years: `0 0 12 * * ? *`"),
        });
    }
    for (field, (name, least, most)) in fields.iter().zip(CRON) {
        if !field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*/,-?#".contains(&byte)) {
            return Some(wrong.label(format!("{field} cannot be {name}")));
        }
        let numbers = field.split(['/', ',', '-', '#']).filter_map(|part| part.parse::<u16>().ok());
        // What follows a slash is a step, which may be anything up to that.
        if numbers.into_iter().any(|number| number > most || number < least && !field.contains(['/', '#'])) {
            return Some(wrong.label(format!("{field} cannot be {name}, which are {least} to {most}")));
        }
    }
    let unsaid = [fields[3], fields[5]].iter().filter(|field| **field == "?").count();
    (unsaid != 1).then(|| {
        wrong.label("one of the two fields for days is `?`").help("days of the month, or of the week, but not both")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_fields_make_a_cron_expression() {
        for good in
            ["0 0 12 * * ? *", "0 0/15 8-18 ? * MON-FRI *", "0 0 0 1,15 * ? 2027", "0 30 5 L * ? *", "0 0 9 ? * 2#1 *"]
        {
            assert_eq!(check_cron(good), None, "{good}");
        }
        for bad in [
            "",
            "0 0 12 * * ?",
            "0 0 24 * * ? *",
            "0 60 * * * ? *",
            "0 0 0 0 * ? *",
            "0 0 12 * * * *",
            "0 0 12 ? * ? *",
            "a;b 0 0 * * ? *",
        ] {
            assert!(check_cron(bad).is_some(), "{bad}");
        }
        let help = |text| check_cron(text).and_then(|finding| finding.help).unwrap_or_default();
        assert!(help("30 4 * * *").contains("`0 30 4 * * ? *`"));
        assert!(help("30 4 * * 1").contains("`0 30 4 ? * 1 *`"));
    }
}
