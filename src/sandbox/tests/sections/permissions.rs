//! Explicit permissions.

use serde_json::json;

use super::super::super::Options;
use super::super::{Client, Outcome};
use super::{ADA, all, ledger, somebody};

const USERS: &str = "repositories/acme/ledger/permissions-config/users";
const GROUPS: &str = "repositories/acme/ledger/permissions-config/groups";

#[tokio::test]
async fn permissions_are_granted_changed_and_taken_back() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let (uuid, grace) = somebody(&client, "grace").await?;
    let path = format!("{USERS}/{grace}");
    assert_eq!(client.get(&path).await?.json["permission"], "none");
    let granted = client.put(&path, json!({"permission": "write"})).await?;
    assert_eq!((granted.status, &granted.json["type"]), (200, &json!("repository_user_permission")));
    assert_eq!(granted.json["user"]["uuid"], uuid.as_str());
    let by_account_id = format!("{USERS}/{}", granted.json["user"]["account_id"].as_str().unwrap_or_default());
    client.put(&by_account_id, json!({"permission": "admin"})).await?;
    let list = client.get(USERS).await?.json;
    assert_eq!((all(&list, "permission"), &list["size"]), (vec![json!("admin")], &json!(1)));
    for _ in 0..2 {
        assert_eq!(client.delete(&path).await?.status, 204, "what was not granted is taken back all the same");
    }
    assert_eq!(client.get(USERS).await?.json["size"], 0);

    let group = format!("{GROUPS}/developers");
    let granted = client.put(&group, json!({"permission": "read"})).await?;
    assert_eq!(granted.json["group"]["full_slug"], "acme:developers");
    assert_eq!(client.get(&group).await?.json, granted.json);
    assert_eq!(client.delete(&group).await?.status, 204);
    Ok(())
}

#[tokio::test]
async fn only_projects_have_create_repo() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let body = json!({"permission": "create-repo"});
    let refused = client.put(&format!("{GROUPS}/developers"), body.clone()).await?;
    assert_eq!((refused.status, refused.message()), (400, "create-repo is not a valid permission"));
    let (_, grace) = somebody(&client, "grace").await?;
    for subject in ["groups/developers", &format!("users/{grace}")] {
        let path = format!("workspaces/acme/projects/PAY/permissions-config/{subject}");
        assert_eq!(client.put(&path, body.clone()).await?.json["permission"], "create-repo");
        assert_eq!(client.get(&path).await?.json["permission"], "create-repo");
        assert_eq!(client.delete(&path).await?.status, 204);
    }
    Ok(())
}

#[tokio::test]
async fn some_grants_are_refused() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let (_, grace) = somebody(&client, "grace").await?;
    let (_, owner) = somebody(&client, "olive").await?;
    let put = async |path: &str, body| client.put(&format!("{USERS}/{path}"), body).await;
    let none = put(&grace, json!({"permission": "none"})).await?;
    assert_eq!((none.status, none.message()), (400, "none is not a valid permission"));
    assert_eq!(put(&grace, json!({})).await?.json["error"]["fields"]["permission"], "required key not provided");
    let linked = put(&owner, json!({"permission": "read"})).await?;
    assert!(linked.status == 400 && linked.message().starts_with("This user is linked to this workspace"));
    assert_eq!(client.delete(&format!("{USERS}/{owner}")).await?.status, 400);
    for nobody in ["%7B1%7D", "grace", "grace@example.com"] {
        assert_eq!(put(nobody, json!({"permission": "read"})).await?.status, 404, "{nobody}");
        assert_eq!(client.delete(&format!("{USERS}/{nobody}")).await?.status, 404, "{nobody}");
    }
    Ok(())
}

#[tokio::test]
async fn credentials_say_who_may_be_named() -> Outcome {
    let credentials = json!({"groups": ["developers"], "users": [
        {"email": "ada@example.com", "api_token": "token"},
        {"email": "eve@example.com", "uuid": "{e}", "workspaces": ["other"]},
    ]});
    let credentials = Some(serde_json::from_value(credentials)?);
    let (_sandbox, client) = {
        let sandbox = super::Sandbox::start(Options { credentials, ..Options::default() }).await?;
        let client = Client::with(&sandbox, ADA);
        (sandbox, client)
    };
    client.post("workspaces/acme/projects", json!({"key": "PAY", "name": "Payments"})).await?;
    client.post("repositories/acme/ledger", json!({})).await?;
    let read = json!({"permission": "read"});
    assert_eq!(client.put(&format!("{GROUPS}/developers"), read.clone()).await?.status, 200);
    assert_eq!(client.put(&format!("{GROUPS}/others"), read.clone()).await?.status, 404);
    assert_eq!(client.put(&format!("{USERS}/%7Be%7D"), read).await?.status, 400, "no member of this workspace");
    Ok(())
}

#[tokio::test]
async fn not_every_credential_may() -> Outcome {
    let (sandbox, client) = ledger(Options::default()).await?;
    let path = format!("{GROUPS}/developers");
    let body = json!({"permission": "read"});
    for (authorization, look, change) in [("Bearer ATCTT1", 403, 403), ("Bearer token", 200, 403), (ADA, 200, 200)] {
        let somebody = Client::with(&sandbox, authorization);
        assert_eq!(somebody.get(GROUPS).await?.status, look, "{authorization}");
        assert_eq!(somebody.put(&path, body.clone()).await?.status, change, "{authorization}");
    }
    let scopes = Some(vec!["admin:repository:bitbucket".to_owned(), "admin:project:bitbucket".to_owned()]);
    let (limited, _) = ledger(Options { scopes, ..Options::default() }).await?;
    let refused = Client::with(&limited, ADA).put(&path, body).await?;
    let required = json!(["admin:repository:bitbucket", "write:permission:bitbucket"]);
    assert_eq!((refused.status, &refused.json["error"]["detail"]["required"]), (403, &required));
    drop(client);
    Ok(())
}
