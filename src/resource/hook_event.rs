//! What webhooks can hear of (api.md §5.6).

use super::Finding;
use super::project::quoted;
use crate::diagnostic::{Code, closest, misspelt};

/// The events of the official document (`webhook_subscription.events`). Bitbucket has new ones from time to time: that one is
/// not here does not mean that there is no such event.
const EVENTS: [&str; 29] = [
    "issue:comment_created",
    "issue:created",
    "issue:updated",
    "pipeline:span_created",
    "project:updated",
    "pullrequest:approved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:comment_created",
    "pullrequest:comment_deleted",
    "pullrequest:comment_reopened",
    "pullrequest:comment_resolved",
    "pullrequest:comment_updated",
    "pullrequest:created",
    "pullrequest:fulfilled",
    "pullrequest:push",
    "pullrequest:rejected",
    "pullrequest:unapproved",
    "pullrequest:updated",
    "repo:commit_comment_created",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "repo:created",
    "repo:deleted",
    "repo:fork",
    "repo:imported",
    "repo:push",
    "repo:transfer",
    "repo:updated",
];

/// What people call some of them, here and in Bitbucket's product for data centers.
const OTHERWISE: [(&str, &str); 9] = [
    ("push", "repo:push"),
    ("fork", "repo:fork"),
    ("repo:refs_changed", "repo:push"),
    ("pr:opened", "pullrequest:created"),
    ("pr:merged", "pullrequest:fulfilled"),
    ("pr:declined", "pullrequest:rejected"),
    ("pullrequest:opened", "pullrequest:created"),
    ("pullrequest:merged", "pullrequest:fulfilled"),
    ("pullrequest:declined", "pullrequest:rejected"),
];

/// What is wrong with an event, if anything is. A name that Bitbucket may have given a new event is only warned about; one
/// that differs from a known one by a letter or two, and what has not the form of a name, is none.
pub(super) fn check(field: &'static str, event: &str, of_workspace: bool) -> Option<Finding> {
    if EVENTS.contains(&event) {
        return noteworthy(field, event, of_workspace);
    }
    let unknown = || format!("there is no event {}", quoted(event));
    let otherwise = OTHERWISE.iter().find(|(name, _)| *name == event).map(|(_, known)| *known);
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_name = event.split_once(':').is_some_and(|(about, what)| word(about) && word(what));
    let near = otherwise.or_else(|| closest(event, EVENTS));
    let error = Finding::error(Code::WebhookEvent, field, unknown());
    match near {
        Some(near) if otherwise.is_some() || !is_name || misspelt(event, near) => {
            Some(error.label(format!("did you mean `{near}`?")))
        }
        None if !is_name => Some(error.label("an event is named like `repo:push` and `pullrequest:created`")),
        near => {
            let finding =
                Finding::warning(Code::WebhookEvent, field, format!("bbprov knows no event {}", quoted(event)))
                    .label("sent as it is, in case it is new; otherwise Bitbucket refuses the webhook");
            Some(match near {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding,
            })
        }
    }
}

/// What can be said of an event that exists.
fn noteworthy(field: &'static str, event: &str, of_workspace: bool) -> Option<Finding> {
    if event.starts_with("issue:") {
        return Some(
            Finding::warning(Code::ShutDown, field, "Bitbucket shut its issue tracker down on 2026-08-20")
                .label(format!("nothing causes `{event}` any more"))
                .help("leave this event out"),
        );
    }
    (event == "repo:created" && !of_workspace).then(|| {
        Finding::warning(Code::WebhookEvent, field, "a repository's webhook never hears of `repo:created`")
            .label("the repository is there before its webhook")
            .help("list this event in a webhook of the workspace")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_events_pass_slips_are_refused_and_new_ones_are_warned_about() {
        for event in EVENTS.iter().filter(|event| !event.starts_with("issue:")) {
            assert_eq!(check("events", event, true), None, "{event}");
        }
        for (event, near) in [
            ("repo:pushed", Some("repo:push")),
            ("repo:Push", Some("repo:push")),
            ("push", Some("repo:push")),
            ("pullrequest:merged", Some("pullrequest:fulfilled")),
            ("pullrequest:aproved", Some("pullrequest:approved")),
            ("pullrequest_created", Some("pullrequest:created")),
            ("everything", None),
            ("", None),
            ("repo:push,repo:fork", None),
        ] {
            let finding = check("events", event, false).unwrap();
            assert!(finding.stops, "{finding:?}");
            assert_eq!(near.map(|near| format!("did you mean `{near}`?")), near.map(|_| finding.label), "{event}");
        }
        for event in ["repo:archived", "deployment:finished", "pullrequest:comment_pinned", "repo:renamed"] {
            let finding = check("events", event, false).unwrap();
            assert!(!finding.stops, "{finding:?}");
        }
        assert!(!check("events", "repo:created", false).unwrap().stops);
        assert_eq!(check("events", "issue:created", true).unwrap().code, Code::ShutDown);
    }
}
