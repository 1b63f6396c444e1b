//! Restrictions of branches.

use serde_json::{Value, json};

use super::{all, as_olive, complaints, drift, heals, ledger, settles, somebody};
use crate::support::Bitbucket;

const PATH: &str = "/repositories/acme/ledger/branch-restrictions";

/// Two restrictions that somebody made by hand, and two of the manifest with Ada, Grace and two groups.
fn restricted(bitbucket: &Bitbucket) -> [String; 2] {
    bitbucket.manifest(&ledger("name: Payments", ""));
    settles(bitbucket);
    for (kind, pattern) in [("force", "main"), ("delete", "release/*")] {
        assert_eq!(bitbucket.by_hand("POST", PATH, &json!({"kind": kind, "pattern": pattern})).0, 201);
    }
    let ((ada, ada_account), (grace, _)) = (somebody(bitbucket, "ada"), somebody(bitbucket, "grace"));
    bitbucket.manifest(&ledger(
        "",
        &format!(
            "permissions: {{users: {{'{ada}': write, '{grace}': write}}}}, branch_restrictions: [\
             {{kind: push, branch: 'release/*', users: ['{ada_account}', '{grace}'], groups: [devs, ops]}}, \
             {{kind: restrict_merges, branch: {{type: production}}, users: ['{ada}'], groups: []}}, \
             {{kind: require_approvals_to_merge, branch: {{type: development}}, value: 2}}, \
             {{kind: reset_pullrequest_approvals_on_change, branch: '*'}}]"
        ),
    ));
    settles(bitbucket);
    [ada, grace]
}

fn id_of(bitbucket: &Bitbucket, kind: &str) -> String {
    let (_, page) = bitbucket.by_hand("GET", &format!("{PATH}?kind={kind}"), &Value::Null);
    format!("{PATH}/{}", page["values"][0]["id"])
}

#[test]
fn each_field_heals_by_itself() {
    let bitbucket = Bitbucket::new();
    let [ada, grace] = restricted(&bitbucket);
    let push = id_of(&bitbucket, "push");
    let merges = id_of(&bitbucket, "restrict_merges");
    let approvals = id_of(&bitbucket, "require_approvals_to_merge");
    let of_push = "update acme/ledger/branch_restrictions/push release/*";
    let of_merges = "update acme/ledger/branch_restrictions/restrict_merges type:production";

    let body = heals(&bitbucket, ("PUT", &push, json!({"users": [{"uuid": ada}]})), &[&format!("{of_push} users")], 1);
    assert_eq!(body["users"].as_array().map(Vec::len), Some(2), "{body}");
    assert!(body["users"].as_array().is_some_and(|users| users.contains(&json!({"uuid": grace}))), "{body}");
    assert_eq!(body.get("groups"), None);
    heals(&bitbucket, ("PUT", &push, json!({"groups": []})), &[&format!("{of_push} groups")], 1);
    heals(&bitbucket, ("PUT", &merges, json!({"users": []})), &[&format!("{of_merges} users")], 1);
    let body =
        heals(&bitbucket, ("PUT", &merges, json!({"groups": [{"slug": "x"}]})), &[&format!("{of_merges} groups")], 1);
    assert_eq!(body, json!({"groups": []}), "an empty list is said");
    let expected = "update acme/ledger/branch_restrictions/require_approvals_to_merge type:development value";
    assert_eq!(heals(&bitbucket, ("PUT", &approvals, json!({"value": 3})), &[expected], 1), json!({"value": 2}));
    // The order of the lists means nothing, nor how the manifest calls an account.
    bitbucket.by_hand(
        "PUT",
        &push,
        &json!({"users": [{"uuid": grace}, {"uuid": ada}], "groups": [{"slug": "ops"}, {"slug": "devs"}]}),
    );
    assert_eq!(drift(&bitbucket), [""; 0]);
    assert_eq!(all(&bitbucket, PATH, "kind").len(), 6, "what the manifest does not list stays");
}

