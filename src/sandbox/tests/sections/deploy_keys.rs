//! Deploy keys.

use serde_json::json;

use super::super::super::{Options, Sandbox};
use super::super::{Client, Outcome};
use super::{ADA, all, fields, ledger};

const PATH: &str = "repositories/acme/ledger/deploy-keys";

#[tokio::test]
async fn keys_are_made_listed_and_deleted_but_not_changed() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    for (path, kind) in [(PATH, "deploy_key"), ("workspaces/acme/projects/PAY/deploy-keys", "project_deploy_key")] {
        let made = client.post(path, json!({"key": "ssh-ed25519 AAAAC3 ci@here", "label": "ci"})).await?;
        assert_eq!((made.status, &made.json["type"]), (200, &json!(kind)));
        assert_eq!((&made.json["key"], &made.json["comment"]), (&json!("ssh-ed25519 AAAAC3"), &json!("ci@here")));
        let one = format!("{path}/{}", made.json["id"]);
        assert_eq!(client.get(&one).await?.json, made.json);
        let changed = client.put(&one, json!({"key": "ssh-ed25519 AAAAC3 ci@here", "label": "cd"})).await?;
        assert_eq!(changed.status, if kind == "deploy_key" { 400 } else { 405 });
        let again = client.post(path, json!({"key": "ssh-ed25519 AAAAC3", "label": "other"})).await?;
        assert_eq!((again.status, fields(&again)), (400, vec!["key".to_owned()]));
        assert_eq!(all(&client.get(path).await?.json, "label"), ["ci"]);
        assert_eq!(client.delete(&one).await?.status, 204);
        assert_eq!(client.delete(&one).await?.status, 404);
        let bad = client.post(path, json!({"key": "AAAAC3"})).await?;
        assert_eq!((bad.status, fields(&bad)), (400, vec!["key".to_owned()]));
    }
    Ok(())
}

#[tokio::test]
async fn a_persons_own_key_is_no_deploy_key() -> Outcome {
    let credentials = json!({"users": [
        {"email": "ada@example.com", "api_token": "token", "ssh_keys": ["ssh-ed25519 AAAAC3 ada"]},
    ], "access_tokens": [{"token": "ATCTT1"}]});
    let credentials = Some(serde_json::from_value(credentials)?);
    let sandbox = Sandbox::start(Options { credentials, ..Options::default() }).await?;
    let client = Client::with(&sandbox, ADA);
    client.post("workspaces/acme/projects", json!({"key": "PAY", "name": "Payments"})).await?;
    client.post("repositories/acme/ledger", json!({})).await?;
    assert_eq!(client.post(PATH, json!({"key": "ssh-ed25519 AAAAC3 ci"})).await?.status, 400);
    let token = Client::with(&sandbox, "Bearer ATCTT1");
    assert_eq!(token.get(PATH).await?.status, 200);
    assert_eq!(token.post(PATH, json!({"key": "ssh-ed25519 AAAAD4 ci"})).await?.status, 403);
    assert_eq!(client.post(PATH, json!({"key": "ssh-ed25519 AAAAD4 ci"})).await?.status, 200);
    Ok(())
}
