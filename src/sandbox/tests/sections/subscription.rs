//! What is not paid for.

use serde_json::json;

use super::super::super::{Options, Subscription};
use super::super::{Client, Outcome};
use super::{ADA, ledger, somebody};

const USERS: &str = "repositories/acme/ledger/permissions-config/users";
const GROUPS: &str = "workspaces/acme/projects/PAY/permissions-config/groups";

/// Olive owns the workspace; three in a group, and three who are in none.
const SEVEN: &str = r#"{"users": [
    {"email": "olive@example.com", "owner": true}, {"email": "ada@example.com", "api_token": "token"},
    {"email": "a@example.com", "groups": ["team"]}, {"email": "b@example.com", "groups": ["team"]},
    {"email": "c@example.com", "groups": ["team"]}, {"email": "d@example.com"}, {"email": "e@example.com"}]}"#;

#[tokio::test]
async fn more_users_than_are_paid_for_get_no_access() -> Outcome {
    let credentials = Some(serde_json::from_str(SEVEN)?);
    let options = Options { credentials, subscription: Subscription::Free, ..Options::default() };
    let (sandbox, _) = ledger(options).await?;
    let client = Client::with(&sandbox, ADA);
    client.post("workspaces/acme/projects", json!({"key": "PAY", "name": "Payments"})).await?;
    client.post("repositories/acme/ledger", json!({})).await?;
    let read = json!({"permission": "read"});
    let grant = async |name: &str| {
        let (_, encoded) = somebody(&client, name).await?;
        client.put(&format!("{USERS}/{encoded}"), read.clone()).await
    };
    assert_eq!(client.put(&format!("{GROUPS}/team"), read.clone()).await?.status, 200, "with the owner that is four");
    assert_eq!(grant("a").await?.status, 200, "who is in the group has access already");
    assert_eq!(grant("d").await?.status, 200);
    let refused = grant("e").await?;
    assert_eq!(refused.status, 402);
    assert!(refused.message().starts_with("You have reached your plan's user limit"), "{}", refused.body);
    assert_eq!(grant("d").await?.status, 200);
    let (_, gone) = somebody(&client, "d").await?;
    client.delete(&format!("{USERS}/{gone}")).await?;
    assert_eq!(grant("e").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn some_restrictions_are_for_premium() -> Outcome {
    for (subscription, status) in [(Subscription::Standard, 402), (Subscription::Premium, 201)] {
        let (_sandbox, client) = ledger(Options { subscription, ..Options::default() }).await?;
        let path = "repositories/acme/ledger/branch-restrictions";
        let made = client.post(path, json!({"kind": "enforce_merge_checks", "pattern": "main"})).await?;
        assert_eq!(made.status, status, "{subscription:?}");
        assert_eq!(client.post(path, json!({"kind": "force", "pattern": "main"})).await?.status, 201);
    }
    Ok(())
}
