//! A state file → the Bitbucket resources that stand in it (state format 4, JSON).
//!
//! Whatever the text, the work and the memory stay proportional to its size: resources of other providers are passed over
//! unread, and what a Bitbucket resource says is read when it is asked for, one at a time. No message quotes the text, in
//! which secrets stand in clear.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::provider::{Provider, provider};

/// A state may be this large. One of 1,000 governed repositories takes about 20 MB.
pub const MAX_BYTES: usize = 64 << 20;

/// No object of Bitbucket's takes as much text: the longest, the value of a variable, has at most 32 KB.
const LONGEST_RESOURCE: usize = 256 << 10;

/// More than all settings of the largest workspaces.
const MAX_RESOURCES: usize = 500_000;

/// What a state holds of Bitbucket.
#[derive(Debug, Default)]
pub struct State<'a> {
    /// What Terraform manages.
    pub resources: Vec<Resource<'a>>,
    /// What it only reads.
    pub data: Vec<Resource<'a>>,
    /// How many resources other providers manage, by provider.
    pub others: BTreeMap<String, usize>,
}

/// One resource: each instance that `count` or `for_each` made is one.
#[derive(Debug, Clone)]
pub struct Resource<'a> {
    /// Its name in Terraform: `module.team["pay"].bitbucket_repository.all["ledger"]`.
    pub address: String,
    /// Its type: `bitbucket_repository`.
    pub kind: String,
    attributes: Option<&'a RawValue>,
}

impl Resource<'_> {
    /// What the state says of it; nothing if that is more than any object of Bitbucket's takes, or not in this format.
    #[must_use]
    pub fn attributes(&self) -> Option<Attributes> {
        let text = self.attributes.map(RawValue::get).filter(|text| text.len() <= LONGEST_RESOURCE)?;
        serde_json::from_str(text).ok().map(Attributes)
    }
}

/// The attributes of a resource.
#[derive(Debug, Default)]
pub struct Attributes(Map<String, Value>);

impl Attributes {
    /// The first of these attributes that says something, each a path such as `target.selector.pattern`, with `|` between
    /// them. A block stands in a list of one.
    #[must_use]
    pub fn get(&self, paths: &str) -> Option<&Value> {
        paths.split('|').filter_map(|path| self.at(path)).find(|value| says_something(value))
    }

    /// The text of such an attribute.
    #[must_use]
    pub fn text(&self, paths: &str) -> Option<&str> {
        self.get(paths)?.as_str()
    }

    /// The yes or no of such an attribute.
    #[must_use]
    pub fn flag(&self, paths: &str) -> Option<bool> {
        self.get(paths)?.as_bool()
    }

    /// The items of a list, be it empty; nothing if there is no list.
    #[must_use]
    pub fn list(&self, path: &str) -> Option<&[Value]> {
        self.0.get(path)?.as_array().map(Vec::as_slice)
    }

    /// All that say something, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().filter(|(_, value)| says_something(value)).map(|(name, value)| (name.as_str(), value))
    }

    fn at(&self, path: &str) -> Option<&Value> {
        let mut steps = path.split('.');
        let first = self.0.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.as_array().and_then(|block| block.first()).unwrap_or(value).get(step))
    }
}

/// Whether a value is more than a gap: Terraform writes one for every attribute that nobody set.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    version: Option<u64>,
    #[serde(borrow)]
    resources: Option<&'a RawValue>,
    encrypted_data: Option<IgnoredAny>,
    format_version: Option<IgnoredAny>,
    planned_values: Option<IgnoredAny>,
    modules: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(default)]
    module: String,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    provider: String,
    #[serde(borrow)]
    instances: &'a RawValue,
}

#[derive(Deserialize)]
struct Instance<'a> {
    /// What `count` and `for_each` tell instances apart by: a number, or text in quotes.
    #[serde(borrow)]
    index_key: Option<&'a RawValue>,
    attributes: Option<&'a RawValue>,
    deposed: Option<IgnoredAny>,
}

