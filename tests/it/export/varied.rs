//! A workspace such as companies have: projects of every size, most repositories set up alike, and every exception.

use std::fmt::Write as _;

use crate::support::Bitbucket;

/// The projects: key, name, how many repositories, and the team that owns them.
const PROJECTS: [(&str, &str, usize, &str); 14] = [
    ("PAY", "Payments", 58, "payments"),
    ("WEB", "Web", 44, "frontend"),
    ("DATA", "Data platform", 39, "data"),
    ("MOB", "Mobile", 31, "mobile"),
    ("OPS", "Operations & SRE", 29, "sre"),
    ("CORE", "Core services", 27, "core"),
    ("ML", "Machine learning", 21, "data"),
    ("SEC", "Security: tools", 15, "security"),
    ("DOC", "Documentation", 11, "docs"),
    ("QA", "Quality", 9, "qa"),
    ("LAB", "Laboratory", 7, "core"),
    ("OSS", "Open source", 5, "core"),
    ("OLD", "Archive", 3, "sre"),
    ("HR", "People", 1, "people"),
];

const NOUNS: [&str; 20] = [
    "ledger",
    "gateway",
    "invoices",
    "fraud-rules",
    "settlement",
    "checkout",
    "catalogue",
    "search",
    "profile",
    "session",
    "billing",
    "export",
    "scheduler",
    "notifier",
    "reports",
    "importer",
    "portal",
    "mailer",
    "audit",
    "metrics",
];

const LANGUAGES: [&str; 6] = ["java", "typescript", "python", "go", "rust", "kotlin"];

const DESCRIPTIONS: [&str; 12] = [
    "Double-entry ledger",
    "Front door of all services: routing, quotas, authentication",
    "\"Legacy\" – do not touch # seriously",
    "Größenberechnung für Überweisungen 💶",
    "yes",
    "1.10",
    "It's what it's called",
    "- not a list",
    "First line\\nSecond line: with a colon\\n  and an indented one",
    "{curly} [square] & *star*",
    "A longer text about what this is for, who looks after it, where its dashboards and its runbooks are to be found, and \
     what to do when it pages somebody in the middle of the night",
    "@mention `code` %percent",
];

/// Three of the sandbox's people.
pub const PEOPLE: [&str; 3] = ["ada", "grace", "alan"];

/// A manifest of it. `accounts` are the UUIDs of [`PEOPLE`].
pub fn manifest(accounts: &[String]) -> String {
    let mut text = "version: 1\nworkspaces:\n  - workspace: acme\n    pipelines: {variables: [{key: REGION, value: eu-west-1}, {key: \
                    REGISTRY_TOKEN, secured: true, value: {env: S}}]}\n    webhooks: [{url: \"https://audit.example.com/x\", \
                    description: Audit, events: [\"repo:push\"]}]\n    projects:\n"
        .to_owned();
    for (key, name, _, team) in PROJECTS {
        let private = key != "OSS" && key != "WEB";
        let _ = writeln!(
            text,
            "      - {{key: {key}, name: \"{name}\", is_private: {private}, permissions: {{groups: {{{team}: admin, auditors: read}}}}}}"
        );
    }
    text.push_str("    repositories:\n");
    let mut number = 0;
    for (key, _, count, team) in PROJECTS {
        for at in 0..count {
            repository(&mut text, key, team, at, number, accounts);
            number += 1;
        }
    }
    text
}

/// How many repositories there are.
pub fn count() -> usize {
    PROJECTS.iter().map(|(_, _, count, _)| count).sum()
}

/// Somebody has pushed to most of them.
pub fn push(bitbucket: &Bitbucket) {
    let mut number = 0;
    for (key, _, count, _) in PROJECTS {
        for at in 0..count {
            if number % 20 > 0 {
                bitbucket.push(&format!("acme/{}", slug(key, at)), if number % 25 == 7 { "master" } else { "main" });
            }
            number += 1;
        }
    }
}

fn slug(key: &str, at: usize) -> String {
    let noun = NOUNS[at % NOUNS.len()];
    match at / NOUNS.len() {
        0 => format!("{}-{noun}", key.to_lowercase()),
        more => format!("{}-{noun}-{}", key.to_lowercase(), more + 1),
    }
}

