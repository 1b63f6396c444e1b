//! Where a manifest says that a secret is: fetched when it is needed, once, and never shown.

use super::{CLIENT, assert_secret, bitbucket};
use crate::support::{Bbprov, Bitbucket, Folder, Run, SECRET, lines};

/// A manifest of workspaces `w0`, `w1` and so on, each with what stands under its `auth`.
fn manifest(auths: &[&str]) -> String {
    let workspaces =
        lines(auths.len(), |at| format!("  - workspace: w{at}\n    auth: {}\n    projects: [{{key: P}}]\n", auths[at]));
    format!("version: 1\nworkspaces:\n{workspaces}")
}

#[track_caller]
fn run(bitbucket: &Bitbucket, arguments: &[&str], auths: &[&str]) -> Run {
    bitbucket.manifest(&manifest(auths));
    let command = bitbucket.led_here(arguments).env("PATH", "/usr/bin:/bin");
    let run = command.env("A_TOKEN", SECRET).env("A_CLIENT", CLIENT).env("AN_EMAIL", "ana@example.com").run();
    assert_secret(&run);
    run
}

/// The fixed text of what is wrong with a manifest.
#[track_caller]
fn refused(text: &str) -> Run {
    let folder = Folder::new();
    folder.write("repos.yaml", text);
    let run = Bbprov::new(&folder, &["validate"]).run().exits(3);
    assert_secret(&run);
    run
}

#[test]
fn every_kind_can_be_named() {
    let kinds = [
        ("{access_token: {env: A_TOKEN}}", 0),
        ("{email: ana@example.com, api_token: {env: A_TOKEN}}", 0),
        ("{email: {env: AN_EMAIL}, api_token: {command: [printenv, A_TOKEN]}}", 0),
        ("{client_id: id, client_secret: {env: A_CLIENT}}", 1),
        ("{client_id: id, client_secret: {env: A_CLIENT}, username: ana, password: {env: A_TOKEN}}", 1),
        ("{client_id: id, client_secret: {env: A_CLIENT}, refresh_token: {env: A_TOKEN}}", 1),
    ];
    for (auth, fetches) in kinds {
        let bitbucket = bitbucket();
        let run = run(&bitbucket, &["apply"], &[auth]).exits(0);
        assert_eq!(bitbucket.sandbox().counters().token_fetches, fetches, "{auth}: {run}");
        assert_eq!(bitbucket.sent("POST"), 1, "{auth}: {run}");
    }
}

#[test]
fn the_same_credential_is_fetched_once_however_it_is_written() {
    let bitbucket = bitbucket();
    let client = "{client_id: id, client_secret: {env: A_CLIENT}}";
    let other = "{client_secret: {command: [printenv, A_CLIENT]}, client_id: id}";
    run(&bitbucket, &["apply"], &[client, client, other]).exits(0);
    assert_eq!(bitbucket.sandbox().counters().token_fetches, 1);
    assert_eq!(bitbucket.sent("POST"), 3);
}

