//! Pipelines and deployments.

use serde_json::{Value, json};

use super::{LEDGER, Walk, encode};

#[test]
fn configuration_and_environments() {
    let walk = Walk::new();
    let configuration = format!("{LEDGER}/pipelines_config");
    walk.send("GET", &configuration, None, 404);
    walk.put(&configuration, &json!({"enabled": true}), 200);
    assert_eq!(walk.get(&configuration)["enabled"], true);
    let environments = format!("{LEDGER}/environments");
    let body = json!({"name": "Live", "environment_type": {"name": "Production"},
        "restrictions": {"admin_only": true, "type": "deployment_restrictions_configuration"}});
    let made = walk.post(&environments, &body, 201);
    walk.post(&environments, &body, 409);
    let one = format!("{environments}/{}", encode(&made["uuid"]));
    walk.post(&format!("{one}/changes/"), &json!({"change": {"name": "Alive"}}), 202);
    walk.post(&format!("{one}/changes"), &json!({"change": {"restrictions": {"admin_only": false}}}), 202);
    assert_eq!(walk.get(&one)["name"], "Alive");
    assert_eq!(walk.get(&format!("{environments}?page=1&pagelen=100"))["values"][3]["name"], "Alive");
    let variables = format!("{LEDGER}/deployments_config/environments/{}/variables", encode(&made["uuid"]));
    let variable = walk.post(&variables, &json!({"key": "A", "value": "1", "secured": true}), 201);
    let variable = format!("{variables}/{}", encode(&variable["uuid"]));
    walk.put(&variable, &json!({"key": "A", "value": "2", "secured": true}), 200);
    walk.get(&format!("{variables}?page=1"));
    walk.delete(&variable);
    walk.delete(&one);
    walk.send("GET", &one, None, 404);
    walk.keeps_the_contract();
}

#[test]
fn variables() {
    let walk = Walk::new();
    for variables in
        [format!("{LEDGER}/pipelines_config/variables"), "/workspaces/acme/pipelines-config/variables".to_owned()]
    {
        let plain = json!({"key": "A", "value": "1", "secured": false});
        let made = walk.post(&variables, &plain, 201);
        walk.post(&variables, &plain, 409);
        walk.post(
            &format!("{variables}/"),
            &json!({"type": "pipeline_variable", "key": "B", "value": "", "secured": true}),
            201,
        );
        let one = format!("{variables}/{}", encode(&made["uuid"]));
        walk.get(&one);
        walk.put(&one, &json!({"key": "A", "value": "2", "secured": false}), 200);
        assert_eq!(walk.get(&format!("{variables}?page=1&pagelen=100"))["values"][1].get("value"), None);
        assert_eq!(walk.get(&format!("{variables}?page=2"))["values"], json!([]));
        walk.delete(&one);
        walk.send("GET", &one, None, 404);
    }
    walk.keeps_the_contract();
}

#[test]
fn schedules() {
    let walk = Walk::new();
    let schedules = format!("{LEDGER}/pipelines_config/schedules");
    let body = json!({"target": {"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": "main",
        "selector": {"type": "custom", "pattern": "nightly"}}, "cron_pattern": "0 0 12 * * ? *", "enabled": true});
    let made = walk.post(&schedules, &body, 201);
    let one = format!("{schedules}/{}", encode(&made["uuid"]));
    walk.put(&one, &json!({"enabled": false}), 200);
    assert_eq!(walk.get(&one)["enabled"], false);
    let nine: Vec<Value> = (0..9).map(|_| walk.post(&schedules, &body, 201)).collect();
    walk.post(&schedules, &body, 401);
    assert_eq!(walk.get(&schedules)["values"].as_array().map(Vec::len), Some(nine.len() + 1));
    walk.delete(&one);
    walk.send("GET", &one, None, 404);
    walk.keeps_the_contract();
}

#[test]
fn ssh() {
    let walk = Walk::new();
    let pair = format!("{LEDGER}/pipelines_config/ssh/key_pair");
    walk.send("GET", &pair, None, 404);
    walk.put(&pair, &json!({"private_key": "hush", "public_key": "ssh-ed25519 AAAA"}), 200);
    assert_eq!(walk.get(&pair)["public_key"], "ssh-ed25519 AAAA");
    walk.delete(&pair);
    let hosts = format!("{LEDGER}/pipelines_config/ssh/known_hosts");
    let host = |name: &str| {
        json!({"type": "pipeline_known_host", "hostname": name,
            "public_key": {"type": "pipeline_ssh_public_key", "key_type": "ssh-ed25519", "key": "AAAA"}})
    };
    let made = walk.post(&hosts, &host("example.com"), 201);
    walk.post(&hosts, &host("example.com"), 409);
    walk.post(&hosts, &host("github.com"), 400);
    let one = format!("{hosts}/{}", encode(&made["uuid"]));
    walk.put(&one, &host("other.example.com"), 200);
    walk.get(&one);
    walk.get(&format!("{hosts}?page=1"));
    walk.delete(&one);
    walk.keeps_the_contract();
}
