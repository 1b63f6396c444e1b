//! What a state knows by several names: resources refer to workspaces, repositories, environments and people by UUID, by name
//! or by the id of another resource, and a manifest calls each in one way.

use std::collections::HashMap;

use super::secrets::Fingerprints;
use super::state::{Attributes, State};
use crate::resource::repository::slug_of;

/// Where a resource stands: the attributes of all types that say so.
pub(super) const WORKSPACE: &str = "workspace|owner";
pub(super) const REPOSITORY: &str = "repository|repo_slug";
pub(super) const PROJECT: &str = "project_key|project";

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
        known.workspaces.extend(workspaces.iter().cloned());
        let data = |kind: &'static str| {
            let data = states.clone().flat_map(|state| &state.data).filter(move |resource| resource.kind == kind);
            data.filter_map(|resource| Some((resource, resource.attributes()?)))
        };
        let managed = |fits: fn(&str) -> bool| {
            let resources = states.clone().flat_map(|state| &state.resources);
            resources.filter(move |resource| fits(&resource.kind)).filter_map(|resource| resource.attributes())
        };
        for (_, workspace) in data("bitbucket_workspace") {
            let Some(slug) = workspace.text("slug") else { continue };
            let ids = ["id", "uuid"].into_iter().filter_map(|name| uuid(workspace.text(name)?));
            known.workspaces.extend(ids.map(|id| (id, slug.to_owned())));
        }
        for (_, person) in data("bitbucket_user").chain(data("bitbucket_current_user")) {
            known.meet(&person);
        }
        for repository in managed(|kind| matches!(kind, "bitbucket_repository" | "bitbucket_forked_repository")) {
            known.call(&repository);
        }
        for (resource, repository) in data("bitbucket_repository") {
            let (Some((workspace, slug)), Some(project)) =
                (known.call(&repository), repository.text("project_key|project.key"))
            else {
                continue;
            };
            let read = Read { address: format!("data.{}", resource.address), project: project.to_owned() };
            known.read.insert((workspace, slug), read);
        }
        for environment in managed(|kind| kind == "bitbucket_deployment") {
            known.meet_environment(&environment, None);
        }
        for (resource, environment) in data("bitbucket_deployment") {
            known.meet_environment(&environment, Some(format!("data.{}", resource.address)));
        }
        known
    }

    /// The workspace of a resource.
    pub(super) fn workspace(&self, of: &Attributes) -> Result<String, String> {
        let parts = of.text(REPOSITORY).filter(|text| text.contains('/')).or_else(|| of.text("deployment"));
        let leading = || parts?.split_once('/').map(|(workspace, _)| workspace);
        let text = of.text(WORKSPACE).or_else(leading).ok_or("the state does not say in which workspace")?;
        let Some(id) = uuid(text) else {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            let is_slug = (1..=62).contains(&text.len()) && text.bytes().all(plain);
            return if is_slug { Ok(text.to_lowercase()) } else { Err("what stands for its workspace is no slug".to_owned()) };
        };
        self.workspaces.get(&id).cloned().ok_or_else(|| {
            format!("the state has workspace {id} by its UUID alone: say its slug with `--workspace '{id}=SLUG'`")
        })
    }

    /// The slug of the repository that a resource refers to, be it known here or not.
    pub(super) fn repository(&self, workspace: &str, of: &Attributes) -> Result<String, String> {
        let deployment = of.text("deployment").and_then(|id| id.rsplit_once([':', '/'])).map(|(repository, _)| repository);
        let text = of.text(REPOSITORY).or(deployment).ok_or("the state does not say in which repository")?;
        let name = text.rsplit('/').next().unwrap_or(text);
        let known = |name: String| self.repositories.get(&(workspace.to_owned(), name)).cloned();
        let known = uuid(name).map_or_else(|| known(name.to_owned()), known);
        known.or_else(|| Some(slug_of(name)).filter(|slug| !slug.is_empty() && uuid(name).is_none())).ok_or_else(|| {
            "the state has its repository by its UUID alone, and no such repository".to_owned()
        })
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

    /// How a manifest calls an account: by UUID in braces, or by account id.
    pub(super) fn account(&self, text: &str) -> Option<String> {
        let is_id = text.contains(':') || text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        uuid(text).or_else(|| is_id.then(|| text.to_owned())).or_else(|| self.people.get(text).cloned().flatten())
    }

    fn meet(&mut self, person: &Attributes) {
        let Some(id) = ["uuid", "id"].into_iter().find_map(|name| uuid(person.text(name)?)) else { return };
        for name in ["display_name", "nickname", "username"].into_iter().filter_map(|name| person.text(name)) {
            let known = self.people.entry(name.to_owned()).or_insert_with(|| Some(id.clone()));
            if known.as_ref().is_some_and(|known| *known != id) {
                *known = None;
            }
        }
    }

    /// Remembers what a repository is called besides its slug.
    fn call(&mut self, repository: &Attributes) -> Option<(String, String)> {
        let full_name = repository.text("full_name").and_then(|name| name.split_once('/'));
        let workspace = full_name.map(|(workspace, _)| workspace.to_owned()).or_else(|| self.workspace(repository).ok())?;
        let slug = full_name.map(|(_, slug)| slug.to_owned()).or_else(|| slug(repository))?;
        let names = ["name", "slug", "uuid", "id", "repo_slug"].into_iter().filter_map(|name| repository.text(name));
        for name in names.chain([slug.as_str()]) {
            let name = uuid(name).unwrap_or_else(|| name.rsplit('/').next().unwrap_or(name).to_owned());
            self.repositories.entry((workspace.clone(), name)).or_insert_with(|| slug.clone());
        }
        Some((workspace, slug))
    }

    fn meet_environment(&mut self, environment: &Attributes, read: Option<String>) {
        let id = ["uuid", "id"].into_iter().find_map(|name| trailing_uuid(environment.text(name)?));
        let (Some(id), Ok(workspace)) = (id, self.workspace(environment)) else { return };
        let (Ok(slug), Some(name)) = (self.repository(&workspace, environment), environment.text("name")) else { return };
        let kind = || environment.text("stage|environment").unwrap_or_default().to_owned();
        let environment = Environment { name: name.to_owned(), read: read.map(|address| (address, kind())) };
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
