//! Members, permissions, restrictions: whatever names people.

use serde_json::json;

use super::{LEDGER, PAY, Walk, encode};

#[test]
fn members() {
    let walk = Walk::new();
    let ada = walk.person("ada@example.com");
    let q = "q=user.email%20IN%20(%22ada@example.com%22)";
    let found = walk.get(&format!("/workspaces/acme/members?{q}&fields=%2Bvalues.user.email&pagelen=100"));
    assert_eq!(found["values"][0]["user"]["email"], "ada@example.com");
    walk.get(&format!("/workspaces/acme/members/{}", encode(&json!(ada))));
    walk.get("/workspaces/acme/permissions?q=permission%3D%22owner%22");
    walk.get("/user/workspaces/acme/permission");
    walk.get("/user");
    walk.keeps_the_contract();
}

#[test]
fn permissions() {
    let walk = Walk::new();
    let grace = encode(&json!(walk.person("grace@example.com")));
    let owner = encode(&json!(walk.person("olive@example.com")));
    for (path, most) in [(LEDGER, "admin"), (PAY, "create-repo")] {
        for (list, one) in [("users", grace.as_str()), ("groups", "developers")] {
            let list = format!("{path}/permissions-config/{list}");
            let one = format!("{list}/{one}");
            walk.get(&one);
            walk.put(&one, &json!({"permission": "read"}), 200);
            walk.put(&one, &json!({"permission": most}), 200);
            assert_eq!(walk.get(&one)["permission"], most);
            assert_eq!(walk.get(&format!("{list}?pagelen=100"))["size"], 1);
            walk.delete(&one);
            walk.send("DELETE", &format!("{path}/permissions-config/users/%7B1%7D"), None, 404);
        }
        walk.put(&format!("{path}/permissions-config/users/{owner}"), &json!({"permission": "read"}), 400);
    }
    walk.keeps_the_contract();
}

#[test]
fn branch_restrictions() {
    let walk = Walk::new();
    let olive = walk.person("olive@example.com");
    let path = format!("{LEDGER}/branch-restrictions");
    let body = json!({"kind": "push", "branch_match_kind": "glob", "pattern": "main", "users": [{"uuid": olive}]});
    let push = walk.post(&path, &body, 201);
    walk.post(&path, &body, 400);
    let body = json!({"kind": "restrict_merges", "branch_match_kind": "branching_model", "branch_type": "release",
        "users": [], "groups": [{"slug": "developers"}]});
    walk.post(&path, &body, 201);
    let body = json!({"kind": "require_passing_builds_to_merge", "pattern": "*", "value": 1});
    walk.post(&path, &body, 201);
    walk.post(&path, &json!({"kind": "force", "pattern": "*", "value": null}), 201);
    let one = format!("{path}/{}", push["id"]);
    walk.get(&one);
    walk.put(&one, &json!({"pattern": "main*", "users": []}), 200);
    assert_eq!(walk.get(&format!("{path}?kind=push&pagelen=100"))["values"][0]["pattern"], "main*");
    assert_eq!(walk.get(&path)["size"], 4);
    walk.delete(&one);
    walk.send("GET", &one, None, 404);
    walk.keeps_the_contract();
}

#[test]
fn default_reviewers() {
    let walk = Walk::new();
    let olive = encode(&json!(walk.person("olive@example.com")));
    let grace = encode(&json!(walk.person("grace@example.com")));
    for owner in [LEDGER, PAY] {
        let list = format!("{owner}/default-reviewers");
        let one = format!("{list}/{olive}");
        walk.send("PUT", &one, None, 200);
        walk.send("PUT", &format!("{list}/{grace}"), None, 400);
        walk.get(&one);
        assert_eq!(walk.get(&format!("{list}?pagelen=100"))["size"], 1);
        walk.get(&format!("{LEDGER}/effective-default-reviewers"));
        walk.delete(&one);
    }
    walk.keeps_the_contract();
}

#[test]
fn deploy_keys() {
    let walk = Walk::new();
    for owner in [LEDGER, PAY] {
        let list = format!("{owner}/deploy-keys");
        let body = json!({"key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 ci@example.com", "label": "ci"});
        let one = format!("{list}/{}", walk.post(&list, &body, 200)["id"]);
        walk.post(&list, &body, 400);
        walk.get(&one);
        assert_eq!(walk.get(&format!("{list}?pagelen=100"))["size"], 1);
        if owner == LEDGER {
            walk.put(&one, &body, 400);
        }
        walk.delete(&one);
        walk.send("GET", &one, None, 404);
    }
    walk.keeps_the_contract();
}
