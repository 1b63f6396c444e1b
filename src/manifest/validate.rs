//! The rules that can be checked without a network, as a table of named functions. All of them run, all of them report.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Desired, Workspace};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span};
use crate::resource::account::{check_account, is_email};
use crate::resource::{Address, Finding, Shape};

type Check = fn(&[Workspace], &[Desired], &mut Diagnostics);

/// Every check with its name.
pub const CHECKS: &[(&str, Check)] = &[
    ("workspace slugs", workspace_slugs),
    ("credentials", credentials),
    ("identities", identities),
    ("accounts in lists", accounts_in_lists),
    ("no object twice", no_object_twice),
    ("former names", former_names),
    ("rules of each kind", rules_of_each_kind),
    ("references", references),
];

/// Runs every check.
pub(super) fn validate(workspaces: &[Workspace], desired: &[Desired], found: &mut Diagnostics) {
    for (_, check) in CHECKS {
        check(workspaces, desired, found);
    }
}

/// Whether a text can be the slug of a workspace.
#[must_use]
pub fn is_workspace_slug(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=62).contains(&text.len()) && text.bytes().all(plain)
}

fn workspace_slugs(workspaces: &[Workspace], _: &[Desired], found: &mut Diagnostics) {
    for workspace in workspaces {
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
fn credentials(workspaces: &[Workspace], _: &[Desired], found: &mut Diagnostics) {
    workspaces.iter().filter_map(|workspace| workspace.auth.as_ref()?.check()).for_each(|wrong| found.push(wrong));
}

fn identities(_: &[Workspace], desired: &[Desired], found: &mut Diagnostics) {
    for object in desired {
        if let Err(finding) = object.address.kind().check_identity(object.address.id()) {
            found.push(object.diagnostic(finding));
        }
    }
}

/// The accounts in fields. Those that are identities were checked as such.
fn accounts_in_lists(_: &[Workspace], desired: &[Desired], found: &mut Diagnostics) {
    for (id, span) in desired.iter().filter(|object| !object.address.kind().is_account()).flat_map(Desired::accounts) {
        if let Err(finding) = check_account("", id) {
            let diagnostic = Diagnostic::error(finding.code, span, finding.message).label(finding.label);
            found.push(finding.help.into_iter().fold(diagnostic, Diagnostic::help));
        }
    }
}

fn no_object_twice(_: &[Workspace], desired: &[Desired], found: &mut Diagnostics) {
    let mut first: HashMap<(usize, Cow<'_, str>), &Desired> = HashMap::with_capacity(desired.len());
    for object in desired {
        let address = &object.address;
        // Keys that differ only in case are kept apart by no screen of Bitbucket's (api.md §4), and e-mail addresses by nobody.
        let text = address.as_str();
        let folds = address.kind().shape() == Shape::Objects || address.kind().is_account() && is_email(address.id());
        let key = (address.kind().rank(), if folds { lower_case(text) } else { Cow::Borrowed(text) });
        if let Some(other) = first.get(&key) {
            found.push(
                Diagnostic::error(
                    Code::ListedTwice,
                    object.span,
                    format!("{} {} is listed twice", address.kind().name(), shown(address)),
                )
                .label("the second time")
                .also(other.span, "the first time")
                .help("keep one of them: an object has one place in a manifest, or in all its files"),
            );
        } else {
            first.insert(key, object);
        }
    }
}

/// A former name belongs to one object, and to none that has it now.
fn former_names(_: &[Workspace], desired: &[Desired], found: &mut Diagnostics) {
    let now: HashMap<&Address, Span> = desired.iter().map(|object| (&object.address, object.span)).collect();
    let mut former: HashMap<&Address, Span> = HashMap::new();
    for (object, previously) in desired.iter().filter_map(|object| Some((object, object.previously.as_deref()?))) {
        let (name, span) = (&previously.0, previously.1);
        if let Err(finding) = name.kind().check_identity(name.id()) {
            found.push(Diagnostic::error(finding.code, span, finding.message).label(finding.label));
        }
        let wrong = |message: &str| Diagnostic::error(Code::FormerName, span, format!("{} {message}", shown(name)));
        match (now.get(name), former.insert(name, span)) {
            _ if *name == object.address => {
                found.push(wrong("is what it is called now").help("leave `previously` out"));
            }
            (Some(other), _) => found.push(
                wrong("is the name of another one").label("taken for this one's former name").also(*other, "this one"),
            ),
            (None, Some(other)) => {
                found.push(wrong("was the name of one only").label("the second time").also(other, "the first time"));
            }
            (None, None) => {}
        }
    }
}

fn rules_of_each_kind(_: &[Workspace], desired: &[Desired], found: &mut Diagnostics) {
    for object in desired.iter().filter(|object| !object.absent) {
        for finding in object.address.kind().check(object.address.id(), &object.fields) {
            found.push(object.diagnostic(finding));
        }
    }
}

/// What one object says of another in the same manifest. What is not in it is checked by the plan.
fn references(_: &[Workspace], desired: &[Desired], found: &mut Diagnostics) {
    let by_address: HashMap<&Address, &Desired> = desired.iter().map(|object| (&object.address, object)).collect();
    for object in desired.iter().filter(|object| !object.absent) {
        let address = &object.address;
        let Some(reference) = address.kind().reference(address.workspace(), &object.fields) else { continue };
        let Some(referenced) = by_address.get(&reference.address) else { continue };
        if referenced.absent {
            let kind = reference.address.kind().name();
            let finding = Finding::error(
                Code::DoomedReference,
                reference.field,
                format!("{kind} {} is to be deleted", reference.address),
            )
            .label(format!("this {} still needs it", address.kind().name()));
            found.push(object.diagnostic(finding).also(referenced.span, "listed with `state: absent`"));
        } else if let Some(finding) = address.kind().check_reference(&object.fields, &referenced.fields) {
            let diagnostic = object.diagnostic(finding);
            let span = referenced.place("is_private").unwrap_or(referenced.span);
            found.push(diagnostic.also(span, format!("{} is private", referenced.address)));
        }
    }
}

/// Hardly any address needs another text than its own.
fn lower_case(text: &str) -> Cow<'_, str> {
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
