//! Resources → the objects that they are about, by the [table](super::table).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::known::{self, Known};
use super::notes::Notes;
use super::state::{Attributes, Resource};
use super::table::{Holder, How, LEFT, REMARKS, ROWS, Row, SILENT, Says, UNMANAGED};
use crate::manifest::write::Existing;
use crate::resource::{Address, Fields, KINDS, KindRef, Shape};

/// No provider has resources with as many attributes that are not known here.
const MAX_LEFT: usize = 50;

/// An object, and the resource that is about it.
#[derive(Debug)]
pub(super) struct Found {
    pub object: Existing,
    /// The resource's address in Terraform.
    pub of: String,
    /// The project or repository that it is in: the section of those, and what tells it from others.
    pub within: Option<(&'static str, String)>,
}

/// Resources on their way.
pub(super) struct Carrier<'a> {
    pub known: &'a Known,
    pub notes: &'a mut Notes,
    pub found: Vec<Found>,
}

/// Where an object is.
struct Place {
    /// The whole name of what it is in.
    parent: String,
    /// The project or repository that it is in.
    within: Option<(&'static str, String)>,
}

impl Carrier<'_> {
    /// Takes out of a resource whatever a manifest can say, and notes what it cannot.
    pub(super) fn take(&mut self, resource: &Resource<'_>) {
        let (kind, address) = (&*resource.kind, &*resource.address);
        if let Some((_, why)) = LEFT.iter().find(|(kinds, _)| kinds.contains(&kind)) {
            return self.notes.add(why, address);
        }
        let rows: Vec<&'static Row> = ROWS.iter().filter(|row| row.of.contains(&kind)).collect();
        if rows.is_empty() {
            return self.notes.add("this type of resource is not known here", address);
        }
        let Some(attributes) = resource.attributes() else {
            return self.notes.add(
                "its attributes are not as a state of version 4 has them, or are more than Bitbucket can hold",
                address,
            );
        };
        if let Some((_, remark)) = REMARKS.iter().find(|(name, _)| *name == kind) {
            self.notes.add(remark, address);
        }
        for row in &rows {
            if let Err(why) = self.carry(row, address, &attributes) {
                self.notes.add(&why, address);
            }
        }
        let paths = rows.iter().flat_map(|row| row.says).flat_map(|Says(_, paths, _)| paths.split('|'));
        let said: HashSet<&str> = paths.map(|path| path.split('.').next().unwrap_or(path)).collect();
        let left = attributes.iter().filter(|(name, _)| !SILENT.contains(name) && !said.contains(name));
        left.take(MAX_LEFT).for_each(|(name, value)| self.leave(name, value, address));
    }

    /// An attribute that no row is about.
    fn leave(&mut self, name: &str, value: &Value, address: &str) {
        if *value == Value::Bool(false) || name == "link" && is_bitbuckets_own(value) {
            return;
        }
        let why = UNMANAGED.iter().find(|(known, _)| *known == name).map(|(_, why)| *why);
        self.notes.add(&format!("`{name}`: {}", why.unwrap_or("this attribute is not known here")), address);
    }

    fn carry(&mut self, row: &'static Row, address: &str, of: &Attributes) -> Result<(), String> {
        let Some(kind) = row.kind() else { return Ok(()) };
        let place = self.place(row, of)?;
        let mut says: HashMap<&str, Value> = HashMap::new();
        let mut told = false;
        for Says(field, paths, how) in row.says {
            match self.said(paths, how, of, address) {
                Ok(value) => says.extend(value.map(|value| (*field, value))),
                Err(why) => {
                    self.notes.add(&why, address);
                    told = true;
                }
            }
        }
        match row.says.iter().find(|Says(field, ..)| row.needs.contains(field) && !says.contains_key(field)) {
            Some(_) if told => {}
            Some(Says(_, paths, _)) => {
                let missing = paths.split('|').next().unwrap_or(paths);
                return Err(format!("the state holds no `{missing}` of it, without which it cannot be managed"));
            }
            None if says.is_empty() => {}
            None => match says.remove(kind.identity()) {
                // One resource may be about several accounts.
                Some(Value::Array(ids)) => ids.into_iter().for_each(|id| {
                    says.insert(kind.identity(), id);
                    self.find(kind, &place, &says, address);
                }),
                id => {
                    says.extend(id.map(|id| (kind.identity(), id)));
                    self.find(kind, &place, &says, address);
                }
            },
        }
        Ok(())
    }

