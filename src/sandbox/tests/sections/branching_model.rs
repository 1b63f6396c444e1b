//! The branching model, and whose it is.

use serde_json::{Value, json};

use super::super::super::Options;
use super::super::{Client, Outcome};
use super::{fields, ledger};

const SETTINGS: &str = "repositories/acme/ledger/branching-model/settings";
const PROJECT: &str = "workspaces/acme/projects/PAY/branching-model/settings";

async fn push(client: &Client, branch: &str) -> Outcome {
    let form = "application/x-www-form-urlencoded";
    client.send("POST", "/2.0/repositories/acme/ledger/src", form, &format!("branch={branch}")).await?;
    Ok(())
}

#[tokio::test]
async fn settings_are_changed_in_part() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let fresh = client.get(SETTINGS).await?.json;
    assert_eq!(fresh["development"], json!({"name": null, "use_mainbranch": true, "is_valid": true}));
    assert_eq!((&fresh["production"]["enabled"], &fresh["default_branch_deletion"]), (&json!(false), &json!("false")));
    push(&client, "main").await?;
    push(&client, "live").await?;
    let body = json!({
        "production": {"enabled": true, "name": "live"},
        "branch_types": [{"kind": "bugfix", "enabled": false}, {"kind": "hotfix", "prefix": "fix/"}],
        "default_branch_deletion": "true",
    });
    let changed = client.put(SETTINGS, body).await?;
    assert_eq!(changed.status, 200);
    assert_eq!(client.get(SETTINGS).await?.json, changed.json);
    assert_eq!(changed.json["development"], fresh["development"], "what is not named stays");
    assert_eq!(changed.json["default_branch_deletion"], "true");
    let ignored = client.put(SETTINGS, json!({"default_branch_deletion": "maybe"})).await?;
    assert_eq!((ignored.status, &ignored.json["default_branch_deletion"]), (200, &json!("true")));

    let model = client.get("repositories/acme/ledger/branching-model").await?.json;
    assert_eq!(
        (&model["development"]["name"], &model["production"]["branch"]["name"]),
        (&json!("main"), &json!("live"))
    );
    let types = json!([
        {"kind": "feature", "prefix": "feature/"}, {"kind": "release", "prefix": "release/"},
        {"kind": "hotfix", "prefix": "fix/"},
    ]);
    assert_eq!(model["branch_types"], types);
    let back = client.put(SETTINGS, json!({"production": {"use_mainbranch": true, "name": null}})).await?;
    assert_eq!(back.json["production"]["name"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_changes_nothing() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    let before = client.get(SETTINGS).await?.json;
    for (body, field) in [
        (json!({"development": {"name": "main", "use_mainbranch": false}}), "development.name"),
        (json!({"development": {"name": "main"}}), "development.name"),
        (json!({"production": {"enabled": true}}), "production.name"),
        (json!({"branch_types": [{"kind": "odd"}]}), "branch_types"),
        (json!({"branch_types": [{"kind": "bugfix", "prefix": "fea"}]}), "branch_types"),
        (
            json!({"branch_types": [{"kind": "bugfix", "prefix": "*"}], "default_branch_deletion": "true"}),
            "branch_types",
        ),
    ] {
        let refused = client.put(SETTINGS, body.clone()).await?;
        assert_eq!((refused.status, fields(&refused)), (400, vec![field.to_owned()]), "{body}");
    }
    assert_eq!(client.get(SETTINGS).await?.json, before);
    let disabled = json!({"production": {"name": "gone", "enabled": false}, "branch_types": [
        {"kind": "bugfix", "prefix": "*", "enabled": false}]});
    let stored = client.put(SETTINGS, disabled).await?;
    assert_eq!((stored.status, &stored.json["production"]["is_valid"]), (200, &json!(false)));
    Ok(())
}

#[tokio::test]
async fn a_repository_inherits_until_it_is_told_not_to() -> Outcome {
    let (_sandbox, client) = ledger(Options::default()).await?;
    push(&client, "main").await?;
    push(&client, "develop").await?;
    let named = json!({"development": {"name": "develop", "use_mainbranch": false}});
    let project = client.put(PROJECT, named).await?;
    assert_eq!(project.json["development"], json!({"name": "develop", "use_mainbranch": false}), "no is_valid");
    let effective = async || -> Result<Value, Box<dyn std::error::Error>> {
        let model = client.get("repositories/acme/ledger/effective-branching-model").await?.json;
        Ok(model["development"]["branch"]["name"].clone())
    };
    assert_eq!(effective().await?, "develop");
    let switches = "repositories/acme/ledger/override-settings";
    let off = client.put(switches, json!({"branching_model": false})).await?;
    assert_eq!((off.status, off.body.as_str()), (204, ""));
    assert_eq!(effective().await?, "main");
    let shown = client.get(switches).await?.json;
    assert_eq!((&shown["branching_model"], &shown["default_merge_strategy"]), (&json!(false), &json!(true)));
    let embedded = client.get("repositories/acme/ledger").await?.json["override_settings"].clone();
    assert_eq!(embedded, json!({"branching_model": false, "default_merge_strategy": true}));
    let wrapped = client.put(switches, json!({"override_settings": {"branching_model": true}})).await?;
    assert_eq!((wrapped.status, fields(&wrapped)), (400, vec!["override_settings".to_owned()]));
    client.put(switches, json!({"default_reviewers": true})).await?;
    assert_eq!(client.get(switches).await?.json["default_reviewers"], true);
    Ok(())
}
