//! Webhooks.

use serde_json::json;

use super::{LEDGER, Walk, encode};

#[test]
fn webhooks() {
    let walk = Walk::new();
    for owner in [LEDGER, "/workspaces/acme"] {
        let path = format!("{owner}/hooks");
        let body = json!({"description": "CI", "url": "https://example.com/", "active": true, "secret": "hush",
            "events": ["repo:push", "pullrequest:created"]});
        let hook = walk.post(&path, &body, 201);
        let one = format!("{path}/{}", encode(&hook["uuid"]));
        walk.get(&one);
        assert_eq!(walk.put(&one, &json!({"secret": null}), 200)["secret_set"], false);
        assert_eq!(walk.get(&format!("{path}?pagelen=100"))["size"], 1);
        walk.post(&path, &json!({"url": "http://localhost/", "events": ["repo:push"]}), 400);
        walk.delete(&one);
        walk.send("GET", &one, None, 404);
    }
    walk.keeps_the_contract();
}

#[test]
fn events() {
    let walk = Walk::new();
    let subjects = walk.get("/hook_events");
    for subject in ["repository", "workspace"] {
        let link = subjects[subject]["links"]["events"]["href"].as_str().unwrap();
        assert!(link.ends_with(&format!("/2.0/hook_events/{subject}")), "{link}");
        let events = walk.get(&format!("/hook_events/{subject}?pagelen=100"));
        let named = |event: &&serde_json::Value| event["event"] == "repo:push" && event["category"] == "Repository";
        assert_eq!(events["values"].as_array().unwrap().iter().filter(named).count(), 1);
    }
    walk.send("GET", "/hook_events/team", None, 404);
    walk.keeps_the_contract();
}
