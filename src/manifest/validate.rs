//! The rules that can be checked without a network, as a table of named functions. All of them run, all of them report.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Desired, Manifest};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span};
use crate::resource::account::check_account;
use crate::resource::{Address, Finding, Shape};

type Check = fn(&Manifest, &mut Diagnostics);

/// Every check with its name.
pub const CHECKS: &[(&str, Check)] = &[
    ("workspace slugs", workspace_slugs),
    ("credentials", credentials),
    ("identities and rules of each kind", identities_and_rules),
    ("accounts in lists", accounts_in_lists),
    ("no object twice", no_object_twice),
    ("former names", former_names),
    ("sections beside each other", sections_beside_each_other),
    ("references", references),
];

/// Runs every check.
pub(super) fn validate(manifest: &Manifest, found: &mut Diagnostics) {
    for (_, check) in CHECKS {
        check(manifest, found);
    }
}

/// Whether a text can be the slug of a workspace.
#[must_use]
pub fn is_workspace_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=62).contains(&text.len()) && text.bytes().all(plain)
}

fn workspace_slugs(manifest: &Manifest, found: &mut Diagnostics) {
    for workspace in &manifest.workspaces {
        let slug = &workspace.slug;
        if !is_workspace_slug(slug) {
            let near: String =
                slug.chars().take(62).map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
            let diagnostic = Diagnostic::error(Code::WorkspaceSlug, workspace.span, "this is not a workspace's slug")
                .label("lower case letters, digits, `-` and `_`");
            found.push(match is_workspace_slug(&near) {
                true => diagnostic.help(format!("the slug is what follows bitbucket.org/ in a URL; perhaps `{near}`")),
                false => diagnostic.help("the slug is what follows bitbucket.org/ in a URL"),
            });
        }
    }
}

/// Whether the parts of each workspace's credential make one.
fn credentials(manifest: &Manifest, found: &mut Diagnostics) {
    manifest
        .workspaces
        .iter()
        .filter_map(|workspace| workspace.auth.as_ref()?.check())
        .for_each(|wrong| found.push(wrong));
}

/// Objects of which different things are said. Those that inherit the same and are called alike are all sound, or none is.
fn distinct(manifest: &Manifest) -> impl Iterator<Item = &Desired> {
    let mut seen = HashSet::new();
    manifest.desired.iter().filter(move |object| object.shared().is_none_or(|said| seen.insert(said)))
}

fn identities_and_rules(manifest: &Manifest, found: &mut Diagnostics) {
    for object in distinct(manifest) {
        let (kind, id) = (object.address.kind(), object.address.id());
        let findings = if object.absent { Vec::new() } else { kind.check(id, &object.fields) };
        for finding in kind.check_identity(id).err().into_iter().chain(findings) {
            found.push_for(manifest.diagnostic(object, finding), object.sharers());
        }
    }
}

/// The accounts in fields. Those that are identities were checked as such.
fn accounts_in_lists(manifest: &Manifest, found: &mut Diagnostics) {
    for object in distinct(manifest).filter(|object| !object.address.kind().is_account()) {
        for (id, span) in object.accounts() {
            if let Err(finding) = check_account("", id) {
                let diagnostic = Diagnostic::error(finding.code, span, finding.message).label(finding.label);
                found.push_for(finding.help.into_iter().fold(diagnostic, Diagnostic::help), object.sharers());
            }
        }
    }
}

