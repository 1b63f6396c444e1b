//! People by e-mail address: who is looked up, where that ends, and how a plan calls them.

mod refused;
mod shown;

use bbprov::sandbox::{Credentials, Options, User};
use serde_json::{Value, json};

use crate::official;
use crate::support::{Bitbucket, Fake, Folder, Run, answer};

/// Somebody with an API token, by the first name; whoever is no administrator finds nobody.
fn person(name: &str, display_name: &str) -> User {
    User {
        email: Some(format!("{name}@example.com")),
        api_token: Some("token".to_owned()),
        display_name: Some(display_name.to_owned()),
        owner: name == "olive",
        ..User::default()
    }
}

/// A workspace of people with names.
fn team() -> Bitbucket {
    let users = vec![
        person("olive", "Olive Owner"),
        person("ada", "Ada Lovelace"),
        person("grace", "Grace Hopper"),
        User { administrator: Some(false), ..person("alan", "Alan Turing") },
    ];
    Bitbucket::with(Options {
        credentials: Some(Credentials { users, ..Credentials::default() }),
        ..Options::default()
    })
}

/// The program as the owner of every workspace.
fn run(bitbucket: &Bitbucket, arguments: &[&str]) -> Run {
    bitbucket.as_owner(arguments).run()
}

/// A manifest with the repository `acme/ledger`, whose sections these are, in YAML's short form.
fn ledger(sections: &str) -> String {
    crate::sections::ledger("name: Payments", sections)
}

/// The UUID and the account id of a member.
fn ids(bitbucket: &Bitbucket, name: &str) -> [String; 2] {
    let q = format!("q=user.email=%22{name}@example.com%22");
    let (_, found) = bitbucket.by_owner("GET", &format!("/workspaces/acme/members?{q}"), &Value::Null);
    let user = &found["values"][0]["user"];
    ["uuid", "account_id"].map(|id| user[id].as_str().unwrap().to_owned())
}

/// The queries by which members were asked for, as they were before they were encoded.
fn asked(bitbucket: &Bitbucket) -> Vec<String> {
    let members = bitbucket.exchanges().into_iter().filter(|exchange| exchange.path.ends_with("/members"));
    let query = |exchange: bbprov::sandbox::Exchange| {
        let query = exchange.query.unwrap();
        let q = query.split('&').find_map(|part| part.strip_prefix("q=")).unwrap();
        q.replace("%20", " ").replace("%22", "\"")
    };
    members.map(query).collect()
}

#[test]
fn wherever_an_account_stands_an_address_does() {
    let bitbucket = team();
    bitbucket.manifest(&crate::sections::ledger(
        "permissions: {users: {Ada@Example.com: write}}, default_reviewers: [ada@example.com]",
        "permissions: {users: {grace@example.com: admin, 'ALAN@EXAMPLE.COM': read}}, \
         default_reviewers: [alan@example.com, grace@example.com], \
         branch_restrictions: [{kind: push, branch: main, users: [ada@example.com, grace@EXAMPLE.com]}]",
    ));
    run(&bitbucket, &["apply"]).exits(0);
    let written = bitbucket.exchanges().into_iter().filter(|exchange| exchange.method != "GET");
    let written: Vec<_> = written.map(|exchange| format!("{} {}", exchange.path, exchange.request_body)).collect();
    assert!(written.iter().all(|request| !request.contains('@') && !request.contains("%40")), "{written:#?}");
    let [ada, grace, alan] = ["ada", "grace", "alan"].map(|name| ids(&bitbucket, name)[0].replace(['{', '}'], ""));
    let sent = |uuid: &str, part: &str| written.iter().any(|request| request.contains(uuid) && request.contains(part));
    assert!(sent(&ada, "/projects/PAY/permissions-config/users/") && sent(&ada, "/projects/PAY/default-reviewers/"));
    assert!(sent(&grace, "/ledger/permissions-config/users/") && sent(&alan, "/ledger/default-reviewers/"));
    assert!(sent(&ada, "branch-restrictions") && sent(&grace, &format!("{{\"uuid\":\"{{{ada}}}\"}}")), "{written:#?}");
    // Once a run, in lower case, whoever wrote it how and how often.
    let in_all = "user.email IN (\"ada@example.com\",\"alan@example.com\",\"grace@example.com\")";
    assert_eq!(asked(&bitbucket), [in_all]);
    let second = run(&bitbucket, &["plan", "--detailed-exitcode"]).exits(0);
    assert!(second.stdout.contains("Nothing to do: all 9 managed objects"), "{second}");
    assert_eq!(asked(&bitbucket).len(), 2);
    official::holds(&bitbucket);
}

