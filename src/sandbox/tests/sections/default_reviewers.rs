//! Default reviewers.

use serde_json::json;

use super::super::super::Options;
use super::super::Outcome;
use super::{all, ledger, somebody};

const PATH: &str = "repositories/acme/ledger/default-reviewers";
const PROJECT: &str = "workspaces/acme/projects/PAY/default-reviewers";

#[tokio::test]
async fn reviewers_come_one_by_one_and_need_access() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let (uuid, grace) = somebody(&client, "grace").await?;
    let put = async |path: &str| client.send("PUT", &format!("/2.0/{path}"), "", "").await;
    let one = format!("{PATH}/{grace}");
    assert_eq!(put(&one).await?.status, 400, "she has no access");
    let permission = format!("workspaces/acme/projects/PAY/permissions-config/users/{grace}");
    client.put(&permission, json!({"permission": "read"})).await?;
    assert_eq!(client.send("PUT", &format!("/2.0/{one}"), "application/json", "").await?.status, 400);
    for _ in 0..2 {
        let added = put(&one).await?;
        assert_eq!((added.status, &added.json["uuid"]), (200, &json!(uuid)));
    }
    assert_eq!(all(&client.get(PATH).await?.json, "uuid"), [json!(uuid)]);
    assert_eq!(client.get(&one).await?.status, 200);
    assert_eq!(client.delete(&one).await?.status, 204);
    assert_eq!((client.delete(&one).await?.status, client.get(&one).await?.status), (404, 404));
    assert_eq!(put(&format!("{PATH}/%7B1%7D")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_repository_has_those_of_its_project_too() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let (_, olive) = somebody(&client, "olive").await?;
    let (_, ada) = somebody(&client, "ada").await?;
    let put = async |path: String| client.send("PUT", &format!("/2.0/{path}"), "", "").await;
    assert_eq!(put(format!("{PROJECT}/{olive}")).await?.status, 200);
    put(format!("{PROJECT}/{ada}")).await?;
    put(format!("{PATH}/{ada}")).await?;
    assert_eq!(all(&client.get(PROJECT).await?.json, "reviewer_type"), ["project", "project"]);
    let effective = client.get("repositories/acme/ledger/effective-default-reviewers").await?.json;
    assert_eq!(all(&effective, "reviewer_type"), ["repository", "project"]);
    assert_eq!(client.delete(&format!("{PROJECT}/{olive}")).await?.status, 204);
    assert_eq!(client.delete(&format!("{PROJECT}/{olive}")).await?.status, 400);
    assert_eq!(client.get(&format!("{PROJECT}/{olive}")).await?.status, 400);
    Ok(())
}
