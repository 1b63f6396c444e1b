//! Desired state and actual state → the plan. Pure: the same two states always give the same plan.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::state::{Actual, State, Surplus};
use super::unread::Unknown;
use super::unseen::Unseen;
use super::{Change, FieldChange, Note, Plan, Unread};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, closest};
use crate::manifest::{Desired, Manifest};
use crate::resource::fields::shared;
use crate::resource::{Action, Address, Fields, Finding, KindRef, Order, Reference, Shape};

/// Compares. Only what the manifest says is looked at.
///
/// # Errors
/// Everything in the manifest that does not fit what exists, each at its place.
pub fn diff(manifest: &Manifest, state: &State) -> Result<Plan, Diagnostics> {
    let mut unknown: HashMap<Address, Option<String>> = HashMap::new();
    let mut plan = Plan { found: state.found.clone(), notes: state.notes.clone(), ..Plan::default() };
    let mut unread = Unknown::of(&state.unread);
    let mut problems = Diagnostics::default();
    let desired: HashMap<&Address, &Desired> =
        manifest.desired.iter().map(|object| (&object.address, object)).collect();
    // What is made anew, with whose going everything goes that is in it. It stands before that: kinds are so ranked.
    let mut anew: HashSet<(KindRef, &str)> = HashSet::new();
    let mut unseen = Unseen::default();
    for object in &manifest.desired {
        let holder = object.address.kind().parent().map(|kind| (kind, object.address.parent()));
        let goes_along = holder.is_some_and(|holder| anew.contains(&holder));
        // Of what could not be read nobody knows what to change, unless it goes anyway.
        if !goes_along && unread.holds(&object.address) {
            plan.unplanned += 1;
            continue;
        }
        let actual = state.objects.get(&object.address).filter(|_| !goes_along);
        unseen.count(object, actual);
        if !object.absent {
            check_reference(manifest, object, &desired, state, &mut unknown, &mut problems);
        }
        match compare(manifest, object, actual, state, &mut plan.notes) {
            None => plan.unchanged += 1,
            Some(change) => {
                let change = renamed(change, state);
                if let (Action::Delete, Some(count)) = (change.action, state.holds.get(&object.address)) {
                    problems.push(still_held(object, *count));
                }
                if let (Action::Update, Some(finding)) =
                    (change.action, object.address.kind().refuse(object.address.id(), &change.target()))
                {
                    problems.push(manifest.diagnostic(object, finding));
                }
                if change.action == Action::Replace {
                    anew.insert((object.address.kind(), object.address.as_str()));
                }
                plan.changes.push(change);
            }
        }
    }
    plan.unread = still_unread(state, &anew);
    likely_renames(&plan.changes, &desired, state, &mut problems);
    if !problems.is_empty() {
        problems.sort();
        return Err(problems);
    }
    unseen.note(&mut plan.notes);
    remove_surplus(manifest, state, &mut plan);
    order(&mut plan.changes, state);
    place_within(&mut plan.changes, &desired, state);
    plan.bill.to_apply = plan.requests();
    Ok(plan)
}

fn compare(
    manifest: &Manifest,
    object: &Desired,
    actual: Option<&Actual>,
    state: &State,
    notes: &mut Vec<Note>,
) -> Option<Change> {
    let change = |action, fields, reason| {
        let uuid = actual.map(|actual| actual.uuid.clone());
        let fields = Vec::into_boxed_slice(fields);
        let base = Change::new(object.address.clone(), action);
        Some(Change { fields, reason, uuid, whole: object.fields.clone(), ..base })
    };
    match (object.absent, actual) {
        (true, None) => None,
        (true, Some(_)) => {
            let place = object.state_span().map(|span| manifest.sources.place(span));
            let place = place.map_or(String::new(), |place| format!(", {}:{}", place.file, place.line));
            change(Action::Delete, Vec::new(), Some(format!("state: absent{place}").into()))
        }
        (false, None) => {
            let fields = changed_fields(object, None, state, notes);
            // What there is one of in each comes by itself, and nothing is left to be set in it.
            if fields.is_empty() && object.address.kind().shape().is_single() {
                return None;
            }
            // What must not be changed to later can be said of it now.
            if let Some(finding) = object.address.kind().refuse(object.address.id(), &object.fields) {
                let text = format!("can be made like this, but not changed to it later: {}", finding.label);
                notes.push(Note { address: object.address.clone(), text });
            }
            change(Action::Create, fields, None)
        }
        (false, Some(actual)) => {
            let fields = changed_fields(object, Some(&actual.fields), state, notes);
            let is_renamed = state.renamed.contains_key(&object.address);
            let kind = object.address.kind();
            match fields.iter().any(|field| kind.replaces(field.name, &field.from, &field.to)) {
                _ if fields.is_empty() && !is_renamed => None,
                true => change(Action::Replace, fields, None),
                false => change(Action::Update, fields, None),
            }
        }
    }
}

