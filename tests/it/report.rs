//! What a person reads: a tree in eighty columns, what is dangerous first, what is the same told once.

use serde_json::{Value, json};

use crate::support::{Bitbucket, Run, lines};

/// The report of a run, no line of which is longer than a terminal of eighty columns.
#[track_caller]
fn read(run: &Run) -> &str {
    let wide: Vec<&str> = run.stdout.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?} in {run}");
    &run.stdout
}

/// A team's workspace before and after somebody changed things by hand.
#[test]
#[expect(clippy::too_many_lines, reason = "what a person reads is long")]
fn a_plan_is_a_tree() {
    let bitbucket = Bitbucket::new();
    let team = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/team.yaml")).unwrap();
    let secrets = ["CI_HOOK_SECRET", "REGISTRY_TOKEN", "DATABASE_PASSWORD", "CI_SSH_KEY"];
    let run = |arguments: &[&str]| {
        secrets.iter().fold(bitbucket.as_owner(arguments), |command, name| command.env(name, "s3cr3t")).run()
    };
    bitbucket.manifest(&team);
    insta::assert_snapshot!(read(&run(&["plan"]).exits(0)), @"
    acme has 0 repositories and 0 projects

        workspace acme
          + variable REGION          eu-west-1
          + variable REGISTRY_TOKEN  secured
          + webhook  https://audit.example.com/bitbucket  repo:push
      + project    acme/PAY              Payments
          + branching model                     production release
          + user permission  grace@example.com  write
          + user permission  ada@example.com    admin
          + group permission payments-leads     admin
          + group permission release-managers   write
          + default reviewer grace@example.com
          + deploy key       ssh-ed25519 KY7v0cZ3kq5yqLwM0mB9Jt1xV2nD8sPq4eUoW6hRfTg
                mirror
      + repository acme/ledger           project PAY, private
          + branching model
          + inheritance
          + user permission    alan@example.com      write
          + group permission   auditors              read
          + group permission   developers            write
          + group permission   release-managers      write
          + branch restriction force main
          + branch restriction push type:production
                users ada@example.com, groups release-managers
          + branch restriction require_approvals_to_merge main  value 2
          + default reviewer   ada@example.com
          + default reviewer   alan@example.com
          + pipelines                                enabled
          + environment        Production            for administrators only
          + environment        Staging
          + variable           Production/DATABASE_PASSWORD  secured
          + variable           Staging/URL           https://staging.example.com
          + variable           DATABASE              ledger
          + schedule           main nightly 0 0 4 * * ? *
          + SSH key pair                             ssh-ed25519
          + known host         git.example.com       ssh-ed25519
          + webhook            https://ci.example.com/bitbucket
                pullrequest:created, repo:push
          + deploy key         ssh-ed25519 H0pQ7fYb2uXz9sRk3vN5tLw…C1dE6gA4hTiUoPqWy
                ci
      + repository acme/ledger-api       project PAY, private
          + branching model
          + group permission   auditors              read
          + group permission   developers            write
          + branch restriction force main
          + branch restriction push type:production
                users ada@example.com, groups release-managers
          + branch restriction require_approvals_to_merge main  value 2
          + pipelines                                enabled
          + webhook            https://ci.example.com/bitbucket
                pullrequest:created, repo:push
      + repository acme/ledger-handbook  project PAY, private
          + branching model
          + group permission   auditors              read
          + group permission   developers            write
          + branch restriction force main
          + branch restriction push type:production
                users ada@example.com, groups release-managers
          + branch restriction require_approvals_to_merge main  value 2

    50 to create.
    5 requests used; 57 to apply, 6 % of 1,000 an hour.
    ");
    run(&["apply"]).exits(0);
    let ledger = "/repositories/acme/ledger";
    let old = "An old ledger that somebody described at length, so that it fits no line";
    bitbucket.by_hand("PUT", ledger, &json!({"description": old}));
    for (group, permission) in [("guests", "read"), ("auditors", "admin")] {
        let path = format!("{ledger}/permissions-config/groups/{group}");
        assert_eq!(bitbucket.by_owner("PUT", &path, &json!({"permission": permission})).0, 200);
    }
    let key = &bitbucket.by_hand("GET", &format!("{ledger}/deploy-keys"), &Value::Null).1["values"][0]["id"];
    bitbucket.by_hand("DELETE", &format!("{ledger}/deploy-keys/{key}"), &Value::Null);
    let stray = json!({"url": "https://stray.example.com/a/hook/nobody/knows", "events": ["repo:push"]});
    bitbucket.by_hand("POST", &format!("{ledger}/hooks"), &stray);
    let api = "/repositories/acme/ledger-api/pipelines_config";
    bitbucket.by_hand("PUT", api, &json!({"enabled": false}));
    insta::assert_snapshot!(read(&run(&["plan"]).exits(0)), @r#"
    acme has 3 repositories and 1 project

      ~ repository acme/ledger  description
            description  "An old ledger that somebody described at length, so that …
                       → "Double-entry ledger"
          - group permission guests    removed: read  (exclusive, repos.yaml:58)
          - webhook          https://stray.example.com/a/hook/nobody/knows
                removed: repo:push  (exclusive, repos.yaml:58)
          ~ group permission auditors  admin → read
          + deploy key       ssh-ed25519 H0pQ7fYb2uXz9sRk3vN5tLwJ8mC1dE6gA4hTiUoPqWy
                ci
        repository acme/ledger-api
          ~ pipelines  false → true

      note acme/ledger SSH key pair: whether private_key is still the same secret
           cannot be seen; --rewrite-secrets PATTERN writes it again
      note acme/ledger variable Production/DATABASE_PASSWORD: whether value is still
           the same secret cannot be seen, nor of 1 more; --rewrite-secrets PATTERN
           writes it again
      note acme/ledger webhook https://ci.example.com/bitbucket: whether secret is
           still the same secret cannot be seen, nor of 1 more; --rewrite-secrets
           PATTERN writes it again

    1 to create, 3 to update, 2 to remove (--allow-remove 2), 46 unchanged.
    34 requests used; 7 to apply, 1 % of 1,000 an hour.
    "#);
}

fn services(exclusive: &str, restrictions: &str, count: usize) -> String {
    let repositories = lines(count, |number| format!("      - {{slug: service-{number:02}, project: PAY}}\n"));
    format!(
        "version: 1\ndefaults:\n  repository:\n    is_private: true\n    {exclusive}webhooks: [{{url: 'https://ci.example.com', events: ['repo:push']}}]\n    \
         branch_restrictions:\n{restrictions}workspaces:\n  - workspace: acme\n    projects: [{{key: PAY}}]\n    \
         repositories:\n{repositories}"
    )
}

const TWO: &str = "      - {kind: force, branch: main}\n      - {kind: delete, branch: main}\n";
const APPROVALS: &str = "      - {kind: require_approvals_to_merge, branch: main, value: 2}\n";

/// What is the same for many takes a few lines, whatever else happens to some of them; what is dangerous has its own lines.
#[test]
fn what_happens_to_many_alike_is_told_once() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&services("", TWO, 48));
    insta::assert_snapshot!(read(&bitbucket.as_owner(&["plan"]).run().exits(0)), @"
    acme has 0 repositories and 0 projects

      + project    acme/PAY
      + 48 repositories of acme  project PAY, private
            service-00, service-01, service-02 and 45 more (-v lists them)
          + branch restriction delete main
          + branch restriction force main
          + webhook            https://ci.example.com  repo:push

    193 to create.
    2 requests used; 193 to apply, 20 % of 1,000 an hour.
    ");
    bitbucket.as_owner(&["apply"]).run().exits(0);
    for number in 0..9 {
        let repository = format!("/repositories/acme/service-{number:02}");
        let stray = json!({"url": format!("https://{number}.example.com"), "events": ["repo:push"]});
        if number < 2 {
            bitbucket.by_hand("POST", &format!("{repository}/hooks"), &stray);
        }
        bitbucket.by_hand("PUT", &repository, &json!({"is_private": true, "description": format!("number {number}")}));
    }
    bitbucket.manifest(&services("exclusive: [webhooks]\n    description: ''\n    ", &format!("{TWO}{APPROVALS}"), 48));
    insta::assert_snapshot!(read(&bitbucket.as_owner(&["plan"]).run().exits(0)), @r#"
    acme has 48 repositories and 1 project

      ~ repository acme/service-00  description  "number 0" → ""
          - webhook https://0.example.com  removed: repo:push
                (exclusive, repos.yaml:5)
      ~ repository acme/service-01  description  "number 1" → ""
          - webhook https://1.example.com  removed: repo:push
                (exclusive, repos.yaml:5)
      ~ repository acme/service-02  description  "number 2" → ""
      ~ repository acme/service-03  description  "number 3" → ""
      ~ repository acme/service-04  description  "number 4" → ""
      ~ repository acme/service-05  description  "number 5" → ""
      ~ repository acme/service-06  description  "number 6" → ""
      ~ repository acme/service-07  description  "number 7" → ""
      ~ repository acme/service-08  description  "number 8" → ""
        48 repositories of acme
            service-00, service-01, service-02 and 45 more (-v lists them)
          + branch restriction require_approvals_to_merge main  value 2

    48 to create, 9 to update, 2 to remove (--allow-remove 2), 184 unchanged.
    98 requests used; 59 to apply, 6 % of 1,000 an hour.
    "#);
    let whole = bitbucket.as_owner(&["plan", "-v"]).run().exits(0);
    let count = |words: &str| whole.stdout.lines().filter(|line| line.contains(words)).count();
    assert_eq!((count("require_approvals_to_merge main"), count("repository acme/service-")), (48, 48), "{whole}");
}

/// Failures stand under the object they are about, and what was skipped beside its reason.
#[test]
fn an_account_names_what_failed_under_its_object() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&services("permissions: {groups: {a: read, b: write}}\n    ", TWO, 2));
    // Whoever has no API token may not grant (api.md §5.1).
    let run = bitbucket.run(&["apply"]).exits(5);
    insta::assert_snapshot!(read(&run), @"
    acme has 0 repositories and 0 projects

      + project    acme/PAY
      + 2 repositories of acme  project PAY, private
            service-00, service-01
          + group permission   a            read
          + group permission   b            write
          + branch restriction delete main
          + branch restriction force main
          + webhook            https://ci.example.com  repo:push

    13 to create.
    2 requests used; 13 to apply, 2 % of 1,000 an hour.

      failed in repository acme/service-00
          group permission a
            PUT /2.0/repositories/acme/service-00/permissions-config/groups/a was
            answered 403: This API is not accessible by this authentication
            mechanism; an API token may: set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN
          group permission b
            PUT /2.0/repositories/acme/service-00/permissions-config/groups/b was
            answered 403: This API is not accessible by this authentication
            mechanism; an API token may: set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN
      failed in repository acme/service-01
          group permission a
            PUT /2.0/repositories/acme/service-01/permissions-config/groups/a was
            answered 403: This API is not accessible by this authentication
            mechanism; an API token may: set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN
          group permission b
            PUT /2.0/repositories/acme/service-01/permissions-config/groups/b was
            answered 403: This API is not accessible by this authentication
            mechanism; an API token may: set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN

    9 done, 4 failed, in 13 requests.
    Mend what failed, and run the same command again: what is done stays done.
    ");
}
