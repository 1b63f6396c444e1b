//! What governs repositories, projects and workspaces, over real sockets: one file a section, and here what is the same
//! for all of them.

mod branch_restrictions;
mod branching_model;
mod default_reviewers;
mod deploy_keys;
mod document;
mod members;
mod permissions;
mod pipelines;
mod subscription;
mod webhooks;

use std::io;

use serde_json::{Value, json};

use super::super::{Options, Sandbox};
use super::{Client, Outcome, Reply, acme};

/// `ada@example.com:token`: somebody who may change permissions, which OAuth may not.
const ADA: &str = "Basic YWRhQGV4YW1wbGUuY29tOnRva2Vu";

/// A sandbox with the private repository `acme/ledger` in `PAY`, and Ada to ask it.
async fn ledger(options: Options) -> io::Result<(Sandbox, Client)> {
    let (sandbox, _) = acme(options).await?;
    let client = Client::with(&sandbox, ADA);
    client.post("repositories/acme/ledger", json!({})).await?;
    Ok((sandbox, client))
}

/// Somebody of the workspace, as a permission's path and a restriction's body name them: by UUID, in braces or encoded.
async fn somebody(client: &Client, name: &str) -> io::Result<(String, String)> {
    let members = client.get("workspaces/acme/members?pagelen=100").await?.json;
    let users = members["values"].as_array().cloned().unwrap_or_default();
    let email = format!("{name}@example.com");
    let uuid = users.iter().map(|member| &member["user"]).find(|user| user["display_name"] == email.as_str());
    let uuid = uuid.and_then(|user| user["uuid"].as_str()).unwrap_or_default().to_owned();
    let encoded = encode(&uuid);
    Ok((uuid, encoded))
}

fn encode(uuid: &str) -> String {
    uuid.replace('{', "%7B").replace('}', "%7D")
}

/// The fields that an answer finds fault with.
fn fields(reply: &Reply) -> Vec<String> {
    let fields = reply.json["error"]["fields"].as_object().cloned().unwrap_or_default();
    fields.into_iter().map(|(name, _)| name).collect()
}

/// What a list's values have under a name.
fn all(page: &Value, name: &str) -> Vec<Value> {
    page["values"].as_array().into_iter().flatten().map(|value| value[name].clone()).collect()
}

#[tokio::test]
async fn nobody_asks_without_a_credential() -> Outcome {
    let (sandbox, _) = ledger(Options::default()).await?;
    let stranger = Client::anonymous(&sandbox);
    for path in
        ["repositories/acme/ledger/hooks", "repositories/acme/ledger/branch-restrictions", "workspaces/acme/hooks"]
    {
        assert_eq!(stranger.get(path).await?.status, 401, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn sections_move_with_their_owner_and_go_with_it() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    client.post("workspaces/acme/projects", json!({"key": "WEB", "name": "Web"})).await?;
    let rule = json!({"kind": "force", "pattern": "main"});
    client.post("repositories/acme/ledger/branch-restrictions", rule).await?;
    client.put("workspaces/acme/projects/PAY/permissions-config/groups/devs", json!({"permission": "write"})).await?;
    let moved = client.put("repositories/acme/ledger", json!({"name": "Big Book", "project": {"key": "WEB"}})).await?;
    assert_eq!((&moved.json["slug"], &moved.json["project"]["key"]), (&json!("big-book"), &json!("WEB")));
    let rules = client.get("repositories/acme/big-book/branch-restrictions").await?.json;
    assert_eq!(all(&rules, "pattern"), ["main"]);
    client.put("workspaces/acme/projects/PAY", json!({"key": "MONEY"})).await?;
    let groups = client.get("workspaces/acme/projects/MONEY/permissions-config/groups").await?.json;
    assert_eq!(all(&groups, "permission"), ["write"]);

    client.delete("repositories/acme/big-book").await?;
    client.post("repositories/acme/big-book", json!({})).await?;
    assert_eq!(client.get("repositories/acme/big-book/branch-restrictions").await?.json["size"], 0);
    Ok(())
}

#[tokio::test]
async fn sections_are_saved_and_old_states_have_none() -> Outcome {
    let path = std::env::temp_dir().join(format!("bbprov-sections-{}.json", std::process::id()));
    let options = Options { state: Some(path.clone()), ..Options::default() };
    let (sandbox, client) = ledger(options.clone()).await?;
    sandbox.shutdown().await?;
    assert!(!std::fs::read_to_string(&path)?.contains("sections"), "what was never set is not written");

    let sandbox = Sandbox::start(options.clone()).await?;
    let client = Client { address: sandbox.address(), ..client };
    let hook = json!({"url": "https://example.com/", "events": ["repo:push"], "secret": "hush"});
    for path in ["repositories/acme/ledger/hooks", "workspaces/acme/hooks"] {
        assert_eq!(client.post(path, hook.clone()).await?.status, 201, "{path}");
    }
    sandbox.shutdown().await?;
    assert!(!std::fs::read_to_string(&path)?.contains("hush"));

    let sandbox = Sandbox::start(options).await?;
    let client = Client { address: sandbox.address(), ..client };
    for path in ["repositories/acme/ledger/hooks", "workspaces/acme/hooks"] {
        assert_eq!(all(&client.get(path).await?.json, "secret_set"), [true], "{path}");
    }
    sandbox.shutdown().await?;
    std::fs::remove_file(path)?;
    Ok(())
}
