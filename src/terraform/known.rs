//! What a state knows by several names: resources refer to workspaces, repositories, environments and people by UUID, by name
//! or by the id of another resource, and a manifest calls each in one way.

use std::collections::{BTreeMap, HashMap};

use super::secrets::Fingerprints;
use super::state::{Attributes, Resource, State};
use crate::resource::account::check_account;
use crate::resource::repository::slug_of;

/// Where a resource stands: the attributes of all types that say so.
pub(super) const WORKSPACE: &str = "workspace|owner";
pub(super) const REPOSITORY: &str = "repository|repo_slug";
pub(super) const PROJECT: &str = "project_key|project";

/// What holds repositories.
pub(super) const REPOSITORIES: [&str; 2] = ["bitbucket_repository", "bitbucket_forked_repository"];

/// An environment of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Environment {
    pub name: String,
    /// If it is only read, its address in Terraform and its type.
    pub read: Option<(String, String)>,
}

/// A repository that is only read.
#[derive(Debug)]
pub(super) struct Read {
    pub address: String,
    pub project: String,
}

/// The names of everything that others refer to.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Slugs by UUID.
    workspaces: HashMap<String, String>,
    /// Slugs by workspace and whatever else a repository is called.
    repositories: HashMap<(String, String), String>,
    /// Those that are only read, by workspace and slug.
    read: HashMap<(String, String), Read>,
    /// By workspace, repository and UUID.
    environments: HashMap<(String, String, String), Environment>,
    /// UUIDs by what people call themselves; nothing if several do so.
    people: HashMap<String, Option<String>>,
    /// What people call themselves, by UUID.
    pub called: BTreeMap<Box<str>, Box<str>>,
    /// What secrets are told apart by.
    pub fingerprints: Fingerprints,
}

impl Known {
    /// What these states know. `workspaces` are slugs by UUID that somebody has said besides.
    pub(super) fn new<'a>(
        states: impl Iterator<Item = &'a State<'a>> + Clone,
        workspaces: &[(String, String)],
    ) -> Self {
        let mut known = Self::default();
        // Each is called by names that were learnt before.
        let data: Vec<_> = states.clone().flat_map(|state| &state.data).collect();
        let managed: Vec<_> = states.flat_map(|state| &state.resources).collect();
        known.learn(&data, &["bitbucket_workspace"], Self::learn_workspace);
        known.workspaces.extend(workspaces.iter().cloned());
        known.learn(&data, &["bitbucket_user", "bitbucket_current_user"], Self::learn_person);
        known.learn(&managed, &REPOSITORIES, |known, _, repository| drop(known.learn_repository(repository)));
        known.learn(&data, &["bitbucket_repository"], Self::learn_read_repository);
        known.learn(&managed, &["bitbucket_deployment"], |known, _, one| known.learn_environment(one, None));
        known
            .learn(&data, &["bitbucket_deployment"], |known, address, one| known.learn_environment(one, Some(address)));
        known
    }

    fn learn(&mut self, all: &[&Resource<'_>], kinds: &[&str], learn: fn(&mut Self, &str, &Attributes)) {
        for resource in all.iter().filter(|resource| kinds.contains(&&*resource.kind)) {
            if let Some(attributes) = resource.attributes() {
                learn(self, &resource.address, &attributes);
            }
        }
    }

    /// The workspace of a resource.
    pub(super) fn workspace(&self, of: &Attributes) -> Result<String, String> {
        let parts = of.text(REPOSITORY).filter(|text| text.contains('/')).or_else(|| of.text("deployment"));
        let leading = || parts?.split_once('/').map(|(workspace, _)| workspace);
        let text = of.text(WORKSPACE).or_else(leading).ok_or("the state does not say in which workspace")?;
        let Some(id) = uuid(text) else {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let is_slug = (1..=62).contains(&text.len()) && text.bytes().all(plain);
            return if is_slug {
                Ok(text.to_lowercase())
            } else {
                Err("what stands for its workspace is no slug".to_owned())
            };
        };
        self.workspaces.get(&id).cloned().ok_or_else(|| {
            format!("the state has workspace {id} by its UUID alone: say its slug with `--workspace '{id}=SLUG'`")
        })
    }

    /// The slug of the repository that a resource refers to, be it known here or not.
    pub(super) fn repository(&self, workspace: &str, of: &Attributes) -> Result<String, String> {
        let deployment =
            of.text("deployment").and_then(|id| id.rsplit_once([':', '/'])).map(|(repository, _)| repository);
        let text = of.text(REPOSITORY).or(deployment).ok_or("the state does not say in which repository")?;
        let name = text.rsplit('/').next().unwrap_or(text);
        let known = |name: String| self.repositories.get(&(workspace.to_owned(), name)).cloned();
        let known = uuid(name).map_or_else(|| known(name.to_owned()), known);
        known
            .or_else(|| Some(slug_of(name)).filter(|slug| !slug.is_empty() && uuid(name).is_none()))
            .ok_or_else(|| "the state has its repository by its UUID alone, and no such repository".to_owned())
    }

    /// What is known of a repository that is only read.
    pub(super) fn read(&self, workspace: &str, slug: &str) -> Option<&Read> {
        self.read.get(&(workspace.to_owned(), slug.to_owned()))
    }

    /// The environment that a resource refers to.
    pub(super) fn environment(&self, workspace: &str, slug: &str, of: &Attributes) -> Result<&Environment, String> {
        let id = of.text("deployment").and_then(trailing_uuid).ok_or("the state does not say in which environment")?;
        self.environments.get(&(workspace.to_owned(), slug.to_owned(), id)).ok_or_else(|| {
            "the state refers to its environment by a UUID, and holds no such `bitbucket_deployment`".to_owned()
        })
    }

    /// How a manifest calls an account.
    pub(super) fn account(&self, text: &str) -> Option<String> {
        let known = || check_account("account", text).is_ok().then(|| text.to_owned());
        uuid(text).or_else(known).or_else(|| self.people.get(text).cloned().flatten())
    }

    fn learn_workspace(&mut self, _: &str, workspace: &Attributes) {
        let Some(slug) = workspace.text("slug") else { return };
        let ids = ["id", "uuid"].into_iter().filter_map(|name| uuid(workspace.text(name)?));
        self.workspaces.extend(ids.map(|id| (id, slug.to_owned())));
    }

    fn learn_person(&mut self, _: &str, person: &Attributes) {
        let Some(id) = ["uuid", "id"].into_iter().find_map(|name| uuid(person.text(name)?)) else { return };
        if let Some(name) = person.text("display_name") {
            self.called.insert(id.as_str().into(), name.into());
        }
        for name in ["display_name", "nickname", "username"].into_iter().filter_map(|name| person.text(name)) {
            let known = self.people.entry(name.to_owned()).or_insert_with(|| Some(id.clone()));
            if known.as_ref().is_some_and(|known| *known != id) {
                *known = None;
            }
        }
    }

    fn learn_read_repository(&mut self, address: &str, repository: &Attributes) {
        let project = repository.text("project_key|project.key").map(str::to_owned);
        if let (Some(place), Some(project)) = (self.learn_repository(repository), project) {
            self.read.insert(place, Read { address: address.to_owned(), project });
        }
    }

    /// Its workspace and its slug. What it is called besides is remembered.
    fn learn_repository(&mut self, repository: &Attributes) -> Option<(String, String)> {
        let full_name = repository.text("full_name").and_then(|name| name.split_once('/'));
        let workspace =
            full_name.map(|(workspace, _)| workspace.to_owned()).or_else(|| self.workspace(repository).ok())?;
        let slug = full_name.map(|(_, slug)| slug.to_owned()).or_else(|| slug(repository))?;
        let names = ["name", "slug", "uuid", "id", "repo_slug"].into_iter().filter_map(|name| repository.text(name));
        for name in names.chain([slug.as_str()]) {
            let name = uuid(name).unwrap_or_else(|| name.rsplit('/').next().unwrap_or(name).to_owned());
            self.repositories.entry((workspace.clone(), name)).or_insert_with(|| slug.clone());
        }
        Some((workspace, slug))
    }

    /// `read` is the address of what is only read.
    fn learn_environment(&mut self, environment: &Attributes, read: Option<&str>) {
        let id = ["uuid", "id"].into_iter().find_map(|name| trailing_uuid(environment.text(name)?));
        let (Some(id), Ok(workspace)) = (id, self.workspace(environment)) else { return };
        let (Ok(slug), Some(name)) = (self.repository(&workspace, environment), environment.text("name")) else {
            return;
        };
        let kind = || environment.text("stage|environment").unwrap_or_default().to_owned();
        let environment = Environment { name: name.to_owned(), read: read.map(|address| (address.to_owned(), kind())) };
        self.environments.entry((workspace, slug, id)).or_insert(environment);
    }
}

