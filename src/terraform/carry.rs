//! Resources → the pieces of a manifest, by the [table](super::table).

use serde_json::{Value, json};

use super::known::{self, Known};
use super::notes::Notes;
use super::placeholder::Placeholders;
use super::state::{Attributes, Resource};
use super::table::{Holder, How, LEFT, REMARKS, ROWS, Row, SILENT, Says, UNMANAGED};
use crate::resource::{KINDS, KindRef, Shape};

/// What a resource says of one object.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// The resource, by its Terraform address.
    pub of: String,
    /// The kind of the object.
    pub kind: KindRef,
    /// Where it is.
    pub place: Place,
    /// What is said of it, by field.
    pub says: Vec<(&'static str, Value)>,
}

/// What an object is in, or is itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    /// The slug of the workspace.
    pub workspace: String,
    /// A project or repository of it: their section, and what tells it from others.
    pub object: Option<(&'static str, String)>,
    /// An environment of that, by name.
    pub environment: Option<String>,
}

impl Piece {
    /// The value of a field.
    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.says.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    /// What tells the object from others of its kind, if one field does.
    pub(super) fn id(&self) -> &str {
        self.get(self.kind.identity()).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Resources on their way into pieces.
pub(super) struct Carrier<'a> {
    pub known: &'a Known,
    pub notes: &'a mut Notes,
    pub placeholders: Placeholders,
    pub pieces: Vec<Piece>,
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
            return self.notes.add("its attributes are not written as a state of version 4 has them", address);
        };
        if let Some((_, remark)) = REMARKS.iter().find(|(name, _)| *name == kind) {
            self.notes.add(remark, address);
        }
        for row in &rows {
            if let Err(why) = self.carry(row, address, &attributes) {
                self.notes.add(&why, address);
            }
        }
        let said = |name: &str| {
            let paths = rows.iter().flat_map(|row| row.says).flat_map(|Says(_, paths, _)| paths.split('|'));
            paths.map(|path| path.split('.').next().unwrap_or(path)).any(|said| said == name)
        };
        for (name, value) in attributes.iter().filter(|(name, _)| !SILENT.contains(name) && !said(name)) {
            self.leave(name, value, address);
        }
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
        let place = self.place(row, of)?;
        let Some(kind) = row.kind() else { return Ok(()) };
        let mut piece = Piece { of: address.to_owned(), kind, place, says: Vec::new() };
        let mut told = false;
        for Says(field, paths, how) in row.says {
            match self.said(field, paths, how, of, &piece) {
                Ok(value) => piece.says.extend(value.map(|value| (*field, value))),
                Err(why) => {
                    self.notes.add(&why, address);
                    told = true;
                }
            }
        }
        let lacks = |Says(field, ..): &&Says| row.needs.contains(field) && piece.get(field).is_none();
        match row.says.iter().find(lacks) {
            Some(_) if told => {}
            Some(Says(_, paths, _)) => {
                let missing = paths.split('|').next().unwrap_or(paths);
                return Err(format!("the state holds no `{missing}` of it, without which it cannot be managed"));
            }
            None if piece.says.is_empty() => {}
            None => self.add(piece),
        }
        Ok(())
    }

    fn place(&mut self, row: &Row, of: &Attributes) -> Result<Place, String> {
        let workspace = self.known.workspace(of)?;
        let repository = || match known::slug(of).filter(|_| row.of.contains(&"bitbucket_repository")) {
            Some(slug) => Ok(slug),
            None => self.known.repository(&workspace, of),
        };
        let object = match row.holder {
            Holder::Workspace => None,
            Holder::Project => {
                let key = of.text(known::PROJECT).ok_or("the state does not say in which project it is")?;
                Some(("projects", key.to_owned()))
            }
            Holder::Repository | Holder::Environment => Some(("repositories", repository()?)),
        };
        let mut place = Place { workspace, object, environment: None };
        if let (Holder::Environment, Some((_, slug))) = (row.holder, &place.object) {
            let environment = self.known.environment(&place.workspace, slug, of)?;
            place.environment = Some(environment.name.clone());
            self.pieces.extend(environment.read_at(&place));
        }
        Ok(place)
    }

    fn said(
        &mut self,
        field: &str,
        paths: &str,
        how: &How,
        of: &Attributes,
        piece: &Piece,
    ) -> Result<Option<Value>, String> {
        Ok(match how {
            How::Plain => of.get(paths).cloned(),
            How::Unless(usual) => of.get(paths).filter(|value| value.as_bool() != Some(*usual)).cloned(),
            How::By(how) => how(of, self.known)?,
            How::Account => {
                let said = of.get(paths).map(std::slice::from_ref).unwrap_or_default();
                let said = if let [Value::Array(items)] = said { items } else { said };
                let accounts: Vec<_> =
                    said.iter().filter_map(|text| self.known.account(text.as_str()?).map(Value::from)).collect();
                if accounts.len() < said.len() {
                    self.notes.add("an account is called by a name, and names are nobody's for sure", &piece.of);
                }
                (!accounts.is_empty()).then_some(Value::Array(accounts))
            }
            How::Secret => match (of.flag("secured"), of.text(paths)) {
                (Some(false), text) => Some(text.unwrap_or_default().into()),
                (None, None) => None,
                (_, text) => {
                    let name = match of.text("key") {
                        Some(key) => key.to_owned(),
                        None => format!("{} {field}", piece.kind.name()).to_uppercase(),
                    };
                    let number = self.placeholders.add(&name, piece.place.within(), text.unwrap_or_default());
                    Some(json!({"env": number}))
                }
            },
        })
    }

    /// Adds a piece, or several, where one resource names several accounts.
    fn add(&mut self, piece: Piece) {
        let mut piece = piece;
        let identity = piece.kind.identity();
        if let Some(Value::Array(accounts)) = piece.get(identity).cloned() {
            let others: Vec<_> = piece.says.iter().filter(|(name, _)| *name != identity).cloned().collect();
            for account in accounts {
                let says = std::iter::once((identity, account)).chain(others.iter().cloned()).collect();
                self.pieces.push(Piece { says, ..piece.clone() });
            }
            return;
        }
        let id = piece.id().to_owned();
        if piece.kind.shape() == Shape::Objects {
            piece.place.object = Some((piece.kind.section(), id));
        } else if piece.kind.section() == "environments" {
            piece.place.environment = Some(id);
        }
        self.pieces.push(piece);
    }
}

impl Place {
    /// Its parts, from the innermost on.
    fn within(&self) -> Vec<String> {
        let object = self.object.iter().map(|(_, id)| id);
        self.environment.iter().chain(object).chain([&self.workspace]).cloned().collect()
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
