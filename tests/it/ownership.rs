//! What a manifest owns, and what goes only if somebody says so twice.

mod doubles;
mod grants;

use bbprov::sandbox::{AccessToken, AccessTokenKind, Credentials, Options, Subscription, User};
use serde_json::{Value, json};

use crate::support::{Bitbucket, Run};

/// Bitbucket lets nobody but an API token's owner write grants (api.md §5.1).
fn run(bitbucket: &Bitbucket, arguments: &[&str]) -> Run {
    bitbucket.as_owner(arguments).run()
}

fn manifest(exclusive: &str, sections: &str) -> String {
    format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    projects: [{{key: PAY, is_private: false}}]\n    repositories:\n      \
         - slug: ledger\n        project: PAY\n        exclusive: [{exclusive}]\n        {sections}\n"
    )
}

const FIVE: &str = "permissions: {groups: {a: read, b: read, c: write, d: admin, e: read}}";
const FOUR: &str = "permissions: {groups: {a: read, b: read, c: write, d: admin}}";
const TWO: &str = "permissions: {groups: {a: read, b: read}}";

#[test]
fn what_is_not_listed_stays_unless_the_section_is_exclusive() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest("", FIVE));
    run(&bitbucket, &["apply"]).exits(0);
    bitbucket.manifest(&manifest("", FOUR));
    run(&bitbucket, &["plan", "--detailed-exitcode"]).exits(0);
    bitbucket.manifest(&manifest("permissions", FOUR));
    insta::assert_snapshot!(run(&bitbucket, &["apply"]).exits(0), @"
    exit code 0
    ----- stdout -----
    acme has 1 repository and 1 project

        repository acme/ledger
          - group permission e  removed: read  (exclusive, repos.yaml:8)

    1 to remove (--allow-remove 1), 6 unchanged.
    3 requests used; 1 to apply, 1 % of 1,000 an hour.

    1 done, in 1 request.
    ----- stderr -----
    ");
    run(&bitbucket, &["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn more_than_a_quarter_of_a_section_goes_only_if_it_is_said() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest("", FIVE));
    run(&bitbucket, &["apply"]).exits(0);
    bitbucket.manifest(&manifest("permissions", TWO));
    let written = || ["POST", "PUT", "DELETE"].map(|method| bitbucket.sent(method));
    let before = written();
    for (flags, refusal) in [
        (&[][..], "removes 3, of them 3 of the 5 permissions.groups of acme/ledger"),
        (&["--allow-remove", "2"], "removes 3, and --allow-remove permits 2"),
    ] {
        let refused = run(&bitbucket, &[&["apply"], flags].concat()).exits(7);
        assert!(refused.stderr.contains(refusal), "{refused}");
        assert!(refused.stderr.contains("--allow-remove 3"), "{refused}");
    }
    assert_eq!(written(), before, "nothing was written");
    let done = run(&bitbucket, &["apply", "--allow-remove", "3", "--format", "json"]).exits(0).json();
    assert_eq!(done["summary"]["done"], 3);
    assert_eq!(written(), [before[0], before[1], before[2] + 3]);
}

#[test]
fn an_exclusive_section_must_be_written_down() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest("webhooks", FIVE));
    let refused = run(&bitbucket, &["plan"]).exits(3);
    assert!(refused.stderr.contains("`webhooks` is exclusive and not there"), "{refused}");
    assert!(refused.stderr.contains("write `webhooks: []` if all of it shall go"), "{refused}");
}

#[test]
fn the_credentials_own_grant_stays() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest("", "permissions: {users: {}}"));
    run(&bitbucket, &["apply"]).exits(0);
    let members = bitbucket.by_owner("GET", "/workspaces/acme/members", &Value::Null).1;
    let uuid = |email: &str| {
        let is_it = |member: &&Value| member["user"]["display_name"] == json!(email);
        members["values"].as_array().unwrap().iter().find(is_it).unwrap()["user"]["uuid"].as_str().unwrap().to_owned()
    };
    let (own, other) = (uuid("ada@example.com"), uuid("alan@example.com"));
    for account in [&own, &other] {
        let encoded = account.replace('{', "%7B").replace('}', "%7D");
        let path = format!("/repositories/acme/ledger/permissions-config/users/{encoded}");
        let (status, answer) = bitbucket.by_owner("PUT", &path, &json!({"permission": "admin"}));
        assert_eq!(status, 200, "{answer}");
    }
    bitbucket.manifest(&manifest("permissions", "permissions: {users: {}}"));
    let run = bitbucket.as_owner(&["apply", "--allow-remove", "1"]).env("BITBUCKET_EMAIL", "ada@example.com").run();
    let shown = format!("user permission ada@example.com {}…}}: stays although it is not listed", &own[..9]);
    assert!(run.says(&shown), "{run}");
    assert!(run.stdout.contains("1 done"), "{run}");
    let left = bitbucket.by_owner("GET", "/repositories/acme/ledger/permissions-config/users", &Value::Null).1;
    assert_eq!(left["values"].as_array().unwrap().len(), 1, "{left:#}");
    assert_eq!(left["values"][0]["user"]["uuid"], json!(own));
}

