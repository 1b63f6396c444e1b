//! An object and all that stands in it → what would stand under it in a manifest, each thing at its place.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::yaml::{Entries, Yaml};
use super::{Estate, Existing, secrets};
use crate::resource::{Address, Field, Fields, KindRef, Shape, kinds_in};

/// What stands under an object or a workspace, in the order in which a person reads it.
pub type Settings = BTreeMap<Key, Setting>;

/// A key, and its place among the others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Fields come before sections; names of which no one comes first have the same.
    pub rank: usize,
    /// Its text.
    pub text: Arc<str>,
}

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A value, which replaces another as a whole, and whether it goes without saying.
    Said(Arc<Yaml>, bool),
    /// Settings that join with others key by key.
    Group(Settings),
}

/// The rank of the first section, behind all fields.
pub const SECTIONS: usize = 100;

/// Makes settings of objects.
#[derive(Debug, Default)]
pub struct Builder<'a> {
    /// What stands in objects, by the whole name of that.
    inner: HashMap<(&'a str, KindRef), Vec<&'a Existing>>,
    known: HashSet<(&'a str, KindRef)>,
    named: bool,
    /// Most objects are set up alike.
    values: HashSet<Arc<Yaml>>,
    texts: HashSet<Arc<str>>,
}

impl<'a> Builder<'a> {
    /// For everything that there is.
    #[must_use]
    pub fn new(estate: &'a Estate) -> Self {
        let mut builder = Self { named: estate.named, ..Self::default() };
        builder.known.extend(estate.known.iter().map(|(parent, kind)| (&**parent, *kind)));
        for object in estate.objects.iter().filter(|object| object.address.kind().shape() != Shape::Objects) {
            let section = (object.address.parent(), object.address.kind());
            builder.inner.entry(section).or_default().push(object);
        }
        builder
    }

    /// What stands under an object.
    pub fn object(&mut self, object: &Existing) -> Settings {
        let mut settings = Settings::new();
        self.fields(&object.address, &object.fields, &mut settings);
        self.sections(Some(object.address.kind()), object.address.as_str(), &mut settings);
        settings
    }

    /// What stands in something, section by section; nothing stands for a workspace.
    pub fn sections(&mut self, kind: Option<KindRef>, parent: &str, settings: &mut Settings) {
        for kind in kinds_in(kind).filter(|kind| kind.shape() != Shape::Objects) {
            let items = self.inner.get(&(parent, kind)).cloned().unwrap_or_default();
            if items.is_empty() && !self.known.contains(&(parent, kind)) {
                continue;
            }
            let setting = match kind.shape() {
                Shape::Map(field) => self.group(&items, field),
                Shape::One => {
                    let mut inner = Settings::new();
                    for one in &items {
                        self.fields(&one.address, &one.fields, &mut inner);
                    }
                    (!inner.is_empty()).then_some(Setting::Group(inner))
                }
                Shape::Value(field) => items.first().and_then(|one| self.value(one, field)),
                Shape::List => {
                    let holds = |item: &&Existing| {
                        kinds_in(Some(kind)).any(|inner| self.inner.contains_key(&(item.address.as_str(), inner)))
                    };
                    let own = |item: &&&Existing| !kind.comes_by_itself(item.address.id(), &item.fields) || holds(item);
                    let own: Vec<&Existing> = items.iter().filter(own).copied().collect();
                    let usual = own.is_empty();
                    let list = if usual { items } else { own }.iter().map(|item| self.item(item)).collect();
                    Some(self.said(Yaml::List(list), usual))
                }
                Shape::Names | Shape::Objects => {
                    let list = items.iter().map(|item| Yaml::text(item.address.id())).collect();
                    Some(self.said(Yaml::List(list), items.is_empty()))
                }
            };
            if let Some(setting) = setting {
                let all = || kinds_in(kind.parent()).map(|kind| kind.section());
                self.place(settings, kind.section(), &|key| SECTIONS + rank(all(), key), setting);
            }
        }
    }

    fn fields(&mut self, address: &Address, fields: &Fields, settings: &mut Settings) {
        let kind = address.kind();
        let mut lists: HashSet<&[&str]> = HashSet::new();
        for (at, field) in kind.fields().iter().enumerate() {
            if let Some(list) = list_of(field) {
                if lists.insert(list)
                    && let Some(setting) = self.listed(address, fields, list)
                {
                    self.place(settings, &list.join("."), &|_| at, setting);
                }
                continue;
            }
            let Some(value) = fields.get(field.name) else { continue };
            let usual = kind.goes_without_saying(address.id(), field, fields);
            let setting = self.said(self.yaml(address, field, value), usual);
            self.place(settings, field.name, &|key| field_rank(kind, key), setting);
        }
    }

    /// The items of a list in which fields stand, each with the word that tells it from others. All of them are said, or none.
    fn listed(&mut self, address: &Address, fields: &Fields, list: &[&str]) -> Option<Setting> {
        let kind = address.kind();
        let mut items: Vec<(&str, Entries)> = Vec::new();
        let mut usual = true;
        for field in kind.fields().iter().filter(|field| list_of(field) == Some(list)) {
            let (Some(pick), Some(value)) = (field.api.get(list.len()), fields.get(field.name)) else { continue };
            let Some((name, is)) = pick.split_once('=') else { continue };
            usual &= kind.goes_without_saying(address.id(), field, fields);
            if items.last().is_none_or(|(last, _)| last != pick) {
                items.push((pick, vec![(self.text(name), Yaml::text(is))]));
            }
            if let (Some((_, item)), Some(key)) = (items.last_mut(), field.api.last()) {
                item.push(((*key).into(), value.into()));
            }
        }
        let items: Vec<Yaml> = items.into_iter().map(|(_, item)| Yaml::Map(item)).collect();
        (!items.is_empty()).then(|| self.said(Yaml::List(items), usual))
    }

    /// A mapping from identities to the value of a field.
    fn group(&mut self, items: &[&Existing], field: &str) -> Option<Setting> {
        let mut entries = Settings::new();
        for item in items {
            let Some(value) = item.fields.get(field) else { continue };
            let key = Key { rank: 0, text: self.text(item.address.id()) };
            let said = self.said(Yaml::from(value), false);
            entries.insert(key, said);
        }
        (!entries.is_empty()).then_some(Setting::Group(entries))
    }

    /// The value of a field of what says no more.
    fn value(&mut self, one: &Existing, name: &str) -> Option<Setting> {
        let kind = one.address.kind();
        let field = kind.fields().iter().find(|field| field.name == name)?;
        let usual = kind.goes_without_saying(one.address.id(), field, &one.fields);
        Some(self.said(self.yaml(&one.address, field, one.fields.get(name)?), usual))
    }

    /// An item of a list with what is to be said of it: what tells it from others, and all that does not go without saying.
    fn item(&mut self, item: &Existing) -> Yaml {
        let (address, kind) = (&item.address, item.address.kind());
        let mut settings = Settings::new();
        for field in kind.fields() {
            let Some(said) = item.fields.get(field.name) else { continue };
            let tells = kind.identity_of(&item.fields) != kind.identity_of(&item.fields.without(field.name));
            if tells || !kind.goes_without_saying(address.id(), field, &item.fields) {
                let setting = Setting::Said(Arc::new(self.yaml(address, field, said)), false);
                self.place(&mut settings, field.name, &|key| field_rank(kind, key), setting);
            }
        }
        self.sections(Some(kind), address.as_str(), &mut settings);
        Yaml::Map(all_but_usual(&settings))
    }

    /// The value of a field. Of a secret it is said that there is one, with a name that says what for.
    fn yaml(&self, address: &Address, field: &Field, value: &Value) -> Yaml {
        if !address.kind().is_secret(field.name, value) {
            return value.into();
        }
        match (secrets::unnamed(address, field.name), value.get("env").and_then(Value::as_str)) {
            (Yaml::Secret(_, what), Some(name)) if self.named => Yaml::Secret(name.into(), what),
            (secret, _) => secret,
        }
    }

    fn said(&mut self, value: Yaml, usual: bool) -> Setting {
        if let Some(known) = self.values.get(&value) {
            return Setting::Said(Arc::clone(known), usual);
        }
        let value = Arc::new(value);
        self.values.insert(Arc::clone(&value));
        Setting::Said(value, usual)
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&text));
        text
    }

    /// Puts a setting where a name leads: `pipelines.enabled` stands in `pipelines`.
    fn place(&mut self, settings: &mut Settings, name: &str, rank: &dyn Fn(&str) -> usize, setting: Setting) {
        let mut settings = settings;
        for (at, _) in name.match_indices('.') {
            let outer = name[..at].rsplit('.').next().unwrap_or_default();
            let key = Key { rank: rank(&name[..at]), text: self.text(outer) };
            match settings.entry(key).or_insert_with(|| Setting::Group(Settings::new())) {
                Setting::Group(inner) => settings = inner,
                Setting::Said(..) => return,
            }
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        settings.insert(Key { rank: rank(name), text: self.text(last) }, setting);
    }
}

/// The place of a field, or of the first whose name begins like this.
fn field_rank(kind: KindRef, key: &str) -> usize {
    rank(kind.fields().iter().map(|field| field.name), key)
}

fn rank<'a>(mut names: impl Iterator<Item = &'a str>, key: &str) -> usize {
    let is_in = |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    names.position(is_in).unwrap_or_default()
}

/// What there is to say, without what goes without saying.
#[must_use]
pub fn all_but_usual(settings: &Settings) -> Entries {
    let said = |setting: &Setting| match setting {
        Setting::Said(_, true) => None,
        Setting::Said(value, false) => Some((**value).clone()),
        Setting::Group(inner) => Some(all_but_usual(inner)).filter(|inner| !inner.is_empty()).map(Yaml::Map),
    };
    settings.iter().filter_map(|(key, setting)| Some((Arc::clone(&key.text), said(setting)?))).collect()
}

/// Where the list is in whose items a field stands.
fn list_of(field: &Field) -> Option<&'static [&'static str]> {
    field.api.iter().position(|key| key.contains('=')).map(|at| &field.api[..at])
}
