//! When pipelines run by themselves (api.md §5.9; schema `pipeline_schedule`).

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, post, put};
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::super::{random, timestamp};
use super::{gone, missing, pipelines_error};

const READ: Required = scopes(&["pipeline"], &["read:pipeline:bitbucket"]);
const WRITE: Required = scopes(&["pipeline:write"], &["read:pipeline:bitbucket", "write:pipeline:bitbucket"]);
const DELETE: Required = scopes(&["pipeline:write"], &["write:pipeline:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}/{}/pipelines_config/schedules", endpoints: &[get(READ, list), post(WRITE, create)] },
    Route {
        path: "repositories/{}/{}/pipelines_config/schedules/{}",
        endpoints: &[get(READ, one), put(WRITE, update), delete(DELETE, remove)],
    },
];

const SECTION: &str = "schedules";

/// The most schedules of a repository. That there is a limit is written, not which.
const MOST: usize = 10;

/// Seconds, minutes, hours, days, months, days of the week, years.
const CRON_FIELDS: usize = 7;

const SELECTORS: [&str; 5] = ["branches", "tags", "bookmarks", "default", "custom"];

/// A schedule.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Schedule {
    uuid: String,
    enabled: bool,
    ref_name: String,
    selector: Selector,
    cron_pattern: String,
    created_on: String,
    updated_on: String,
}

/// Which pipeline runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Selector {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
}

fn find(store: &Store, owner: Owner, uuid: &str) -> Result<(u64, Schedule), Refusal> {
    let found = store.sections(owner)?.find(SECTION, |known: &Schedule| known.uuid == uuid);
    found.ok_or_else(|| missing(&format!("There is no schedule {uuid}.")))
}

fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let all: Vec<(u64, Schedule)> = store.sections(owner)?.all(SECTION);
    errand.numbered_page(&all, |(_, schedule)| show(schedule))
}

fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (_, schedule) = find(store, owner, errand.item())?;
    Ok(errand.show(StatusCode::OK, &show(&schedule)))
}

/// `POST …/schedules`: the branch need not exist. A full list is 401, which is no matter of credentials.
fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let fresh = read(errand.call.request.object()?)?;
    if store.sections(owner)?.all::<Schedule>(SECTION).len() >= MOST {
        return Err(pipelines_error(
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            "schedule-service.schedule.limit-reached",
            &json!({ "limit": MOST }),
        ));
    }
    let id = store.mint();
    let now = timestamp::now();
    let uuid = random::uuid("schedule", id);
    let schedule = Schedule { uuid, created_on: now.clone(), updated_on: now, ..fresh };
    store.sections_mut(owner)?.set(SECTION, id, &schedule)?;
    Ok(errand.show(StatusCode::CREATED, &show(&schedule)))
}

fn read(object: Map<String, Value>) -> Result<Schedule, Refusal> {
    let mut body = Body::new(object);
    let target = body.get("target").cloned().unwrap_or_default();
    if !target.is_object() {
        body.missing("target");
    }
    let ref_name = target["ref_name"].as_str().filter(|name| !name.is_empty());
    if target.is_object() && (target["ref_type"] != "branch" || ref_name.is_none()) {
        body.problem("target", "A schedule runs on a branch: ref_type and ref_name are required.");
    }
    let selector = Selector::deserialize(&target["selector"]).ok();
    let selector = selector.filter(|selector| SELECTORS.contains(&selector.kind.as_str()));
    if target.is_object() && selector.is_none() {
        body.problem("target.selector", "A selector has a type, and a pattern.");
    }
    let cron_pattern = body.text("cron_pattern");
    match &cron_pattern {
        None => body.missing("cron_pattern"),
        Some(cron) if cron.split_whitespace().count() != CRON_FIELDS => {
            body.problem("cron_pattern", "A cron pattern has seven fields, seconds first.");
        }
        Some(_) => {}
    }
    body.flag("enabled");
    body.finish()?;
    Ok(Schedule {
        uuid: String::new(),
        // A client has met this: a new schedule is enabled, whatever the body says.
        enabled: true,
        ref_name: ref_name.unwrap_or_default().to_owned(),
        selector: selector.unwrap_or(Selector { kind: String::new(), pattern: None }),
        cron_pattern: cron_pattern.unwrap_or_default(),
        created_on: String::new(),
        updated_on: String::new(),
    })
}

/// `PUT`: only `enabled` can be changed. Another target is answered with 200 and the old one; that another pattern is
/// ignored in the same way is not known, but the document does not have it in the body either.
fn update(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, mut schedule) = find(store, owner, errand.item())?;
    let mut body = Body::new(errand.call.request.object()?);
    schedule.enabled = body.flag("enabled").unwrap_or(schedule.enabled);
    body.finish()?;
    schedule.updated_on = timestamp::now();
    store.sections_mut(owner)?.set(SECTION, id, &schedule)?;
    Ok(errand.show(StatusCode::OK, &show(&schedule)))
}

fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let (id, _) = find(store, owner, errand.item())?;
    store.sections_mut(owner)?.remove(SECTION, id);
    Ok(gone())
}

fn show(schedule: &Schedule) -> Value {
    json!({
        "type": "pipeline_schedule",
        "uuid": schedule.uuid,
        "enabled": schedule.enabled,
        "cron_pattern": schedule.cron_pattern,
        "target": {
            "type": "pipeline_ref_target",
            "ref_type": "branch",
            "ref_name": schedule.ref_name,
            "selector": schedule.selector,
        },
        "created_on": schedule.created_on,
        "updated_on": schedule.updated_on,
    })
}