#[test]
fn what_becomes_public_is_asked_for_twice() {
    let bitbucket = Bitbucket::new();
    let repository = |private: bool| manifest("", &format!("is_private: {private}"));
    bitbucket.manifest(&repository(true));
    run(&bitbucket, &["apply"]).exits(0);
    bitbucket.manifest(&repository(false));
    let refused = run(&bitbucket, &["apply"]).exits(7);
    assert!(refused.stderr.contains("repository acme/ledger becomes public: nothing was changed"), "{refused}");
    assert!(refused.stderr.contains("run it again with --allow-public"), "{refused}");
    assert_eq!(bitbucket.sent("PUT"), 0);
    run(&bitbucket, &["apply", "--allow-public"]).exits(0);
}

/// Somebody whose token may do everything with grants, and not say whose it is.
#[test]
fn where_it_cannot_be_known_whose_the_credential_is_no_grant_goes() {
    let scopes = ["read:repository", "admin:repository", "read:project", "admin:project", "write:permission"];
    let scopes = scopes.into_iter().chain(["delete:permission"]).map(|scope| format!("{scope}:bitbucket")).collect();
    let person = |email: &str, token: &str, scopes| User {
        email: Some(email.to_owned()),
        api_token: Some(token.to_owned()),
        scopes,
        ..User::default()
    };
    let users = vec![person("olive@example.com", "token", None), person("ada@example.com", "other", Some(scopes))];
    let credentials = Credentials { users, ..Credentials::default() };
    let bitbucket = Bitbucket::with(Options { credentials: Some(credentials), ..Options::default() });
    bitbucket.manifest(&manifest("", "permissions: {users: {}}"));
    run(&bitbucket, &["apply"]).exits(0);
    let members = bitbucket.by_owner("GET", "/workspaces/acme/members", &Value::Null).1;
    for member in members["values"].as_array().unwrap() {
        let account = member["user"]["uuid"].as_str().unwrap().replace('{', "%7B").replace('}', "%7D");
        let path = format!("/repositories/acme/ledger/permissions-config/users/{account}");
        bitbucket.by_owner("PUT", &path, &json!({"permission": "admin"}));
    }
    bitbucket.manifest(&manifest("permissions", "permissions: {users: {}}"));
    let ada = bitbucket.led_here(&["apply", "--allow-remove", "9"]).env("BITBUCKET_EMAIL", "ada@example.com");
    let run = ada.env("BITBUCKET_API_TOKEN", "other").run().exits(0);
    assert!(run.stdout.contains("whose the credential is cannot be known"), "{run}");
    assert_eq!(bitbucket.sent("DELETE"), 0);
}

#[test]
fn an_account_has_one_spelling_and_no_place_of_its_own() {
    let bitbucket = Bitbucket::new();
    let wrong = "permissions: {users: {ana@example: read, E29D8B3B-1F09-408B-AE11-825412901D4D: read}, groups: {'..': read}}\n        default_reviewers: ['..']";
    bitbucket.manifest(&manifest("permissions", wrong));
    let refused = run(&bitbucket, &["validate"]).exits(3);
    for words in [
        "\"ana@example\" is no account",
        "an e-mail address ends with a domain, as in @example.com",
        "write \"{e29d8b3b-1f09-408b-ae11-825412901d4d}\"",
        "\"..\" is no group",
        "\"..\" is no account",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {refused}");
    }
}

