//! Repositories over real sockets.

use serde_json::{Value, json};

use super::super::{Options, Sandbox};
use super::{Client, Outcome, acme};

#[tokio::test]
async fn a_repository_is_created_shown_and_deleted() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    let body = json!({"scm": "git", "project": {"key": "PAY"}, "language": "Rust", "has_wiki": true, "unknown": 1});
    let created = client.post("repositories/acme/ledger", body).await?;
    assert_eq!(created.status, 200);
    let repository = &created.json;
    assert_eq!(repository["slug"], "ledger");
    assert_eq!(repository["name"], "ledger");
    assert_eq!(repository["full_name"], "acme/ledger");
    assert_eq!(repository["language"], "rust");
    assert_eq!(repository["fork_policy"], "allow_forks");
    assert_eq!(repository["is_private"], true);
    assert_eq!(repository["has_wiki"], false);
    assert_eq!(repository["project"]["key"], "PAY");
    assert_eq!(repository["mainbranch"], Value::Null);
    assert_eq!(repository["links"]["self"]["href"], format!("http://{}/2.0/repositories/acme/ledger", client.address));
    assert_eq!(client.get("repositories/acme/ledger").await?.json, *repository);

    let uuid = repository["uuid"].as_str().unwrap_or_default().trim_matches(['{', '}']).to_owned();
    for path in [format!("repositories/acme/%7B{uuid}%7D"), format!("repositories/%7B%7D/%7B{uuid}%7D")] {
        assert_eq!(client.get(&path).await?.json["slug"], "ledger", "{path}");
    }
    assert_eq!(client.get(&format!("repositories/other/%7B{uuid}%7D")).await?.status, 404);
    assert_eq!(client.get(&format!("repositories/acme/{{{uuid}}}")).await?.status, 400);

    let deleted = client.delete("repositories/acme/ledger").await?;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    let missing = client.get("repositories/acme/ledger").await?;
    assert_eq!(missing.status, 404);
    assert!(missing.message().starts_with("You may not have access to this repository or it no longer exists"));
    assert_eq!(client.delete("repositories/acme/ledger").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_refused() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    client.post("repositories/acme/ledger", json!({})).await?;
    let again = client.post("repositories/acme/ledger", json!({})).await?;
    assert_eq!(again.status, 400);
    assert_eq!(
        again.json,
        json!({"type": "error", "error": {
            "fields": {"name": ["You already have a repository with this name."]},
            "message": "Repository with this Slug and Owner already exists.",
        }}),
    );
    for (path, body, field) in [
        ("acme/My%20Repo", json!({}), "slug"),
        ("acme/Ledger", json!({}), "slug"),
        ("acme/new", json!({"project": {"key": "WEB"}}), "project"),
        ("acme/new", json!({"project": "PAY"}), "project"),
        ("acme/new", json!({"is_private": false}), "is_private"),
        ("acme/new", json!({"is_private": "yes"}), "is_private"),
        ("acme/new", json!({"scm": "hg"}), "scm"),
        ("acme/new", json!({"fork_policy": "some"}), "fork_policy"),
        ("acme/new", json!({"mainbranch": {"name": "main"}}), "mainbranch"),
        ("empty/new", json!({}), "project"),
    ] {
        let refused = client.post(&format!("repositories/{path}"), body.clone()).await?;
        assert_eq!(refused.status, 400, "{path} {body}");
        assert!(refused.json["error"]["fields"].get(field).is_some(), "{path} {body}: {}", refused.body);
    }
    assert_eq!(client.get("repositories/acme/new").await?.status, 404);
    for bad in ["{", "[]", ""] {
        let refused = client.send("POST", "/2.0/repositories/acme/new", "application/json", bad).await?;
        assert_eq!(refused.status, 400, "{bad}");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_project_it_goes_to_the_oldest() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    client.post("workspaces/acme/projects", json!({"key": "AAA", "name": "Later"})).await?;
    let empty = client.send("POST", "/2.0/repositories/acme/ledger", "", "").await?;
    assert_eq!(empty.json["project"]["key"], "PAY");
    Ok(())
}

#[tokio::test]
async fn put_updates_in_part_and_creates_what_is_not_there() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    let created = client.put("repositories/acme/ledger", json!({"description": "one", "website": "http://a"})).await?;
    assert_eq!(created.status, 201);
    assert!(created.header("location").is_some_and(|location| location.ends_with("/2.0/repositories/acme/ledger")));

    let updated = client.put("repositories/acme/ledger", json!({"description": "two"})).await?;
    assert_eq!(updated.status, 200);
    assert_eq!(updated.json["description"], "two");
    assert_eq!(updated.json["website"], "http://a");
    assert_eq!(updated.header("location"), None);

    let unknown = client.put("repositories/acme/%7B00000000-0000-4000-8000-000000000000%7D", json!({})).await?;
    assert_eq!(unknown.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_new_name_moves_the_repository() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    let uuid = client.post("repositories/acme/old", json!({"name": "Old"})).await?.json["uuid"].clone();
    client.post("repositories/acme/taken", json!({})).await?;
    let kept = client.put("repositories/acme/old", json!({"name": "Old", "description": "x"})).await?;
    assert_eq!(kept.json["slug"], "old", "the name has not changed");

    let moved = client.put("repositories/acme/old", json!({"name": "Brand New"})).await?;
    assert_eq!(moved.status, 200);
    assert_eq!(moved.json["slug"], "brand-new");
    assert_eq!(moved.json["uuid"], uuid);
    assert!(moved.header("location").is_some_and(|location| location.ends_with("/acme/brand-new")));
    assert_eq!(client.get("repositories/acme/old").await?.status, 404);

    let taken = client.put("repositories/acme/brand-new", json!({"name": "Taken"})).await?;
    assert_eq!(taken.status, 400);
    assert_eq!(taken.message(), "Repository with this Slug and Owner already exists.");
    Ok(())
}

#[tokio::test]
async fn the_fork_policy_alone_changes_nothing() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    client.post("repositories/acme/ledger", json!({})).await?;
    let put = |body: Value| client.put("repositories/acme/ledger", body);
    let alone = put(json!({"fork_policy": "no_forks"})).await?;
    assert_eq!((alone.status, &alone.json["fork_policy"]), (200, &json!("allow_forks")));
    let both = put(json!({"fork_policy": "no_public_forks", "no_forks": false, "no_public_forks": true})).await?;
    assert_eq!(both.json["fork_policy"], "no_public_forks");
    let forbidden = put(json!({"fork_policy": "no_forks", "no_forks": true, "no_public_forks": true})).await?;
    assert_eq!(forbidden.json["fork_policy"], "no_forks");
    assert!(forbidden.json.get("no_forks").is_none());

    client.put("workspaces/acme/projects/PAY", json!({"is_private": false})).await?;
    put(json!({"is_private": false, "no_forks": false, "no_public_forks": false})).await?;
    let public = put(json!({"fork_policy": "no_public_forks", "no_forks": false, "no_public_forks": true})).await?;
    assert_eq!((public.status, &public.json["fork_policy"]), (200, &json!("allow_forks")));
    Ok(())
}

