//! Members of a workspace.

use serde_json::json;

use super::super::super::Options;
use super::super::Outcome;
use super::{all, ledger, somebody};

const PATH: &str = "workspaces/acme/members";

#[tokio::test]
async fn members_are_found_by_their_addresses() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let list = client.get(PATH).await?;
    assert_eq!((&list.json["size"], list.body.contains("\"email\"")), (&json!(4), false));
    let q = "q=user.email%20IN%20(%22ada@example.com%22,%22nobody@example.com%22)";
    let found = client.get(&format!("{PATH}?{q}&fields=%2Bvalues.user.email")).await?.json;
    assert_eq!(all(&found, "user")[0]["email"], "ada@example.com");
    assert_eq!(found["size"], 1);
    let unasked = client.get(&format!("{PATH}?fields=%2Bvalues.user.email")).await?;
    assert!(!unasked.body.contains("\"email\""), "only those that were asked for");
    let many = |count| format!("{PATH}?q=user.email%20IN%20({})", vec!["%22a@example.com%22"; count].join(","));
    assert_eq!(client.get(&many(90)).await?.status, 200);
    assert_eq!(client.get(&many(91)).await?.status, 400);
    assert_eq!(client.get(&format!("{PATH}?q=user.nickname=%22ada%22")).await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn members_have_a_permission() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let (uuid, grace) = somebody(&client, "grace").await?;
    assert_eq!(client.get(&format!("{PATH}/{grace}")).await?.json["user"]["uuid"], uuid.as_str());
    assert_eq!(client.get(&format!("{PATH}/%7B1%7D")).await?.status, 404);
    let owners = client.get("workspaces/acme/permissions?q=permission=%22owner%22").await?.json;
    assert_eq!(all(&owners, "user")[0]["display_name"], "olive@example.com");
    assert_eq!(owners["size"], 1);
    let own = client.get("user/workspaces/acme/permission").await?.json;
    assert_eq!((&own["permission"], &own["user"]["display_name"]), (&json!("member"), &json!("ada@example.com")));
    Ok(())
}
