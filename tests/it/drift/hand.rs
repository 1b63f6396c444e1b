//! What a person with `curl` knows of the API: where things are and how they are said, from `api.md` and from no code of the
//! client's. Mistakes of a kind cannot hide here as well: neither its paths nor its bodies are used.

use bbprov::manifest::Desired;
use bbprov::resource::{KindRef, Shape};
use serde_json::{Value, json};

use super::values::identifies;
use crate::support::Bitbucket;

/// Somebody who may do everything.
pub struct Hand<'a>(pub &'a Bitbucket);

/// Something in the API: where all of its section are, and itself as it is shown.
pub struct Item {
    list: String,
    path: String,
    pub raw: Value,
}

impl Hand<'_> {
    fn get(&self, path: &str) -> Value {
        let (status, answer) = self.0.by_owner("GET", path, &Value::Null);
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    /// Where the section of a kind is in what has this name.
    fn list(&self, kind: KindRef, parent: &str) -> String {
        let section = match (kind.section(), kind.parent().map(|parent| parent.name())) {
            ("repositories", _) => return format!("/repositories/{parent}"),
            ("pipelines.variables", None) => "pipelines-config/variables",
            (section, _) => below(section),
        };
        let (workspace, rest) = parent.split_once('/').unwrap_or((parent, ""));
        let owner = match kind.parent().map(|parent| parent.name()) {
            None => format!("/workspaces/{workspace}"),
            Some("project") => format!("/workspaces/{workspace}/projects/{rest}"),
            Some("repository") => format!("/repositories/{parent}"),
            Some("environment") => {
                let (repository, name) = parent.split_once("/environments/").unwrap();
                let environments = self.values(&format!("/repositories/{repository}/environments"));
                let uuid = environments.iter().find(|one| one["name"] == name).unwrap()["uuid"].clone();
                format!("/repositories/{repository}/deployments_config/environments/{}", encoded(&uuid))
            }
            Some(other) => panic!("where a {other} is in the API is to be said here"),
        };
        format!("{owner}/{section}")
    }

    fn values(&self, list: &str) -> Vec<Value> {
        self.get(&format!("{list}?pagelen=100"))["values"].as_array().unwrap().clone()
    }

    /// What the manifest calls so, as the API shows it, if it is there.
    pub fn find(&self, object: &Desired) -> Option<Item> {
        let kind = object.address.kind();
        let list = self.list(kind, object.address.parent());
        if kind.shape().is_single() {
            let raw = self.get(&list);
            return Some(Item { path: list.clone(), list, raw });
        }
        let id = object.address.id();
        let telling = object.fields.iter().filter(|(name, _)| identifies(object, name));
        let identity = all_words(kind, telling.map(|(name, value)| (name, &**value)));
        let is_it = |raw: &Value| match kind.shape() {
            Shape::List => contains(raw, &identity),
            _ => [&raw["slug"], &raw["key"], &raw["group"]["slug"], &raw["user"]["uuid"], &raw["user"]["account_id"]]
                .into_iter()
                .chain([&raw["uuid"], &raw["account_id"]])
                .any(|name| name == id),
        };
        let raw = self.values(&list).into_iter().find(is_it)?;
        Some(Item { path: format!("{list}/{}", encoded(id_of(kind, &raw))), list, raw })
    }

    /// Says a field otherwise, and whether the API has taken that.
    pub fn edit(&self, object: &Desired, item: &Item, field: &str, value: &Value) -> bool {
        let kind = object.address.kind();
        let said = words(kind.section(), field, value);
        let (method, path, body) = match kind.section() {
            // Anything else is answered 200 and ignored, and the document does not have it.
            "pipelines.schedules" if field != "enabled" => return false,
            "environments" => ("POST", format!("{}/changes/", item.path), json!({"change": said})),
            // Both halves, and all of a host: a part of them is refused.
            "pipelines.ssh_key_pair" => {
                let pair = json!({"private_key": "another half", "public_key": item.raw["public_key"]});
                ("PUT", item.path.clone(), merged(pair, said))
            }
            "pipelines.known_hosts" => ("PUT", item.path.clone(), merged(item.raw.clone(), said)),
            _ => ("PUT", item.path.clone(), said),
        };
        self.0.by_owner(method, &path, &body).0 < 300
    }

    /// Takes away what is there beside these, which are all of a section.
    pub fn remove_others<'o>(&self, section: impl Iterator<Item = &'o Desired>) -> Result<(), String> {
        let known: Vec<_> = section.filter_map(|object| Some((object.address.kind(), self.find(object)?))).collect();
        let (kind, first) = known.first().ok_or("there is nothing left")?;
        let list = first.list.clone();
        let all = self.values(&list).into_iter().map(|raw| format!("{list}/{}", encoded(id_of(*kind, &raw))));
        let others: Vec<_> = all.filter(|path| known.iter().all(|(_, item)| item.path != *path)).collect();
        let all_gone = others.iter().all(|path| self.0.by_owner("DELETE", path, &Value::Null).0 < 300);
        if all_gone { Ok(()) } else { Err(format!("{others:?} stay")) }
    }

    /// Members that go by none of these names, and a group.
    pub fn strangers(&self, known: &[&str]) -> Vec<String> {
        let users = self.values("/workspaces/acme/members").into_iter().map(|member| member["user"].clone());
        let is_known = |id: &Value| known.contains(&id.as_str().unwrap());
        let strangers = users.filter(|user| !is_known(&user["uuid"]) && !is_known(&user["account_id"]));
        strangers.map(|user| user["uuid"].as_str().unwrap().to_owned()).chain(["strangers".to_owned()]).collect()
    }

    /// Takes it away, if the API lets anybody do that.
    pub fn remove(&self, item: &Item) -> bool {
        self.0.by_owner("DELETE", &item.path, &Value::Null).0 < 300
    }

    /// Puts something with these fields beside what was there, if the API takes it.
    pub fn add<'f>(&self, kind: KindRef, list: &Item, fields: impl Iterator<Item = (&'f str, &'f Value)>) -> bool {
        let body = merged(constants(kind.section()), all_words(kind, fields));
        self.0.by_owner("POST", &list.list, &body).0 < 300
    }

    /// The same where something is told from others by its name only.
    pub fn add_named(&self, kind: KindRef, list: &Item, name: &str, value: Option<&Value>) -> bool {
        let body = match (kind.shape(), value) {
            (Shape::Map(field), Some(value)) => words(kind.section(), field, value),
            _ => Value::Null,
        };
        self.0.by_owner("PUT", &format!("{}/{}", list.list, encoded(&json!(name))), &body).0 < 300
    }
}