#[tokio::test]
async fn the_main_branch_must_exist() -> Outcome {
    let (_sandbox, client) = acme(Options::default()).await?;
    client.post("repositories/acme/ledger", json!({})).await?;
    let early = client.put("repositories/acme/ledger", json!({"mainbranch": {"name": "main"}})).await?;
    assert!(early.status == 400 && early.json["error"]["fields"].get("mainbranch").is_some());

    let form = "application/x-www-form-urlencoded";
    let pushed = client.send("POST", "/2.0/repositories/acme/ledger/src", form, "a.txt=1").await?;
    assert_eq!(pushed.status, 201);
    client.send("POST", "/2.0/repositories/acme/ledger/src", form, "branch=develop").await?;
    let branches = client.get("repositories/acme/ledger/refs/branches?fields=values.name,size").await?;
    assert_eq!(branches.json, json!({"size": 2, "values": [{"name": "develop"}, {"name": "main"}]}));
    let repository = client.get("repositories/acme/ledger").await?;
    assert_eq!(repository.json["mainbranch"], json!({"name": "main", "type": "branch"}));
    let changed = client.put("repositories/acme/ledger", json!({"mainbranch": {"name": "develop"}})).await?;
    assert_eq!(changed.json["mainbranch"]["name"], "develop");
    Ok(())
}

#[tokio::test]
async fn only_the_workspaces_that_exist_are_there() -> Outcome {
    let options = Options { workspaces: Some(vec!["acme".to_owned()]), ..Options::default() };
    let sandbox = Sandbox::start(options).await?;
    let client = Client::new(&sandbox);
    let missing = client.get("repositories/other").await?;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.message(), "No workspace with identifier 'other'.");
    assert_eq!(client.get("repositories/acme").await?.status, 200);
    sandbox.add_workspace("other");
    assert_eq!(client.get("workspaces/other").await?.json["slug"], "other");
    let all = client.get("user/workspaces?sort=-slug&fields=values.workspace.slug,size").await?;
    let slugs = json!([{"workspace": {"slug": "other"}}, {"workspace": {"slug": "acme"}}]);
    assert_eq!(all.json, json!({"size": 2, "values": slugs}));
    Ok(())
}