fn changed_fields(object: &Desired, actual: Option<&Fields>, state: &State, notes: &mut Vec<Note>) -> Vec<FieldChange> {
    let mut changed = Vec::new();
    for (name, to) in object.fields.iter() {
        let from = actual.and_then(|fields| fields.shared(name));
        let secret = object.address.kind().is_secret(name, to);
        if from == Some(to) && !(secret && object.rewrite) {
            continue;
        }
        // That it is as it shall be was only taken for granted.
        let from = from.filter(|_| !secret);
        let holder = holder(&object.address, state);
        match object.address.kind().held_back(name, from.map(|from| &**from), &object.fields, holder) {
            Some(why) => notes.push(Note { address: object.address.clone(), text: format!("{name} {why}") }),
            None => {
                let from = from.map_or_else(|| shared(Value::Null), Arc::clone);
                changed.push(FieldChange { name, from, to: Arc::clone(to) });
            }
        }
    }
    changed
}

/// What stands in an object of a workspace: that one as it is, if it is.
fn holder<'a>(address: &Address, state: &'a State) -> Option<&'a Fields> {
    let kind = address.kind().parent().filter(|kind| kind.shape() == Shape::Objects)?;
    let (workspace, id) = address.parent().split_once('/')?;
    Some(&state.objects.get(&Address::new(kind, workspace, id))?.fields)
}

/// The object that this one refers to must exist or be about to, and the two must suit each other. `unknown` remembers what
/// was looked for in vain, and what is near it: a default can send ten thousand repositories after one name.
fn check_reference(
    manifest: &Manifest,
    object: &Desired,
    desired: &HashMap<&Address, &Desired>,
    state: &State,
    unknown: &mut HashMap<Address, Option<String>>,
    problems: &mut Diagnostics,
) {
    let kind = object.address.kind();
    let Some(reference) = kind.reference(object.address.workspace(), &object.fields) else { return };
    let actual = state.objects.get(&reference.address);
    let wanted = desired.get(&reference.address).filter(|referenced| !referenced.absent);
    if actual.is_none() && wanted.is_none() {
        let near = unknown
            .entry(reference.address.clone())
            .or_insert_with(|| nearest(&reference.address, desired, state).map(str::to_owned));
        problems.push(unknown_reference(manifest, object, &reference, near.as_deref()));
        return;
    }
    let nothing = Fields::default();
    let of = |actual: Option<&Actual>| actual.map_or(nothing.clone(), |actual| actual.fields.clone());
    let will_be = wanted.map_or_else(|| of(actual), |wanted| of(actual).overlaid(&wanted.fields));
    let own = of(state.objects.get(&object.address)).overlaid(&object.fields);
    if let Some(finding) = kind.check_reference(&own, &will_be) {
        problems.push(manifest.diagnostic(object, finding));
    }
}

/// What others are still in cannot go (api.md §4), and what the manifest does not name is not touched.
fn still_held(object: &Desired, count: usize) -> Diagnostic {
    let (kind, address) = (object.address.kind().name(), &object.address);
    Diagnostic::error(
        Code::StillHeld,
        object.state_span().unwrap_or(object.span),
        format!("{kind} {address} cannot be deleted"),
    )
    .label(format!("it still holds {count} that this manifest does not name"))
    .help("delete them with `state: absent` or move them, or keep it")
}

/// The name that was probably meant, among those that exist and those of the manifest.
fn nearest<'a>(wanted: &Address, desired: &HashMap<&'a Address, &Desired>, state: &'a State) -> Option<&'a str> {
    let (workspace, kind) = (wanted.workspace(), wanted.kind());
    let listed = desired.iter().filter(|(_, object)| !object.absent).map(|(address, _)| *address);
    let listed = listed.filter(|address| address.kind() == kind && address.workspace() == workspace);
    let existing = state.names.get(&(workspace.to_owned(), kind.name())).into_iter().flatten();
    closest(wanted.id(), listed.map(Address::id).chain(existing.map(String::as_str)))
}