/// Where a section is, below what it is in (api.md §3–§5).
fn below(section: &str) -> &str {
    match section {
        "branching_model" => "branching-model/settings",
        "inherit" => "override-settings",
        "permissions.users" => "permissions-config/users",
        "permissions.groups" => "permissions-config/groups",
        "branch_restrictions" => "branch-restrictions",
        "default_reviewers" => "default-reviewers",
        "pipelines.enabled" => "pipelines_config",
        "pipelines.variables" => "pipelines_config/variables",
        "pipelines.schedules" => "pipelines_config/schedules",
        "pipelines.ssh_key_pair" => "pipelines_config/ssh/key_pair",
        "pipelines.known_hosts" => "pipelines_config/ssh/known_hosts",
        "webhooks" => "hooks",
        "deploy_keys" => "deploy-keys",
        "projects" | "environments" | "variables" => section,
        _ => panic!("where {section} are in the API is to be said here"),
    }
}

/// By what a path tells an item from others.
fn id_of(kind: KindRef, raw: &Value) -> &Value {
    let ids = match kind.section() {
        "projects" => [&raw["key"], &Value::Null, &Value::Null, &Value::Null],
        _ => [&raw["user"]["uuid"], &raw["group"]["slug"], &raw["id"], &raw["uuid"]],
    };
    ids.into_iter().find(|id| !id.is_null()).unwrap()
}

