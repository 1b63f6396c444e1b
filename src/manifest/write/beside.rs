//! A manifest that is there → what it gives to objects that it does not name yet: its defaults, as they would be settings.

use std::collections::{HashMap, HashSet};

use super::settings::{Builder, Settings};
use super::yaml::{Yaml, entry};
use super::{Estate, Existing};
use crate::manifest::{Manifest, from_sources};
use crate::resource::{Address, Fields, KindRef, Shape, kinds_in};

/// What a manifest gives to objects that are only named in it.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// By kind, without what they refer to: that is said by each.
    pub settings: HashMap<KindRef, Settings>,
    /// The kinds of sections among it.
    pub sections: HashSet<KindRef>,
}

impl Given {
    /// Has the manifest name an object of each kind more, and looks at what becomes of it. Nothing is known of a kind whose
    /// objects cannot stand in it without more words.
    #[must_use]
    pub fn by(manifest: &Manifest) -> Self {
        let mut given = Self::default();
        for kind in kinds_in(None).filter(|kind| kind.shape() == Shape::Objects) {
            let address = unnamed(kind, manifest);
            let Some(estate) = named(manifest, &address) else { continue };
            let mut settings = Settings::new();
            for object in &estate.objects {
                if object.address == address {
                    settings = Builder::new(&estate).object(object);
                } else {
                    given.sections.insert(object.address.kind());
                }
            }
            let field = kind.fields().iter().find(|field| refers_by(kind, field.name)).map(|field| field.name);
            settings.retain(|key, _| Some(&*key.text) != field);
            given.settings.insert(kind, settings);
        }
        given
    }
}

/// An address that nothing in the manifest has.
fn unnamed(kind: KindRef, manifest: &Manifest) -> Address {
    let workspace = manifest.workspaces.first().map_or("x", |workspace| &workspace.slug);
    let taken: HashSet<&Address> = manifest.desired.iter().map(|object| &object.address).collect();
    let names = (0..).map(|number| Address::new(kind, workspace, &format!("x{number}")));
    names.into_iter().find(|address| !taken.contains(address)).unwrap_or_else(|| Address::new(kind, workspace, "x"))
}

/// The object, and all that stands in it, once the manifest names it.
fn named(manifest: &Manifest, address: &Address) -> Option<Estate> {
    let kind = address.kind();
    let mut entries = vec![(kind.identity().into(), Yaml::text(address.id()))];
    let field = kind.fields().iter().find(|field| refers_by(kind, field.name));
    entries.extend(field.map(|field| (field.name.into(), Yaml::text("X"))));
    let workspace = Yaml::Map(vec![
        ("workspace".into(), Yaml::text(address.workspace())),
        (kind.section().into(), Yaml::List(vec![Yaml::Map(entries)])),
    ]);
    let mut text = "version: 1\n".to_owned();
    entry(&mut text, 0, "workspaces", &Yaml::List(vec![workspace]));
    let mut sources = manifest.sources.clone();
    sources.add("", text);
    let desired = from_sources(sources).ok()?.desired.into_iter();
    let is_its = |other: &Address| other == address || other.holders().any(|holder| holder == address.as_str());
    let own = desired.filter(|object| is_its(&object.address));
    let objects = own.map(|object| Existing { fields: object.fields.clone(), address: object.address }).collect();
    Some(Estate { objects, ..Estate::default() })
}

/// Whether a field says what an object of a kind refers to.
fn refers_by(kind: KindRef, field: &'static str) -> bool {
    let fields: Fields = [(field, serde_json::Value::from("X"))].into_iter().collect();
    kind.reference("x", &fields).is_some_and(|reference| reference.field == field)
}
