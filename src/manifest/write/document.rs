//! Settings → the text of files: what is shared first, then workspace by workspace what is its own, ordered for reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::factor::{Part, Template, difference, factor};
use super::secrets::{Names, Placeholder, listed};
use super::settings::{Builder, Settings, all_but_usual};
use super::yaml::{Yaml, entry, item};
use super::{Estate, Existing, File, Style};
use crate::output::printable;
use crate::resource::{KindRef, Shape, kinds_in};

/// The file that holds what is no single project's. No project can be called so.
const SHARED: &str = "_shared.yaml";

/// What stands above the secrets of a file.
const SECRETS: &str = "
# Secrets, which Bitbucket shows to nobody. A run that writes one takes it from the environment; whether several have the
# same, where they share one here, nobody can see:
";

/// One of the objects that stand in a workspace.
struct Item {
    kind: KindRef,
    workspace: String,
    /// What it is grouped by: what it refers to, or itself.
    group: String,
    entries: Vec<(Arc<str>, Yaml)>,
}

/// What stands in one file.
#[derive(Default)]
struct Sheet {
    defaults: Vec<(Arc<str>, Yaml)>,
    templates: Vec<(Arc<str>, Yaml)>,
    /// By slug: the sections of the workspace, and the objects in it.
    workspaces: BTreeMap<String, (Vec<(Arc<str>, Yaml)>, Vec<Item>)>,
    secrets: Vec<Placeholder>,
}

/// Writes everything down, in one file or in one for each group of objects.
pub(super) fn files(estate: &Estate, style: &Style) -> (Vec<File>, Vec<Placeholder>) {
    let mut builder = Builder::new(estate);
    let mut names = Names::of(estate);
    let mut sheets: BTreeMap<String, Sheet> = BTreeMap::new();
    let shared = if style.split { SHARED } else { "" };
    let top = sheets.entry(shared.to_owned()).or_default();
    let mut items = Vec::new();
    for kind in kinds_in(None).filter(|kind| kind.shape() == Shape::Objects) {
        let (defaults, templates, more) = objects(kind, estate, style, &mut builder);
        if !defaults.is_empty() {
            let mut value = Yaml::Map(defaults);
            names.give(&mut value, &[], "in `defaults`", &mut top.secrets);
            top.defaults.push((kind.name().into(), value));
        }
        for Template { name, says, users, group } in templates {
            let mut value = Yaml::Map(says);
            let owners: &[&str] = if group { &[&name] } else { &[] };
            names.give(&mut value, owners, &format!("in `{name}`, for {users} {}", kind.section()), &mut top.secrets);
            top.templates.push((name, value));
        }
        items.extend(more);
    }
    for workspace in &estate.workspaces {
        let mut settings = Settings::new();
        builder.sections(None, workspace, &mut settings);
        let mut value = Yaml::Map(all_but_usual(&settings));
        names.give(&mut value, &[workspace], &format!("in {workspace}"), &mut top.secrets);
        let Yaml::Map(entries) = value else { continue };
        if !style.partial || !entries.is_empty() {
            top.workspaces.entry(workspace.clone()).or_default().0 = entries;
        }
    }
    for mut item in items {
        let sheet = sheets.entry(file_of(&item, estate, style)).or_default();
        let id = match item.entries.first() {
            Some((_, Yaml::Text(id))) => id.to_string(),
            _ => String::new(),
        };
        let place = format!("in {}/{id}", item.workspace);
        for (_, value) in &mut item.entries {
            names.give(value, &[&id, &item.workspace], &place, &mut sheet.secrets);
        }
        sheet.workspaces.entry(item.workspace.clone()).or_default().1.push(item);
    }
    let secrets = sheets.values().flat_map(|sheet| sheet.secrets.iter().cloned()).collect();
    let file = |(name, sheet): (String, Sheet)| File { text: sheet.write(&name, estate, style), name };
    let files = sheets.into_iter().map(file).collect();
    (files, secrets)
}

/// In a folder, each group has its file; those of several workspaces have folders of their own.
fn file_of(item: &Item, estate: &Estate, style: &Style) -> String {
    if !style.split {
        return String::new();
    }
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '_' };
    let name: String = item.group.chars().map(safe).collect();
    match estate.workspaces.len() {
        0 | 1 => format!("{name}.yaml"),
        _ => format!("{}/{name}.yaml", item.workspace),
    }
}