#[test]
fn a_command_that_several_name_runs_once_and_only_if_it_is_needed() {
    let bitbucket = bitbucket();
    let script = "{command: [sh, -c, 'echo asked >> log; echo $A_TOKEN']}";
    let token = format!("{{access_token: {script}}}");
    let person = format!("{{email: ana@example.com, api_token: {script}}}");
    let auths = [token.as_str(), &token, &person, "{access_token: {env: A_TOKEN}}"];
    let asked = || std::fs::read_to_string(bitbucket.folder.path().join("log")).map_or(0, |log| log.lines().count());
    run(&bitbucket, &["plan", "--only", "w3/*"], &auths).exits(0);
    run(&bitbucket, &["plan", "--sandbox"], &auths).exits(0);
    run(&bitbucket, &["validate"], &auths).exits(0);
    assert_eq!(asked(), 0);
    run(&bitbucket, &["plan"], &auths).exits(0);
    assert_eq!(asked(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_is_found_beside_the_manifest_and_a_new_refresh_token_goes_back_to_it() {
    let bitbucket = bitbucket();
    let secret = bitbucket.folder.write("teams/secret", SECRET);
    let auth = "{client_id: id, client_secret: {env: A_CLIENT}, refresh_token: {file: secret}}";
    bitbucket.folder.write("teams/a.yaml", manifest(&[auth]));
    bitbucket.folder.write("teams/b.yaml", manifest(&[auth]).replace("[{key: P}]", "[{key: Q}]"));
    let path = bitbucket.folder.path().join(secret);
    let mut last = SECRET.to_owned();
    for _ in 0..2 {
        let run = bitbucket.led_here(&["plan", "-v", "teams"]).env("A_CLIENT", CLIENT).run().exits(0);
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(kept != last && !run.to_string().contains(kept.trim()), "{run}");
        last = kept;
    }
    assert_eq!(bitbucket.sandbox().counters().token_fetches, 2);
}

#[test]
fn what_is_not_there_is_told_at_its_place_all_at_once() {
    let bitbucket = bitbucket();
    let auths = [
        "{access_token: {env: NO_TOKEN}}",
        "{email: {env: NO_EMAIL}, api_token: {file: none}}",
        "{access_token: {command: [sh, -c, exit 3]}}",
    ];
    let shown = run(&bitbucket, &["plan"], &auths).exits(4);
    insta::assert_snapshot!(shown, @"
    exit code 4
    ----- stdout -----
    ----- stderr -----
    error[BB0506]: the environment variable NO_TOKEN is not set
     --> repos.yaml:4:32
      |
    4 |     auth: {access_token: {env: NO_TOKEN}}
      |                                ^^^^^^^^ the workspace `w0` takes its `access_token` from here
      |
      = help: export NO_TOKEN=…

    error[BB0506]: the environment variable NO_EMAIL is not set
     --> repos.yaml:7:25
      |
    7 |     auth: {email: {env: NO_EMAIL}, api_token: {file: none}}
      |                         ^^^^^^^^ the workspace `w1` takes its `email` from here
      |
      = help: export NO_EMAIL=…

    error[BB0506]: cannot read none: No such file or directory (os error 2)
     --> repos.yaml:7:54
      |
    7 |     auth: {email: {env: NO_EMAIL}, api_token: {file: none}}
      |                                                      ^^^^ the workspace `w1` takes its `api_token` from here

    error[BB0506]: the command sh: it failed (exit status: 3)
      --> repos.yaml:10:36
       |
    10 |     auth: {access_token: {command: [sh, -c, exit 3]}}
       |                                    ^ the workspace `w2` takes its `access_token` from here

    4 errors
    ");
    assert!(bitbucket.exchanges().is_empty());
    let shown = run(&bitbucket, &["plan"], &["{access_token: {env: NO_TOKEN}}"; 30]).exits(4);
    assert_eq!(shown.stderr.matches("NO_TOKEN is not set").count(), 1, "{shown}");
    assert!(shown.stderr.contains("the same holds for 29 more"), "{shown}");
    let shown = run(&bitbucket, &["plan"], &["{access_token: {command: [no-such-command]}}"]).exits(4);
    assert!(shown.stderr.contains("the command no-such-command: No such file"), "{shown}");
}

#[test]
fn a_token_in_the_wrong_place_is_called_out_in_the_words_of_the_manifest() {
    let bitbucket = bitbucket();
    bitbucket.folder.write("token", format!("ATATT{SECRET}"));
    let run = run(&bitbucket, &["plan"], &["{access_token: {file: token}}"]).exits(4);
    assert!(run.stderr.contains("set `email` and `api_token` instead of `access_token`"), "{run}");
    assert!(run.stderr.contains("repos.yaml:4:11"), "{run}");
    assert!(bitbucket.exchanges().is_empty());
}

#[test]
fn a_secret_that_is_written_out_is_refused_and_not_shown() {
    let shown = refused(&manifest(&[&format!("{{access_token: {SECRET}}}")]));
    insta::assert_snapshot!(shown, @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0501]: `access_token` is a secret, and a manifest holds none
     --> repos.yaml:4:26
      |
    4 |     auth: {access_token: ************}
      |                          ^^^^^^^^^^^^ not shown here
      |
      = help: write where it comes from: `{env: NAME}`, `{file: path}` or `{command: [program, argument]}`
      = help: whoever can read the file or its history knows a secret that stood in it: put a new one in its place
    ");
    for auth in [
        SECRET.to_owned(),
        format!("[{SECRET}]"),
        format!("{{acces_token: {SECRET}}}"),
        format!("{{access_token: '{SECRET}', else: 1}}"),
        format!("{{access_token: {{value: {SECRET}}}}}"),
        format!("{{access_token: {{env: {SECRET}}}}}"),
        format!("{{access_token: {{env: [{SECRET}]}}}}"),
        format!("{{access_token: [{{env: {SECRET}}}]}}"),
        format!("{{email: x, api_token: {{env: A, value: \"{SECRET}\"}}}}"),
        format!("\n      email: x\n      api_token: |\n        {SECRET}"),
        format!("\n      email: x\n      api_token: >-\n        first\n        {SECRET}"),
        format!("&a {{access_token: &b {SECRET}}}"),
        format!("{{access_token: ~, token: {SECRET}}}"),
        format!("{{access_token: {{env: A}}, access_token: {SECRET}}}"),
    ] {
        refused(&manifest(&[&auth]));
    }
    refused(&manifest(&["{}"]).replace("auth: {}", &format!("auht: {{access_token: {SECRET}}}")));
    refused(&manifest(&["{}"]).replace("auth: {}", &format!("Auth: {SECRET}")));
    // Where it was written is elsewhere.
    refused(&format!("x: &a {SECRET}\n{}", manifest(&["{access_token: *a}"])));
}

#[test]
fn parts_that_make_no_credential_are_told_and_so_are_two_that_differ() {
    let one = |auth: &str| refused(&manifest(&[auth])).stderr;
    assert!(one("{email: x}").contains("this credential lacks `api_token`"));
    assert!(one("{client_id: x, username: y}").contains("lacks `client_secret` and `password`"));
    assert!(one("{email: x, access_token: {env: A}}").contains("`access_token`, `email` do not go together"));
    assert!(one("{}").contains("names no credential"));
    assert!(one("{access_token: {env: A, file: b}}").contains("`access_token` must come from one place"));
    let folder = Folder::new();
    let validate = |first: &str, second: &str| {
        folder.write("a.yaml", manifest(&[first]));
        folder.write("b.yaml", manifest(&[second]).replace("{key: P}", "{key: Q}"));
        Bbprov::new(&folder, &["validate", "a.yaml", "b.yaml"]).run()
    };
    let (one, same) = ("{email: x, api_token: {env: A}}", "{api_token: {env: A}, email: x}");
    validate(one, same).exits(0);
    let run = validate(one, "{email: x, api_token: {env: B}}").exits(3);
    assert!(run.stderr.contains("two places give `w0` different credentials"), "{run}");
    assert!(run.stderr.contains("a.yaml:4:11") && run.stderr.contains("b.yaml:4:11"), "{run}");
}
