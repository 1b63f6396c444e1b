//! Where an address leads to nobody, to somebody who is named already, or may not be asked about.

use bbprov::sandbox::{AccessToken, AccessTokenKind};

use super::*;

#[test]
fn who_is_no_member_is_an_error_at_every_line_that_says_so() {
    let bitbucket = team();
    bitbucket.manifest(
        "version: 1
defaults:
  repository: {default_reviewers: [gone@example.com]}
workspaces:
  - workspace: acme
    projects: [{key: PAY}]
    repositories:
      - slug: ledger
        project: PAY
        permissions:
          users:
            grcae@example.com: admin
            ada@example.com: read
        branch_restrictions:
          - kind: push
            branch: main
            users:
              - ada@example.com
              - grace@exmaple.com
      - {slug: api, project: PAY, permissions: {users: {grace@example.com: read}}}
  - workspace: labs
    projects: [{key: P, permissions: {users: {nobody@example.com: read}}}]
",
    );
    let run = run(&bitbucket, &["apply"]).exits(3);
    insta::assert_snapshot!(run, @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0407]: `gone@example.com` is no member of the workspace `acme`
     --> repos.yaml:3:36
      |
    3 |   repository: {default_reviewers: [gone@example.com]}
      |                                    ^^^^^^^^^^^^^^^^ no member has this e-mail address any more, or ever had
      |
      = help: what counts is the address of the Atlassian account: correct it, invite the person to the workspace, or take the line out
      = help: the same holds for 1 more

    error[BB0407]: `grcae@example.com` is no member of the workspace `acme`
      --> repos.yaml:12:13
       |
    12 |             grcae@example.com: admin
       |             ^^^^^^^^^^^^^^^^^ did you mean `grace@example.com`?

    error[BB0407]: `grace@exmaple.com` is no member of the workspace `acme`
      --> repos.yaml:19:17
       |
    19 |               - grace@exmaple.com
       |                 ^^^^^^^^^^^^^^^^^ did you mean `grace@example.com`?

    error[BB0407]: `nobody@example.com` is no member of the workspace `labs`
      --> repos.yaml:22:47
       |
    22 |     projects: [{key: P, permissions: {users: {nobody@example.com: read}}}]
       |                                               ^^^^^^^^^^^^^^^^^^ no member has this e-mail address any more, or ever had
       |
       = help: what counts is the address of the Atlassian account: correct it, invite the person to the workspace, or take the line out
       = help: or the credential is shown no addresses: only that of an administrator of the workspace finds people by them; without it, write UUIDs in braces

    4 errors
    ");
    assert_eq!(bitbucket.sent("GET"), 2, "the members of two workspaces, and nothing else");
    assert_eq!(bitbucket.sent("PUT") + bitbucket.sent("POST"), 0);
}

#[test]
fn nobody_is_named_twice_in_one_section() {
    let bitbucket = team();
    let [ada, ada_account] = ids(&bitbucket, "ada");
    bitbucket.manifest(&ledger(&format!(
        "permissions: {{users: {{'{ada}': read, ada@example.com: write}}}}, \
         default_reviewers: [grace@example.com, ada@example.com, {ada_account}], \
         branch_restrictions: [{{kind: push, branch: main, users: ['{ada}', ada@example.com]}}]",
    )));
    let run = run(&bitbucket, &["apply"]).exits(3);
    let same = |one: &str, two: &str| run.stderr.matches(&format!("`{one}` and `{two}` are the same person")).count();
    assert_eq!((same(&ada, "ada@example.com"), same("ada@example.com", &ada_account)), (2, 1), "{run}");
    for words in ["the first time", "the second time"] {
        assert_eq!(run.stderr.matches(words).count(), 3, "{run}");
    }
    assert_eq!(bitbucket.sent("PUT") + bitbucket.sent("POST"), 0);
    // In different sections one may be called as one likes.
    bitbucket.manifest(&ledger(&format!(
        "permissions: {{users: {{'{ada}': write}}}}, default_reviewers: [{ada_account}], \
         branch_restrictions: [{{kind: push, branch: main, users: [ada@example.com, ada@example.com]}}]",
    )));
    crate::support::Run::exits(super::run(&bitbucket, &["apply"]), 0);
    crate::support::Run::exits(super::run(&bitbucket, &["plan", "--detailed-exitcode"]), 0);
}

/// Offline, the same address is the same, whatever its case.
#[test]
fn an_address_in_another_case_is_the_same_one() {
    let complaints =
        crate::sections::complaints("permissions: {users: {ada@example.com: read, Ada@Example.com: write}}", "");
    assert!(complaints.contains("acme/PAY/permissions/users/Ada@Example.com is listed twice"), "{complaints}");
}

