//! What lies over what, and what is wrong with templates.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use super::{desired, load, manifest, validate};
use crate::support::lines;

#[test]
fn what_is_nearer_to_the_repository_wins_key_by_key_and_lists_replace() {
    let text = "version: 1
defaults:
  project: {is_private: true}
  repository:
    uses: [base]
    project: PAY
    is_private: true
    description: from the defaults
    permissions: {groups: {developers: write}}
    webhooks: [{url: \"https://a.example.com\", events: [\"repo:push\"]}]
templates:
  base: {description: from base, language: rust, website: https://base.example.com}
  service:
    uses: [reviewed]
    language: go
    permissions: {groups: {auditors: read}, users: {\"712020:aaaa-bbbb\": admin}}
    webhooks: [{url: \"https://b.example.com\", events: [\"repo:push\"]}]
  reviewed:
    language: c
    default_reviewers: [\"712020:aaaa-bbbb\"]
    permissions: {groups: {developers: read}}
  open: {is_private: false, language: python}
workspaces:
  - workspace: acme
    projects: [{key: PAY, is_private: false}]
    repositories:
      - {slug: plain}
      - {slug: service, uses: [service]}
      - {slug: both, uses: [open, service]}
      - {slug: other-way, uses: [service, open], language: java, permissions: {groups: {auditors: admin}}}
";
    assert_snapshot!(desired(text), @r#"
    acme/PAY  is_private=false
    acme/both  project="PAY" is_private=false description="from the defaults" language="go" website="https://base.example.com"
    acme/other-way  project="PAY" is_private=false description="from the defaults" language="java" website="https://base.example.com"
    acme/plain  project="PAY" is_private=true description="from the defaults" language="rust" website="https://base.example.com"
    acme/service  project="PAY" is_private=true description="from the defaults" language="go" website="https://base.example.com"
    acme/both/permissions/users/712020:aaaa-bbbb  permission="admin"
    acme/other-way/permissions/users/712020:aaaa-bbbb  permission="admin"
    acme/service/permissions/users/712020:aaaa-bbbb  permission="admin"
    acme/both/permissions/groups/auditors  permission="read"
    acme/both/permissions/groups/developers  permission="read"
    acme/other-way/permissions/groups/auditors  permission="admin"
    acme/other-way/permissions/groups/developers  permission="read"
    acme/plain/permissions/groups/developers  permission="write"
    acme/service/permissions/groups/auditors  permission="read"
    acme/service/permissions/groups/developers  permission="read"
    acme/both/default_reviewers/712020:aaaa-bbbb  
    acme/other-way/default_reviewers/712020:aaaa-bbbb  
    acme/service/default_reviewers/712020:aaaa-bbbb  
    acme/both/webhooks/https://b.example.com  url="https://b.example.com" events=["repo:push"]
    acme/other-way/webhooks/https://b.example.com  url="https://b.example.com" events=["repo:push"]
    acme/plain/webhooks/https://a.example.com  url="https://a.example.com" events=["repo:push"]
    acme/service/webhooks/https://b.example.com  url="https://b.example.com" events=["repo:push"]
    "#);
}

/// The same twice in a row of layers is the same once, wherever a layer is used.
#[test]
fn what_is_used_by_several_ways_lies_where_it_is_used_last() {
    let text = "version: 1
templates:
  base: {language: rust, description: base}
  left: {uses: [base], language: go}
  right: {uses: [base], website: right}
workspaces:
  - workspace: acme
    repositories:
      - {slug: a, project: P, uses: [left, right]}
      - {slug: b, project: P, uses: [right, left]}
      - {slug: c, project: P, uses: [left, base]}
";
    assert_snapshot!(desired(text), @r#"
    acme/a  project="P" description="base" language="rust" website="right"
    acme/b  project="P" description="base" language="go" website="right"
    acme/c  project="P" description="base" language="rust"
    "#);
}

#[test]
fn anchors_and_merges_go_with_templates() {
    let text = "version: 1
templates:
  hooks: &hooks
    webhooks: [&ci {url: \"https://ci.example.com\", events: [\"repo:push\"]}]
  service: {<<: *hooks, language: rust}
  named: {uses: &named [service]}
workspaces:
  - workspace: acme
    repositories:
      - &ledger {slug: ledger, project: PAY, uses: *named}
      - {<<: *ledger, slug: wages, language: go}
      - {<<: [{description: first}, {description: second, website: w}], slug: last, project: PAY, webhooks: [*ci]}
";
    assert_snapshot!(desired(text), @r#"
    acme/last  project="PAY" description="first" website="w"
    acme/ledger  project="PAY" language="rust"
    acme/wages  project="PAY" language="go"
    acme/last/webhooks/https://ci.example.com  url="https://ci.example.com" events=["repo:push"]
    acme/ledger/webhooks/https://ci.example.com  url="https://ci.example.com" events=["repo:push"]
    acme/wages/webhooks/https://ci.example.com  url="https://ci.example.com" events=["repo:push"]
    "#);
}

/// A value behind an alias is mended where it is written.
#[test]
fn what_is_wrong_behind_an_alias_is_shown_where_it_stands() {
    let run = validate(&manifest(
        "templates:\n  hooks: &hooks {branch_restrictions: [{kind: force, branch: main, value: 1}]}\n  service:\n    <<: *hooks\n",
        "      - &one {slug: a, project: P, uses: [service], language: 1.10}\n      - {<<: *one, slug: b, is_private: yes}\n      - {<<: *one, slug: c, project: pay}\n",
    ));
    assert_snapshot!(run, @r#"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0322]: `force` counts nothing
     --> repos.yaml:3:75
      |
    3 | ...&hooks {branch_restrictions: [{kind: force, branch: main, value: 1}]}
      |                                                                     ^ only `require_approvals_to_merge`, `require_default_reviewer_approvals_to_merge`, `require_passing_builds_to_merge`, `require_commits_behind` have a value
      |
     ::: repos.yaml:9:21
      |
    9 |       - &one {slug: a, project: P, uses: [service], language: 1.10}
      |                     - this repository inherits it
      |
      = help: the same holds for 2 more

    error[BB0103]: `is_private` must be true or false
      --> repos.yaml:10:41
       |
    10 |       - {<<: *one, slug: b, is_private: yes}
       |                                         ^^^ this is the text "yes"
       |
       = help: write `true`, without quotes

    2 errors
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "what a person reads is long")]
fn templates_that_are_wrong_say_where_and_why() {
    let run = validate(
        "version: 1
templates:
  service: {uses: [servce, base], pipelines: {enabeld: true}, slug: x}
  base: {uses: [base, service], groups: [a]}
  twice: {uses: [service, base, service]}
  unused: {is_private: maybe}
  nothing:
defaults: {repository: {uses: [nowhere]}, project: {uses: [base]}}
workspaces:
  - workspace: acme
    repositories:
      - {slug: a, project: P, uses: [Service]}
      - {slug: b, project: P, uses: service}
      - {slug: c, project: P, uses: [[service], ~]}
",
    );
    assert_snapshot!(run, @r#"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0207]: there is no template `servce`
     --> repos.yaml:3:20
      |
    3 |   service: {uses: [servce, base], pipelines: {enabeld: true}, slug: x}
      |                    ^^^^^^ did you mean `service`?

    error[BB0101]: pipelines has no key `enabeld`
     --> repos.yaml:3:47
      |
    3 |   service: {uses: [servce, base], pipelines: {enabeld: true}, slug: x}
      |                                               ^^^^^^^ did you mean `enabled`?

    error[BB0101]: template has no key `slug`
     --> repos.yaml:3:63
      |
    3 |   service: {uses: [servce, base], pipelines: {enabeld: true}, slug: x}
      |                                                               ^^^^ unknown
      |
      = help: known here: `branch_restrictions`, `branching_model`, `default_reviewers`, `deploy_keys`, `description`, `environments`, `exclusive`, `fork_policy`, `has_issues`, `has_wiki`, `inherit`, `is_private`, `language`, `mainbranch`, `name`, `permissions`, `pipelines`, `project`, `uses`, `webhooks`, `website`

    error[BB0209]: the template `base` stands on itself: base → base
     --> repos.yaml:4:17
      |
    4 |   base: {uses: [base, service], groups: [a]}
      |                 ^^^^ here the circle closes
      |
      = help: take one of them out of `uses`

    error[BB0209]: the template `service` stands on itself: service → base → service
     --> repos.yaml:4:23
      |
    4 |   base: {uses: [base, service], groups: [a]}
      |                       ^^^^^^^ here the circle closes
      |
     ::: repos.yaml:3:28
      |
    3 |   service: {uses: [servce, base], pipelines: {enabeld: true}, slug: x}
      |                            ---- template service uses this one
      |
      = help: take one of them out of `uses`

    error[BB0106]: groups and memberships can only be changed on the workspace's settings pages; grants to them are `permissions`
     --> repos.yaml:4:33
      |
    4 |   base: {uses: [base, service], groups: [a]}
      |                                 ^^^^^^ Bitbucket's API cannot do this
      |
      = help: leave it out

    error[BB0208]: `service` is used twice
     --> repos.yaml:5:33
      |
    5 |   twice: {uses: [service, base, service]}
      |                                 ^^^^^^^ the second time
      |
     ::: repos.yaml:5:18
      |
    5 |   twice: {uses: [service, base, service]}
      |                  ------- the first time
      |
      = help: keep one of them: what a later template says wins

    error[BB0103]: `is_private` must be true or false
     --> repos.yaml:6:24
      |
    6 |   unused: {is_private: maybe}
      |                        ^^^^^ this is the text "maybe"

    error[BB0103]: `template` must be a mapping with keys such as `branch_restrictions`, `branching_model`, `default_reviewers`, `deploy_keys`
     --> repos.yaml:7:10
      |
    7 |   nothing:
      |          ^ this is empty
      |
      = help: write a value, or leave `template` out

    error[BB0207]: there is no template `nowhere`
     --> repos.yaml:8:32
      |
    8 | defaults: {repository: {uses: [nowhere]}, project: {uses: [base]}}
      |                                ^^^^^^^ unknown
      |
      = help: there are `base`, `service`, `twice`, `unused`

    error[BB0101]: project has no key `uses`
     --> repos.yaml:8:53
      |
    8 | defaults: {repository: {uses: [nowhere]}, project: {uses: [base]}}
      |                                                     ^^^^ unknown
      |
      = help: known here: `branching_model`, `default_reviewers`, `deploy_keys`, `description`, `exclusive`, `is_private`, `name`, `permissions`

    error[BB0207]: there is no template `Service`
      --> repos.yaml:12:38
       |
    12 |       - {slug: a, project: P, uses: [Service]}
       |                                      ^^^^^^^ did you mean `service`?

    error[BB0103]: `uses` must be a list
      --> repos.yaml:13:37
       |
    13 |       - {slug: b, project: P, uses: service}
       |                                     ^^^^^^^ this is the text "service"
       |
       = help: begin each item with `- `

    error[BB0103]: `template` must be text that is not empty
      --> repos.yaml:14:38
       |
    14 |       - {slug: c, project: P, uses: [[service], ~]}
       |                                      ^ this is a list

    error[BB0103]: `template` must be text that is not empty
      --> repos.yaml:14:49
       |
    14 |       - {slug: c, project: P, uses: [[service], ~]}
       |                                                 ^ this is `~`
       |
       = help: `~` removes what is inherited, and nothing is inherited here: write a value

    15 errors
    "#);
}

#[test]
fn a_circle_is_shown_with_its_chain() {
    assert_snapshot!(validate("version: 1
templates:
  a: {uses: [b]}
  b: {uses: [free, c]}
  c: {uses: [a]}
  free: {}
  one: {uses: [one]}
"), @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0209]: the template `a` stands on itself: a → b → c → a
     --> repos.yaml:5:14
      |
    5 |   c: {uses: [a]}
      |              ^ here the circle closes
      |
     ::: repos.yaml:3:14
      |
    3 |   a: {uses: [b]}
      |              - template a uses this one
      |
     ::: repos.yaml:4:20
      |
    4 |   b: {uses: [free, c]}
      |                    - template b uses this one
      |
      = help: take one of them out of `uses`

    error[BB0209]: the template `one` stands on itself: one → one
     --> repos.yaml:7:16
      |
    7 |   one: {uses: [one]}
      |                ^^^ here the circle closes
      |
      = help: take one of them out of `uses`

    2 errors
    ");
    let long = lines(40, |at| format!("  t{at}: {{uses: [t{}]}}\n", (at + 1) % 40));
    let run = validate(&format!("version: 1\ntemplates:\n{long}")).exits(3);
    assert!(run.stderr.contains("`t0` stands on itself: t0 → t1 → t2 → t3 → t4 → … → t39 → t0"), "{run}");
}

/// What is wrong in a template is wrong once, and says who has it.
#[test]
fn a_rule_that_inherited_settings_break_is_reported_once() {
    let repositories = lines(300, |at| format!("      - {{slug: r{at}, project: P, uses: [service]}}\n"));
    let run = validate(&manifest(
        "templates:\n  service:\n    fork_policy: no_public_forks\n    is_private: false\n    branch_restrictions:\n      - {kind: require_approvals_to_merge, branch: main}\n      - {kind: force, branch: main}\n      - {kind: force, branch: main}\n    exclusive: [webhooks]\n",
        &repositories,
    ));
    assert_snapshot!(run, @"
    exit code 3
    ----- stdout -----
    ----- stderr -----
    error[BB0305]: a public repository cannot have `no_public_forks`
      --> repos.yaml:4:18
       |
     4 |     fork_policy: no_public_forks
       |                  ^^^^^^^^^^^^^^^ this repository is public
       |
      ::: repos.yaml:14:16
       |
    14 |       - {slug: r0, project: P, uses: [service]}
       |                -- this repository has it from template service
       |
       = help: write `allow_forks` or `no_forks`, or make it private
       = help: the same holds for 299 more

    error[BB0322]: `require_approvals_to_merge` needs a number
      --> repos.yaml:7:16
       |
     7 |       - {kind: require_approvals_to_merge, branch: main}
       |                ^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
      ::: repos.yaml:14:16
       |
    14 |       - {slug: r0, project: P, uses: [service]}
       |                -- this repository has it from template service
       |
       = help: write how many: `value: 1`
       = help: the same holds for 299 more

    error[BB0202]: branch restriction acme/r0/branch_restrictions/force main is listed twice
     --> repos.yaml:9:16
      |
    9 |       - {kind: force, branch: main}
      |                ^^^^^ the second time
      |
     ::: repos.yaml:8:16
      |
    8 |       - {kind: force, branch: main}
      |                ----- the first time
      |
      = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0204]: `webhooks` is exclusive and not there
      --> repos.yaml:10:17
       |
    10 |     exclusive: [webhooks]
       |                 ^^^^^^^^ what is not listed would go, and nothing is listed
       |
      ::: repos.yaml:14:16
       |
    14 |       - {slug: r0, project: P, uses: [service]}
       |                -- this repository has it from template service
       |
       = help: list what shall be, or write `webhooks: []` if all of it shall go
       = help: the same holds for 299 more

    4 errors
    ");
}

/// Every template is laid once under those who use it, by however many ways.
#[test]
fn templates_that_use_templates_many_times_over_take_no_longer_than_they_are_long() {
    let begun = Instant::now();
    let twofold = lines(2_000, |at| {
        let next = at + 1;
        format!("  a{at}: {{uses: [a{next}, b{next}]}}\n  b{at}: {{uses: [b{next}, a{next}], language: l{at}}}\n")
    });
    let end = "  a2000: {website: w}\n  b2000: {description: d}\n";
    let repositories = "      - {slug: a, project: P, uses: [a0]}\n      - {slug: b, project: P, uses: [b0, a0]}\n";
    let text = manifest(&format!("templates:\n{twofold}{end}"), repositories);
    assert_snapshot!(desired(&text), @r#"
    acme/a  project="P" description="d" language="l1" website="w"
    acme/b  project="P" description="d" language="l1" website="w"
    "#);
    let chain =
        lines(20_000, |at| format!("  t{at}: {{uses: [t{}], permissions: {{groups: {{g{at}: read}}}}}}\n", at + 1));
    let text = manifest(&format!("templates:\n{chain}  t20000: {{}}\n"), "      - {slug: a, project: P, uses: [t0]}\n");
    assert_eq!(load(&[&text]).unwrap().desired.len(), 20_001);
    let circle = lines(20_000, |at| format!("  t{at}: {{uses: [t{}, t0]}}\n", (at + 1) % 20_000));
    assert!(load(&[&format!("version: 1\ntemplates:\n{circle}")]).unwrap_err().diagnostics.has_errors());
    let mesh = lines(300, |at| format!("  t{at}: {{uses: [{}]}}\n", lines(at, |under| format!("t{under}, "))));
    let text = manifest(&format!("templates:\n{mesh}"), "      - {slug: a, project: P, uses: [t299]}\n");
    assert_eq!(load(&[&text]).unwrap().desired.len(), 1);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
