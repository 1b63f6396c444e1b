//! Several credentials in one run: a [`Client`] for each, with a gate of its own, chosen by the workspace of the path.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use super::credential::{Credential, by_keys};
use super::page::Page;
use super::{Client, Error, Options, Read, Write};
use crate::progress::Listen;
use crate::resource::Request;

/// See the module. Limits of the run hold for all of them together.
#[derive(Debug)]
pub struct Clients {
    members: Vec<Member>,
    lanes: HashMap<String, usize>,
    concurrency: usize,
}

#[derive(Debug)]
struct Member {
    client: Client,
    place: Option<String>,
}

/// Some workspaces and the credential for them.
#[derive(Debug)]
pub struct Owner {
    /// The credential.
    pub credential: Credential,
    /// Where a manifest names it, for messages; nothing for the credential of the run.
    pub place: Option<String>,
    /// The workspaces' slugs.
    pub workspaces: Vec<String>,
}

impl Clients {
    /// Prepares a connection for each owner, all with the same options; nothing is sent yet.
    ///
    /// # Errors
    /// As for [`Client::new`].
    pub fn new(options: &Options, owners: Vec<Owner>, listener: &Arc<dyn Listen>) -> Result<Self, Error> {
        let mut members: Vec<Member> = Vec::new();
        let mut lanes = HashMap::new();
        for Owner { credential, place, workspaces } in owners {
            let options = Options { credential, ..options.clone() };
            let client = match members.first() {
                Some(first) => first.client.beside(options),
                None => Client::new(options, Arc::clone(listener))?,
            };
            lanes.extend(workspaces.into_iter().map(|workspace| (workspace, members.len())));
            members.push(Member { client, place });
        }
        Ok(Self { members, lanes, concurrency: options.concurrency.max(1) })
    }

    /// Whoever may ask for what is at a path. A credential is never sent for another's workspace.
    fn member(&self, target: &str) -> Result<&Member, Error> {
        let at = workspace(target).and_then(|workspace| self.lanes.get(workspace));
        at.and_then(|at| self.members.get(*at))
            .ok_or_else(|| Error::Setup(format!("there is no credential for the workspace of {target}")))
    }
}

/// The workspace of a path, which follows its first `repositories` or `workspaces`.
fn workspace(target: &str) -> Option<&str> {
    let path = target.split(['?', '#']).next()?;
    let mut segments = path.split('/');
    segments.find(|segment| matches!(*segment, "repositories" | "workspaces"))?;
    segments.next()
}

impl Member {
    /// Says of what went wrong with a credential where it is named, and speaks of its parts as they are called there.
    fn about<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        let Some(place) = &self.place else { return result };
        result.map_err(|error| match error {
            Error::Credential(why) => Error::Credential(format!("{place}: {}", by_keys(&why))),
            Error::NoToken(why) => Error::NoToken(format!("{place}: {why}")),
            error => error,
        })
    }
}

impl Read for Clients {
    async fn get(&self, path: &str) -> Result<Option<Value>, Error> {
        let member = self.member(path)?;
        member.about(member.client.get(path).await)
    }

    async fn page(&self, target: String) -> Result<Page, Error> {
        let member = self.member(&target)?;
        member.about(member.client.page(target).await)
    }

    async fn next(&self, page: &Page, link: String) -> Result<Page, Error> {
        // Whoever read a page reads the next one, whatever its link says.
        let member = self.member(page.line.as_ref().map_or("", |line| &line.target))?;
        member.about(member.client.next(page, link).await)
    }

    async fn scopes(&self, workspace: &str) -> Option<Vec<String>> {
        self.members.get(self.lane(workspace))?.client.scopes(workspace).await
    }

    fn lane(&self, workspace: &str) -> usize {
        self.lanes.get(workspace).copied().unwrap_or_default()
    }

    fn requests(&self) -> usize {
        // They count together.
        self.members.first().map_or(0, |member| member.client.requests())
    }

    fn hourly(&self) -> usize {
        self.members.iter().map(|member| member.client.hourly()).sum()
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }
}

impl Write for Clients {
    async fn send(&self, request: &Request) -> Result<Value, Error> {
        let member = self.member(&request.path)?;
        member.about(member.client.send(request).await)
    }

    fn halt(&self) {
        self.members.iter().for_each(|member| member.client.halt());
    }

    fn conceal(&self, secrets: &mut dyn Iterator<Item = &SecretString>) {
        let secrets: Vec<_> = secrets.collect();
        self.members.iter().for_each(|member| member.client.conceal(&mut secrets.iter().copied()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_of_a_path_is_found() {
        for path in [
            "/repositories/acme",
            "/repositories/acme?pagelen=100",
            "/repositories/acme/ledger",
            "/workspaces/acme/projects/PAY",
            "/2.0/workspaces/acme/projects?page=2",
            "/workspaces/acme/projects/repositories",
        ] {
            assert_eq!(workspace(path), Some("acme"), "{path}");
        }
        assert_eq!(workspace("/workspaces/repositories/projects"), Some("repositories"));
        assert_eq!(workspace("/user?q=/repositories/acme"), None);
    }
}
