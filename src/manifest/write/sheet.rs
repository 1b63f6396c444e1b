//! What stands in one file → its text.

use std::collections::BTreeMap;

use super::secrets::{Placeholder, listed};
use super::yaml::{Entries, Yaml, item, write_entries};
use super::{Estate, Style};
use crate::output::printable;
use crate::resource::{KindRef, Shape, kinds_in};

/// What stands above the secrets of a file.
const SECRETS: &str = "
# Secrets, which Bitbucket shows to nobody. A run that writes one takes it from the environment; whether several have the
# same, where they share one here, nobody can see:
";

/// An object that is listed in a workspace.
pub(super) struct Item {
    pub kind: KindRef,
    pub workspace: String,
    /// What tells it from others.
    pub id: String,
    /// What it is grouped by: what it refers to, or itself.
    pub group: String,
    /// A mapping.
    pub value: Yaml,
}

/// What stands in one file.
#[derive(Default)]
pub(super) struct Sheet {
    pub defaults: Entries,
    pub templates: Entries,
    /// By slug.
    pub workspaces: BTreeMap<String, Part>,
    pub secrets: Vec<Placeholder>,
}

/// What stands in a file of one workspace.
#[derive(Default)]
pub(super) struct Part {
    pub sections: Entries,
    pub items: Vec<Item>,
}

impl Sheet {
    /// Its text. The name of the file says how far below the folder it is.
    pub(super) fn text(&self, name: &str, estate: &Estate, style: &Style) -> String {
        let mut out = String::new();
        if let Some(schema) = &style.schema {
            let up = "../".repeat(name.matches('/').count());
            out.extend(["# yaml-language-server: $schema=", &up, schema, "\n"]);
        }
        for line in &style.head {
            out.extend([format!("# {line}").trim_end(), "\n"]);
        }
        out.push_str("version: 1\n");
        for (key, shared) in [("defaults", &self.defaults), ("templates", &self.templates)] {
            if !shared.is_empty() {
                out.extend(["\n", key, ":\n"]);
                write_entries(&mut out, 2, shared);
            }
        }
        out.push_str(if self.workspaces.is_empty() { "\nworkspaces: []\n" } else { "\nworkspaces:\n" });
        for (at, (slug, part)) in self.workspaces.iter().enumerate() {
            let apart = if at > 0 { "\n" } else { "" };
            out.extend([apart, "  - workspace: ", &Yaml::text(slug).in_one_line(), "\n"]);
            write_entries(&mut out, 4, &part.sections);
            for kind in kinds_in(None).filter(|kind| kind.shape() == Shape::Objects) {
                let items = part.items.iter().filter(|item| item.kind == kind);
                write_items(&mut out, kind, &items.collect::<Vec<_>>());
            }
        }
        self.write_notes(estate, &mut out);
        out
    }

    /// Who and what is named in it, as comments.
    fn write_notes(&self, estate: &Estate, out: &mut String) {
        let people = self.people(estate);
        if !people.is_empty() {
            out.push_str("\n# Who is who:\n");
        }
        for (id, name) in people {
            out.extend(["#   ", id, "  ", &printable(name), "\n"]);
        }
        if !self.secrets.is_empty() {
            out.push_str(SECRETS);
        }
        for line in listed(&self.secrets).lines() {
            out.extend(["# ", line, "\n"]);
        }
    }

    /// Those who are named in it, and what they call themselves.
    fn people<'a>(&'a self, estate: &'a Estate) -> BTreeMap<&'a str, &'a str> {
        let mut people = BTreeMap::new();
        if estate.people.is_empty() {
            return people;
        }
        let mut learn = |text: &str| {
            if let Some((id, name)) = estate.people.get_key_value(text) {
                people.insert(&**id, &**name);
            }
        };
        let sections = self.workspaces.values().flat_map(|part| &part.sections);
        let items = self.workspaces.values().flat_map(|part| &part.items).map(|item| &item.value);
        let shared = self.defaults.iter().chain(&self.templates).chain(sections).map(|(_, value)| value);
        for value in shared.chain(items) {
            value.texts(&mut learn);
        }
        people
    }
}

/// The objects of a kind, with an empty line between groups where these have several.
fn write_items(out: &mut String, kind: KindRef, items: &[&Item]) {
    if items.is_empty() {
        return;
    }
    out.extend(["    ", kind.section(), ":\n"]);
    let apart = items.windows(2).any(|pair| pair[0].group == pair[1].group);
    for (at, one) in items.iter().enumerate() {
        if apart && at > 0 && items[at - 1].group != one.group {
            out.push('\n');
        }
        item(out, 6, &one.value);
    }
}
