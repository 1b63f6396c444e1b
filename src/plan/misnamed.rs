//! Accounts in the manifest → what is wrong with them: people who are no members, and people who are named twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::members::Known;
use super::people::People;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, closest};
use crate::manifest::{Desired, Manifest};
use crate::resource::account::{folded, is_email};

/// Everybody who is named by an e-mail address must be a member.
pub(super) fn check_members(manifest: &Manifest, known: &HashMap<&str, Known>, problems: &mut Diagnostics) {
    let mut unknown: HashMap<String, Option<String>> = HashMap::new();
    for object in &manifest.desired {
        let workspace = object.address.workspace();
        let Some(known) = known.get(workspace) else { continue };
        for (id, span) in object.accounts().filter(|(id, _)| is_email(id)) {
            let folded = folded(id);
            if !known.contains_key(&folded) {
                let many = unknown.len() >= PROPOSALS;
                let near = unknown.entry(folded).or_insert_with_key(|id| if many { None } else { nearest(id, known) });
                problems.push(no_member(workspace, id, span, near.as_deref(), known.is_empty()));
            }
        }
    }
}

/// Finds who is named twice in one section, as far as `who` knows their UUIDs: two grants to one person would fight.
pub(super) fn check_doubles<'a>(
    manifest: &'a Manifest,
    who: impl Fn(&Desired, &str) -> Option<&'a str>,
    problems: &mut Diagnostics,
) {
    let mut named: HashMap<(usize, &str, &str), (&str, Span)> = HashMap::new();
    for object in &manifest.desired {
        let (address, rank) = (&object.address, object.address.kind().rank());
        let section = if address.kind().is_account() { address.parent() } else { address.as_str() };
        for (id, span) in object.accounts() {
            let Some(uuid) = who(object, id) else { continue };
            match named.entry((rank, section, uuid)) {
                Entry::Vacant(entry) => drop(entry.insert((id, span))),
                Entry::Occupied(entry) if entry.get().0 == id => {}
                Entry::Occupied(entry) => problems.push(same_person(*entry.get(), (id, span))),
            }
        }
    }
}

/// For so many unknown addresses it is looked what may have been meant.
const PROPOSALS: usize = 100;

/// The address that was probably meant, with a slip in its name or in its domain: addresses of one domain are all alike, and
/// access for the wrong person must not be proposed.
fn nearest(id: &str, known: &Known) -> Option<String> {
    let (name, domain) = id.split_once('@')?;
    let others = || known.keys().filter_map(|email| email.split_once('@'));
    let near = closest(name, others().filter(|other| other.1 == domain).map(|other| other.0));
    let far = || closest(domain, others().filter(|other| other.0 == name).map(|other| other.1));
    near.map(|near| format!("{near}@{domain}")).or_else(|| Some(format!("{name}@{}", far()?)))
}

fn no_member(workspace: &str, id: &str, span: Span, near: Option<&str>, nobody_found: bool) -> Diagnostic {
    let problem =
        Diagnostic::error(Code::NoMember, span, format!("`{id}` is no member of the workspace `{workspace}`"));
    let problem = match near {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem.label("no member has this e-mail address any more, or ever had").help(
            "what counts is the address of the Atlassian account: correct it, invite the person to the workspace, or take \
             the line out",
        ),
    };
    match nobody_found {
        true => problem.help(
            "or the credential is shown no addresses: only that of an administrator of the workspace finds people by them; \
             without it, write UUIDs in braces",
        ),
        false => problem,
    }
}

fn same_person(one: (&str, Span), other: (&str, Span)) -> Diagnostic {
    let (first, second) = if one.1 <= other.1 { (one, other) } else { (other, one) };
    Diagnostic::error(Code::SamePerson, second.1, format!("`{}` and `{}` are the same person", first.0, second.0))
        .label("the second time")
        .also(first.1, "the first time")
        .help("keep one of them: a person has one place in a section")
}

impl People {
    /// Nobody has two grants in one section, by the UUID and by the account id. Of lists in fields that does no harm.
    pub(super) fn check_grants(&self, manifest: &Manifest) -> Result<(), Diagnostics> {
        let mut problems = Diagnostics::default();
        let who = |object: &Desired, id: &str| if object.address.kind().is_account() { self.uuid(id) } else { None };
        check_doubles(manifest, who, &mut problems);
        problems.sort();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}
