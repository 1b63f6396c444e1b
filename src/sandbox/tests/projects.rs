//! Projects over real sockets.

use serde_json::json;

use super::super::Options;
use super::{Outcome, acme};

#[tokio::test]
async fn a_project_is_created_shown_and_deleted() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    let created = client.post("workspaces/acme/projects/", json!({"key": "WEB", "name": "Web"})).await?;
    assert_eq!(created.status, 201);
    assert_eq!(created.json["key"], "WEB");
    assert_eq!(created.json["is_private"], true);
    assert_eq!(created.json["has_publicly_visible_repos"], false);
    let uuid = created.json["uuid"].as_str().unwrap_or_default().trim_matches(['{', '}']).to_owned();
    assert_eq!(client.get("workspaces/acme/projects/WEB").await?.json, created.json);
    assert_eq!(client.get(&format!("workspaces/acme/projects/%7B{uuid}%7D")).await?.json, created.json);
    let list = client.get("workspaces/acme/projects?fields=values.key,size").await?;
    assert_eq!(list.json, json!({"size": 2, "values": [{"key": "PAY"}, {"key": "WEB"}]}));
    assert_eq!(client.delete("workspaces/acme/projects/WEB").await?.status, 204);
    let missing = client.get("workspaces/acme/projects/WEB").await?;
    assert_eq!(missing.status, 404);
    assert!(missing.message().starts_with("You may not have access to this project or it no longer exists"));
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_refused() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    let again = client.post("workspaces/acme/projects", json!({"key": "pay", "name": "x"})).await?;
    assert_eq!(again.status, 400);
    assert_eq!(
        again.json,
        json!({"type": "error", "error": {
            "message": "Bad request",
            "fields": {"__all__": ["Project with this Owner and Key already exists."]},
        }}),
    );
    for (body, fields) in [
        (json!({"key": "A", "name": "a", "type": "project"}), json!({"type": "extra keys not allowed"})),
        (json!({"key": "A"}), json!({"name": "required key not provided"})),
        (json!({"name": "a"}), json!({"key": "required key not provided"})),
        (json!({"key": "A", "name": "a", "links": {}}), json!({"links.avatar": "required key not provided"})),
        (json!({"key": "1A", "name": "a"}), json!({"key": [super::super::slug::KEY_RULE]})),
    ] {
        let refused = client.post("workspaces/acme/projects", body.clone()).await?;
        assert_eq!((refused.status, &refused.json["error"]["fields"]), (400, &fields), "{body}");
    }
    Ok(())
}

#[tokio::test]
async fn put_creates_updates_and_renames() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    assert_eq!(client.put("workspaces/acme/projects/WEB", json!({})).await?.status, 400, "a name is required");
    let created = client.put("workspaces/acme/projects/WEB", json!({"name": "Web"})).await?;
    assert_eq!(created.status, 201);
    let updated = client.put("workspaces/acme/projects/WEB", json!({"description": "Pages"})).await?;
    assert_eq!((updated.status, &updated.json["name"]), (200, &json!("Web")));
    let renamed = client.put("workspaces/acme/projects/WEB", json!({"key": "SITE"})).await?;
    assert_eq!(renamed.status, 200);
    assert!(renamed.header("location").is_some_and(|location| location.ends_with("/workspaces/acme/projects/SITE")));
    assert_eq!(client.get("workspaces/acme/projects/WEB").await?.status, 404);
    assert_eq!(client.put("workspaces/acme/projects/SITE", json!({"key": "PAY"})).await?.status, 400);
    assert_eq!(client.put("workspaces/acme/projects/%7Bno%7D", json!({"name": "x"})).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn what_a_project_holds_binds_it() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    client.post("workspaces/acme/projects", json!({"key": "OPEN", "name": "Open", "is_private": false})).await?;
    let body = json!({"project": {"key": "OPEN"}, "is_private": false});
    client.post("repositories/acme/website", body).await?;
    assert_eq!(client.get("workspaces/acme/projects/OPEN").await?.json["has_publicly_visible_repos"], true);
    assert_eq!(client.put("workspaces/acme/projects/OPEN", json!({"is_private": true})).await?.status, 400);
    assert_eq!(client.delete("workspaces/acme/projects/OPEN").await?.status, 403);
    assert_eq!(client.put("repositories/acme/website", json!({"project": {"key": "PAY"}})).await?.status, 400);
    let moved = client.put("repositories/acme/website", json!({"project": {"key": "PAY"}, "is_private": true})).await?;
    assert_eq!(moved.json["project"]["key"], "PAY");
    assert_eq!(client.delete("workspaces/acme/projects/OPEN").await?.status, 204);
    Ok(())
}
