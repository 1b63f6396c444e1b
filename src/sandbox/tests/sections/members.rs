//! Members of a workspace.

use serde_json::json;

use super::super::super::{AccessToken, AccessTokenKind, Credentials, Options, User};
use super::super::{Client, Outcome};
use super::{ADA, Sandbox, all, ledger, somebody};

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
    let others = "q=user.email!=%22ada@example.com%22&fields=%2Bvalues.user.email";
    let shown = client.get(&format!("{PATH}?{others}")).await?;
    assert!(shown.json["size"] == 3 && !shown.body.contains("\"email\""), "{}", shown.body);
    let shouted = client.get(&format!("{PATH}?q=user.email=%22ADA@Example.com%22")).await?.json;
    assert_eq!(shouted["size"], 1, "case means nothing in an address");
    Ok(())
}

/// Who administers the workspace, or stands for it, finds people by their addresses; others see who there is.
#[tokio::test]
async fn members_are_not_found_by_everybody() -> Outcome {
    let person = |email: &str, administrator| User {
        email: Some(email.to_owned()),
        api_token: Some("token".to_owned()),
        administrator,
        ..User::default()
    };
    let token = |token: &str, kind| AccessToken { token: token.to_owned(), scopes: None, kind };
    let kinds = [AccessTokenKind::Workspace, AccessTokenKind::Project, AccessTokenKind::Repository];
    let access_tokens = ["w", "p", "r"].into_iter().zip(kinds).map(|(name, kind)| token(name, kind)).collect();
    let users = vec![person("ada@example.com", None), person("eve@example.com", Some(false))];
    let credentials = Some(Credentials { users, access_tokens, ..Credentials::default() });
    let members = vec!["Joan@Example.com".to_owned(), "ada@example.com".to_owned()];
    let sandbox = Sandbox::start(Options { credentials, members, ..Options::default() }).await?;
    // eve@example.com:token
    let eve = "Basic ZXZlQGV4YW1wbGUuY29tOnRva2Vu";
    let find = format!("{PATH}?q=user.email=%22joan@example.com%22");
    for (who, status) in [(ADA, 200), ("Bearer w", 200), (eve, 403), ("Bearer p", 403), ("Bearer r", 403)] {
        let client = Client::with(&sandbox, who);
        assert_eq!(client.get(&find).await?.status, status, "{who}");
        assert_eq!(client.get(PATH).await?.json["size"], 3, "{who}");
    }
    assert_eq!(Client::with(&sandbox, ADA).get(&find).await?.json["size"], 1, "who was named besides is a member");
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
