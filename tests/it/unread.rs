//! What cannot be read ends nothing but itself: it is not planned, which is said, and all else is.

use bbprov::sandbox::{AccessToken, AccessTokenKind, Credentials, Options};
use serde_json::Value;

use crate::support::{Bitbucket, Fake, Folder, Run, answer, lines};

const JSON: &str = "application/json";

/// Repositories with a webhook and a restriction each.
fn manifest(repositories: usize) -> String {
    let repositories = lines(repositories, |number| format!("      - {{slug: service-{number:02}, project: PAY}}\n"));
    format!(
        "version: 1\ndefaults:\n  repository:\n    webhooks: [{{url: 'https://ci.example.com', events: ['repo:push']}}]\n    \
         branch_restrictions: [{{kind: force, branch: main}}]\nworkspaces:\n  - workspace: acme\n    \
         projects: [{{key: PAY}}]\n    repositories:\n{repositories}"
    )
}

/// A sandbox that lets in `whole`, who may do everything, and `part`, who has these scopes.
fn sandbox(scopes: &[&str]) -> Bitbucket {
    let token = |token: &str, scopes: Option<&[&str]>| AccessToken {
        token: token.to_owned(),
        scopes: scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect()),
        kind: AccessTokenKind::Workspace,
    };
    let access_tokens = vec![token("whole-token", None), token("part-token", Some(scopes))];
    Bitbucket::with(Options {
        credentials: Some(Credentials { access_tokens, ..Credentials::default() }),
        ..Options::default()
    })
}

fn run(bitbucket: &Bitbucket, token: &str, arguments: &[&str]) -> Run {
    bitbucket.led_here(arguments).env("BITBUCKET_ACCESS_TOKEN", token).run()
}

/// How many requests went to paths that end like this.
fn asked(bitbucket: &Bitbucket, end: &str) -> usize {
    bitbucket.exchanges().iter().filter(|exchange| exchange.method == "GET" && exchange.path.ends_with(end)).count()
}

#[test]
fn a_scope_that_is_missing_ends_one_section_and_is_met_once() {
    let bitbucket = sandbox(&["project", "project:admin", "repository", "repository:admin"]);
    bitbucket.manifest(&manifest(12));
    run(&bitbucket, "whole-token", &["apply"]).exits(0);
    let hooks = asked(&bitbucket, "/hooks");
    bitbucket.manifest(&manifest(12).replace("kind: force", "kind: delete"));
    insta::assert_snapshot!(run(&bitbucket, "part-token", &["plan", "--detailed-exitcode"]), @"
    exit code 4
    ----- stdout -----
    acme has 12 repositories and 1 project
    not planned: the credential lacks the scope webhook
        webhooks of acme/service-00, acme/service-01, acme/service-02,
        acme/service-03, acme/service-04 and 7 more

        12 repositories of acme
            service-00, service-01, service-02 and 9 more (-v lists them)
          + branch restriction delete main

    12 to create, 13 unchanged, 12 not planned.
    15 requests used; 12 to apply, 2 % of 1,000 an hour.
    ----- stderr -----
    error: webhooks of acme/service-00, acme/service-01, acme/service-02, acme/service-03, acme/service-04 and 7 more could not be read: the credential lacks the scope webhook
    ");
    assert_eq!(asked(&bitbucket, "/hooks"), hooks + 1, "the answer would be the same for all");
    let json = run(&bitbucket, "part-token", &["plan", "--format", "json"]).exits(4).json();
    assert_eq!(json["unread"].as_array().unwrap().len(), 12, "{json:#}");
    assert_eq!(json["unread"][3]["address"], "acme/service-03", "{json:#}");
    assert_eq!(json["unread"][3]["section"], "webhooks", "{json:#}");
    assert_eq!((&json["summary"]["unchanged"], &json["summary"]["unplanned"]), (&13.into(), &12.into()), "{json:#}");
    // The rest is made, and it is not taken for the whole.
    let applied = run(&bitbucket, "part-token", &["apply"]).exits(4);
    assert!(applied.stdout.contains("12 done, in 12 requests."), "{applied}");
    let (_, last) = applied.stdout.rsplit_once("requests.\n").unwrap();
    assert!(last.starts_with("Not planned, since it could not be read: webhooks of acme/service-00"), "{applied}");
    insta::assert_snapshot!(run(&bitbucket, "part-token", &["plan"]), @"
    exit code 4
    ----- stdout -----
    acme has 12 repositories and 1 project
    not planned: the credential lacks the scope webhook
        webhooks of acme/service-00, acme/service-01, acme/service-02,
        acme/service-03, acme/service-04 and 7 more

    Nothing to do in what was read: all 25 managed objects are as the manifest says,
    and 12 not planned.
    15 requests used.
    ----- stderr -----
    error: webhooks of acme/service-00, acme/service-01, acme/service-02, acme/service-03, acme/service-04 and 7 more could not be read: the credential lacks the scope webhook
    ");
    run(&bitbucket, "whole-token", &["plan", "--detailed-exitcode"]).exits(0);
}

/// Who may not see the environments cannot know their variables either.
#[test]
fn what_stands_in_what_could_not_be_read_is_not_planned_either() {
    let bitbucket = sandbox(&["project", "project:admin", "repository", "repository:admin"]);
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: PAY}], repositories: [{slug: ledger, project: PAY, \
         pipelines: {enabled: true}, environments: [{name: Live, type: Production, variables: [{key: A, value: b}]}]}]}]\n",
    );
    run(&bitbucket, "whole-token", &["apply"]).exits(0);
    let json = run(&bitbucket, "part-token", &["plan", "--format", "json"]).exits(4).json();
    assert_eq!(json["changes"].as_array().unwrap().len(), 0, "{json:#}");
    assert_eq!((&json["summary"]["unchanged"], &json["summary"]["unplanned"]), (&3.into(), &2.into()), "{json:#}");
}

