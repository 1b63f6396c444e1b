//! Every route against Bitbucket's official document, when there is one to be read: that it is there, takes these
//! methods, and asks for these scopes.

use serde_json::Value;

use super::super::super::operation::{Endpoint, Route};
use super::super::super::routes::TABLE;

/// The document's operation for an endpoint; its templates name what ours call `{}`.
fn operation<'a>(document: &'a Value, route: &Route, endpoint: &Endpoint) -> Option<&'a Value> {
    let bare = |template: &str| {
        let parts = template.trim_start_matches('/').split('/');
        parts.map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
    };
    let paths = document["paths"].as_object()?;
    let (_, item) = paths.iter().find(|(template, _)| bare(template) == route.path)?;
    item.get(endpoint.verb.name().to_ascii_lowercase())
}

/// The names in a list of the document, sorted.
fn sorted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    names
}

fn texts(list: &Value) -> Vec<&str> {
    sorted(list.as_array().into_iter().flatten().filter_map(Value::as_str))
}

#[test]
fn routes_and_scopes_are_the_documents() {
    let Some(path) = std::env::var_os("BITBUCKET_OPENAPI") else {
        eprintln!("skipped: BITBUCKET_OPENAPI does not name Bitbucket's document");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    for route in TABLE.iter().copied().flatten() {
        for endpoint in route.endpoints {
            let name = format!("{} {}", endpoint.verb.name(), route.path);
            let found = operation(&document, route, endpoint);
            assert!(found.is_some(), "{name} is not in the document");
            let found = found.unwrap_or(&Value::Null);
            if found["deprecated"] == true {
                continue;
            }
            let oauth = found["security"].as_array().into_iter().flatten().find_map(|one| one.get("oauth2"));
            assert_eq!(
                sorted(endpoint.required.classic.iter().copied()),
                oauth.map(texts).unwrap_or_default(),
                "{name}"
            );
            let token = &found["x-atlassian-oauth2-scopes"][0]["scopes"];
            assert_eq!(sorted(endpoint.required.api_token.iter().copied()), texts(token), "{name}");
        }
    }
}
