//! Layering, held against a model that does the plainest thing: every layer in full, one after the other, on JSON.

use std::collections::BTreeMap;

use bbprov::diagnostic::Sources;
use bbprov::manifest::explain::{Part, Traced, Value as Said};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Map, Value, json};

use super::{lines, load};

/// Some settings, `null` among them, that stand on some of the templates before them.
#[derive(Debug, Clone)]
struct Layer {
    settings: Value,
    uses: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Case {
    defaults: Layer,
    templates: Vec<Layer>,
    repositories: Vec<Layer>,
    /// In which of the files each template and each repository stands.
    files: Vec<Index>,
}

fn settings() -> impl Strategy<Value = Value> {
    let maybe = |values: Vec<Value>| {
        let mut values = values;
        values.push(Value::Null);
        select(values)
    };
    let flag = || maybe(vec![json!(true), json!(false)]);
    let text = || maybe(vec![json!("one"), json!("two"), json!("three")]);
    let grants = || maybe(vec![json!("read"), json!("write"), json!("admin")]);
    let some = |keys: Vec<&'static str>, value: BoxedStrategy<Value>| {
        let count = keys.len();
        let keys = subsequence(keys, 0..=count);
        let map = keys.prop_flat_map(move |keys| {
            let values = proptest::collection::vec(value.clone(), keys.len());
            values.prop_map(move |values| {
                Value::Object(keys.iter().map(|key| (*key).to_owned()).zip(values).collect::<Map<_, _>>())
            })
        });
        prop_oneof![5 => map, 1 => Just(Value::Null)].boxed()
    };
    let groups = some(vec!["a", "b", "uses"], grants().boxed());
    let permissions = some(vec!["groups"], groups);
    let restrictions = maybe(vec![
        json!([]),
        json!([{"kind": "force", "branch": "main"}]),
        json!([{"kind": "delete", "branch": "x"}, {"kind": "force", "branch": {"type": "production"}}]),
    ]);
    let variables = maybe(vec![json!([]), json!([{"key": "A", "value": "1"}]), json!([{"key": "A", "value": "2"}])]);
    let pipelines = some(vec!["enabled", "variables"], Just(Value::Null).boxed());
    let pipelines = (pipelines, flag(), variables).prop_map(|(keys, enabled, variables)| match keys {
        Value::Object(keys) => Value::Object(
            keys.into_iter()
                .map(|(key, _)| (key.clone(), if key == "enabled" { enabled.clone() } else { variables.clone() }))
                .collect(),
        ),
        other => other,
    });
    let development = some(vec!["name"], text().boxed());
    let model = prop_oneof![
        Just(Value::Null),
        (development, flag()).prop_map(
            |(development, deletion)| json!({"development": development, "default_branch_deletion": deletion})
        ),
    ];
    let keys = subsequence((0..7).collect::<Vec<usize>>(), 0..=7);
    (keys, text(), text(), flag(), permissions, restrictions, pipelines, model).prop_map(
        |(keys, description, language, is_private, permissions, restrictions, pipelines, model)| {
            let all = [
                ("description", description),
                ("language", language),
                ("is_private", is_private),
                ("permissions", permissions),
                ("branch_restrictions", restrictions),
                ("pipelines", pipelines),
                ("branching_model", model),
            ];
            keys.into_iter().map(|at| (all[at].0.to_owned(), all[at].1.clone())).collect::<Map<_, _>>().into()
        },
    )
}

/// A layer on some of so many templates, in any order.
fn layer(templates: usize) -> impl Strategy<Value = Layer> {
    let uses = subsequence((0..templates).collect::<Vec<_>>(), 0..=templates.min(3)).prop_shuffle();
    (settings(), uses).prop_map(|(settings, uses)| Layer { settings, uses })
}

fn case() -> impl Strategy<Value = Case> {
    const TEMPLATES: usize = 6;
    let templates: Vec<_> = (0..TEMPLATES).map(layer).collect();
    let repositories = proptest::collection::vec(layer(TEMPLATES), 1..4);
    let files = proptest::collection::vec(any::<Index>(), TEMPLATES + 4);
    (layer(TEMPLATES), templates, repositories, files).prop_map(|(defaults, templates, repositories, files)| Case {
        defaults,
        templates,
        repositories,
        files,
    })
}

impl Layer {
    fn written(&self) -> Value {
        let mut written = self.settings.clone();
        if !self.uses.is_empty() {
            written["uses"] = self.uses.iter().map(|at| format!("t{at}")).collect();
        }
        written
    }
}

