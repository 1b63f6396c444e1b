//! What many have in common → `defaults` for all of them and templates for some, so that each says what is its own.
//!
//! A common value is taken out where that makes the text shorter and it is the rule: whoever departs from it has to say so,
//! with `~` where there is nothing to be said. All objects of a kind share its defaults, those that refer to the same object
//! (the repositories of a project) may share a template, and so may any that have a section in common. Every step goes once
//! over all settings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::settings::{Key, SECTIONS, Setting, Settings};
use super::yaml::{Entries, Yaml};

/// A template must make the text shorter by so many characters, or it is not worth a name.
const WORTH_A_NAME: usize = 60;

/// So many must share a section, and so many values must be in it.
const MANY: usize = 3;

/// An object whose settings are to be written.
#[derive(Debug)]
pub struct Part {
    /// Everything there is to say.
    pub settings: Settings,
    /// What it refers to, by names for a template from the shortest on.
    pub group: Option<Arc<[String]>>,
    /// The templates that it uses, in order.
    pub uses: Vec<Arc<str>>,
    /// What it says itself.
    pub own: Entries,
}

/// A template, or the defaults.
#[derive(Debug)]
pub struct Template {
    /// Its name.
    pub name: Arc<str>,
    /// What it says.
    pub says: Entries,
    /// How many use it.
    pub users: usize,
    /// Whether these all refer to the same object.
    pub group: bool,
}

/// Takes out what all have in common, and what some have, if there may be templates. Gives the defaults and the templates.
/// Whatever stands under keys of their own stays there.
pub fn factor(parts: &mut [Part], own: &dyn Fn(&str) -> bool, with_templates: bool) -> (Settings, Vec<Template>) {
    let all: Vec<usize> = (0..parts.len()).collect();
    let defaults = common(parts, &all, &Settings::new(), own);
    let mut templates = Vec::new();
    let mut names = BTreeSet::new();
    for part in parts.iter_mut() {
        part.own = difference(&defaults, &part.settings);
    }
    if with_templates {
        of_groups(parts, &defaults, own, &mut names, &mut templates);
        of_sections(parts, &mut names, &mut templates);
    }
    (defaults, templates)
}

/// A template for the objects that refer to the same one, where they have something in common.
fn of_groups(
    parts: &mut [Part],
    defaults: &Settings,
    own: &dyn Fn(&str) -> bool,
    names: &mut BTreeSet<Arc<str>>,
    templates: &mut Vec<Template>,
) {
    let mut groups: BTreeMap<Arc<[String]>, Vec<usize>> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        if let Some(group) = &part.group {
            groups.entry(Arc::clone(group)).or_default().push(at);
        }
    }
    for (group, members) in groups {
        let shared = common(parts, &members, defaults, own);
        let says = difference(&Settings::new(), &shared);
        let base = overlaid(defaults, &shared);
        let own = members.iter().map(|at| (*at, difference(&base, &parts[*at].settings)));
        // Whoever has less to say with it.
        let users: Vec<_> = own.filter(|(at, own)| values(own) < values(&parts[*at].own)).collect();
        let uses = group[0].len() + 10;
        let before: usize = users.iter().map(|(at, _)| length(&parts[*at].own)).sum();
        let after: usize = users.iter().map(|(_, own)| length(own) + uses).sum();
        if before < after + length(&says) + WORTH_A_NAME {
            continue;
        }
        let name = free(names, group.iter().cloned());
        let count = users.len();
        for (at, own) in users {
            parts[at].own = own;
            parts[at].uses.push(Arc::clone(&name));
        }
        templates.push(Template { name, says, users: count, group: true });
    }
}

/// A template for each section that is left on many objects, or for several that are left on the same ones.
fn of_sections(parts: &mut [Part], names: &mut BTreeSet<Arc<str>>, templates: &mut Vec<Template>) {
    let mut users: HashMap<&(Arc<str>, Yaml), Vec<usize>> = HashMap::new();
    for (at, part) in parts.iter().enumerate() {
        let is_section = |text: &str| part.settings.keys().any(|key| *key.text == *text && key.rank >= SECTIONS);
        for said in part.own.iter().filter(|(key, value)| is_section(key) && !value.leaves_something_out()) {
            users.entry(said).or_default().push(at);
        }
    }
    let mut bundles: HashMap<Vec<usize>, Vec<&(Arc<str>, Yaml)>> = HashMap::new();
    for (said, users) in users.into_iter().filter(|(_, users)| users.len() >= MANY) {
        bundles.entry(users).or_default().push(said);
    }
    let mut bundles: Vec<(Vec<usize>, Entries)> =
        bundles.into_iter().map(|(users, said)| (users, said.into_iter().cloned().collect())).collect();
    // The most used one is called by the plain name.
    bundles.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    for (users, mut said) in bundles {
        let place = |key: &str| parts[users[0]].own.iter().position(|(own, _)| **own == *key);
        said.sort_by_key(|(key, _)| place(key));
        let size = length(&said);
        let section = said.first().map_or(String::new(), |(key, _)| key.replace('_', "-"));
        let group = parts[users[0]]
            .group
            .clone()
            .filter(|group| users.iter().all(|at| parts[*at].group.as_ref() == Some(group)));
        let within =
            group.iter().flat_map(|group| group.iter()).flat_map(|group| [group.clone(), format!("{group}-{section}")]);
        let uses = section.len() + 10;
        if values(&said) <= MANY || (users.len() - 1) * size < users.len() * uses + WORTH_A_NAME {
            continue;
        }
        let name = free(names, within.chain([section.clone()]));
        for at in &users {
            parts[*at].own.retain(|own| !said.contains(own));
            parts[*at].uses.push(Arc::clone(&name));
        }
        templates.push(Template { name, says: said, users: users.len(), group: group.is_some() });
    }
}

