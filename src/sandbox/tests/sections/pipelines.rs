//! Pipelines: whether it runs, variables, environments, schedules, SSH.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::Options;
use super::super::{Client, Outcome};
use super::{all, encode, fields, ledger};

const CONFIG: &str = "repositories/acme/ledger/pipelines_config";
const ENVIRONMENTS: &str = "repositories/acme/ledger/environments";

fn uuid(value: &Value) -> String {
    encode(value["uuid"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn pipelines_is_not_there_until_it_was_enabled() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    assert_eq!(client.get(CONFIG).await?.status, 404);
    client.put(CONFIG, json!({"enabled": false})).await?;
    assert_eq!(client.get(CONFIG).await?.status, 404, "it was never enabled");
    let enabled = client.put(CONFIG, json!({"enabled": true})).await?;
    assert_eq!((enabled.status, &enabled.json["type"]), (200, &json!("repository_pipelines_configuration")));
    let names = all(&client.get(ENVIRONMENTS).await?.json, "name");
    assert_eq!(names, ["Test", "Staging", "Production"]);
    client.put(CONFIG, json!({"enabled": false})).await?;
    assert_eq!(client.get(CONFIG).await?.json["enabled"], false);
    assert_eq!(fields(&client.put(CONFIG, json!({})).await?), ["enabled"]);
    Ok(())
}

async fn variables(client: &Client, path: &str, single: bool) -> Outcome {
    let plain = client.post(&format!("{path}/"), json!({"key": "A", "value": "1"})).await?;
    assert_eq!((plain.status, &plain.json["value"], &plain.json["secured"]), (201, &json!("1"), &json!(false)));
    let secret = client.post(path, json!({"key": "B", "value": "hush", "secured": true})).await?;
    assert!(secret.status == 201 && !secret.body.contains("value"), "{}", secret.body);
    let again = client.post(path, json!({"key": "A", "value": "2"})).await?;
    assert_eq!((again.status, again.json["error"]["data"]["arguments"]["key"].as_str()), (409, Some("A")));
    let one = format!("{path}/{}", uuid(&plain.json));
    assert_eq!(client.get(&one).await?.status, if single { 200 } else { 405 });
    assert_eq!(client.put(&one, json!({"value": "2"})).await?.json["value"], "2");
    assert_eq!(client.put(&one, json!({"key": "B", "value": "2"})).await?.status, 409);
    let secured = client.put(&one, json!({"key": "A", "value": "3", "secured": true})).await?;
    assert_eq!((secured.status, secured.json.get("value")), (200, None));
    assert_eq!(client.put(&one, json!({"secured": false, "value": "4"})).await?.status, 400);
    for number in 0..9 {
        client.post(path, json!({"key": format!("N{number}"), "value": "", "secured": false})).await?;
    }
    let first = client.get(path).await?.json;
    let names: Vec<_> = first.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, all(&first, "key").len()), (vec!["page", "values"], 10));
    assert_eq!(all(&client.get(&format!("{path}?page=2")).await?.json, "key"), ["N8"]);
    assert_eq!(all(&client.get(&format!("{path}?page=3")).await?.json, "key").len(), 0);
    assert_eq!(client.delete(&one).await?.status, 204);
    assert_eq!(client.delete(&one).await?.status, 404);
    assert_eq!(fields(&client.post(path, json!({"key": ""})).await?), ["key", "value"]);
    Ok(())
}