fn unknown_reference(manifest: &Manifest, object: &Desired, reference: &Reference, near: Option<&str>) -> Diagnostic {
    let (workspace, id) = (reference.address.workspace(), reference.address.id());
    let kind = reference.address.kind();
    let message = format!("there is no {} `{id}` in the workspace `{workspace}`", kind.name());
    let finding = Finding::error(Code::UnknownReference, reference.field, message);
    let finding = match near {
        Some(near) => finding.label(format!("did you mean `{near}`?")),
        None => finding.label("neither there nor in this manifest").help(format!(
            "to create it, list it: `{}: [{{{}: {id}}}]` under the workspace",
            kind.section(),
            kind.identity()
        )),
    };
    manifest.diagnostic(object, finding)
}

/// Says of what still has its former name that this changes as well.
fn renamed(change: Change, state: &State) -> Change {
    let Some(former) = state.renamed.get(&change.address) else { return change };
    let name = change.address.kind().identity();
    let text = |text: &str| Arc::new(Value::String(text.to_owned()));
    let rename = FieldChange { name, from: text(former), to: text(change.address.id()) };
    let fields = [rename].into_iter().chain(change.fields).collect();
    Change { fields, ..change }
}

/// One that goes and one much like it that comes are most often a rename, which would lose the history.
fn likely_renames(
    changes: &[Change],
    desired: &HashMap<&Address, &Desired>,
    state: &State,
    problems: &mut Diagnostics,
) {
    let of = |action: Action| {
        changes.iter().filter(move |change| change.action == action && change.address.kind().renames())
    };
    let mut doomed: HashMap<(&str, Option<Address>), Vec<&str>> = HashMap::new();
    for change in of(Action::Delete) {
        let (address, now) = (&change.address, state.objects.get(&change.address));
        let reference = now.and_then(|now| address.kind().reference(address.workspace(), &now.fields));
        let place = (address.workspace(), reference.map(|reference| reference.address));
        doomed.entry(place).or_default().push(address.id());
    }
    if doomed.is_empty() {
        return;
    }
    for change in of(Action::Create) {
        let (address, kind) = (&change.address, change.address.kind());
        let reference = kind.reference(address.workspace(), &change.target()).map(|reference| reference.address);
        let near = doomed
            .get(&(address.workspace(), reference))
            .and_then(|names| closest(address.id(), names.iter().copied()));
        if let (Some(near), Some(object)) = (near, desired.get(address)) {
            problems.push(
                Diagnostic::error(Code::LikelyRename, object.span, format!("is {address} a new {}, or {near} under another name?", kind.name()))
                    .label(format!("{near} is deleted, and this one created"))
                    .help(format!(
                        "write `previously: {near}` here in place of its `state: absent` to rename it with all it holds; to \
                         lose that, delete it in a run of its own first"
                    )),
            );
        }
    }
}

/// What could not be read and is not planned. What stood in something that is made anew is gone in any case.
fn still_unread(state: &State, anew: &HashSet<(KindRef, &str)>) -> Vec<Unread> {
    let still = |unread: &Unread| {
        let goes = |(kind, within): &(KindRef, String)| {
            kind.parent().is_some_and(|holder| anew.contains(&(holder, within.as_str())))
        };
        let sections: Vec<_> = unread.sections.iter().filter(|section| !goes(section)).cloned().collect();
        let is_any = !sections.is_empty() || !unread.workspaces.is_empty();
        is_any.then(|| Unread { sections, ..unread.clone() })
    };
    state.unread.iter().filter_map(still).collect()
}

