//! E-mail addresses → accounts: the members of the workspaces are asked who has which, once and before anything else is read.
//!
//! From here on the desired state names UUIDs, as Bitbucket does. Only workspaces in which somebody is named by an address are
//! asked, 90 addresses at a time (api.md §5.1).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::misnamed::{check_doubles, check_members};
use super::people::{People, Person};
use super::refresh::about_workspace;
use super::{Error, lanes};
use crate::bitbucket::page::List;
use crate::bitbucket::whole::rest;
use crate::bitbucket::{self, Read, Watched};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::manifest::{Desired, Manifest, Workspace};
use crate::progress::{Event, Listen};
use crate::resource::account::{folded, is_email, is_uuid};
use crate::resource::address::path;
use crate::resource::{Address, account};

/// How many addresses one request may ask for (api.md §5.1).
const MOST: usize = 90;

/// A manifest that names accounts as Bitbucket does.
pub(super) struct Resolved<'a> {
    pub manifest: Cow<'a, Manifest>,
    /// Who was asked for.
    pub people: People,
    /// What the given manifest calls those whom it calls by an e-mail address.
    pub written: HashMap<Address, Address>,
    /// Why a credential was of no use, by its lane. Of its workspaces nothing is resolved.
    pub useless: BTreeMap<usize, bitbucket::Error>,
}

/// Some of the addresses that are named in a workspace.
struct Inquiry<'a> {
    workspace: &'a Workspace,
    emails: Vec<String>,
}

/// One member, by the address that was asked for.
struct Member {
    email: String,
    account_id: Option<String>,
    person: Person,
}

/// The accounts of a workspace, by all that a manifest may call them.
pub(super) type Known = HashMap<String, Arc<Person>>;

/// Finds the accounts that the manifest names by e-mail address.
///
/// # Errors
/// Addresses that no member of the workspace has, and people who are named twice in one section, each at its place; or the
/// first thing that went wrong with Bitbucket and is about no credential.
pub(super) async fn resolve<'a, R: Read>(
    client: &R,
    manifest: &'a Manifest,
    listener: &dyn Listen,
) -> Result<Resolved<'a>, Error> {
    let mut resolved = Resolved {
        manifest: Cow::Borrowed(manifest),
        people: People::default(),
        written: HashMap::new(),
        useless: BTreeMap::new(),
    };
    let inquiries = inquiries(manifest);
    listener.event(Event::Pages { more: inquiries.len() });
    let watched = &Watched { client, listener };
    let answers = lanes::read_each(client, &inquiries, |one| &one.workspace.slug, |one| one.ask(watched)).await;
    let mut problems = Diagnostics::default();
    let mut known: HashMap<&str, Known> = HashMap::new();
    for (inquiry, answer) in inquiries.iter().zip(answers) {
        let workspace = inquiry.workspace;
        match answer.map_err(|error| explained(error, workspace, manifest)) {
            Ok(None) => {
                let why = "the answer holds members without their addresses";
                let useless = resolved.useless.entry(client.lane(&workspace.slug));
                useless.or_insert_with(|| may_not_look(workspace, manifest, why));
            }
            Ok(Some(members)) => {
                let known = known.entry(&workspace.slug).or_default();
                for member in members {
                    member.become_known(known, &mut resolved.people);
                }
            }
            Err(Err(error)) if error.ends_its_credential() => {
                resolved.useless.entry(client.lane(&workspace.slug)).or_insert(error);
            }
            Err(problem) => {
                let problem = problem?;
                // Each of its requests says so; one of them is enough.
                if !problems.iter().any(|other| other.primary == problem.primary) {
                    problems.push(problem);
                }
            }
        }
    }
    known.retain(|workspace, _| !resolved.useless.contains_key(&client.lane(workspace)));
    check_members(manifest, &known, &mut problems);
    let who = |object: &Desired, id: &str| Some(&*known.get(object.address.workspace())?.get(&folded(id))?.uuid);
    check_doubles(manifest, who, &mut problems);
    if !problems.is_empty() {
        problems.sort();
        return Err(Error::Manifest(problems));
    }
    if !known.is_empty() {
        let manifest = resolved.manifest.to_mut();
        manifest.desired.iter_mut().for_each(|object| rename(object, &known, &mut resolved.written));
        manifest.desired.sort_unstable_by(|a, b| a.address.cmp(&b.address));
    }
    Ok(resolved)
}

fn inquiries(manifest: &Manifest) -> Vec<Inquiry<'_>> {
    let mut named: HashMap<&str, BTreeSet<String>> = HashMap::new();
    for object in &manifest.desired {
        for (id, _) in object.accounts().filter(|(id, _)| is_email(id)) {
            named.entry(object.address.workspace()).or_default().insert(folded(id));
        }
    }
    let mut inquiries = Vec::new();
    for workspace in &manifest.workspaces {
        let emails: Vec<_> = named.remove(workspace.slug.as_str()).into_iter().flatten().collect();
        inquiries.extend(emails.chunks(MOST).map(|emails| Inquiry { workspace, emails: emails.to_vec() }));
    }
    inquiries
}