fn repository(text: &mut String, key: &str, team: &str, at: usize, number: usize, accounts: &[String]) {
    let (slug, noun) = (slug(key, at), NOUNS[at % NOUNS.len()]);
    let _ = writeln!(text, "      - slug: {slug}");
    let mut say = |line: String| writeln!(text, "        {line}").unwrap();
    let every = |n: usize| number % n == n / 2;
    let public = key == "OSS" || key == "WEB" && at % 11 == 3;
    say(format!("project: {key}"));
    say(format!("is_private: {}", !public));
    let policy = match () {
        () if public || every(19) => "allow_forks",
        () if every(13) => "no_forks",
        () => "no_public_forks",
    };
    say(format!("fork_policy: {policy}"));
    if number % 3 != 1 {
        let about = if every(9) { DESCRIPTIONS[(number / 9) % DESCRIPTIONS.len()] } else { noun };
        say(format!("description: \"{}\"", about.replace('"', "\\\"")));
    }
    if every(8) {
        say(format!("name: \"{}\"", slug.replace('-', " ").to_uppercase()));
    }
    // A team has its language, and some of it something else.
    let own = LANGUAGES[key.len() * 5 % LANGUAGES.len()];
    if !every(10) {
        say(format!("language: {}", if every(7) { LANGUAGES[number % LANGUAGES.len()] } else { own }));
    }
    if every(23) {
        say(format!("website: https://{slug}.example.com"));
    }
    governed(&mut say, key, team, number, accounts);
    piped(&mut say, key, &slug, number);
}

/// Who may do what, and what happens to branches.
fn governed(say: &mut impl FnMut(String), key: &str, team: &str, number: usize, accounts: &[String]) {
    let every = |n: usize| number % n == n / 2;
    let somebody = &accounts[number / 10 % accounts.len()];
    let users = if every(15) { format!(", users: {{\"{somebody}\": write}}") } else { String::new() };
    let reader = if every(16) { ", contractors: read" } else { "" };
    say(format!("permissions: {{groups: {{{team}: write, auditors: read{reader}}}{users}}}"));
    let restrictions = match key {
        "OLD" | "LAB" => "",
        "PAY" | "SEC" => {
            "{kind: require_approvals_to_merge, branch: main, value: 2}, {kind: force, branch: main}, {kind: delete, branch: \
             main}, {kind: push, branch: {type: production}, groups: [release-managers]}"
        }
        _ if every(12) => "{kind: force, branch: \"release/*\"}",
        _ => "{kind: require_approvals_to_merge, branch: main, value: 1}, {kind: force, branch: main}",
    };
    if !restrictions.is_empty() {
        say(format!("branch_restrictions: [{restrictions}]"));
    }
    if every(15) && number % 2 == 1 {
        say(format!("default_reviewers: [\"{somebody}\"]"));
    }
    if every(31) {
        say("branching_model: {branch_types: [{kind: release, enabled: false}]}".to_owned());
    }
}

/// What is built and deployed, and who is told.
fn piped(say: &mut impl FnMut(String), key: &str, slug: &str, number: usize) {
    let every = |n: usize| number % n == n / 2;
    let builds = !matches!(key, "DOC" | "OLD" | "LAB");
    let hook = "{url: \"https://ci.example.com/hook\", description: CI, events: [\"repo:push\", \"pullrequest:created\"], secret: \
                {env: S}}";
    let slack = "{url: \"https://hooks.slack.com/services/T0/B0\", description: Slack, events: [\"repo:push\"]}";
    match key {
        "OPS" => say(format!("webhooks: [{hook}, {slack}]")),
        _ if builds && !every(11) => say(format!("webhooks: [{hook}]")),
        _ => {}
    }
    let variables = match number % 20 {
        3 => ", variables: [{key: REGION, value: us-east-1}, {key: DEPLOY_TOKEN, secured: true, value: {env: S}}]",
        8 => ", variables: [{key: JAVA_OPTS, value: \"-Xmx2g\"}]",
        _ => "",
    };
    let nightly =
        if every(17) { ", schedules: [{branch: main, cron: \"0 0 4 * * ? *\", pipeline: nightly}]" } else { "" };
    if builds {
        say(format!("pipelines: {{enabled: true{variables}{nightly}}}"));
    }
    if builds && every(18) {
        say("environments: [{name: Production, admin_only: true, variables: [{key: DATABASE_PASSWORD, secured: true, value: \
             {env: S}}]}, {name: EU, type: Staging}]"
            .to_owned());
    }
    if every(40) {
        say(format!(
            "deploy_keys: [{{label: \"{slug}\", key: ssh-ed25519 \
             AAAAC3NzaC1lZDI1NTE5AAAAIA{number:03}v0cZ3kq5yqLwM0mB9Jt1xV2nD8sPq4eUoW6hRfT}}]"
        ));
    }
}