/// The first of the names that is free, or the last with a number.
fn free(names: &mut BTreeSet<Arc<str>>, wanted: impl Iterator<Item = String>) -> Arc<str> {
    let wanted: Vec<String> = wanted.collect();
    let last = wanted.last().cloned().unwrap_or_default();
    let numbered = (2..).map(|number| format!("{last}-{number}"));
    let name = wanted.into_iter().chain(numbered).map(Arc::from).find(|name| !names.contains(name));
    let name: Arc<str> = name.unwrap_or_default();
    names.insert(Arc::clone(&name));
    name
}

/// What some objects have in common beyond what they inherit.
fn common(parts: &[Part], members: &[usize], inherited: &Settings, own: &dyn Fn(&str) -> bool) -> Settings {
    let mut tally = Tally::default();
    for at in members {
        tally.add(&parts[*at].settings);
    }
    tally.common(members.len(), inherited, own)
}

/// How often each value stands at each place.
#[derive(Default)]
struct Tally<'a> {
    votes: HashMap<&'a Arc<Yaml>, Votes>,
    inner: BTreeMap<&'a Key, Tally<'a>>,
}

struct Votes {
    count: usize,
    usual: bool,
    first: usize,
}

impl<'a> Tally<'a> {
    fn add(&mut self, settings: &'a Settings) {
        for (key, setting) in settings {
            let tally = self.inner.entry(key).or_default();
            match setting {
                Setting::Group(inner) => tally.add(inner),
                Setting::Said(value, usual) => {
                    let first = tally.votes.len();
                    tally.votes.entry(value).or_insert(Votes { count: 0, usual: *usual, first }).count += 1;
                }
            }
        }
    }

    fn common(&self, members: usize, inherited: &Settings, own: &dyn Fn(&str) -> bool) -> Settings {
        let nothing = Settings::new();
        let mut common = Settings::new();
        for (key, tally) in self.inner.iter().filter(|(key, _)| !own(&key.text)) {
            let above = inherited.get(*key);
            if !tally.inner.is_empty() {
                let above = if let Some(Setting::Group(above)) = above { above } else { &nothing };
                let inner = tally.common(members, above, &|_| false);
                if !inner.is_empty() {
                    common.insert((*key).clone(), Setting::Group(inner));
                }
                continue;
            }
            let above = if let Some(Setting::Said(value, _)) = above { Some(value) } else { None };
            if let Some(value) = tally.rule(key, members, above) {
                common.insert((*key).clone(), Setting::Said(value, false));
            }
        }
        common
    }

    /// The value that is the rule at this place, if there is one and it is worth saying so.
    fn rule(&self, key: &Key, members: usize, above: Option<&Arc<Yaml>>) -> Option<Arc<Yaml>> {
        let (value, votes) = self.votes.iter().max_by_key(|(_, votes)| (votes.count, usize::MAX - votes.first))?;
        if above == Some(value) || above.is_none() && votes.usual || votes.count < 2 || votes.count * 3 < members {
            return None;
        }
        let cost = |value: &Yaml| key.text.len() + value.in_one_line().chars().count() + 4;
        // Whoever is as it would be anyway, or says nothing, has to say so now.
        let silent = |(other, votes): &(&&Arc<Yaml>, &Votes)| {
            **other != *value && if above.is_some() { above == Some(**other) } else { votes.usual }
        };
        let exceptions = || self.votes.iter().filter(silent);
        let absent = members - self.votes.values().map(|votes| votes.count).sum::<usize>();
        let absent = if above.is_some() { 0 } else { absent };
        let said = exceptions().map(|(_, votes)| votes.count).sum::<usize>() + absent;
        let lost =
            exceptions().map(|(other, votes)| votes.count * cost(other)).sum::<usize>() + absent * cost(&Yaml::Nothing);
        (said * 3 <= votes.count && (votes.count - 1) * cost(value) > lost).then(|| Arc::clone(value))
    }
}

/// What has to be said on top of what is inherited, for everything to be as it is.
#[must_use]
pub fn difference(inherited: &Settings, wanted: &Settings) -> Entries {
    let keys: BTreeSet<&Key> = inherited.keys().chain(wanted.keys()).collect();
    let nothing = Settings::new();
    let said = |key: &Key| match (inherited.get(key), wanted.get(key)) {
        (Some(_), None) => Some(Yaml::Nothing),
        (None, Some(Setting::Said(_, true)) | None) => None,
        (Some(Setting::Said(above, _)), Some(Setting::Said(value, _))) if above == value => None,
        (_, Some(Setting::Said(value, _))) => Some((**value).clone()),
        (above, Some(Setting::Group(inner))) => {
            let above = if let Some(Setting::Group(above)) = above { above } else { &nothing };
            Some(difference(above, inner)).filter(|inner| !inner.is_empty()).map(Yaml::Map)
        }
    };
    keys.into_iter().filter_map(|key| Some((Arc::clone(&key.text), said(key)?))).collect()
}

/// Settings with others on top.
fn overlaid(under: &Settings, over: &Settings) -> Settings {
    let mut both = under.clone();
    for (key, setting) in over {
        match (both.get_mut(key), setting) {
            (Some(Setting::Group(under)), Setting::Group(over)) => *under = overlaid(under, over),
            _ => drop(both.insert(key.clone(), setting.clone())),
        }
    }
    both
}

fn length(said: &[(Arc<str>, Yaml)]) -> usize {
    said.iter().map(|(key, value)| key.len() + value.in_one_line().chars().count() + 4).sum()
}

fn values(said: &[(Arc<str>, Yaml)]) -> usize {
    said.iter().map(|(_, value)| value.values()).sum()
}