#[test]
fn kind_and_branches_are_the_identity() {
    let bitbucket = Bitbucket::new();
    restricted(&bitbucket);
    let push = id_of(&bitbucket, "push");
    let changed = bitbucket.by_hand("PUT", &push, &json!({"pattern": "hotfix/*"}));
    assert_eq!(changed.0, 200, "{changed:?}");
    let name = "create acme/ledger/branch_restrictions/push release/*";
    let fields = ["kind", "branch", "users", "groups"].map(|field| format!("{name} {field}"));
    assert_eq!(drift(&bitbucket), fields);
    settles(&bitbucket);
    assert_eq!(all(&bitbucket, PATH, "kind").len(), 7, "the one that was changed is now somebody else's");
    // The same kind for the same branches twice, once by a type that is called like a pattern.
    let gone = id_of(&bitbucket, "require_approvals_to_merge");
    bitbucket.by_hand("DELETE", &gone, &Value::Null);
    bitbucket.by_hand(
        "POST",
        PATH,
        &json!({"kind": "require_approvals_to_merge", "pattern": "development", "value": 2}),
    );
    assert_eq!(drift(&bitbucket).len(), 3);
    settles(&bitbucket);
}

#[test]
fn a_new_one_says_who_may_in_the_way_that_bitbucket_takes() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(
        "",
        "branch_restrictions: [{kind: push, branch: a, groups: [devs]}, {kind: push, branch: b, users: []}, \
         {kind: push, branch: {type: hotfix}, users: [], groups: [ops]}]",
    ));
    settles(&bitbucket);
    let bodies: Vec<Value> = bitbucket
        .exchanges()
        .iter()
        .filter(|exchange| exchange.method == "POST" && exchange.path.ends_with("/branch-restrictions"))
        .map(|exchange| serde_json::from_str(&exchange.request_body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 3);
    for body in [
        json!({"kind": "push", "branch_match_kind": "glob", "pattern": "a", "groups": [{"slug": "devs"}]}),
        json!({"kind": "push", "branch_match_kind": "glob", "pattern": "b", "users": [], "groups": []}),
        json!({"kind": "push", "branch_match_kind": "branching_model", "branch_type": "hotfix", "groups": [{"slug": "ops"}]}),
    ] {
        assert!(bodies.contains(&body), "{body} {bodies:?}");
    }
}

