//! What a manifest does not know yet.

use serde_json::json;

use super::{export, sow};
use crate::support::Bitbucket;

const MANIFEST: &str = "\
version: 1
defaults:
  repository:
    is_private: true
    fork_policy: no_public_forks
    description: Nobody has said yet
    permissions: {groups: {auditors: read}}
    webhooks: [{url: \"https://ci.example.com/hook\", events: [\"repo:push\"], active: true}]
workspaces:
  - workspace: acme
    webhooks: [{url: \"https://audit.example.com\", events: [\"repo:push\"], active: true}]
    projects: [{key: PAY, is_private: true}]
    repositories:
      - {slug: ledger, project: PAY}
      - {slug: books, project: PAY, previously: accounts}
      - {slug: gone, state: absent, project: PAY}
";

fn world() -> Bitbucket {
    let bitbucket = Bitbucket::new();
    sow(
        &bitbucket,
        &MANIFEST
            .replace("previously: accounts", "")
            .replace("slug: books", "slug: accounts")
            .replace("state: absent, ", ""),
    );
    bitbucket.manifest(MANIFEST);
    bitbucket
}

#[test]
fn where_everything_is_known_nothing_is_written() {
    let bitbucket = world();
    for arguments in [&["--unmanaged", "repos.yaml"][..], &["--unmanaged", "repos.yaml", "--detailed-exitcode"]] {
        let run = export(&bitbucket, arguments).exits(0);
        assert_eq!(run.stdout, "", "{run}");
        assert!(run.stderr.contains("everything in acme is managed"), "{run}");
    }
}

#[test]
fn what_is_not_known_yet_is_ready_to_be_pasted() {
    let bitbucket = world();
    for (path, body) in [
        ("/workspaces/acme/projects", json!({"key": "WEB", "name": "Web", "is_private": false})),
        ("/repositories/acme/site", json!({"project": {"key": "WEB"}, "is_private": false, "description": "The site"})),
        (
            "/repositories/acme/tool",
            json!({"project": {"key": "PAY"}, "is_private": true, "fork_policy": "no_public_forks"}),
        ),
        (
            "/repositories/acme/site/hooks",
            json!({"url": "https://ci.example.com/hook", "events": ["repo:push"], "description": "x"}),
        ),
        (
            "/workspaces/acme/hooks",
            json!({"url": "https://new.example.com", "events": ["repo:push"], "description": "x"}),
        ),
    ] {
        let (status, answer) = bitbucket.by_hand("POST", path, &body);
        assert!(status < 300, "{path}: {answer}");
    }
    let (status, _) = bitbucket.by_owner(
        "PUT",
        "/repositories/acme/tool/permissions-config/groups/auditors",
        &json!({"permission": "read"}),
    );
    assert_eq!(status, 200);
    let run = export(&bitbucket, &["--unmanaged", "repos.yaml", "--check", "--detailed-exitcode"]).exits(2);
    insta::assert_snapshot!(run, @r#"
    exit code 2
    ----- stdout -----
    # What exists and is not managed yet. It is meant to stand beside the manifest that it was compared with.
    version: 1

    workspaces:
      - workspace: acme
        projects:
          - {key: WEB, name: Web, is_private: false}
        repositories:
          - {slug: tool, project: PAY, description: "", webhooks: []}
          - slug: site
            project: WEB
            is_private: false
            description: The site
            fork_policy: allow_forks
            permissions: ~
            webhooks: [{url: "https://ci.example.com/hook", description: x, events: ["repo:push"]}]
    ----- stderr -----
    acme has 5 repositories and 2 projects, read in 6 requests; what was written plans to nothing
    not managed yet: 1 project and 2 repositories
    "#);
    // It is valid by itself, and beside the other there is nothing to do for any of it.
    bitbucket.folder.write("new.yaml", &run.stdout);
    bitbucket.led_here(&["validate", "new.yaml"]).run().exits(0);
    let both = ["plan", "--detailed-exitcode", "repos.yaml", "new.yaml", "--only", "acme/site", "--only", "acme/tool"];
    bitbucket.as_owner(&both).run().exits(0);
    bitbucket.folder.write("repos.yaml", format!("{MANIFEST}      - {{slug: tool, project: PAY}}\n"));
    let run = export(&bitbucket, &["--unmanaged", "repos.yaml", "--unmanaged", "new.yaml"]).exits(3);
    assert!(run.stderr.contains("listed twice"), "{run}");
    let run = export(&bitbucket, &["--unmanaged", "repos.yaml"]).exits(0);
    assert!(run.stdout.contains("slug: site") && !run.stdout.contains("slug: tool"), "{run}");
    // A workspace that it does not know at all.
    let run = export(&bitbucket, &["labs", "--unmanaged", "repos.yaml"]).exits(0);
    assert!(run.stderr.contains("everything in labs is managed") && run.stdout.is_empty(), "{run}");
}
