//! How a plan and its outcomes call people, to a person and to a program.

use super::*;
use crate::support::flat;

#[test]
fn a_person_reads_names_and_a_program_ids() {
    let bitbucket = team();
    let [alan, alan_account] = ids(&bitbucket, "alan");
    bitbucket.manifest(&ledger(&format!(
        "permissions: {{users: {{ada@example.com: write, '{alan}': write}}}}, default_reviewers: [{alan_account}], \
         branch_restrictions: [{{kind: push, branch: main, users: [ada@example.com, '{alan}']}}]"
    )));
    insta::assert_snapshot!(run(&bitbucket, &["apply"]).exits(0), @"
    exit code 0
    ----- stdout -----
    acme has 0 repositories and 0 projects

      + project    acme/PAY     Payments
      + repository acme/ledger  project PAY
          + user permission    Ada Lovelace <ada@example.com>  write
          + user permission    {f71dc91f-f9ec-4544-abd8-a5fc00b5c138}  write
          + branch restriction push main
                users Ada Lovelace <ada@example.com>
                {f71dc91f-f9ec-4544-abd8-a5fc00b5c138}
          + default reviewer   90a346c5cce9e58aee4483e2

    6 to create.
    3 requests used; 6 to apply, 1 % of 1,000 an hour.

    6 done, in 6 requests.
    ----- stderr -----
    ");
    // By now lists say who is who.
    bitbucket.manifest(&ledger(&format!(
        "permissions: {{users: {{ada@example.com: admin, '{alan}': admin}}}}, exclusive: [default_reviewers], default_reviewers: [], \
         branch_restrictions: [{{kind: push, branch: main, users: ['{alan}']}}]"
    )));
    let before = bitbucket.sent("GET");
    insta::assert_snapshot!(run(&bitbucket, &["plan"]).exits(0), @r#"
    exit code 0
    ----- stdout -----
    acme has 1 repository and 1 project

        repository acme/ledger
          - default reviewer   Alan Turing {f71dc91f…}  removed
                (exclusive, repos.yaml:7)
          ~ user permission    Ada Lovelace <ada@example.com>  write → admin
          ~ user permission    Alan Turing {f71dc91f…}  write → admin
          ~ branch restriction push main  users
                users  ["Ada Lovelace <ada@example.com>","Alan Turing {f71dc91f…}"]
                     → ["Alan Turing {f71dc91f…}"]

    3 to update, 1 to remove (--allow-remove 1), 2 unchanged.
    6 requests used; 4 to apply, 1 % of 1,000 an hour.
    ----- stderr -----
    "#);
    assert_eq!(bitbucket.sent("GET") - before, 6, "two lists, three sections, and one look at the members");
    let plan = run(&bitbucket, &["plan", "--format", "json"]).exits(0).json();
    let [ada, _] = ids(&bitbucket, "ada");
    assert_eq!(plan["people"], json!({&ada: "Ada Lovelace", &alan: "Alan Turing"}));
    let users =
        plan["changes"].as_array().unwrap().iter().find(|change| change["kind"] == "branch restriction").unwrap();
    assert_eq!(users["fields"][0]["to"], json!([alan]), "{plan:#}");
    let verbose = run(&bitbucket, &["plan", "-v"]).exits(0);
    assert!(verbose.says(&format!("default reviewer Alan Turing {alan} removed")), "{verbose}");
    // Only whom the document is about.
    let plan = run(&bitbucket, &["plan", "--only", "*/ada@example.com", "--format", "json"]).exits(0).json();
    assert_eq!(plan["people"], json!({ada: "Ada Lovelace"}));
}

#[test]
fn what_becomes_of_a_grant_is_said_by_name_as_well() {
    let bitbucket = team();
    bitbucket.manifest(&ledger("permissions: {users: {olive@example.com: read, ada@example.com: write}}"));
    let run = run(&bitbucket, &["apply", "-v"]).exits(5);
    let olive = "user permission Olive Owner <olive@example.com>";
    assert!(run.stdout.contains(&format!("failed in repository acme/ledger\n      {olive}\n")), "{run}");
    let olive = "user permission acme/ledger/permissions/users/Olive Owner <olive@example.com>";
    assert!(run.stderr.contains(&format!("{olive}: failed: ")), "{run}");
    assert!(run.stderr.contains("users/Ada Lovelace <ada@example.com>: done"), "{run}");
}

/// Whatever people call themselves, nobody is taken for somebody else, and no terminal is led astray.
#[test]
fn names_are_not_trusted() {
    let bitbucket = {
        let users = vec![
            person("olive", "Olive Owner"),
            person("ada", "Ada Lovelace"),
            person("mallory", "Ada Lovelace <ada@example.com>"),
            person("eve", "\u{1b}[2JEve\n\u{202e}evE  \r\n"),
            person("long", &"x".repeat(5_000)),
        ];
        let credentials = Some(Credentials { users, ..Credentials::default() });
        Bitbucket::with(Options { credentials, ..Options::default() })
    };
    let [mallory, _] = ids(&bitbucket, "mallory");
    bitbucket.manifest(&ledger(&format!(
        "permissions: {{users: {{ada@example.com: read, '{mallory}': read, eve@example.com: read, long@example.com: read}}}}"
    )));
    run(&bitbucket, &["apply"]).exits(0);
    bitbucket.manifest(&ledger(&format!(
        "permissions: {{users: {{ada@example.com: write, '{mallory}': write, eve@example.com: write, long@example.com: write}}}}"
    )));
    let shown = run(&bitbucket, &["plan"]).exits(0).stdout;
    let short = &mallory[..9];
    for name in [
        "~ user permission Ada Lovelace <ada@example.com> read → write",
        &format!("~ user permission Ada Lovelace <ada@example.com> {short}…}} read → write"),
        "~ user permission \\u{1b}[2JEve \\u{202e}evE <eve@example.com> read → write",
        &format!("~ user permission {} <long@example.com> read → write", "x".repeat(60)),
    ] {
        assert!(flat(&shown).contains(name), "{name}: {shown}");
    }
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
}

/// Who calls themselves by nothing, or by their own address, is shown by that alone.
#[test]
fn an_address_is_not_said_twice() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("permissions: {users: {ada@example.com: read}}"));
    let run = run(&bitbucket, &["plan"]).exits(0);
    assert!(run.stdout.contains("+ user permission ada@example.com  read\n"), "{run}");
    let unnamed =
        json!({"values": [{"user": {"uuid": "{e29d8b3b-1f09-408b-ae11-825412901d4d}", "email": "ada@example.com"}}]});
    let run = plan_against(&members("200 OK", unnamed.to_string()), "permissions: {users: {ada@example.com: read}}");
    assert!(run.stdout.contains("+ user permission ada@example.com  read\n"), "{run}");
}

#[test]
fn the_document_fits_its_schema_with_people_in_it() {
    let schema = crate::support::Bbprov::new(&Folder::new(), &["schema", "plan"]).run().exits(0).json();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let bitbucket = team();
    bitbucket.manifest(&ledger("permissions: {users: {ada@example.com: read}}"));
    for arguments in [["plan", "--format", "json"], ["apply", "--format", "json"]] {
        let document = run(&bitbucket, &arguments).exits(0).json();
        assert!(validator.is_valid(&document) && document["people"].is_object(), "{document:#}");
    }
}
