//! Whoever owns a workspace may do everything in it, and nobody can grant or take that (api.md §5.1): their grants are passed
//! over. Nobody is asked who that is unless there are grants.

use std::collections::BTreeSet;

use super::Inventory;
use crate::bitbucket::Read;
use crate::manifest::write::sayable::LeftOut;
use crate::plan::kept::owners;
use crate::progress::{Event, Listen};
use crate::resource::Grantee;

/// Leaves out the grants to owners. Where nobody says who they are, all grants stay: they are as they are, after all.
pub(super) async fn pass_over<R: Read>(client: &R, listener: &dyn Listen, inventory: &mut Inventory) {
    let grants =
        inventory.estate.objects.iter().filter(|object| object.address.kind().grants_to() == Some(Grantee::Account));
    let workspaces: BTreeSet<String> = grants.map(|object| object.address.workspace().to_owned()).collect();
    listener.event(Event::Pages { more: workspaces.len() });
    for workspace in workspaces {
        let owners = owners(client, &workspace).await;
        listener.event(Event::PageRead);
        let (to_owners, rest) = std::mem::take(&mut inventory.estate.objects).into_iter().partition(|object| {
            let address = &object.address;
            address.kind().grants_to() == Some(Grantee::Account)
                && address.workspace() == workspace
                && owners.contains(address.id())
        });
        inventory.estate.objects = rest;
        inventory.left_out.extend(Vec::into_iter(to_owners).map(|object| {
            let why = "the account owns the workspace, and what it may do cannot be changed".to_owned();
            LeftOut { address: object.address, field: None, why }
        }));
    }
}
