//! The files in `schemas/` are what the program prints, and they accept what the program accepts.

use bbprov::diagnostic::Sources;
use bbprov::manifest;
use bbprov::resource::{Action, KINDS, KindRef, Set, Shape};
use serde_json::Value;

use crate::support::{Bbprov, Bitbucket, Folder};

fn schema(name: &str) -> Value {
    let file = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let printed = Bbprov::new(&Folder::new(), &["schema", name]).run().exits(0).stdout;
    assert_eq!(text, printed, "{file} has drifted: bbprov schema {name} > schemas/{name}.schema.json");
    serde_json::from_str(&text).unwrap()
}

pub fn validator(name: &str) -> jsonschema::Validator {
    let schema = schema(name);
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    jsonschema::draft7::new(&schema).unwrap()
}

#[test]
fn plans_and_accounts_fit_their_schema() {
    let validator = validator("plan");
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: PAY}], repositories: [{slug: a, project: PAY, mainbranch: x}]}]",
    );
    for arguments in [["plan", "--format", "json"], ["apply", "--format", "json"]] {
        let document = bitbucket.run(&arguments).exits(0).json();
        let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{arguments:?}: {errors:?}\n{document:#}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"version": 1})));
}

/// The loader reads shapes from the schema with code of its own; a full validator is the judge of that.
#[test]
fn the_loader_and_a_full_validator_agree() {
    let validator = validator("manifest");
    let sound = [
        "version: 1\nworkspaces: []",
        include_str!("../../examples/repos.yaml"),
        "version: 1\nworkspaces: [{workspace: acme, auth: {access_token: {env: ACME_TOKEN}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {email: {env: E}, api_token: {command: [pass, show, x]}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {client_id: x, client_secret: {file: y}}}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, branch_restrictions: [{kind: push, branch: main, users: []}, {kind: force, branch: {type: production}}]}]}]",
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: P, branching_model: {development: {name: d}, branch_types: [{kind: hotfix, prefix: h/}]}}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, inherit: {branching_model: false}}]}]",
        "version: 1\ntemplates: {t: {description: x}}\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, uses: [t], description: ~}]}]",
    ];
    let broken = [
        "version: 2\nworkspaces: []",
        "version: '1'\nworkspaces: []",
        "workspaces: []",
        "version: 1\nworkspaces: {}",
        "version: 1\nworkspaces: [{}]",
        "version: 1\nworkspaces: [acme]",
        "version: 1\nworkspaces: []\ndefault: {}",
        "version: 1\nworkspaces: []\ndefaults: {repository: {slug: a}}",
        "version: 1\nworkspaces: [{workspace: acme, projects: [{name: x}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, is_private: 'yes'}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, fork_policy: none}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, state: gone}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: ~, project: P}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, mainbranch: ''}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: A, project: P}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a--b, project: P}]}]",
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: 1}]}]",
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: A-B}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, branch_restrictions: [{kind: push}]}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, branch_restrictions: [{kind: force, branch: {type: x}}]}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, branch_restrictions: [{kind: force, branch: {pattern: x}}]}]}]",
        "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, inherit: true}]}]",
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: P, inherit: {branching_model: true}}]}]",
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: P, branching_model: {branch_types: [{prefix: h/}]}}]}]",
        "version: 1\nworkspaces: [{workspace: acme, projects: [{key: P, deploy_keys: [{label: h}]}]}]",
        "version: 1\nworkspaces: [{workspace: Acme}]",
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: A}]}}]",
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: 1A, value: b}]}}]",
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: A, value: {env: B}}]}}]",
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: A, secured: true, value: b}]}}]",
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: A, secured: true, value: {env: B, file: c}}]}}]",
        "version: 1\nworkspaces: [{workspace: acme, pipelines: {variables: [{key: A, value: [b]}]}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: token}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {access_token: token}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {access_token: {}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {access_token: {env: a-b}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {access_token: {env: A, file: b}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {access_token: {command: []}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {access_token: {file: ''}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {email: {file: x}, api_token: {env: A}}}]",
        "version: 1\nworkspaces: [{workspace: acme, auth: {email: '', api_token: {env: A}}}]",
    ];
    for (texts, expected) in [(&sound[..], true), (&broken[..], false)] {
        for text in texts {
            let value: Value = manifest::parse::parse(text, 0).unwrap().to_json();
            assert_eq!(validator.is_valid(&value), expected, "the validator: {text}");
            let mut sources = Sources::default();
            sources.add("repos.yaml", *text);
            assert_eq!(manifest::from_sources(sources).is_ok(), expected, "the loader: {text}");
        }
    }
}

/// What the README says of each kind is what the registry says.
#[test]
fn the_readmes_table_of_kinds_is_that_of_the_registry() {
    let fields = |kind: KindRef, set: Set| {
        let names: Vec<_> =
            kind.fields().iter().filter(|field| field.set == set).map(|field| format!("`{}`", field.name)).collect();
        names.join(", ")
    };
    let rows = KINDS.into_iter().map(|kind| {
        let within = kind.parent().map_or("workspace", |parent| parent.name());
        let article = if within.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let scopes = kind.scopes(Action::Create);
        let tells = match kind.shape() {
            Shape::One | Shape::Value(_) => "one in each".to_owned(),
            _ => format!("`{}`", kind.identity()),
        };
        format!(
            "| {} | `{}` of {article} {within} | {tells} | {} | {} | `{}` |\n",
            kind.name(),
            kind.section(),
            fields(kind, Set::Blindly),
            fields(kind, Set::Once),
            scopes.classic
        )
    });
    let head = "| kind | section | told apart by | never read | only when new | scope to write |\n| --- | --- | --- | --- | --- | --- |\n";
    let table = format!("{head}{}", rows.collect::<String>());
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(&table), "the table of kinds in README.md is to be this one:\n{table}");
}