/// Without an address nobody is looked up; that two ids are one person is seen in the list of grants.
#[test]
fn a_uuid_and_an_account_id_of_one_person_are_noticed_where_an_answer_says_so() {
    let bitbucket = team();
    let [ada, ada_account] = ids(&bitbucket, "ada");
    bitbucket.manifest(&ledger(&format!("permissions: {{users: {{'{ada}': read}}}}")));
    run(&bitbucket, &["apply"]).exits(0);
    bitbucket.manifest(&ledger(&format!("permissions: {{users: {{'{ada}': read, {ada_account}: write}}}}")));
    let run = run(&bitbucket, &["apply"]).exits(3);
    assert!(run.stderr.contains(&format!("`{ada}` and `{ada_account}` are the same person")), "{run}");
}

const ADA: &str = "{e29d8b3b-1f09-408b-ae11-825412901d4d}";

#[test]
fn two_addresses_of_one_person_are_one_person() {
    let member = |email: &str| json!({"user": {"uuid": ADA, "display_name": "Ada", "email": email}});
    let fake = members("200 OK", json!({"values": [member("ada@a.example"), member("ada@b.example")]}).to_string());
    let run = plan_against(&fake, "default_reviewers: [ada@a.example, ADA@b.example]").exits(3);
    assert!(run.stderr.contains("`ada@a.example` and `ADA@b.example` are the same person"), "{run}");
}

const WHAT_TO_DO: [&str; 4] = [
    "repos.yaml:7: people are named by e-mail address",
    "use that of an administrator, or the workspace's access token",
    "with the scope account (read:workspace:bitbucket for an API token)",
    "or write UUIDs in braces",
];

/// One message, with all that matters in it.
#[track_caller]
fn assert_told(run: Run, words: &[&str]) {
    let run = run.exits(4);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{run}");
    for words in WHAT_TO_DO.iter().chain(words) {
        assert!(run.stderr.contains(words), "{words}: {run}");
    }
}

const TWO: &str =
    "permissions: {users: {ada@example.com: read}}, default_reviewers: [ada@example.com, grace@example.com]";

#[test]
fn whoever_may_not_look_people_up_is_told_what_would_do() {
    let bitbucket = team();
    bitbucket.manifest(&ledger(TWO));
    let alan = bitbucket.as_owner(&["apply"]).env("BITBUCKET_EMAIL", "alan@example.com").run();
    assert_told(alan, &["was answered 403: Only administrators", "in the workspace `acme`"]);
    assert_eq!(bitbucket.sent("GET"), 1, "nothing else is read");

    let scopes = Some(["project", "repository:admin"].map(str::to_owned).to_vec());
    let bitbucket = Bitbucket::with(Options { scopes, ..Options::default() });
    bitbucket.manifest(&ledger(TWO));
    assert_told(bitbucket.run(&["plan"]), &["the credential lacks account"]);
    // What was given a UUID needs nothing of that.
    bitbucket.manifest(&ledger(&format!("default_reviewers: ['{ADA}']")));
    bitbucket.run(&["plan"]).exits(4).stderr.contains("people are named");
}

#[test]
fn answers_that_hide_whose_an_address_is_are_no_answers() {
    let error = r#"{"error": {"message": "Field \".user.email\" does not support filtering"}}"#;
    assert_told(plan_against(&members("400 Bad Request", error.to_owned()), TWO), &["does not support filtering"]);
    let hidden = json!({"values": [{"user": {"uuid": ADA, "display_name": "ada@example.com"}}]});
    assert_told(plan_against(&members("200 OK", hidden.to_string()), TWO), &["members without their addresses"]);
    // An address without a UUID is nobody to grant anything to.
    for uuid in ["", "../ada", "{1}"] {
        let nobody = json!({"values": [{"user": {"uuid": uuid, "email": "ada@example.com"}}]});
        let run = plan_against(&members("200 OK", nobody.to_string()), TWO).exits(1);
        assert!(run.stderr.contains("an item of the list, number 1, has no name"), "{run}");
    }
    // An empty answer may be one that hides.
    let run = plan_against(&members("200 OK", json!({"values": []}).to_string()), TWO).exits(3);
    assert!(run.stderr.contains("or the credential is shown no addresses"), "{run}");
}

#[test]
fn a_workspace_that_is_missing_is_about_its_line() {
    let missing = r#"{"error": {"message": "No workspace with identifier 'acme'."}}"#;
    let run = plan_against(&members("404 Not Found", missing.to_owned()), TWO).exits(3);
    assert!(run.stderr.contains("repos.yaml:3:16") && run.stderr.contains("there is no workspace `acme`"), "{run}");
}

