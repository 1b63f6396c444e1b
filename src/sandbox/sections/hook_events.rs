//! What one can be told by a webhook: public, and the same for everybody (api.md §5.6; schemas `subject_types` and
//! `hook_event`).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::operation::{Errand, Route, get};
use super::super::scopes::{Required, scopes};
use super::super::store::Store;
use super::missing;
use super::webhooks::EVENTS;

const NOTHING: Required = scopes(&[], &[]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "hook_events", endpoints: &[get(NOTHING, subjects).open()] },
    Route { path: "hook_events/{}", endpoints: &[get(NOTHING, events).open()] },
];

const SUBJECTS: [&str; 2] = ["repository", "workspace"];

/// `GET /hook_events`: the links stand below `links`, whatever the schema says.
#[expect(clippy::unnecessary_wraps, reason = "as all endpoints")]
fn subjects(_: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let api = errand.api();
    let links = |subject| json!({ "links": { "events": { "href": format!("{api}/hook_events/{subject}") } } });
    Ok(errand.show(StatusCode::OK, &SUBJECTS.map(|subject| (subject.to_owned(), links(subject))).into_iter().collect()))
}

/// `GET /hook_events/{subject_type}`. Which events only one of the two has is not known: here both have all.
fn events(_: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    if !SUBJECTS.contains(&errand.item()) {
        return Err(missing(&format!("{} is not a valid subject type.", errand.item())));
    }
    errand.page(&EVENTS, |event| show(event))
}

/// Of four events Bitbucket's own words are known. These are made of the events' names.
fn show(event: &str) -> Value {
    let (about, what) = event.split_once(':').unwrap_or(("", event));
    let category = match about {
        "repo" => "Repository",
        "pullrequest" => "Pull Request",
        "issue" => "Issue",
        "project" => "Project",
        _ => "Pipelines",
    };
    let words = what.replace('_', " ");
    let label = words.get(..1).map(str::to_uppercase).unwrap_or_default() + words.get(1..).unwrap_or_default();
    let description = format!("Whenever this happens: {words}");
    json!({ "event": event, "category": category, "label": label, "description": description })
}
