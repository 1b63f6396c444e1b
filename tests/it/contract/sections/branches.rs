//! Branching models, and what a repository has from its project.

use serde_json::json;

use super::{LEDGER, PAY, Walk};

#[test]
fn branching_models_and_inheritance() {
    let walk = Walk::new();
    walk.0.push("acme/ledger", "main");
    walk.0.push("acme/ledger", "live");
    for owner in [LEDGER, PAY] {
        let settings = format!("{owner}/branching-model/settings");
        walk.get(&settings);
        let body = json!({
            "development": {"use_mainbranch": true, "name": null},
            "production": {"enabled": true, "use_mainbranch": false, "name": "live"},
            "branch_types": [
                {"kind": "bugfix", "enabled": false},
                {"kind": "hotfix", "enabled": true, "prefix": "fix/"},
            ],
            "default_branch_deletion": "true",
        });
        assert_eq!(walk.put(&settings, &body, 200)["production"]["name"], "live");
        walk.put(&settings, &json!({"branch_types": [{"kind": "feature", "prefix": "fix/a"}]}), 400);
        assert_eq!(walk.get(&settings)["default_branch_deletion"], "true");
        assert_eq!(walk.get(&format!("{owner}/branching-model"))["production"]["name"], "live");
    }
    let switches = format!("{LEDGER}/override-settings");
    for on in [false, true] {
        walk.put(&switches, &json!({"branching_model": on, "default_reviewers": on}), 204);
        assert_eq!(walk.get(&switches)["branching_model"], on);
        walk.get(&format!("{LEDGER}/effective-branching-model"));
    }
    walk.get(LEDGER);
    walk.keeps_the_contract();
}