/// Reads a state.
///
/// # Errors
/// What the text is instead, and what to do.
pub fn read(text: &str) -> Result<State<'_>, String> {
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    let groups = match document {
        Document { encrypted_data: Some(_), .. } => {
            return Err("this state is encrypted; `tofu state pull` writes it in clear".to_owned());
        }
        Document { planned_values: Some(_), .. } => {
            return Err("this is a plan, not a state; `terraform state pull` writes the state".to_owned());
        }
        Document { format_version: Some(_), .. } => {
            return Err(
                "this is what `terraform show -json` prints; `terraform state pull` writes the state".to_owned()
            );
        }
        Document { version: Some(4), resources: Some(groups), .. } => groups,
        Document { version: Some(4), resources: None, .. } => return Err("this state holds no resources".to_owned()),
        Document { version: Some(old @ ..4), modules: Some(_), .. } => {
            return Err(format!(
                "this is a state of version {old}, and only version 4 is read; Terraform from 0.13 on writes that at its \
                 next `terraform apply -refresh-only`"
            ));
        }
        Document { version: Some(new @ 5..), resources: Some(_), .. } => {
            return Err(format!("this is a state of version {new}, and only version 4 is read"));
        }
        Document { .. } => return Err(format!("this is JSON, but no state: {PULL}")),
    };
    let mut state = State::default();
    let mut too_many = false;
    each(groups, |group: Group<'_>| {
        let resources = match (provider(&group.provider), &*group.mode) {
            (Provider::Bitbucket, "managed") => &mut state.resources,
            (Provider::Bitbucket, _) => &mut state.data,
            (Provider::Other(name), "managed") => {
                return match count(group.instances)? {
                    0 => Ok(()),
                    count => {
                        let _: () = *state.others.entry(name).or_default() += count;
                        Ok(())
                    }
                };
            }
            (Provider::Other(_), _) => return Ok(()),
        };
        each(group.instances, |instance: Instance<'_>| {
            too_many |= resources.len() == MAX_RESOURCES;
            if instance.deposed.is_none() && !too_many {
                resources.push(Resource {
                    address: address(&group, instance.index_key),
                    kind: group.kind.clone(),
                    attributes: instance.attributes,
                });
            }
            Ok(())
        })
    })
    .map_err(|_| format!("the resources are not written as a state of version 4 has them: {PULL}"))?;
    if too_many {
        return Err(format!("this state holds more than {MAX_RESOURCES} Bitbucket resources"));
    }
    Ok(state)
}

const PULL: &str = "give what `terraform state pull` writes";

/// What a text is that is no JSON, or no object. The places that are named are those of the text.
fn not_json(text: &str, error: &serde_json::Error) -> String {
    let start = text.trim_start();
    let is_configuration = |line: &str| {
        let word = line.split([' ', '"', '{']).next().unwrap_or_default();
        ["terraform", "resource", "provider", "module", "variable", "locals", "data", "output"].contains(&word)
    };
    if start.is_empty() {
        return format!("there is nothing in it: {PULL}");
    }
    if !start.starts_with('{') {
        let is_configuration = start.lines().take(1_000).any(is_configuration);
        let what = if is_configuration { "this is a configuration, not a state" } else { "this is not JSON" };
        return format!("{what}: {PULL}");
    }
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => format!("it ends in the middle, in line {line}: {PULL} once more"),
        Category::Syntax | Category::Io => format!("this is not JSON from line {line}, column {column} on: {PULL}"),
        Category::Data => format!("this is JSON, but no state: {PULL}"),
    }
}

fn address(group: &Group<'_>, index: Option<&RawValue>) -> String {
    let module = if group.module.is_empty() { String::new() } else { format!("{}.", group.module) };
    let mode = if group.mode == "data" { "data." } else { "" };
    let index = index.map_or(String::new(), |index| format!("[{}]", index.get()));
    format!("{module}{mode}{}.{}{index}", group.kind, group.name)
}

fn count(instances: &RawValue) -> serde_json::Result<usize> {
    let mut count = 0;
    each(instances, |_: IgnoredAny| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// Reads a list item by item, and keeps none.
fn each<'a, T: Deserialize<'a>>(
    list: &'a RawValue,
    take: impl FnMut(T) -> serde_json::Result<()>,
) -> serde_json::Result<()> {
    serde_json::Deserializer::from_str(list.get()).deserialize_seq(Each(take, PhantomData))
}

struct Each<T, F>(F, PhantomData<T>);

impl<'a, T: Deserialize<'a>, F: FnMut(T) -> serde_json::Result<()>> Visitor<'a> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.0)(item).map_err(serde::de::Error::custom)?;
        }
        Ok(())
    }
}
