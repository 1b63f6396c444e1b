//! Settings → what stands in which file: what is shared first, then workspace by workspace what is its own, ordered for
//! reading.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::factor::{Part, Template, difference, factor};
use super::secrets::{Names, Placeholder};
use super::settings::{Builder, Settings, all_but_usual};
use super::sheet::{Item, Sheet};
use super::yaml::{Entries, Yaml};
use super::{Estate, Existing, File, Style};
use crate::resource::{KindRef, Shape, kinds_in};

/// The file that holds what is no single project's. No project can be called so.
const SHARED: &str = "_shared.yaml";

/// What is shared, and the objects of a kind.
struct Listed {
    defaults: Entries,
    templates: Vec<Template>,
    items: Vec<Item>,
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
        let Listed { defaults, templates, items: more } = objects(kind, estate, style, &mut builder);
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
            top.workspaces.entry(workspace.clone()).or_default().sections = entries;
        }
    }
    // Where names of files are the same whatever their case, two of them must not be one.
    let mut files: HashMap<String, String> = HashMap::new();
    for mut item in items {
        let file = file_of(&item, estate, style);
        let file = files.entry(file.to_lowercase()).or_insert(file);
        let sheet = sheets.entry(file.clone()).or_default();
        let place = format!("in {}/{}", item.workspace, item.id);
        names.give(&mut item.value, &[&item.id, &item.workspace], &place, &mut sheet.secrets);
        sheet.workspaces.entry(item.workspace.clone()).or_default().items.push(item);
    }
    let secrets = sheets.values().flat_map(|sheet| sheet.secrets.iter().cloned()).collect();
    let file = |(name, sheet): (String, Sheet)| File { text: sheet.text(&name, estate, style), name };
    (sheets.into_iter().map(file).collect(), secrets)
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
fn objects(kind: KindRef, estate: &Estate, style: &Style, builder: &mut Builder<'_>) -> Listed {
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
        id: object.address.id().to_owned(),
        group,
        value: Yaml::Map(entries(kind, object, field, part)),
    });
    let items = items.collect();
    Listed { defaults: difference(&Settings::new(), &defaults), templates, items }
}

/// The entries of an object: what it is called, what it refers to, what it uses, and the rest.
fn entries(kind: KindRef, object: &Existing, field: Option<&str>, part: Part) -> Entries {
    let mut entries = vec![(Arc::from(kind.identity()), Yaml::text(object.address.id()))];
    let (reference, own): (Vec<_>, Vec<_>) = part.own.into_iter().partition(|(key, _)| Some(&**key) == field);
    entries.extend(reference);
    if !part.uses.is_empty() {
        entries.push(("uses".into(), Yaml::List(part.uses.into_iter().map(Yaml::Text).collect())));
    }
    entries.extend(own);
    entries
}
