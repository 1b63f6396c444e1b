//! Bitbucket → what stays although it is surplus: the grants that the credential itself may need, and those that nobody can
//! take away (api.md §5.1).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::Note;
use super::state::{State, Surplus};
use crate::bitbucket::{self, Read};
use crate::progress::{Event, Listen};
use crate::resource::Grantee;
use crate::resource::address::path;

const OWN: &str = "stays although it is not listed: it is the credential's own";
const UNKNOWN: &str = "stays although it is not listed: whose the credential is cannot be known, and its own grant must not \
                       go (it lacks the scope account, or read:workspace:bitbucket)";
const OWNER: &str = "stays although it is not listed: it is the grant of an owner of the workspace, which Bitbucket lets \
                     nobody take away";
const THROUGH_GROUP: &str = "if the credential has its access through this group, it goes as well: no grant of its own to \
                             administer this was seen";

/// Somebody, as far as a workspace is concerned.
struct Account {
    uuid: String,
    is_owner: bool,
}

/// Takes what must not go out of what is to go, and warns of what may be missed. Credentials that turn out to be of no use on
/// the way are noted by their lanes.
pub(super) async fn keep<R: Read>(
    client: &R,
    state: &mut State,
    useless: &mut BTreeMap<usize, bitbucket::Error>,
    listener: &dyn Listen,
) {
    let workspaces: BTreeSet<String> =
        state.surplus.iter().filter(|one| matters(one)).map(|one| one.address.workspace().to_owned()).collect();
    for workspace in workspaces {
        let lane = client.lane(&workspace);
        if useless.contains_key(&lane) {
            continue;
        }
        listener.event(Event::Pages { more: 1 });
        let own = own(client, &workspace).await;
        listener.event(Event::PageRead);
        let own = match own {
            Ok(own) => own,
            Err(error) => {
                useless.insert(lane, error);
                continue;
            }
        };
        let administered = administered(state, own.as_ref());
        let is_grant = |one: &Surplus| {
            one.address.workspace() == workspace && one.address.kind().grants_to() == Some(Grantee::Account)
        };
        match &own {
            None => stays(state, UNKNOWN, is_grant),
            Some(own) => stays(state, OWN, |one| is_grant(one) && *one.actual.uuid == *own.uuid),
        }
        if state.surplus.iter().any(is_grant) {
            listener.event(Event::Pages { more: 1 });
            let owners = owners(client, &workspace).await;
            listener.event(Event::PageRead);
            stays(state, OWNER, |one| is_grant(one) && owners.contains(&*one.actual.uuid));
        }
        // Which groups an account is in is told by nobody.
        if !own.is_some_and(|own| own.is_owner) {
            warn_of_groups(state, &workspace, &administered);
        }
    }
}

/// Whether it may be what gives the credential its access.
fn matters(one: &Surplus) -> bool {
    let kind = one.address.kind();
    match kind.grants_to() {
        Some(Grantee::Account) => true,
        Some(Grantee::Group) => kind.administers(&one.actual.fields),
        None => false,
    }
}

/// Whose the credential is; nothing if it may not know. Only what ends it is an error: not all may ask this (api.md §1.1).
async fn own<R: Read>(client: &R, workspace: &str) -> Result<Option<Account>, bitbucket::Error> {
    let answer = match client.get(&path(&["user", "workspaces", workspace, "permission"])).await {
        Ok(answer) => answer.unwrap_or_default(),
        Err(error @ (bitbucket::Error::NoToken(_) | bitbucket::Error::Stopped { .. })) => return Err(error),
        Err(_) => return Ok(None),
    };
    let uuid = answer.pointer("/user/uuid").and_then(Value::as_str);
    let is_owner = answer.get("permission").and_then(Value::as_str) == Some("owner");
    Ok(uuid.map(|uuid| Account { uuid: uuid.to_owned(), is_owner }))
}

/// Who owns a workspace, as far as the credential may know: what is not known is refused when it is tried.
pub(crate) async fn owners<R: Read>(client: &R, workspace: &str) -> HashSet<String> {
    let query = "?pagelen=100&q=permission%3D%22owner%22&fields=values.user.uuid";
    let page = client.page(path(&["workspaces", workspace, "permissions"]) + query).await.unwrap_or_default();
    let uuid = |membership: &Value| membership.pointer("/user/uuid").and_then(Value::as_str).map(str::to_owned);
    page.values.iter().filter_map(uuid).collect()
}

fn stays(state: &mut State, why: &str, stays: impl Fn(&Surplus) -> bool) {
    let (stay, go): (Vec<_>, Vec<_>) = std::mem::take(&mut state.surplus).into_iter().partition(|one| stays(one));
    state.surplus = go;
    state.notes.extend(stay.into_iter().map(|one| Note { address: one.address, text: why.to_owned() }));
}

/// The whole names of what an account was seen to have a grant to administer.
fn administered(state: &State, account: Option<&Account>) -> HashSet<String> {
    let Some(account) = account else { return HashSet::new() };
    let surplus = state.surplus.iter().map(|one| (&one.address, &one.actual));
    let theirs = state.objects.iter().chain(surplus).filter(|(address, actual)| {
        let kind = address.kind();
        kind.grants_to() == Some(Grantee::Account) && *actual.uuid == *account.uuid && kind.administers(&actual.fields)
    });
    theirs.map(|(address, _)| address.parent().to_owned()).collect()
}

fn warn_of_groups(state: &mut State, workspace: &str, administered: &HashSet<String>) {
    let risky = state.surplus.iter().filter(|one| {
        let is_group = one.address.kind().grants_to() == Some(Grantee::Group);
        is_group && matters(one) && one.address.workspace() == workspace && !administered.contains(one.address.parent())
    });
    let warnings = risky.map(|one| Note { address: one.address.clone(), text: THROUGH_GROUP.to_owned() });
    let warnings: Vec<Note> = warnings.collect();
    state.notes.extend(warnings);
}