/// A credential that is refused ends the sections of its own workspaces only.
#[test]
fn a_refused_credential_leaves_the_sections_of_others_alone() {
    let token = AccessToken { token: "labs-token".to_owned(), scopes: None, kind: AccessTokenKind::Workspace };
    let credentials = Credentials { access_tokens: vec![token], ..Credentials::default() };
    let bitbucket = Bitbucket::with(Options { credentials: Some(credentials), ..Options::default() });
    let workspace = |slug: &str, variable: &str| {
        format!(
            "  - {{workspace: {slug}, auth: {{access_token: {{env: {variable}}}}}, webhooks: [{{url: 'https://ci.example.com', events: ['repo:push']}}], projects: [{{key: P}}]}}\n"
        )
    };
    bitbucket.manifest(&format!("version: 1\nworkspaces:\n{}{}", workspace("acme", "ACME"), workspace("labs", "LABS")));
    let command =
        bitbucket.led_here(&["apply", "--format", "json"]).env("ACME", "acme-token").env("LABS", "labs-token");
    let run = command.run().exits(4).json();
    assert_eq!(run["summary"]["done"], 2, "{run:#}");
    assert_eq!(run["unread"][0]["workspace"], "acme", "{run:#}");
}

/// Grants are for API tokens, and whoever comes with another credential is told so.
#[test]
fn a_credential_that_may_not_grant_is_told_which_may() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest("", TWO));
    let run = bitbucket.run(&["apply"]).exits(5);
    assert!(run.stdout.contains("an API token may: set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN"), "{run}");
    assert!(run.stdout.contains("2 done, 2 failed"), "{run}");
}

/// What a workspace has not paid for is told in Bitbucket's words, and is in nobody else's way.
#[test]
fn what_is_not_paid_for_is_told() {
    let options = Options { subscription: Subscription::Standard, ..Options::default() };
    let bitbucket = Bitbucket::with(options);
    let restrictions = "branch_restrictions: [{kind: force, branch: main}, {kind: enforce_merge_checks, branch: main}]";
    bitbucket.manifest(&manifest("", restrictions));
    insta::assert_snapshot!(run(&bitbucket, &["apply"]).exits(5).stdout, @"
    acme has 0 repositories and 0 projects

      + project    acme/PAY     public
      + repository acme/ledger  project PAY
          + branch restriction enforce_merge_checks main
          + branch restriction force main

    4 to create.
    2 requests used; 4 to apply, 1 % of 1,000 an hour.

      failed in repository acme/ledger
          branch restriction enforce_merge_checks main
            POST /2.0/repositories/acme/ledger/branch-restrictions was answered 402:
            enforce_merge_checks is part of the Premium plan.

    3 done, 1 failed, in 4 requests.
    Mend what failed, and run the same command again: what is done stays done.
    ");
}

/// What is read is what is mentioned: the projects that are referred to, the repositories, and each section of what exists
/// by one list.
#[test]
fn six_sections_of_a_repository_are_six_lists() {
    let bitbucket = Bitbucket::new();
    let sections = [
        ("permissions-config/groups", "permissions: {groups: {a: read}}"),
        ("hooks", "webhooks: [{url: 'https://ci.example.com', events: ['repo:push']}]"),
        ("branch-restrictions", "branch_restrictions: [{kind: force, branch: main}]"),
        ("branching-model/settings", "branching_model: {development: {use_mainbranch: true}}"),
        ("pipelines_config/variables", "pipelines: {variables: [{key: A, value: b}]}"),
        (
            "deploy-keys",
            "deploy_keys: [{label: ci, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy'}]",
        ),
    ];
    let with = |count: usize| {
        let sections: Vec<_> = sections[..count].iter().map(|(_, yaml)| *yaml).collect();
        manifest("", &sections.join("\n        "))
    };
    let read = || {
        let before = bitbucket.exchanges().len();
        let plan = run(&bitbucket, &["plan", "--format", "json"]).exits(0).json();
        let asked = bitbucket.exchanges().split_off(before);
        assert_eq!(plan["requests"]["used"], asked.len(), "{plan:#}");
        let mut paths: Vec<_> = asked.iter().map(|one| format!("{} {}", one.method, one.path)).collect();
        paths.sort();
        paths
    };
    let lists = ["GET /2.0/repositories/acme", "GET /2.0/workspaces/acme/projects"];
    bitbucket.manifest(&with(6));
    assert_eq!(read(), lists, "what is to be made costs nothing to read");
    run(&bitbucket, &["apply"]).exits(0);
    let ledger = |(path, _): &(&str, &str)| format!("GET /2.0/repositories/acme/ledger/{path}");
    for count in 0..=sections.len() {
        bitbucket.manifest(&with(count));
        let mut expected: Vec<_> =
            lists.map(str::to_owned).into_iter().chain(sections[..count].iter().map(ledger)).collect();
        expected.sort();
        assert_eq!(read(), expected, "nothing is read that is not mentioned");
    }
    // Of an empty list nothing is to be known.
    bitbucket.manifest(&manifest("", "default_reviewers: []"));
    assert_eq!(read(), lists);
}