#[test]
fn a_request_asks_for_ninety_addresses_and_whoever_names_none_pays_nothing() {
    let members: Vec<_> = (0..91).map(|number| format!("p{number}@example.com")).collect();
    for (longest_page, pages) in [(100, 2), (50, 3)] {
        let bitbucket = Bitbucket::with(Options { members: members.clone(), longest_page, ..Options::default() });
        let users = members.iter().fold(String::new(), |users, email| format!("{users}{email}: read, "));
        let other = "  - {workspace: labs, projects: [{key: P, permissions: {groups: {a: read}}}]}\n";
        bitbucket.manifest(&format!("{}{other}", ledger(&format!("permissions: {{users: {{{users}}}}}"))));
        let plan = bitbucket.run(&["plan", "--format", "json"]).exits(0).json();
        assert_eq!(plan["requests"]["used"], 3 + pages, "{plan:#}");
        assert_eq!(plan["requests"]["used"], bitbucket.sent("GET"));
        let asked: Vec<_> = asked(&bitbucket).iter().map(|query| query.matches('@').count()).collect();
        assert_eq!(asked.len(), pages);
        assert!(asked.iter().all(|count| *count == 90 || *count == 1), "{asked:?}");
        assert!(bitbucket.exchanges().iter().all(|exchange| !exchange.path.ends_with("labs/members")));
        let before = bitbucket.sent("GET");
        bitbucket.run(&["plan", "--only", "labs/*"]).exits(0);
        bitbucket.run(&["plan", "--only", "acme/PAY"]).exits(0);
        assert_eq!(bitbucket.sent("GET") - before, 2);
    }
}

#[test]
fn who_owns_a_section_keeps_exactly_those_it_names() {
    let bitbucket = team();
    let grants = "permissions: {users: {ada@example.com: write, grace@example.com: read, alan@example.com: admin}}";
    bitbucket.manifest(&ledger(grants));
    run(&bitbucket, &["apply"]).exits(0);
    bitbucket
        .manifest(&ledger(&format!("{}, exclusive: [permissions]", grants.replace(", alan@example.com: admin", ""))));
    let plan = run(&bitbucket, &["apply", "--allow-remove", "1", "--format", "json"]).exits(0).json();
    let [alan, _] = ids(&bitbucket, "alan");
    let changes: Vec<_> = plan["changes"].as_array().unwrap().iter().map(|change| change["address"].clone()).collect();
    assert_eq!(changes, [format!("acme/ledger/permissions/users/{alan}")]);
    assert_eq!(plan["people"], json!({alan: "Alan Turing"}), "nobody looked Alan up, and the list says the name");
    run(&bitbucket, &["plan", "--detailed-exitcode"]).exits(0);
    // An account id and a UUID are somebody as well.
    let [[ada, _], [_, grace]] = ["ada", "grace"].map(|name| ids(&bitbucket, name));
    bitbucket.manifest(&ledger(&format!(
        "permissions: {{users: {{'{ada}': write, {grace}: read}}}}, exclusive: [permissions]"
    )));
    run(&bitbucket, &["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_part_can_be_chosen_by_an_address() {
    let bitbucket = team();
    bitbucket.manifest(&ledger("permissions: {users: {Ada@example.com: write, grace@example.com: read}}, default_reviewers: [grace@example.com]"));
    let changes = |only: &str| {
        let plan = run(&bitbucket, &["plan", "--only", only, "--format", "json"]).exits(0).json();
        let changes = plan["changes"].as_array().cloned().unwrap();
        let [ada, grace] = ["ada", "grace"].map(|name| ids(&bitbucket, name)[0].clone());
        let name = |change: &Value| {
            change["address"]
                .as_str()
                .unwrap()
                .replace("acme/ledger/", "")
                .replace(&ada, "Ada")
                .replace(&grace, "Grace")
        };
        changes.iter().map(name).collect::<Vec<_>>()
    };
    // What a grant is in, and what that refers to, is to be made before.
    let holders = ["acme/PAY", "acme/ledger"].map(str::to_owned);
    let with = |own: &[&str]| holders.iter().cloned().chain(own.iter().map(|&own| own.to_owned())).collect::<Vec<_>>();
    assert_eq!(changes("acme/ledger/permissions/users/Ada@example.com"), with(&["permissions/users/Ada"]));
    assert_eq!(changes("*/grace@example.com"), with(&["permissions/users/Grace", "default_reviewers/Grace"]));
    let run = run(&bitbucket, &["plan", "--only", "acme/ledger/permissions/users/grcae@example.com"]).exits(64);
    assert!(run.stderr.contains("did you mean acme/ledger/permissions/users/grace@example.com?"), "{run}");
}

#[test]
fn a_fresh_sandbox_has_those_as_members_whom_the_manifest_names() {
    let folder = Folder::new();
    folder.write("repos.yaml", ledger("permissions: {users: {Somebody.New@example.org: write}}"));
    let run = crate::support::Bbprov::new(&folder, &["apply", "--sandbox"]).run().exits(0);
    assert!(run.stdout.contains("+ user permission somebody.new@example.org  write\n"), "{run}");
}

/// A server in which nothing exists, and which answers requests for members with this.
fn members(status: &'static str, body: String) -> Fake {
    const JSON: &str = "application/json";
    Fake::new(move |head| match head.contains("/members?") {
        true => answer(status, JSON, &body),
        false => answer("200 OK", JSON, r#"{"values": []}"#),
    })
}

fn plan_against(fake: &Fake, sections: &str) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", ledger(sections));
    fake.command(&folder, &["plan"]).run()
}
