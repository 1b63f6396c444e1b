//! Whatever there is: what is written of it is valid and true, and nothing is missing that does not go without saying.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Estate, Existing, Style, write};
use crate::diagnostic::Sources;
use crate::manifest::from_sources;
use crate::resource::{Address, Fields, KINDS, KindRef};

fn kind(section: &str, parent: &str) -> KindRef {
    let is_it = |kind: &KindRef| {
        kind.section() == section && kind.parent().map_or("workspace", |parent| parent.section()) == parent
    };
    KINDS.into_iter().find(is_it).unwrap()
}

fn fields(kind: KindRef, said: &Value) -> Fields {
    let known = kind.fields().iter().filter_map(|field| Some((field.name, said.get(field.name)?.clone())));
    known.filter(|(_, value)| !value.is_null()).collect()
}

/// What stands in sections: things of a kind, each with its identity.
type Things = Vec<(&'static str, Vec<Value>)>;

/// A repository: its number, what is said of it, and the sections that are known of it.
type Repository = (Value, Things);

fn some(all: Vec<Value>) -> impl Strategy<Value = Vec<Value>> {
    let count = all.len();
    // Mostly all of them or none, so that there is something to have in common.
    prop_oneof![Just(all.clone()), Just(Vec::new()), prop::sample::subsequence(all, 0..=count)]
}

fn sections() -> impl Strategy<Value = Things> {
    let grants = json!([{"": "devs", "permission": "write"}, {"": "auditors", "permission": "read"}, {"": "1.0", "permission": "admin"}]);
    let hooks = json!([
        {"url": "https://ci.example.com/x", "events": ["repo:push"], "active": true, "description": "CI", "secret": {"env": "X"}},
        {"url": "https://audit.example.com", "events": ["repo:fork", "repo:push"], "active": false, "description": ""},
    ]);
    let restrictions = json!([
        {"kind": "force", "branch": "main", "users": [], "groups": []},
        {"kind": "push", "branch": {"type": "production"}, "users": [], "groups": ["leads"]},
        {"kind": "require_approvals_to_merge", "branch": "*", "value": 2, "users": [], "groups": []},
    ]);
    let environments = json!([
        {"name": "Test", "type": "Test", "admin_only": false},
        {"name": "Production", "type": "Production", "admin_only": true},
        {"name": "eu", "type": "Staging", "admin_only": false},
    ]);
    let variables = json!([
        {"key": "A", "value": "yes", "secured": false}, {"key": "TOKEN", "value": {"env": "X"}, "secured": true},
    ]);
    let models = json!([
        {"development.use_mainbranch": true, "feature.prefix": "feature/", "feature.enabled": true, "default_branch_deletion": false},
        {"development.name": "dev", "development.use_mainbranch": false, "feature.prefix": "f/", "feature.enabled": true, "default_branch_deletion": true},
        {"production.name": "live", "production.enabled": true, "hotfix.prefix": "fix/", "hotfix.enabled": false},
    ]);
    let list = |value: &Value| value.as_array().unwrap().clone();
    let one = |value: &Value| prop::sample::select(list(value)).prop_map(|one| vec![one]);
    let flag = prop::sample::select(vec![vec![json!({"enabled": true})], vec![json!({"enabled": false})]]);
    let known = (
        some(list(&grants)),
        some(list(&hooks)),
        some(list(&restrictions)),
        some(list(&environments)),
        some(list(&variables)),
        one(&models),
        flag,
    );
    let unread = prop::collection::vec(prop::bool::weighted(0.05), 7);
    (known, unread).prop_map(|((grants, hooks, restrictions, environments, variables, model, pipelines), unread)| {
        let all = [
            ("permissions.groups", grants),
            ("webhooks", hooks),
            ("branch_restrictions", restrictions),
            ("environments", environments),
            ("pipelines.variables", variables),
            ("branching_model", model),
            ("pipelines.enabled", pipelines),
        ];
        all.into_iter().zip(unread).filter(|(_, unread)| !unread).map(|(section, _)| section).collect()
    })
}

fn repository() -> impl Strategy<Value = Repository> {
    let often =
        |common: &'static str, rare: Vec<&'static str>| prop_oneof![3 => Just(common), 1 => prop::sample::select(rare)];
    let own = (
        often("PAY", vec!["WEB", "LAB"]),
        prop::bool::weighted(0.9),
        often("no_public_forks", vec!["allow_forks", "no_forks"]),
        often("", vec!["Yes: # no", "on", "two\nlines", "1.10"]),
        often("main", vec!["master", ""]),
    );
    (own, sections()).prop_map(|((project, is_private, policy, description, branch), sections)| {
        let policy = if is_private { policy } else { "allow_forks" };
        let branch = if branch.is_empty() { Value::Null } else { branch.into() };
        let said = json!({
            "project": project, "is_private": is_private, "fork_policy": policy, "description": description,
            "mainbranch": branch, "language": "", "has_wiki": false,
        });
        (said, sections)
    })
}

fn estate(repositories: Vec<Repository>) -> Estate {
    let mut estate = Estate { workspaces: vec!["acme".to_owned(), "labs".to_owned()], ..Estate::default() };
    let (project, repository) = (kind("projects", "workspace"), kind("repositories", "workspace"));
    let mut add = |address: Address, said: &Value| {
        let fields = fields(address.kind(), said);
        estate.objects.push(Existing { address, fields });
    };
    for key in ["PAY", "WEB", "LAB"] {
        for workspace in ["acme", "labs"] {
            add(Address::new(project, workspace, key), &json!({"name": key, "is_private": false, "description": ""}));
        }
    }
    for (at, (said, sections)) in repositories.into_iter().enumerate() {
        let workspace = if at % 5 == 4 { "labs" } else { "acme" };
        let address = Address::new(repository, workspace, &format!("r{at}"));
        add(address.clone(), &said);
        for (section, things) in sections {
            let inner = kind(section, "repositories");
            for thing in things {
                let id = thing.get("").and_then(Value::as_str).map(str::to_owned);
                let id = id.unwrap_or_else(|| inner.identity_of(&fields(inner, &thing)));
                let id = if inner.shape().is_single() { String::new() } else { id };
                let address = Address::within(address.as_str(), inner, &id);
                // One of the environments has variables of its own.
                if section == "environments" && id == "eu" {
                    let variable = Address::within(address.as_str(), kind("variables", "environments"), "KEY");
                    add(variable, &json!({"key": "KEY", "value": {"env": "X"}, "secured": true}));
                }
                add(address, &thing);
            }
        }
    }
    estate
}

/// What is said of a secret is where it comes from, which is for a person to say.
fn alike(said: &Value, there: &Value) -> bool {
    said == there || said.get("env").is_some() && there.get("env").is_some()
}

fn check(estate: &Estate, style: &Style) -> Result<(), TestCaseError> {
    let written = write(estate.clone(), style);
    prop_assert_eq!(&written.left_out, &[]);
    let mut sources = Sources::default();
    for file in &written.files {
        sources.add(&*file.name, &*file.text);
    }
    let text: String = written.files.iter().map(|file| format!("--- {}\n{}", file.name, file.text)).collect();
    let manifest = from_sources(sources).map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{text}")))?;
    prop_assert!(manifest.warnings.is_empty(), "{:?}\n{text}", manifest.warnings);
    let there: HashMap<&Address, &Fields> =
        estate.objects.iter().map(|object| (&object.address, &object.fields)).collect();
    let mut said: BTreeMap<&Address, &Fields> = BTreeMap::new();
    for object in &manifest.desired {
        let Some(facts) = there.get(&object.address) else {
            return Err(TestCaseError::fail(format!("{} is made up\n{text}", object.address)));
        };
        for (name, value) in object.fields.iter() {
            let fact = facts.get(name).cloned().unwrap_or_default();
            prop_assert!(alike(value, &fact), "{name} of {} is {fact}, not {value}\n{text}", object.address);
        }
        said.insert(&object.address, &object.fields);
    }
    for Existing { address, fields } in &estate.objects {
        let kind = address.kind();
        for field in kind.fields().iter().filter(|field| fields.get(field.name).is_some()) {
            let is_said = said.get(address).is_some_and(|said| said.get(field.name).is_some());
            let usual =
                kind.goes_without_saying(address.id(), field, fields) || kind.comes_by_itself(address.id(), fields);
            prop_assert!(is_said || usual, "{} of {address} is not said\n{text}", field.name);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_true_and_nothing_is_missing(
        repositories in prop::collection::vec(repository(), 0..14),
        templates in any::<bool>(),
        split in any::<bool>(),
    ) {
        let estate = estate(repositories);
        check(&estate, &Style { split, templates, ..Style::default() })?;
    }
}
