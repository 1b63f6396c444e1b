//! Pieces → pieces that make a whole: what they are in is there, nothing is there twice, and secrets have names.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use super::carry::{Carrier, Piece, Place};
use super::known::{Environment, Read};
use crate::resource::Shape;

/// Puts the names of secrets in, adds what is only read but holds what is managed, and leaves out what is in nothing.
pub(super) fn complete(carrier: Carrier<'_>) -> Vec<Piece> {
    let Carrier { known, notes, placeholders, pieces } = carrier;
    let names = placeholders.names();
    let mut holders: HashMap<Place, String> = HashMap::new();
    let mut whole: Vec<Piece> = Vec::with_capacity(pieces.len());
    let (objects, others): (Vec<_>, Vec<_>) =
        pieces.into_iter().partition(|piece| piece.kind.shape() == Shape::Objects);
    for mut piece in objects.into_iter().chain(others) {
        piece.says.iter_mut().for_each(|(_, value)| name_secret(value, &names));
        if piece.kind.shape() != Shape::Objects
            && let Some(("repositories", slug)) = &piece.place.object
        {
            let repository = Place { environment: None, ..piece.place.clone() };
            if !holders.contains_key(&repository) {
                let Some(read) = known.read(&piece.place.workspace, slug) else {
                    notes.add(NOWHERE, &piece.of);
                    continue;
                };
                notes.add(READ, &read.address);
                holders.insert(repository.clone(), read.address.clone());
                whole.extend(Piece::read(read, repository));
            }
        }
        if piece.holds() {
            match holders.entry(piece.place.clone()) {
                Entry::Vacant(place) => drop(place.insert(piece.of.clone())),
                Entry::Occupied(other) if *other.get() == piece.of => continue,
                Entry::Occupied(other) => {
                    notes.add(&format!("the same {} as {}, which is carried over", piece.kind.name(), other.get()), &piece.of);
                    continue;
                }
            }
        }
        whole.push(piece);
    }
    whole
}

const NOWHERE: &str =
    "it is in a repository that is not carried over; if another state manages that, give both: `import-terraform A B`";

const READ: &str = "Terraform only reads it; it is listed because something in it is managed";

impl Piece {
    /// Whether other pieces can be in what it is about.
    pub(super) fn holds(&self) -> bool {
        self.kind.shape() == Shape::Objects || self.kind.section() == "environments"
    }

    fn read(read: &Read, place: Place) -> Option<Self> {
        let kind = super::carry::kind("repositories", None)?;
        let slug = place.object.as_ref()?.1.as_str().into();
        let says = vec![("slug", slug), ("project", read.project.as_str().into())];
        Some(Self { of: read.address.clone(), kind, place, says })
    }
}

impl Environment {
    /// What there is to say of one that Terraform only reads.
    pub(super) fn read_at(&self, place: &Place) -> Option<Piece> {
        let (address, environment_type) = self.read.as_ref()?;
        let kind = super::carry::kind("environments", Some("repository"))?;
        let says = vec![("name", self.name.as_str().into()), ("type", environment_type.as_str().into())];
        Some(Piece { of: address.clone(), kind, place: place.clone(), says })
    }
}

/// A secret stands as a number until all are known.
fn name_secret(value: &mut Value, names: &[String]) {
    if let Some(number) = value.get_mut("env").filter(|number| number.is_number()) {
        let at = number.as_u64().and_then(|at| usize::try_from(at).ok());
        *number = at.and_then(|at| names.get(at)).map_or(Value::Null, |name| name.as_str().into());
    }
}