/// How the API says a field, which is mostly by the field's own name.
pub fn words(section: &str, field: &str, value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    match (section, field) {
        ("repositories", "project") => json!({"project": {"key": value}}),
        ("repositories", "mainbranch") => json!({"mainbranch": {"name": value}}),
        // Alone it is answered 200 and ignored (§3.3).
        ("repositories", "fork_policy") => {
            json!({"fork_policy": value, "no_forks": text == "no_forks", "no_public_forks": text != "allow_forks"})
        }
        ("branching_model", "default_branch_deletion") => json!({field: value.to_string()}),
        ("branching_model", _) => match field.split_once('.').unwrap() {
            (branch @ ("development" | "production"), what) => json!({branch: {what: value}}),
            (kind, what) => json!({"branch_types": [{"kind": kind, what: value}]}),
        },
        ("branch_restrictions", "branch") => match &value["type"] {
            Value::Null => json!({"branch_match_kind": "glob", "pattern": value}),
            branch_type => json!({"branch_match_kind": "branching_model", "branch_type": branch_type}),
        },
        ("branch_restrictions", "users") => {
            let account = |id: &Value| match id.as_str().unwrap().starts_with('{') {
                true => json!({"uuid": id}),
                false => json!({"account_id": id}),
            };
            json!({"users": value.as_array().unwrap().iter().map(account).collect::<Vec<_>>()})
        }
        ("branch_restrictions", "groups") => {
            json!({"groups": value.as_array().unwrap().iter().map(|slug| json!({"slug": slug})).collect::<Vec<_>>()})
        }
        ("environments", "type") => json!({"environment_type": {"name": value}}),
        ("environments", "admin_only") => {
            json!({"restrictions": {"type": "deployment_restrictions_configuration", "admin_only": value}})
        }
        ("pipelines.schedules", "branch") => json!({"target": {"ref_name": value}}),
        ("pipelines.schedules", "pipeline") => json!({"target": {"selector": {"type": "custom", "pattern": value}}}),
        ("pipelines.schedules", "cron") => {
            json!({"cron_pattern": text.split_whitespace().collect::<Vec<_>>().join(" ")})
        }
        ("pipelines.known_hosts", "key") => {
            let (kind, key) = text.split_once(' ').unwrap();
            json!({"public_key": {"type": "pipeline_ssh_public_key", "key_type": kind, "key": key}})
        }
        // The comment is split off.
        ("deploy_keys", "key") => json!({"key": text.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")}),
        // Where a secret comes from is nobody's business there.
        _ if value.is_object() => json!({field: "a secret of somebody's"}),
        _ => json!({field: value}),
    }
}

fn all_words<'f>(kind: KindRef, fields: impl Iterator<Item = (&'f str, &'f Value)>) -> Value {
    fields.map(|(field, value)| words(kind.section(), field, value)).fold(json!({}), merged)
}

/// What the API wants to hear of something new in any case.
fn constants(section: &str) -> Value {
    match section {
        "pipelines.known_hosts" => json!({"type": "pipeline_known_host"}),
        "pipelines.schedules" => json!({
            "target": {"type": "pipeline_ref_target", "ref_type": "branch", "selector": {"type": "branches"}},
        }),
        _ => json!({}),
    }
}

fn merged(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (key, value) in over {
                let old = under.remove(&key).unwrap_or(Value::Null);
                under.insert(key, merged(old, value));
            }
            Value::Object(under)
        }
        (_, over) => over,
    }
}

fn contains(whole: &Value, part: &Value) -> bool {
    match part {
        Value::Object(part) => part.iter().all(|(key, value)| contains(&whole[key], value)),
        part => whole == part,
    }
}

/// Whether something that the API says of a field differs between two looks at its object.
pub fn differs(said: &Value, before: &Value, after: &Value) -> bool {
    match said {
        Value::Object(said) => said.iter().any(|(key, said)| differs(said, &before[key], &after[key])),
        Value::Array(items) if items.iter().any(|item| item["kind"].is_string()) => {
            let of = |list: &Value, kind: &Value| {
                list.as_array().unwrap().iter().find(|item| item["kind"] == *kind).cloned().unwrap_or_default()
            };
            items.iter().any(|item| differs(item, &of(before, &item["kind"]), &of(after, &item["kind"])))
        }
        _ => before != after,
    }
}

fn encoded(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), |id| id.replace('{', "%7B").replace('}', "%7D"))
}