impl Inquiry<'_> {
    /// The members with these addresses; nothing if the answer hides which address is whose.
    async fn ask<R: Read>(&self, client: &Watched<'_, R>) -> Result<Option<Vec<Member>>, bitbucket::Error> {
        let fields = ["user.uuid", "user.account_id", "user.display_name", "user.email"];
        let list = List::new(path(&["workspaces", &self.workspace.slug, "members"]), fields).that(&self.query());
        let first = client.page(list.target(1)).await?;
        if first.values.iter().any(|answer| Member::email(answer).is_none()) {
            return Ok(None);
        }
        client.expect(list.remaining(&first).unwrap_or_default());
        let read = rest(client, &list, first, Member::key, Member::read, |_| true).await?;
        Ok(Some(read.items.into_iter().flatten().collect()))
    }

    fn query(&self) -> String {
        let quoted = |email: &String| format!("\"{}\"", email.replace('\\', "\\\\").replace('"', "\\\""));
        format!("user.email IN ({})", self.emails.iter().map(quoted).collect::<Vec<_>>().join(","))
    }
}

impl Member {
    fn email(answer: &Value) -> Option<&str> {
        account::within(answer).get("email")?.as_str()
    }

    /// Nothing of somebody without a UUID: the list is then none that can be used.
    fn key(answer: &Value) -> Option<Cow<'_, str>> {
        let uuid = account::within(answer).get("uuid")?.as_str().filter(|uuid| is_uuid(uuid))?;
        Some(Cow::Owned(format!("{uuid} {}", Self::email(answer).unwrap_or_default())))
    }

    fn read(answer: &Value) -> Option<Self> {
        let account = account::within(answer);
        let email = folded(Self::email(answer)?);
        let account_id = account.get("account_id").and_then(Value::as_str).map(str::to_owned);
        let person = Person { email: Some(email.as_str().into()), ..Person::read(account)? };
        Some(Self { email, account_id, person })
    }

    fn become_known(self, known: &mut Known, people: &mut People) {
        let person = Arc::new(self.person);
        people.learn(&person, self.account_id.as_deref());
        let names = [Some(self.email), Some(person.uuid.to_string()), self.account_id];
        known.extend(names.into_iter().flatten().map(|name| (name, Arc::clone(&person))));
    }
}

/// What went wrong with a workspace's members: something about its line in the manifest, or anything else.
fn explained(
    error: bitbucket::Error,
    workspace: &Workspace,
    manifest: &Manifest,
) -> Result<Diagnostic, bitbucket::Error> {
    match &error {
        // That others than administrators get 403 is likely and not written; 400 is what a field gets that nobody can be
        // looked up by (api.md §2.4).
        bitbucket::Error::Refused(refusal) if matches!(refusal.status, 400 | 403) => {
            Err(may_not_look(workspace, manifest, &refusal.to_string()))
        }
        _ => about_workspace(workspace, error),
    }
}

fn may_not_look(workspace: &Workspace, manifest: &Manifest, why: &str) -> bitbucket::Error {
    /// So many lines are named, and the others counted.
    const SHOWN: usize = 5;
    let line = |span: Span| (span.source, manifest.sources.line_and_column(span.source, span.start).0);
    let place = |(source, line)| {
        let file = manifest.sources.get(source).map_or("<unknown>", |(name, _)| name);
        format!("{file}:{line}")
    };
    let slug = &workspace.slug;
    let here = manifest.desired.iter().filter(|object| object.address.workspace() == *slug);
    let emails = here.flat_map(Desired::accounts).filter(|(id, _)| is_email(id));
    let lines: BTreeSet<(u32, usize)> = emails.map(|(_, span)| line(span)).collect();
    let places: Vec<String> = lines.iter().take(SHOWN).copied().map(place).collect();
    let more = if lines.len() > SHOWN { format!(" and {} more", lines.len() - SHOWN) } else { String::new() };
    let whose = workspace.auth.as_ref().map_or(String::new(), |auth| format!(" of {}", place(line(auth.span))));
    bitbucket::Error::Credential(format!(
        "{}{more}: people are named by e-mail address, and the credential{whose} may not look them up in the workspace \
         `{slug}`: use that of an administrator, or the workspace's access token, with the scope account \
         (read:workspace:bitbucket for an API token), or write UUIDs in braces ({why})",
        places.join(", ")
    ))
}

/// Calls those by their UUIDs who are called by an address.
fn rename(object: &mut Desired, known: &HashMap<&str, Known>, written: &mut HashMap<Address, Address>) {
    let before = object.address.clone();
    let Some(known) = known.get(before.workspace()) else { return };
    if object.accounts().any(|(id, _)| is_email(id)) {
        object.call_accounts(|id| Some(&*known.get(&folded(id)).filter(|_| is_email(id))?.uuid));
        if object.address != before {
            written.insert(object.address.clone(), before);
        }
    }
}
