//! Webhooks.

use serde_json::{Value, json};

use super::super::super::Options;
use super::super::{Client, Outcome};
use super::{all, encode, fields, ledger};

const REPOSITORY: &str = "repositories/acme/ledger/hooks";

#[tokio::test]
async fn hooks_are_made_changed_listed_and_deleted() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    for (path, subject) in [(REPOSITORY, "repository"), ("workspaces/acme/hooks", "workspace")] {
        let body = json!({"url": "https://example.com/", "events": ["repo:push", "pullrequest:created", "repo:push"]});
        let made = client.post(path, body).await?;
        assert_eq!((made.status, &made.json["subject_type"]), (201, &json!(subject)));
        assert_eq!(made.json["subject"]["type"], subject);
        assert_eq!(made.json["events"], json!(["pullrequest:created", "repo:push"]), "in an order of their own");
        assert_eq!((&made.json["active"], &made.json["secret_set"]), (&json!(true), &json!(false)));
        let one = format!("{path}/{}", encode(made.json["uuid"].as_str().unwrap_or_default()));
        assert_eq!(client.get(&one).await?.json, made.json);
        let changed = client.put(&one, json!({"description": "CI", "active": false})).await?;
        assert_eq!((changed.status, &changed.json["url"]), (200, &json!("https://example.com/")));
        assert_eq!(all(&client.get(path).await?.json, "description"), ["CI"]);
        assert_eq!(client.delete(&one).await?.status, 204);
        assert_eq!(client.delete(&one).await?.status, 404);
    }
    let missing = client.get(&format!("{REPOSITORY}/%7B1%7D")).await?;
    assert_eq!((missing.status, missing.message()), (404, "ledger is not a valid hook"));
    Ok(())
}

#[tokio::test]
async fn a_secret_is_only_known_to_be_there() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let body = json!({"url": "https://example.com/", "events": ["repo:push"], "secret": "hush"});
    let made = client.post(REPOSITORY, body).await?;
    assert!(made.json["secret_set"] == true && !made.body.contains("hush") && made.json.get("secret").is_none());
    let one = format!("{REPOSITORY}/{}", encode(made.json["uuid"].as_str().unwrap_or_default()));
    let put = async |body: Value| client.put(&one, body).await;
    assert_eq!(put(json!({"active": true})).await?.json["secret_set"], true);
    assert_eq!(put(json!({"secret": null})).await?.json["secret_set"], false);
    put(json!({"secret": "again"})).await?;
    assert_eq!(put(json!({"secret": ""})).await?.json["secret_set"], false);
    assert_eq!(fields(&put(json!({"secret": "x".repeat(129)})).await?), ["secret"]);
    Ok(())
}

#[tokio::test]
async fn what_a_hook_cannot_be() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    for (body, field) in [
        (json!({"events": ["repo:push"]}), "url"),
        (json!({"url": "http://127.0.0.1/", "events": ["repo:push"]}), "url"),
        (json!({"url": "https://example.com/"}), "events"),
        (json!({"url": "https://example.com/", "events": []}), "events"),
        (json!({"url": "https://example.com/", "events": ["repo:sung"]}), "events"),
    ] {
        let refused = client.post(REPOSITORY, body.clone()).await?;
        assert_eq!((refused.status, fields(&refused)), (400, vec![field.to_owned()]), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn events_ask_for_scopes_and_hooks_are_counted_apart() -> Outcome {
    let scopes = ["webhook", "repository:admin", "project:admin", "repository"].map(str::to_owned).to_vec();
    let options = Options { scopes: Some(scopes), rate_limit: Some("4/1h".parse()?), ..Options::default() };
    let (sandbox, _) = ledger(options).await?;
    let client = Client::with(&sandbox, "Bearer ATCTT1");
    let hook = |event: &str| json!({"url": "https://example.com/", "events": [event]});
    assert_eq!(client.post(REPOSITORY, hook("repo:push")).await?.status, 201);
    let refused = client.post(REPOSITORY, hook("pullrequest:created")).await?;
    assert_eq!((refused.status, &refused.json["error"]["detail"]["required"]), (403, &json!(["pullrequest"])));
    client.get(REPOSITORY).await?;
    assert_eq!(client.get(REPOSITORY).await?.header("x-ratelimit-resource"), Some("webhooks"));
    assert_eq!(client.get(REPOSITORY).await?.status, 429);
    assert_eq!(client.get("repositories/acme/ledger").await?.status, 200);
    Ok(())
}