#[tokio::test]
async fn variables_of_repositories_workspaces_and_environments() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    variables(&client, &format!("{CONFIG}/variables"), true).await?;
    variables(&client, "workspaces/acme/pipelines-config/variables", true).await?;
    client.put(CONFIG, json!({"enabled": true})).await?;
    let environments = client.get(ENVIRONMENTS).await?.json;
    let [one, other] = [0, 1].map(|index| uuid(&environments["values"][index]));
    let path = |uuid: &str| format!("repositories/acme/ledger/deployments_config/environments/{uuid}/variables");
    variables(&client, &path(&one), false).await?;
    assert_eq!(all(&client.get(&path(&other)).await?.json, "key").len(), 0, "each has its own");
    assert_eq!(client.get(&path("%7B1%7D")).await?.status, 404);
    client.delete(&format!("{ENVIRONMENTS}/{one}")).await?;
    assert_eq!(client.get(&path(&one)).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn environments_are_made_changed_and_deleted() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let body =
        json!({"name": "Live 1", "environment_type": {"name": "Production"}, "restrictions": {"admin_only": true}});
    let made = client.post(ENVIRONMENTS, body.clone()).await?;
    assert_eq!((made.status, &made.json["slug"]), (201, &json!("live-1")));
    assert_eq!(
        (&made.json["environment_type"]["rank"], &made.json["restrictions"]["admin_only"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(client.post(ENVIRONMENTS, body).await?.status, 409);
    let text = client.post(ENVIRONMENTS, json!({"name": "x", "environment_type": "Test"})).await?;
    assert_eq!((text.status, fields(&text)), (400, vec!["environment_type".to_owned()]));

    let one = format!("{ENVIRONMENTS}/{}", uuid(&made.json));
    assert_eq!(client.put(&one, json!({"name": "x"})).await?.status, 405);
    let change = async |body: Value| client.post(&format!("{one}/changes/"), body).await;
    for (body, key) in [
        (json!({"name": "x"}), "deploy-service.request.validation-error"),
        (json!({"change": {"rank": 1}}), "deploy-service.environment.change-not-supported"),
        (json!({"change": {}}), "deploy-service.environment.change-not-supported"),
    ] {
        let refused = change(body.clone()).await?;
        assert_eq!((refused.status, refused.json["error"]["data"]["key"].as_str()), (400, Some(key)), "{body}");
    }
    let renamed = change(json!({"change": {"name": "Live"}})).await?;
    assert_eq!((renamed.status, renamed.body.as_str()), (202, ""));
    change(json!({"change": {"restrictions": {"admin_only": false}}})).await?;
    let after = client.get(&one).await?.json;
    assert_eq!((&after["name"], &after["restrictions"]["admin_only"]), (&json!("Live"), &json!(false)));
    assert_eq!(client.delete(&one).await?.status, 204);
    assert_eq!(client.get(&one).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn some_things_settle_late_if_they_are_told_to() -> Outcome {
    let settling = Duration::from_millis(300);
    let (_sandbox, client) = ledger(Options { settling, ..Options::default() }).await?;
    assert_eq!(client.put(CONFIG, json!({"enabled": true})).await?.status, 404, "the repository is too new");
    tokio::time::sleep(settling).await;
    client.put(CONFIG, json!({"enabled": true})).await?;
    assert_eq!(client.get(CONFIG).await?.status, 404);
    let live = client.post(ENVIRONMENTS, json!({"name": "Live", "environment_type": {"name": "Test"}})).await?.json;
    let one = format!("{ENVIRONMENTS}/{}", uuid(&live));
    client.post(&format!("{one}/changes"), json!({"change": {"name": "Alive"}})).await?;
    let variables = format!("repositories/acme/ledger/deployments_config/environments/{}/variables", uuid(&live));
    client.post(&variables, json!({"key": "A", "value": "1"})).await?;
    assert_eq!(client.get(&one).await?.json["name"], "Live");
    assert_eq!(all(&client.get(&variables).await?.json, "key").len(), 0);
    tokio::time::sleep(settling).await;
    assert_eq!(client.get(CONFIG).await?.json["enabled"], true);
    assert_eq!(client.get(&one).await?.json["name"], "Alive");
    assert_eq!(all(&client.get(&variables).await?.json, "key"), ["A"]);
    Ok(())
}

#[tokio::test]
async fn schedules_can_only_be_switched() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let path = format!("{CONFIG}/schedules");
    let target = json!({"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": "main",
        "selector": {"type": "custom", "pattern": "nightly"}});
    let body = json!({"target": target, "cron_pattern": "0 0 12 * * ? *", "enabled": false});
    let made = client.post(&path, body.clone()).await?;
    assert_eq!((made.status, &made.json["enabled"], &made.json["target"]), (201, &json!(true), &target));
    let one = format!("{path}/{}", uuid(&made.json));
    let mut other = body.clone();
    other["target"]["ref_name"] = "dev".into();
    let changed = client.put(&one, other).await?;
    assert_eq!((changed.status, &changed.json["target"], &changed.json["enabled"]), (200, &target, &json!(false)));
    assert_eq!(client.get(&one).await?.json, changed.json);
    for (name, value) in [("cron_pattern", json!("0 12 * * *")), ("target", json!("main"))] {
        let mut wrong = body.clone();
        wrong[name] = value;
        assert_eq!(client.post(&path, wrong).await?.status, 400, "{name}");
    }
    for _ in 0..9 {
        assert_eq!(client.post(&path, body.clone()).await?.status, 201);
    }
    assert_eq!(client.post(&path, body).await?.status, 401, "no more than ten");
    assert_eq!(client.delete(&one).await?.status, 204);
    assert_eq!(client.delete(&one).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn the_private_half_of_a_key_is_never_seen() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let path = format!("{CONFIG}/ssh/key_pair");
    assert_eq!(client.get(&path).await?.status, 404);
    assert_eq!(fields(&client.put(&path, json!({"public_key": "ssh-rsa AAAA"})).await?), ["private_key"]);
    let set = client.put(&path, json!({"private_key": "hush", "public_key": "ssh-rsa AAAA"})).await?;
    assert_eq!((set.status, set.body.contains("hush")), (200, false));
    assert_eq!(client.get(&path).await?.json["public_key"], "ssh-rsa AAAA");
    assert_eq!(client.delete(&path).await?.status, 204);
    assert_eq!(client.delete(&path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn known_hosts_need_their_types() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let path = format!("{CONFIG}/ssh/known_hosts");
    let host = |name: &str| {
        json!({"type": "pipeline_known_host", "hostname": name,
            "public_key": {"type": "pipeline_ssh_public_key", "key_type": "ssh-ed25519", "key": "AAAA"}})
    };
    let made = client.post(&path, host("example.com")).await?;
    assert_eq!((made.status, &made.json["public_key"]["key"]), (201, &json!("AAAA")));
    assert_eq!(client.post(&path, host("example.com")).await?.status, 409);
    let mut untyped = host("a.example.com");
    untyped["public_key"]["type"] = Value::Null;
    let silent = client.post(&path, untyped).await?;
    assert_eq!((silent.status, silent.body.as_str()), (400, ""));
    let own = client.post(&path, host("github.com")).await?;
    assert!(own.status == 400 && own.body.contains("SSH for this hostname is already configured by Bitbucket"));
    let one = format!("{path}/{}", uuid(&made.json));
    assert_eq!(client.put(&one, host("b.example.com")).await?.json["hostname"], "b.example.com");
    assert_eq!(all(&client.get(&path).await?.json, "hostname"), ["b.example.com"]);
    assert_eq!(client.delete(&one).await?.status, 204);
    assert_eq!(client.get(&one).await?.status, 404);
    Ok(())
}