/// The objects of a kind, grouped by what they refer to, and what they share.
fn objects(
    kind: KindRef,
    estate: &Estate,
    style: &Style,
    builder: &mut Builder<'_>,
) -> (Vec<(Arc<str>, Yaml)>, Vec<Template>, Vec<Item>) {
    let refers = |object: &Existing| kind.reference(object.address.workspace(), &object.fields);
    let mut objects: Vec<(&Existing, String)> = Vec::new();
    for object in estate.objects.iter().filter(|object| object.address.kind() == kind) {
        let group = refers(object).map_or_else(|| object.address.id().to_owned(), |to| to.address.id().to_owned());
        objects.push((object, group));
    }
    objects.sort_by(|(a, of_a), (b, of_b)| {
        let (a, b) = (&a.address, &b.address);
        (a.workspace(), of_a, a.id()).cmp(&(b.workspace(), of_b, b.id()))
    });
    let field = objects.iter().find_map(|(object, _)| Some(refers(object)?.field));
    let mut groups: BTreeMap<(String, &str), Arc<[String]>> = BTreeMap::new();
    let mut parts: Vec<Part> = Vec::with_capacity(objects.len());
    for (object, group) in &objects {
        let workspace = object.address.workspace();
        let name = || {
            let name = group.to_lowercase().replace('_', "-");
            Arc::from([name.clone(), format!("{workspace}-{name}")])
        };
        let group = field.map(|_| Arc::clone(groups.entry((workspace.to_owned(), group)).or_insert_with(name)));
        let settings = builder.object(object);
        parts.push(Part { settings, group, uses: Vec::new(), own: Vec::new() });
    }
    let (defaults, templates) = match style.inherited.get(&kind) {
        Some(inherited) => {
            for part in &mut parts {
                part.own = difference(inherited, &part.settings);
            }
            (Settings::new(), Vec::new())
        }
        None => factor(&mut parts, &|key| kind.is_its_own(key), kind.is_templated() && style.templates),
    };
    let items = objects.into_iter().zip(parts).map(|((object, group), part)| Item {
        kind,
        workspace: object.address.workspace().to_owned(),
        group,
        entries: entries(kind, object, field, part),
    });
    let items = items.collect();
    (difference(&Settings::new(), &defaults), templates, items)
}

/// The entries of an object: what it is called, what it refers to, what it uses, and the rest.
fn entries(kind: KindRef, object: &Existing, field: Option<&str>, part: Part) -> Vec<(Arc<str>, Yaml)> {
    let mut entries = vec![(Arc::from(kind.identity()), Yaml::text(object.address.id()))];
    let (reference, own): (Vec<_>, Vec<_>) = part.own.into_iter().partition(|(key, _)| Some(&**key) == field);
    entries.extend(reference);
    if !part.uses.is_empty() {
        entries.push(("uses".into(), Yaml::List(part.uses.into_iter().map(Yaml::Text).collect())));
    }
    entries.extend(own);
    entries
}

impl Sheet {
    /// Those who are named in it, and what they call themselves.
    fn people<'a>(&'a self, estate: &'a Estate) -> BTreeMap<&'a str, &'a str> {
        let mut people = BTreeMap::new();
        if estate.people.is_empty() {
            return people;
        }
        let shared = self.defaults.iter().chain(&self.templates);
        let own = self
            .workspaces
            .values()
            .flat_map(|(sections, items)| sections.iter().chain(items.iter().flat_map(|item| &item.entries)));
        for (_, value) in shared.chain(own) {
            value.texts(&mut |text| {
                if let Some((id, name)) = estate.people.get_key_value(text) {
                    people.insert(id, name);
                }
            });
        }
        people
    }

    fn write(&self, name: &str, estate: &Estate, style: &Style) -> String {
        let mut out = String::new();
        if let Some(schema) = &style.schema {
            let up = "../".repeat(name.matches('/').count());
            out.push_str(&format!("# yaml-language-server: $schema={up}{schema}\n"));
        }
        for line in &style.head {
            out.push_str(format!("# {line}").trim_end());
            out.push('\n');
        }
        out.push_str("version: 1\n");
        for (key, shared) in [("defaults", &self.defaults), ("templates", &self.templates)] {
            if !shared.is_empty() {
                out.push_str(&format!("\n{key}:\n"));
                shared.iter().for_each(|(name, value)| entry(&mut out, 2, name, value));
            }
        }
        out.push_str(if self.workspaces.is_empty() { "\nworkspaces: []\n" } else { "\nworkspaces:\n" });
        for (at, (slug, (sections, items))) in self.workspaces.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(&format!("  - workspace: {}\n", Yaml::text(slug).in_one_line()));
            sections.iter().for_each(|(key, value)| entry(&mut out, 4, key, value));
            for kind in kinds_in(None).filter(|kind| kind.shape() == Shape::Objects) {
                write_items(&mut out, kind, &items.iter().filter(|item| item.kind == kind).collect::<Vec<_>>());
            }
        }
        let people = self.people(estate);
        if !people.is_empty() {
            out.push_str("\n# Who is who:\n");
            people.iter().for_each(|(id, name)| out.push_str(&format!("#   {id}  {}\n", printable(name))));
        }
        if !self.secrets.is_empty() {
            out.push_str(SECRETS);
            listed(&self.secrets).lines().for_each(|line| out.push_str(&format!("# {line}\n")));
        }
        out
    }
}

/// The objects of a kind, with an empty line between groups where these have several.
fn write_items(out: &mut String, kind: KindRef, items: &[&Item]) {
    if items.is_empty() {
        return;
    }
    out.push_str(&format!("    {}:\n", kind.section()));
    let apart = items.windows(2).any(|pair| pair[0].group == pair[1].group);
    for (at, one) in items.iter().enumerate() {
        if apart && at > 0 && items[at - 1].group != one.group {
            out.push('\n');
        }
        item(out, 6, &Yaml::Map(one.entries.clone()));
    }
}