/// The slug of a repository that the state holds. A fork's name can stand where its slug belongs, and in the id the new name of
/// what was renamed: what is a slug is taken for it.
pub(super) fn slug(repository: &Attributes) -> Option<String> {
    let id = repository.text("id").and_then(|id| id.split_once('/')).map(|(_, slug)| slug);
    let said = [repository.text("slug"), id, repository.text("repo_slug"), repository.text("name")];
    let mut said = said.into_iter().flatten().filter(|text| uuid(text).is_none());
    let first = said.clone().next()?;
    Some(said.find(|text| slug_of(text) == **text).map_or_else(|| slug_of(first), str::to_owned))
}

/// A UUID as Bitbucket writes it, if the text is one: with or without braces, in whatever case.
#[must_use]
pub fn uuid(text: &str) -> Option<String> {
    let bare = text.trim_matches(['{', '}']);
    let is_digit = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    (bare.len() == 36 && bare.bytes().enumerate().all(is_digit)).then(|| format!("{{{}}}", bare.to_lowercase()))
}

/// The UUID at the end of an id, such as `acme/ledger:{…}`.
fn trailing_uuid(text: &str) -> Option<String> {
    uuid(text.rsplit([':', '/']).next().unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "{0b5c4f1e-8f0a-4c39-9d0e-1f2a3b4c5d6e}";

    #[test]
    fn a_uuid_is_written_in_one_way() {
        for text in [ID, &ID.to_uppercase(), ID.trim_matches(['{', '}'])] {
            assert_eq!(uuid(text).as_deref(), Some(ID), "{text}");
        }
        for text in ["", "{}", "ledger", &ID[..30]] {
            assert_eq!(uuid(text), None, "{text}");
        }
        assert_eq!(trailing_uuid(&format!("acme/ledger:{ID}")).as_deref(), Some(ID));
        assert_eq!(trailing_uuid(&format!("acme/ledger/{ID}")).as_deref(), Some(ID));
    }
}