fn no_object_twice(manifest: &Manifest, found: &mut Diagnostics) {
    let mut first: HashMap<(usize, Cow<'_, str>), &Desired> = HashMap::new();
    // What stands in sections was seen to be there once when those were read.
    for object in manifest.desired.iter().filter(|object| object.address.kind().shape() == Shape::Objects) {
        let address = &object.address;
        // Keys that differ only in case are kept apart by no screen of Bitbucket's (api.md §4).
        if let Some(other) = first.insert((address.kind().rank(), lower_case(address.as_str())), object) {
            let (first, second) = (object.span.min(other.span), object.span.max(other.span));
            found.push(listed_twice(address, second, first));
        }
    }
}

/// What to say of an object that has two places.
pub(super) fn listed_twice(address: &Address, second: Span, first: Span) -> Diagnostic {
    let message = format!("{} {} is listed twice", address.kind().name(), shown(address));
    Diagnostic::error(Code::ListedTwice, second, message)
        .label("the second time")
        .also(first, "the first time")
        .help("keep one of them: an object has one place in a manifest, or in all its files")
}

/// A former name belongs to one object, and to none that has it now.
fn former_names(manifest: &Manifest, found: &mut Diagnostics) {
    let mut former: HashMap<&Address, Span> = HashMap::new();
    let renamed = manifest.desired.iter().filter_map(|object| Some((object, object.previously()?)));
    for (object, previously) in renamed {
        let (name, span) = (&previously.0, previously.1);
        if let Err(finding) = name.kind().check_identity(name.id()) {
            found.push(Diagnostic::error(finding.code, span, finding.message).label(finding.label));
        }
        let wrong = |message: &str| Diagnostic::error(Code::FormerName, span, format!("{} {message}", shown(name)));
        match (manifest.get(name), former.insert(name, span)) {
            _ if *name == object.address => {
                found.push(wrong("is what it is called now").help("leave `previously` out"));
            }
            (Some(other), _) => found.push(
                wrong("is the name of another one")
                    .label("taken for this one's former name")
                    .also(other.span, "this one"),
            ),
            (None, Some(other)) => {
                found.push(wrong("was the name of one only").label("the second time").also(other, "the first time"));
            }
            (None, None) => {}
        }
    }
}

/// What one section of an object makes of another one.
fn sections_beside_each_other(manifest: &Manifest, found: &mut Diagnostics) {
    let mut void: HashMap<_, Diagnostic> = HashMap::new();
    for object in &manifest.desired {
        if let Some((section, finding)) = object.address.kind().makes_void(&object.fields) {
            let place = (object.address.kind().parent(), object.address.parent(), section);
            void.insert(place, manifest.diagnostic(object, finding));
        }
    }
    if void.is_empty() {
        return;
    }
    for object in &manifest.desired {
        let place = (object.address.kind().parent(), object.address.parent(), object.address.kind().section());
        if let Some(diagnostic) = void.remove(&place) {
            found.push(diagnostic.also(object.span, "this has no effect"));
        }
    }
}

/// What one object says of another in the same manifest. What is not in it is checked by the plan.
fn references(manifest: &Manifest, found: &mut Diagnostics) {
    // Neighbours of which the same is said refer to the same.
    let mut sound: Option<&Desired> = None;
    for object in manifest.desired.iter().filter(|object| !object.absent) {
        let address = &object.address;
        let is_alike = |other: &Desired| {
            other.fields.is(&object.fields)
                && (other.address.kind(), other.address.workspace()) == (address.kind(), address.workspace())
        };
        if sound.is_some_and(is_alike) {
            continue;
        }
        let Some(reference) = address.kind().reference(address.workspace(), &object.fields) else { continue };
        let Some(referenced) = manifest.get(&reference.address) else {
            sound = Some(object);
            continue;
        };
        if referenced.absent {
            let kind = reference.address.kind().name();
            let finding = Finding::error(
                Code::DoomedReference,
                reference.field,
                format!("{kind} {} is to be deleted", reference.address),
            )
            .label(format!("this {} still needs it", address.kind().name()));
            found.push(manifest.diagnostic(object, finding).also(referenced.span, "listed with `state: absent`"));
        } else if let Some(finding) = address.kind().check_reference(&object.fields, &referenced.fields) {
            let diagnostic = manifest.diagnostic(object, finding);
            let span = referenced.place("is_private").unwrap_or(referenced.span);
            found.push(diagnostic.also(span, format!("{} is private", referenced.address)));
        } else {
            sound = Some(object);
        }
    }
}

/// Hardly any address needs another text than its own.
pub(super) fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

fn shown(address: &Address) -> String {
    let text = address.as_str();
    if text.chars().count() > 80 {
        format!("{}…", text.chars().take(77).collect::<String>())
    } else {
        text.to_owned()
    }
}