    /// An object of which this is said.
    fn find(&mut self, kind: KindRef, place: &Place, says: &HashMap<&str, Value>, of: &str) {
        let known =
            kind.fields().iter().filter_map(|field| Some((field.name, field.settled(says.get(field.name)?.clone()))));
        let fields: Fields = known.collect();
        let id = || says.get(kind.identity()).and_then(Value::as_str).unwrap_or_default();
        let address = match kind.shape() {
            Shape::Objects => Address::new(kind, &place.parent, id()),
            Shape::Map(_) | Shape::Names => Address::within(&place.parent, kind, id()),
            Shape::List => Address::within(&place.parent, kind, &kind.identity_of(&fields)),
            Shape::One | Shape::Value(_) => Address::within(&place.parent, kind, ""),
        };
        let object = Existing { address, fields };
        self.found.push(Found { object, of: of.to_owned(), within: place.within.clone() });
    }

    fn place(&mut self, row: &Row, of: &Attributes) -> Result<Place, String> {
        let workspace = self.known.workspace(of)?;
        if row.holder == Holder::Workspace {
            return Ok(Place { parent: workspace, within: None });
        }
        if row.holder == Holder::Project {
            let key = of.text(known::PROJECT).ok_or("the state does not say in which project it is")?;
            return Ok(Place { parent: format!("{workspace}/{key}"), within: Some(("projects", key.to_owned())) });
        }
        let slug = match known::slug(of).filter(|_| row.of.contains(&"bitbucket_repository")) {
            Some(slug) => slug,
            None => self.known.repository(&workspace, of)?,
        };
        let known = self.known;
        let environment = || known.environment(&workspace, &slug, of);
        let environment = if row.holder == Holder::Environment { Some(environment()?) } else { None };
        let mut place = Place { parent: format!("{workspace}/{slug}"), within: Some(("repositories", slug)) };
        if let Some(environment) = environment {
            let Some(kind) = kind("environments", Some("repository")) else { return Ok(place) };
            if let Some((address, environment_type)) = &environment.read {
                let says = [("name", environment.name.as_str().into()), ("type", environment_type.as_str().into())];
                self.find(kind, &place, &says.into_iter().collect(), address);
            }
            place.parent = Address::within(&place.parent, kind, &environment.name).to_string();
        }
        Ok(place)
    }

    fn said(&mut self, paths: &str, how: &How, of: &Attributes, address: &str) -> Result<Option<Value>, String> {
        Ok(match how {
            How::Plain => of.get(paths).cloned(),
            How::By(how) => how(of, self.known)?,
            How::Account => {
                let said = of.get(paths).map(std::slice::from_ref).unwrap_or_default();
                let said = if let [Value::Array(items)] = said { items } else { said };
                let accounts: Vec<_> =
                    said.iter().filter_map(|text| self.known.account(text.as_str()?).map(Value::from)).collect();
                if accounts.len() < said.len() {
                    self.notes.add(
                        "the state has an account by its name, which is nobody's for sure: list its e-mail address",
                        address,
                    );
                }
                (!accounts.is_empty()).then_some(Value::Array(accounts))
            }
            How::Secret => match (of.flag("secured"), of.text(paths)) {
                (Some(false), text) => Some(text.unwrap_or_default().into()),
                (None, None) => None,
                (_, text) => Some(self.known.fingerprints.of(text)),
            },
        })
    }
}

impl Row {
    /// The kind that it is about.
    pub(super) fn kind(&self) -> Option<KindRef> {
        let parent = match self.holder {
            Holder::Workspace => None,
            Holder::Project => Some("project"),
            Holder::Repository => Some("repository"),
            Holder::Environment => Some("environment"),
        };
        kind(self.section, parent)
    }
}

/// The kind of what stands in such a section of such an object.
pub(super) fn kind(section: &str, parent: Option<&str>) -> Option<KindRef> {
    let is_it = |kind: &KindRef| kind.section() == section && kind.parent().map(|kind| kind.name()) == parent;
    KINDS.into_iter().find(is_it)
}

/// Whether this is an avatar that Bitbucket has made, and not one that somebody has chosen.
fn is_bitbuckets_own(link: &Value) -> bool {
    let avatar = ["avatar", "href"].into_iter().try_fold(link, |value, key| value.get(0).unwrap_or(value).get(key));
    let made = ["https://bytebucket.org/ravatar/", "https://bitbucket.org/account/"];
    avatar.and_then(Value::as_str).is_none_or(|url| made.iter().any(|made| url.starts_with(made)))
}
