//! Branch restrictions.

use serde_json::{Value, json};

use super::super::super::Options;
use super::super::Outcome;
use super::{all, fields, ledger, somebody};

const PATH: &str = "repositories/acme/ledger/branch-restrictions";

#[tokio::test]
async fn restrictions_are_made_changed_listed_and_deleted() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let (uuid, grace) = somebody(&client, "grace").await?;
    let grant = format!("repositories/acme/ledger/permissions-config/users/{grace}");
    let body = json!({"kind": "push", "pattern": "main", "users": [{"uuid": uuid}]});
    let early = client.post(PATH, body.clone()).await?;
    assert_eq!((early.status, fields(&early)), (400, vec!["users".to_owned()]), "who cannot write cannot be exempt");
    client.put(&grant, json!({"permission": "write"})).await?;

    let made = client.post(PATH, body.clone()).await?;
    assert_eq!((made.status, &made.json["branch_match_kind"]), (201, &json!("glob")));
    assert_eq!((&made.json["value"], &made.json["users"][0]["uuid"]), (&Value::Null, &json!(uuid)));
    let one = format!("{PATH}/{}", made.json["id"]);
    assert_eq!(client.get(&one).await?.json, made.json);
    let kept = client.put(&one, json!({"groups": [{"slug": "b"}, {"slug": "a"}]})).await?;
    assert_eq!(kept.json["users"], made.json["users"], "what is not named stays");
    let slugs: Vec<_> = kept.json["groups"].as_array().into_iter().flatten().map(|group| &group["slug"]).collect();
    assert_eq!(slugs, ["a", "b"]);
    assert_eq!(client.put(&one, json!({"users": [], "groups": []})).await?.json["users"], json!([]));
    let by_model = client.put(&one, json!({"branch_match_kind": "branching_model", "branch_type": "release"})).await?;
    assert_eq!((&by_model.json["pattern"], &by_model.json["branch_type"]), (&json!(""), &json!("release")));

    let count = json!({"kind": "require_approvals_to_merge", "pattern": "main", "value": 2});
    assert_eq!(client.post(PATH, count).await?.json.get("users"), None);
    let found = client.get(&format!("{PATH}?kind=require_approvals_to_merge&pattern=main")).await?.json;
    assert_eq!(all(&found, "value"), [2]);
    assert_eq!(client.delete(&one).await?.status, 204);
    assert_eq!(client.get(&one).await?.status, 404);
    assert_eq!(client.get(&format!("{PATH}/x")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn what_a_restriction_cannot_be() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    for (body, field) in [
        (json!({"pattern": "main"}), "kind"),
        (json!({"kind": "sing", "pattern": "main"}), "kind"),
        (json!({"kind": "force"}), "pattern"),
        (json!({"kind": "force", "branch_match_kind": "regex"}), "branch_match_kind"),
        (json!({"kind": "force", "branch_match_kind": "branching_model"}), "branch_type"),
        (json!({"kind": "force", "branch_match_kind": "branching_model", "branch_type": "odd"}), "branch_type"),
        (
            json!({"kind": "force", "branch_match_kind": "branching_model", "branch_type": "hotfix", "pattern": "a"}),
            "pattern",
        ),
        (json!({"kind": "force", "pattern": "a", "branch_type": "hotfix"}), "branch_type"),
        (json!({"kind": "force", "pattern": "a", "value": 1}), "value"),
        (json!({"kind": "require_commits_behind", "pattern": "a"}), "value"),
        (json!({"kind": "require_commits_behind", "pattern": "a", "value": "1"}), "value"),
        (json!({"kind": "force", "pattern": "a", "groups": [{"slug": "a"}]}), "groups"),
        (json!({"kind": "push", "pattern": "a", "users": ["{1}"]}), "users"),
        (json!({"kind": "push", "pattern": "a", "users": [{"username": "grace"}]}), "users"),
        (json!({"kind": "push", "pattern": "a", "users": [{"uuid": "{1}"}]}), "users"),
    ] {
        let refused = client.post(PATH, body.clone()).await?;
        assert_eq!((refused.status, fields(&refused)), (400, vec![field.to_owned()]), "{body}: {}", refused.body);
    }
    Ok(())
}

#[tokio::test]
async fn kind_and_match_are_unique_and_the_kind_stays() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let body = json!({"kind": "delete", "pattern": "main"});
    let first = client.post(PATH, body.clone()).await?;
    assert_eq!(client.post(PATH, body).await?.status, 400);
    let second = client.post(PATH, json!({"kind": "delete", "pattern": "release/*"})).await?;
    let one = format!("{PATH}/{}", second.json["id"]);
    assert_eq!(client.put(&one, json!({"pattern": "main"})).await?.status, 400);
    assert_eq!(fields(&client.put(&one, json!({"kind": "force"})).await?), ["kind"]);
    assert_eq!(client.put(&format!("{PATH}/{}", first.json["id"]), json!({"kind": "delete"})).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn an_empty_list_of_groups_beside_users_is_an_error_of_the_server() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let (olive, _) = somebody(&client, "olive").await?;
    let body = json!({"kind": "push", "pattern": "main", "users": [{"uuid": olive}], "groups": []});
    assert_eq!(client.post(PATH, body.clone()).await?.status, 500);
    let made = client.post(PATH, json!({"kind": "push", "pattern": "main", "users": [], "groups": []})).await?;
    assert_eq!(client.put(&format!("{PATH}/{}", made.json["id"]), body).await?.status, 200);
    Ok(())
}