#[test]
fn what_is_wrong_is_found_without_a_network() {
    let complaints = complaints(
        "",
        "branch_restrictions: [
          {kind: force, branch: main, users: ['{11111111-1111-4111-8111-111111111111}'], groups: [devs]},
          {kind: require_approvals_to_merge, branch: main},
          {kind: require_passing_builds_to_merge, branch: main, value: 0},
          {kind: require_commits_behind, branch: main, value: 0},
          {kind: enforce_merge_checks, branch: main, value: 1},
          {kind: push, branch: 'type:production'},
          {kind: push, branch: {type: prod}, users: []},
          {kind: push, branch: '', users: []},
          {kind: pusch, branch: x, users: []},
          {kind: delete, branch: main},
          {kind: delete, branch: main},
        ]",
    );
    insta::assert_snapshot!(complaints, @r#"
    error[BB0321]: `force` is the same for everybody
     --> repos.yaml:8:46
      |
    8 | ...ce, branch: main, users: ['{11111111-1111-4111-8111-111111111111}'], ...
      |                             ^ only `push` and `restrict_merges` are for some accounts and not for others

    error[BB0321]: `force` is the same for everybody
     --> repos.yaml:8:98
      |
    8 | ..., users: ['{11111111-1111-4111-8111-111111111111}'], groups: [devs]},
      |                                                                 ^ only `push` and `restrict_merges` are for some groups and not for others

    error[BB0322]: `require_approvals_to_merge` needs a number
     --> repos.yaml:9:18
      |
    9 |           {kind: require_approvals_to_merge, branch: main},
      |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write how many: `value: 1`

    error[BB0322]: `require_passing_builds_to_merge` needs a number from 1 on
      --> repos.yaml:10:72
       |
    10 |           {kind: require_passing_builds_to_merge, branch: main, value: 0},
       |                                                                        ^
       |
       = help: to have no such restriction, leave the whole entry out

    error[BB0322]: `enforce_merge_checks` counts nothing
      --> repos.yaml:12:61
       |
    12 |           {kind: enforce_merge_checks, branch: main, value: 1},
       |                                                             ^ only `require_approvals_to_merge`, `require_default_reviewer_approvals_to_merge`, `require_passing_builds_to_merge`, `require_commits_behind` have a value

    warning[BB0323]: nobody is named that `push` lets through
      --> repos.yaml:13:18
       |
    13 |           {kind: push, branch: 'type:production'},
       |                  ^^^^ a new one lets nobody through
       |
       = help: list them under `users` or `groups`; `users: []` says that nobody is meant

    error[BB0324]: no branch is named like "type:production"
      --> repos.yaml:13:32
       |
    13 |           {kind: push, branch: 'type:production'},
       |                                ^^^^^^^^^^^^^^^^^ no spaces, and none of ~ ^ : ? * [ \
       |
       = help: `*` stands for anything, and every other character for itself; for a type of the branching model write `branch: {type: production}`

    error[BB0104]: `type` must be `feature`, `bugfix`, `release`, `hotfix`, `development` or `production`
      --> repos.yaml:14:39
       |
    14 |           {kind: push, branch: {type: prod}, users: []},
       |                                       ^^^^ this is the text "prod"
       |
       = help: did you mean `production`?

    error[BB0103]: `branch` must be text that is not empty
      --> repos.yaml:15:32
       |
    15 |           {kind: push, branch: '', users: []},
       |                                ^^ this is the text ""

    error[BB0104]: `kind` must be `push`, `delete`, `force`, `restrict_merges`, `require_tasks_to_be_completed`, `require_approvals_to_merge`, `require_review_group_approvals_to_merge`, `require_default_reviewer_approvals_to_merge`, `require_no_changes_requested`, `require_passing_builds_to_merge`, `require_commits_behind`, `reset_pullrequest_approvals_on_change`, `smart_reset_pullrequest_approvals`, `reset_pullrequest_changes_requested_on_change`, `require_all_dependencies_merged`, `enforce_merge_checks`, `allow_auto_merge_when_builds_pass` or `require_all_comments_resolved`
      --> repos.yaml:16:18
       |
    16 |           {kind: pusch, branch: x, users: []},
       |                  ^^^^^ this is the text "pusch"
       |
       = help: did you mean `push`?

    error[BB0202]: branch restriction acme/ledger/branch_restrictions/delete main is listed twice
      --> repos.yaml:18:18
       |
    18 |           {kind: delete, branch: main},
       |                  ^^^^^^ the second time
       |
      ::: repos.yaml:17:18
       |
    17 |           {kind: delete, branch: main},
       |                  ------ the first time
       |
       = help: keep one of them: an object has one place in a manifest, or in all its files

    10 errors
    "#);
}

#[test]
fn what_cannot_be_is_said_in_bitbuckets_words() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger(
        "",
        "branch_restrictions: [{kind: push, branch: main, users: ['{11111111-1111-4111-8111-111111111111}']}]",
    ));
    let run = as_olive(&bitbucket, &["apply"]).exits(5);
    insta::assert_snapshot!(run.stdout, @"
    acme has 0 repositories and 0 projects

      + project    acme/PAY
      + repository acme/ledger  project PAY
          + branch restriction push main
                users {11111111-1111-4111-8111-111111111111}

    3 to create.
    2 requests used; 3 to apply, 1 % of 1,000 an hour.

      failed in repository acme/ledger
          branch restriction push main
            POST /2.0/repositories/acme/ledger/branch-restrictions was answered 400:
            Bad request; users: {11111111-1111-4111-8111-111111111111} is not a
            valid user.

    2 done, 1 failed, in 3 requests.
    Mend what failed, and run the same command again: what is done stays done.
    ");
}