/// Only the workspaces of the credential that may not look are left out.
#[test]
fn a_credential_that_may_not_look_people_up_leaves_the_others_alone() {
    let token = |token: &str, kind| AccessToken { token: token.to_owned(), scopes: None, kind };
    let access_tokens =
        vec![token("acme-token", AccessTokenKind::Repository), token("labs-token", AccessTokenKind::Workspace)];
    let users = vec![person("ada", "Ada Lovelace")];
    let credentials = Some(Credentials { access_tokens, users, ..Credentials::default() });
    let bitbucket = Bitbucket::with(Options { credentials, ..Options::default() });
    let workspace = |slug: &str, variable: &str| {
        format!(
            "  - workspace: {slug}\n    auth: {{access_token: {{env: {variable}}}}}\n    \
             projects: [{{key: P, is_private: false, default_reviewers: [ada@example.com]}}]\n"
        )
    };
    let both = [workspace("acme", "ACME"), workspace("acme-too", "ACME"), workspace("labs", "LABS")].concat();
    bitbucket.manifest(&format!("version: 1\nworkspaces:\n{both}"));
    let command =
        |arguments: &[&str]| bitbucket.led_here(arguments).env("ACME", "acme-token").env("LABS", "labs-token").run();
    let report = command(&["apply", "--format", "json"]).exits(4).json();
    let unread = report["unread"].as_array().unwrap();
    assert_eq!(
        (&unread[0]["workspace"], &unread[1]["workspace"], unread.len()),
        (&json!("acme"), &json!("acme-too"), 2)
    );
    assert!(unread[0]["error"].as_str().unwrap().starts_with("repos.yaml:5: people are named"), "{report:#}");
    assert!(unread[0]["error"].as_str().unwrap().contains("the credential of repos.yaml:4 may not"), "{report:#}");
    assert_eq!((&report["summary"]["create"], &report["summary"]["done"]), (&json!(2), &json!(2)), "{report:#}");
    let run = command(&["plan"]).exits(4);
    assert!(
        run.stdout.contains("not planned: acme, acme-too could not be read: repos.yaml:5: people are named"),
        "{run}"
    );
    assert!(bitbucket.exchanges().iter().all(|made| made.method == "GET" || made.path.contains("/labs/")));
}

/// A limit that is reached while people are looked up ends the run as any other time.
#[test]
fn a_limit_ends_it_here_as_anywhere() {
    let bitbucket = team();
    bitbucket.manifest(&ledger(TWO));
    let run = run(&bitbucket, &["plan", "--max-requests", "0"]).exits(6);
    assert!(run.stderr.contains("before there was a plan"), "{run}");
    assert_eq!(bitbucket.sent("GET"), 0);
}

#[test]
fn slips_are_found_without_a_network() {
    let complaints = crate::sections::complaints(
        "default_reviewers: [ana, 'Ana Lopez <ana@example.com>', ana@example, 'ana@exa mple.com', ana@example.com]",
        "permissions: {users: {E29D8B3B-1F09-408B-AE11-825412901D4D: read}}, \
         branch_restrictions: [{kind: push, branch: main, users: [ana@example.com, '@ana']}]",
    );
    insta::assert_snapshot!(complaints, @r#"
    error[BB0311]: "ana" is no account
     --> repos.yaml:5:40
      |
    5 | ...PAY, default_reviewers: [ana, 'Ana Lopez <ana@example.com>', ana@exam...
      |                             ^^^ an account is an e-mail address, a UUID in braces or an account id
      |
      = help: names are not unique: write the e-mail address of the Atlassian account

    error[BB0311]: "Ana Lopez <ana@example.com>" is no account
     --> repos.yaml:5:45
      |
    5 | ...default_reviewers: [ana, 'Ana Lopez <ana@example.com>', ana@example, ...
      |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ an e-mail address has no spaces
      |
      = help: write "ana@example.com"

    error[BB0311]: "ana@example" is no account
     --> repos.yaml:5:76
      |
    5 | ...opez <ana@example.com>', ana@example, 'ana@exa mple.com', ana@example...
      |                             ^^^^^^^^^^^ an e-mail address ends with a domain, as in @example.com

    error[BB0311]: "ana@exa mple.com" is no account
     --> repos.yaml:5:89
      |
    5 | ...ana@example.com>', ana@example, 'ana@exa mple.com', ana@example.com]}
      |                                    ^^^^^^^^^^^^^^^^^^ an e-mail address has no spaces

    error[BB0311]: "E29D8B3B-1F09-408B-AE11-825412901D4D" is no account
     --> repos.yaml:7:60
      |
    7 | ...Y, permissions: {users: {E29D8B3B-1F09-408B-AE11-825412901D4D: read}}...
      |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ an account is an e-mail address, a UUID in braces or an account id
      |
      = help: write "{e29d8b3b-1f09-408b-ae11-825412901d4d}"

    error[BB0311]: "@ana" is no account
     --> repos.yaml:7:180
      |
    7 | ...ions: [{kind: push, branch: main, users: [ana@example.com, '@ana']}]}
      |                                                               ^^^^^^ an e-mail address begins with a name, of letters, digits and the like

    6 errors
    "#);
}