impl Case {
    /// As files that say it; JSON is YAML.
    fn texts(&self, count: usize) -> Vec<String> {
        let mut templates = vec![Map::new(); count];
        let mut repositories = vec![Vec::new(); count];
        for (at, template) in self.templates.iter().enumerate() {
            templates[self.files[at].index(count)].insert(format!("t{at}"), template.written());
        }
        for (at, repository) in self.repositories.iter().enumerate() {
            let mut item = repository.written();
            item["slug"] = json!(format!("r{at}"));
            item["project"] = json!("P");
            repositories[self.files[self.templates.len() + at].index(count)].push(item);
        }
        let file = |(at, (templates, repositories)): (usize, (Map<_, _>, Vec<Value>))| {
            let mut file = json!({
                "version": 1, "templates": templates, "workspaces": [{"workspace": "acme", "repositories": repositories}],
            });
            if at == 0 {
                file["defaults"] = json!({"repository": self.defaults.written()});
            }
            file.to_string()
        };
        templates.into_iter().zip(repositories).enumerate().map(file).collect()
    }

    /// The layers of a layer in full, from the lowest to the uppermost.
    fn row<'a>(&'a self, layer: &'a Layer) -> Vec<&'a Value> {
        let under = layer.uses.iter().flat_map(|at| self.row(&self.templates[*at]));
        under.chain([&layer.settings]).collect()
    }

    /// What each repository is in the end.
    fn effective(&self) -> Vec<Value> {
        let of = |repository: &Layer| {
            let mut effective = json!({});
            let rows = self.row(&self.defaults).into_iter().chain(self.row(repository));
            rows.for_each(|settings| lay(&mut effective, settings));
            effective
        };
        self.repositories.iter().map(of).collect()
    }
}

fn lay(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    under.remove(key);
                } else {
                    // A mapping with nothing under it removes nothing either.
                    let old =
                        under.entry(key.clone()).or_insert(if value.is_object() { json!({}) } else { Value::Null });
                    lay(old, value);
                }
            }
        }
        (under, Value::Object(over)) => {
            *under = json!({});
            lay(under, &Value::Object(over.clone()));
        }
        (under, over) => *under = over.clone(),
    }
}

/// Without mappings in which nothing is left.
fn pruned(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, pruned(value)));
            Value::Object(entries.filter(|(_, value)| *value != json!({})).collect())
        }
        other => other,
    }
}

/// What an explanation says in the end.
fn told(parts: &[Part]) -> Value {
    let mut all = BTreeMap::new();
    for part in parts {
        let key = part.key.as_deref().unwrap_or_default();
        let value = match &part.value {
            Said::One(node) => node.to_json(),
            Said::Keys(parts) => told(parts),
            Said::Items(parts) => parts
                .iter()
                .map(|part| match &part.value {
                    Said::One(node) => node.to_json(),
                    other => panic!("{other:?}"),
                })
                .collect(),
            Said::Removed => continue,
        };
        all.insert(key.to_owned(), value);
    }
    json!(all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn composed_is_the_same_as_written_out(case in case()) {
        let effective = case.effective();
        let items: Vec<Value> = effective.iter().enumerate().map(|(at, effective)| {
            let mut item = effective.clone();
            item["slug"] = json!(format!("r{at}"));
            item["project"] = json!("P");
            item
        }).collect();
        let plain = json!({"version": 1, "workspaces": [{"workspace": "acme", "repositories": items}]}).to_string();
        let plain = load(&[&plain]).unwrap_or_else(|invalid| panic!("{invalid}"));
        for count in [1, 3] {
            let texts = case.texts(count);
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let composed = load(&texts).unwrap_or_else(|invalid| panic!("{invalid}"));
            prop_assert_eq!(lines(&composed), lines(&plain));
            let mut sources = Sources::default();
            texts.iter().enumerate().for_each(|(at, text)| {
                sources.add(format!("{at}.yaml"), *text);
            });
            let traced = Traced::from_sources(sources).unwrap_or_else(|invalid| panic!("{invalid}"));
            for (at, effective) in effective.iter().enumerate() {
                let explained = traced.explain(&format!("acme/r{at}"));
                let mut told = told(&explained[0].parts);
                told.as_object_mut().unwrap().remove("uses");
                told.as_object_mut().unwrap().remove("project");
                prop_assert_eq!(pruned(told), pruned(effective.clone()));
            }
        }
    }
}