/// What stands in a section that holds nothing but what is managed, and is not, goes.
fn remove_surplus(manifest: &Manifest, state: &State, plan: &mut Plan) {
    if state.surplus.is_empty() {
        return;
    }
    let places: HashMap<(&str, KindRef), Span> =
        manifest.owned.iter().map(|owned| ((&*owned.parent, owned.kind), owned.span)).collect();
    for Surplus { address, actual, again } in &state.surplus {
        let place = places.get(&(address.parent(), address.kind())).map(|span| manifest.sources.place(*span));
        let place = place.map_or(String::new(), |place| format!(", {}:{}", place.file, place.line));
        let gone =
            |(name, from): (_, &Arc<Value>)| FieldChange { name, from: Arc::clone(from), to: shared(Value::Null) };
        plan.changes.push(Change {
            fields: actual.fields.iter().map(gone).collect(),
            reason: Some(format!("exclusive{place}{}", if *again { "; one like it stays" } else { "" }).into()),
            uuid: Some(actual.uuid.clone()),
            ..Change::new(address.clone(), Action::Delete)
        });
    }
    plan.changes.sort_by(|a, b| a.address.cmp(&b.address));
    plan.sizes.clone_from(&state.sizes);
}

/// Says of what stands in another object which one that is, and what must come first: that object itself, and the sections
/// that go before.
fn place_within(changes: &mut [Change], desired: &HashMap<&Address, &Desired>, state: &State) {
    if changes.iter().all(|change| change.address.kind().shape() == Shape::Objects) {
        return;
    }
    let named: HashMap<(KindRef, &str), &Address> =
        desired.keys().map(|address| ((address.kind(), address.as_str()), *address)).collect();
    let mut places: HashMap<Address, (usize, Action)> = HashMap::new();
    let mut sections: HashMap<(String, &'static str), Vec<usize>> = HashMap::new();
    for (at, change) in changes.iter().enumerate() {
        places.insert(change.address.clone(), (at, change.action));
        let section = (change.address.parent().to_owned(), change.address.kind().section());
        sections.entry(section).or_default().push(at);
    }
    let creates: HashSet<usize> =
        changes.iter().enumerate().filter(|(_, change)| change.action == Action::Create).map(|(at, _)| at).collect();
    for change in changes.iter_mut() {
        let (kind, parent) = (change.address.kind(), change.address.parent());
        for section in kind.follows() {
            change.follows.extend(sections.get(&(parent.to_owned(), *section)).into_iter().flatten());
        }
        // Nothing goes before what takes its place has come: it may be the same under another name.
        if change.is_removal() {
            let own = sections.get(&(parent.to_owned(), kind.section())).into_iter().flatten();
            change.needs.extend(own.filter(|at| creates.contains(at)));
        }
        let Some(holder) = kind.parent().and_then(|kind| named.get(&(kind, parent))) else { continue };
        // What a repository's project grants holds for the repository.
        let own = desired.get(holder).map(|object| &object.fields);
        if let Some(referred) = own.and_then(|own| holder.kind().reference(holder.workspace(), own)) {
            let referred = referred.address.as_str();
            for section in kind.follows() {
                change.follows.extend(sections.get(&(referred.to_owned(), *section)).into_iter().flatten());
            }
        }
        // What is made anew is told from others by something new. It must be there, and by this name.
        let anew = places.get(holder).filter(|(_, action)| matches!(action, Action::Create | Action::Replace));
        let known = state.objects.get(holder).filter(|_| anew.is_none());
        let id = known.map(|actual| actual.uuid.clone()).unwrap_or_default();
        let ready = anew.is_none() && !state.renamed.contains_key(*holder);
        change.needs.extend(places.get(holder).filter(|_| !ready).map(|(at, _)| at));
        change.within = Some(Box::new(((*holder).clone(), id)));
    }
}

/// Says which change must wait for which: those of an object and of those that refer to it.
fn order(changes: &mut [Change], state: &State) {
    let places: HashMap<&Address, usize> =
        changes.iter().enumerate().map(|(at, change)| (&change.address, at)).collect();
    let mut needs: Vec<(usize, usize)> = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        let kind = change.address.kind();
        let now = state.objects.get(&change.address).map(|actual| &actual.fields);
        let refers = |fields: &Fields| kind.reference(change.address.workspace(), fields);
        let references = [refers(&change.target()), now.and_then(refers)];
        for other in references.iter().flatten().filter_map(|reference| places.get(&reference.address)) {
            let referred = &changes[*other];
            match referred.address.kind().order(referred.action, &referred.target()) {
                Order::Before if kind.touches_reference(change.action, &change.target()) => needs.push((at, *other)),
                Order::After if change.action != Action::Create => needs.push((*other, at)),
                Order::Before | Order::After | Order::Whenever => {}
            }
        }
    }
    needs.sort_unstable();
    needs.dedup();
    for (at, other) in needs {
        changes[at].needs.push(other);
    }
}
