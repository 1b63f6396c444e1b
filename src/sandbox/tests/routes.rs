//! Every route over real sockets: who is turned away before anything is looked at.

use serde_json::{Value, json};

use super::super::operation::{Endpoint, Route};
use super::super::routes::TABLE;
use super::super::{Options, Sandbox};
use super::{Client, Outcome, Reply};

/// Every operation there is.
fn operations() -> impl Iterator<Item = (&'static Route, &'static Endpoint)> {
    let routes = TABLE.iter().copied().flatten();
    routes.flat_map(|route| route.endpoints.iter().map(move |endpoint| (route, endpoint)))
}

async fn ask(client: &Client, route: &Route, endpoint: &Endpoint) -> std::io::Result<Reply> {
    let path = route.path.replace("{}", "acme");
    client.send(endpoint.verb.name(), &format!("/2.0/{path}"), "", "").await
}

#[tokio::test]
async fn whoever_lacks_a_scope_is_told_which() -> Outcome {
    let scopes = Some(vec!["nothing".to_owned()]);
    let classic = Sandbox::start(Options { scopes, ..Options::default() }).await?;
    let scopes = Some(vec!["read:nothing:bitbucket".to_owned()]);
    let api_token = Sandbox::start(Options { scopes, ..Options::default() }).await?;
    for (route, endpoint) in operations() {
        let required = endpoint.required;
        for (sandbox, required) in [(&classic, required.classic), (&api_token, required.api_token)] {
            // a:b
            let reply = ask(&Client::with(sandbox, "Basic YTpi"), route, endpoint).await?;
            let name = format!("{} {}", endpoint.verb.name(), route.path);
            assert_eq!(reply.header("x-accepted-oauth-scopes"), Some(required.join(", ").as_str()), "{name}");
            let told = if required.is_empty() { Value::Null } else { json!(required) };
            assert_eq!(reply.json["error"]["detail"]["required"], told, "{name}: {}", reply.body);
        }
    }
    Ok(())
}

#[tokio::test]
async fn strangers_may_only_ask_what_is_open() -> Outcome {
    let sandbox = Sandbox::start(Options::default()).await?;
    let stranger = Client::anonymous(&sandbox);
    let mut open = Vec::new();
    for (route, endpoint) in operations() {
        if ask(&stranger, route, endpoint).await?.status != 401 {
            open.push(format!("{} {}", endpoint.verb.name(), route.path));
        }
    }
    let known = [
        "GET workspaces/{}",
        "GET workspaces",
        "GET repositories",
        "GET repositories/{}",
        "GET repositories/{}/{}",
        "GET repositories/{}/{}/refs/branches",
        "GET workspaces/{}/projects",
        "GET workspaces/{}/projects/{}",
        "GET hook_events",
        "GET hook_events/{}",
        "GET repositories/{}/{}/branching-model",
        "GET repositories/{}/{}/effective-branching-model",
    ];
    assert_eq!(open, known);
    Ok(())
}