/// A server with so many repositories of the manifest, all of whose sections are empty, unless `refuse` says otherwise.
fn server(repositories: usize, refuse: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Fake {
    let of_all = lines(repositories, |at| {
        let comma = if at == 0 { "" } else { "," };
        format!(r#"{comma}{{"slug": "service-{at:02}", "uuid": "{{{at}}}", "project": {{"key": "PAY"}}}}"#)
    });
    let list = |items: &str| answer("200 OK", JSON, &format!(r#"{{"values": [{items}]}}"#));
    Fake::new(move |head| {
        let path = head.split([' ', '?']).nth(1).unwrap_or_default();
        match path {
            _ if refuse(head).is_some() => refuse(head).unwrap_or_default(),
            "/2.0/workspaces/acme/projects" => list(r#"{"key": "PAY", "uuid": "{pay}"}"#),
            "/2.0/repositories/acme" => list(&of_all),
            _ if head.starts_with("GET") => list(""),
            _ if path.ends_with("/hooks") => answer(
                "201 Created",
                JSON,
                r#"{"uuid": "{h}", "url": "https://ci.example.com", "events": ["repo:push"]}"#,
            ),
            _ => answer("201 Created", JSON, r#"{"id": 1, "kind": "force", "pattern": "main"}"#),
        }
    })
}

fn of(fake: &Fake, repositories: usize, arguments: &[&str]) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", manifest(repositories));
    fake.command(&folder, arguments).run()
}

/// Deleted between the list of repositories and those of what they hold.
#[test]
fn what_vanishes_while_it_is_read_is_said_to_have_vanished() {
    let fake = server(3, |head| {
        let gone = head.contains("/service-01/hooks") || head.contains("/service-01 ");
        gone.then(|| answer("404 Not Found", JSON, r#"{"error": {"message": "Repository acme/service-01 not found"}}"#))
    });
    insta::assert_snapshot!(of(&fake, 3, &["plan"]), @"
    exit code 1
    ----- stdout -----
    acme has 3 repositories and 1 project
    not planned: it vanished while it was read
        branch_restrictions, webhooks of acme/service-01

        repository acme/service-00
          + branch restriction force main
          + webhook            https://ci.example.com  repo:push
        repository acme/service-02
          + branch restriction force main
          + webhook            https://ci.example.com  repo:push

    4 to create, 4 unchanged, 2 not planned.
    9 requests used; 4 to apply, 1 % of 1,000 an hour.
    ----- stderr -----
    error: branch_restrictions, webhooks of acme/service-01 could not be read: it vanished while it was read
    ");
    let applied = of(&fake, 3, &["apply", "--format", "json"]).exits(5).json();
    assert_eq!((&applied["summary"]["done"], &applied["summary"]["failed"]), (&4.into(), &0.into()), "{applied:#}");
    let unread: Vec<_> = applied["unread"].as_array().unwrap().iter().map(|row| row["section"].clone()).collect();
    assert_eq!(unread, ["branch_restrictions", "webhooks"], "all that was in it: {applied:#}");
}

/// What is there and shows nothing is hidden. That is looked into once, and not for each.
#[test]
fn what_is_not_found_in_what_is_there_is_hidden() {
    let fake = server(9, |head| {
        let hidden = head.contains("/hooks");
        let one = head.contains("/service-00 ").then(|| answer("200 OK", JSON, r#"{"slug": "service-00"}"#));
        one.or_else(|| hidden.then(|| answer("404 Not Found", JSON, r#"{"error": {"message": "Nothing to see."}}"#)))
    });
    let run = of(&fake, 9, &["plan"]).exits(1);
    assert!(run.says("not planned: Bitbucket answered 404: Nothing to see. webhooks of acme/service-00"), "{run}");
    assert!(run.stdout.contains("9 to create, 10 unchanged, 9 not planned."), "{run}");
    assert_eq!(fake.requests().len(), 2 + 2 * 9 + 1);
}

#[test]
fn a_feature_that_the_workspaces_plan_lacks_is_no_matter_of_the_credential() {
    let fake = server(2, |head| {
        let premium = head.starts_with("GET") && head.contains("/branch-restrictions");
        premium.then(|| answer("402 Payment Required", JSON, r#"{"error": {"message": "Upgrade to Premium."}}"#))
    });
    let run = of(&fake, 2, &["plan"]).exits(1);
    assert!(run.says("branch_restrictions of acme/service-00, acme/service-01 could not be read"), "{run}");
    assert!(run.says("the workspace's plan at Bitbucket does not go so far: Upgrade to Premium."), "{run}");
    assert!(run.stdout.contains("2 to create, 3 unchanged, 2 not planned."), "{run}");
}

/// A server that fails one section leaves the others to be planned; one that fails them all is not asked without end.
#[test]
fn a_server_that_fails_a_section_does_not_void_the_plan() {
    let bad_gateway = || {
        let page = String::from_utf8(answer("502 Bad Gateway", "text/html", "<html>nginx</html>")).unwrap();
        page.replacen("\r\n", "\r\nRetry-After: 0\r\n", 1).into_bytes()
    };
    let fake = server(2, move |head| head.contains("/service-01/hooks").then(bad_gateway));
    let run = of(&fake, 2, &["plan"]).exits(1);
    assert!(run.says("webhooks of acme/service-01 could not be read: Bitbucket answered 502: an HTML page"), "{run}");
    assert!(run.stdout.contains("3 to create"), "{run}");
    of(&fake, 2, &["apply"]).exits(5);

    let fake = server(99, move |head| head.contains("/service-").then(bad_gateway));
    let run = of(&fake, 99, &["plan", "-j", "4"]).exits(1);
    assert!(run.says("failed 8 times in a row, and was asked no more"), "{run}");
    assert!(run.says("100 managed objects are as the manifest says, and 198 not planned"), "{run}");
    let asked = fake.requests().iter().filter(|request| request.contains("/service-")).count();
    assert!(asked <= (8 + 4) * 5, "{asked} requests");
}

#[test]
fn a_workspace_that_is_missing_is_about_its_line_also_if_only_its_sections_are_managed() {
    let bitbucket = Bitbucket::with(Options { workspaces: Some(vec!["labs".to_owned()]), ..Options::default() });
    let sections = "webhooks: [{url: 'https://ci.example.com', events: ['repo:push']}], pipelines: {variables: [{key: A, value: b}]}";
    bitbucket.manifest(&format!("version: 1\nworkspaces:\n  - {{workspace: acme, {sections}}}\n"));
    let run = bitbucket.run(&["plan"]).exits(3);
    assert!(run.stderr.contains("repos.yaml:3:17") && run.stderr.contains("there is no workspace `acme`"), "{run}");
    assert_eq!(run.stderr.matches("there is no workspace").count(), 1, "{run}");
}

/// What is not there cannot be told from what is hidden; what is there and refused can.
#[test]
fn sections_that_are_refused_are_folded_by_their_reason() {
    let fake = server(30, |head| {
        let hooks = head.starts_with("GET") && head.contains("/hooks");
        hooks.then(|| answer("403 Forbidden", JSON, r#"{"error": {"message": "You need to administer this."}}"#))
    });
    let run = of(&fake, 30, &["plan", "--format", "json"]).exits(4);
    let unread: &Value = &run.json()["unread"];
    assert_eq!(unread.as_array().unwrap().len(), 30);
    // Nothing says that it is the same for another repository.
    assert_eq!(fake.requests().iter().filter(|request| request.contains("/hooks")).count(), 30);
    let run = of(&fake, 30, &["plan"]).exits(4);
    assert_eq!(run.stdout.matches("not planned: ").count(), 1, "{run}");
    assert!(
        run.says("acme/service-04 and 25 more could not be read: Bitbucket refuses this credential: You need"),
        "{run}"
    );
}
