//! Every field of every kind in the registry, changed by hand: it shows as one change of exactly that, and applying heals
//! exactly it.
//!
//! Nothing here knows a field. `drift/everything.yaml` says all of them, [`values`] finds out which others each can have,
//! [`hand`] does what a person would do by hand, and [`case`] looks at what comes of it, in a [`world`] that is as the
//! manifest says.

mod case;
mod hand;
mod values;
mod world;

use std::collections::HashSet;

use bbprov::manifest::Manifest;
use bbprov::resource::{KINDS, KindRef, kinds_in};
use serde_json::Value;

use crate::official;
use crate::support::Bitbucket;
use case::{Case, deeds};
use world::World;

/// Something that is new in the registry is to be in the manifest as well.
#[test]
fn the_manifest_says_everything_that_can_be_said() {
    let (manifest, owning) = world::manifests(&Bitbucket::new());
    let (mut said, mut tried) = (HashSet::new(), HashSet::new());
    for object in &manifest.desired {
        let kind = object.address.kind();
        said.insert((kind.rank(), ""));
        for (name, _) in object.fields.iter() {
            said.insert((kind.rank(), name));
            if values::others(&manifest, object, name).is_none_or(|choices| choices.iter().any(|one| !one.is_empty())) {
                tried.insert((kind.rank(), name));
            }
        }
    }
    let fields = |kind: KindRef| kind.fields().iter().map(move |field| (kind, field.name));
    let all = || KINDS.into_iter().flat_map(|kind| [(kind, "")].into_iter().chain(fields(kind)));
    let without = |known: &HashSet<(usize, &str)>| -> Vec<_> {
        all().filter(|(kind, name)| !known.contains(&(kind.rank(), *name))).collect()
    };
    assert_eq!(without(&said), [], "everything.yaml does not say these");
    tried.extend(KINDS.map(|kind| (kind.rank(), "")));
    assert_eq!(without(&tried), [], "of these no other value is known");
    owns_everything(&owning);
}

fn owns_everything(manifest: &Manifest) {
    for holder in [None].into_iter().chain(KINDS.map(Some)) {
        let schema = holder.map_or_else(values::workspace, values::of_kind);
        let can_be = schema["properties"]["exclusive"]["items"]["enum"].as_array().into_iter().flatten();
        for section in can_be.filter_map(Value::as_str) {
            let is_owned = |kind: &KindRef| manifest.owned.iter().any(|owned| owned.kind == *kind);
            let mut kinds = kinds_in(holder).filter(|kind| kind.section().split('.').next() == Some(section));
            assert!(kinds.any(|kind| is_owned(&kind)), "{section} of {holder:?} is not exclusive in everything.yaml");
        }
    }
}

#[test]
fn what_is_changed_by_hand_is_seen_and_healed() {
    let mut world = World::new();
    let (mut done, mut wrong) = (0, Vec::new());
    for at in 0..world.manifest.desired.len() {
        for deed in deeds(&world.manifest, at) {
            let case = Case { world: &world, object: &world.manifest.desired[at] };
            done += 1;
            if let Err(why) = case.goes(&deed) {
                wrong.push(format!("{deed} {}: {why}", case.object.address));
                world = World::new();
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {done}:\n{}", wrong.len(), wrong.join("\n"));
    official::holds_for_everybody(&world.bitbucket);
}
