//! Everything the emulated Bitbucket holds: workspaces, found by slug or UUID (api.md §2.2), and what is saved of them.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::answer::{Answer, Refusal};
use super::repository::Repository;
use super::sections::Sections;
use super::slug::is_workspace_slug;
use super::workspace::Workspace;
use super::{random, timestamp};

/// All workspaces.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The only workspaces there are; `None` lets every valid slug be one.
    only: Option<HashSet<String>>,
    workspaces: Vec<Workspace>,
    by_slug: HashMap<String, usize>,
    by_uuid: HashMap<String, usize>,
    /// Repositories of all workspaces by UUID, for URLs that name no workspace.
    repositories: HashMap<String, Place>,
    /// How many numbers have been given out; each is one new object.
    minted: u64,
    /// How often something changed, so that a saver knows whether there is anything to save.
    changes: u64,
}

/// Where a repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) workspace: usize,
    pub(super) repository: u64,
}

/// Whose sections something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Workspace(usize),
    Project { workspace: usize, project: u64 },
    Repository(Place),
}

impl Owner {
    /// The index of the workspace.
    pub(super) fn workspace(self) -> usize {
        match self {
            Self::Workspace(workspace) | Self::Project { workspace, .. } => workspace,
            Self::Repository(place) => place.workspace,
        }
    }
}

/// What is saved.
#[derive(Serialize)]
struct Saved<'a> {
    minted: u64,
    workspaces: &'a [Workspace],
}

/// What is loaded.
#[derive(Deserialize)]
struct Loaded {
    minted: u64,
    workspaces: Vec<Workspace>,
}

impl Store {
    /// An empty store, in which only these workspaces exist, or any.
    pub(super) fn new(only: Option<Vec<String>>) -> Self {
        let mut store = Self::default();
        for slug in only.iter().flatten() {
            store.add(slug);
        }
        store.only = only.map(HashSet::from_iter);
        store
    }

    /// Takes over what was saved.
    pub(super) fn load(&mut self, saved: &[u8]) -> serde_json::Result<()> {
        let loaded: Loaded = serde_json::from_slice(saved)?;
        let wanted: Vec<_> = self.workspaces.iter().map(|workspace| workspace.slug.clone()).collect();
        *self = Self { only: self.only.take(), minted: loaded.minted, ..Self::default() };
        for mut workspace in loaded.workspaces {
            workspace.reindex();
            self.insert(workspace);
        }
        for slug in wanted {
            self.add(&slug);
        }
        Ok(())
    }

    /// The bytes to save.
    pub(super) fn save(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Saved { minted: self.minted, workspaces: &self.workspaces })
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Lets a workspace exist, whatever the list says.
    pub(super) fn add(&mut self, slug: &str) -> Option<usize> {
        if let Some(known) = self.by_slug.get(slug) {
            return Some(*known);
        }
        if !is_workspace_slug(slug) {
            return None;
        }
        let uuid = random::uuid("workspace", self.mint());
        Some(self.insert(Workspace::new(uuid, slug.to_owned(), timestamp::now())))
    }

    fn insert(&mut self, workspace: Workspace) -> usize {
        let index = self.workspaces.len();
        self.by_slug.insert(workspace.slug.clone(), index);
        self.by_uuid.insert(workspace.uuid.clone(), index);
        for (id, repository) in workspace.repositories() {
            self.repositories.insert(repository.uuid.clone(), Place { workspace: index, repository: *id });
        }
        self.workspaces.push(workspace);
        index
    }

    /// A new number, for an object that comes into being.
    pub(super) fn mint(&mut self) -> u64 {
        self.minted += 1;
        self.changes += 1;
        self.minted
    }

    pub(super) fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    /// The index of the workspace that a URL names, by slug or `{uuid}`.
    pub(super) fn locate(&mut self, name: &str) -> Result<usize, Refusal> {
        let known = self.by_slug.get(name).or_else(|| self.by_uuid.get(name)).copied();
        let found = match &self.only {
            _ if known.is_some() => known,
            None => self.add(name),
            Some(_) => None,
        };
        found.ok_or_else(|| Refusal::from(Answer::no_workspace(name)))
    }

    /// A located workspace. `None` never comes for an index that `locate` gave; it spares a panic.
    pub(super) fn at(&self, index: usize) -> Result<&Workspace, Refusal> {
        self.workspaces.get(index).ok_or_else(|| Refusal::from(Answer::no_workspace("")))
    }

    /// A located workspace, to change it.
    pub(super) fn at_mut(&mut self, index: usize) -> Result<&mut Workspace, Refusal> {
        self.changes += 1;
        self.workspaces.get_mut(index).ok_or_else(|| Refusal::from(Answer::no_workspace("")))
    }

    /// A located workspace, to list it: nothing changes that is saved.
    pub(super) fn at_for_listing(&mut self, index: usize) -> Result<&mut Workspace, Refusal> {
        self.workspaces.get_mut(index).ok_or_else(|| Refusal::from(Answer::no_workspace("")))
    }

    /// The repository that a URL names: workspace by slug, `{uuid}` or `{}`, repository by slug or `{uuid}`.
    /// The first half is `None` when only the repository could say which workspace, and there is none.
    pub(super) fn find(
        &mut self,
        workspace: &str,
        repository: &str,
    ) -> Result<(Option<usize>, Option<Place>), Refusal> {
        let by_uuid = if repository.starts_with('{') { self.repositories.get(repository).copied() } else { None };
        if workspace == "{}" {
            return Ok((by_uuid.map(|place| place.workspace), by_uuid));
        }
        let index = self.locate(workspace)?;
        let found = self.at(index)?.repository_by_slug(repository);
        let by_slug = found.map(|repository| Place { workspace: index, repository });
        let place = by_uuid.or(by_slug).filter(|place| place.workspace == index);
        Ok((Some(index), place))
    }

    /// A repository with its workspace.
    pub(super) fn get(&self, place: Place) -> Result<(&Workspace, &Repository), Refusal> {
        let workspace = self.at(place.workspace)?;
        let repository = workspace.repositories().get(&place.repository);
        Ok((workspace, repository.ok_or_else(|| Refusal::from(Answer::no_repository()))?))
    }

    /// Sets a repository, new or changed.
    pub(super) fn set(&mut self, place: Place, repository: Repository) -> Result<(), Refusal> {
        self.repositories.insert(repository.uuid.clone(), place);
        self.at_mut(place.workspace)?.set_repository(place.repository, repository);
        Ok(())
    }

    /// What governs a workspace, a project or a repository.
    pub(super) fn sections(&self, owner: Owner) -> Result<&Sections, Refusal> {
        let workspace = self.at(owner.workspace())?;
        match owner {
            Owner::Workspace(_) => Ok(&workspace.sections),
            Owner::Project { project, .. } => {
                let project = workspace.projects.get(&project).ok_or_else(|| Refusal::from(Answer::no_project()))?;
                Ok(&project.sections)
            }
            Owner::Repository(place) => Ok(&self.get(place)?.1.sections),
        }
    }

    /// The same, to change it.
    pub(super) fn sections_mut(&mut self, owner: Owner) -> Result<&mut Sections, Refusal> {
        let workspace = self.at_mut(owner.workspace())?;
        match owner {
            Owner::Workspace(_) => Ok(&mut workspace.sections),
            Owner::Project { project, .. } => {
                let project = workspace.projects.get_mut(&project);
                Ok(&mut project.ok_or_else(|| Refusal::from(Answer::no_project()))?.sections)
            }
            Owner::Repository(place) => {
                let sections = workspace.sections_of_repository(place.repository);
                sections.ok_or_else(|| Refusal::from(Answer::no_repository()))
            }
        }
    }

    /// The URL of an owner in the API.
    pub(super) fn url(&self, owner: Owner, api: &str) -> Result<String, Refusal> {
        let workspace = self.at(owner.workspace())?;
        match owner {
            Owner::Workspace(_) => Ok(workspace.url(api)),
            Owner::Project { project, .. } => {
                let project = workspace.projects.get(&project).ok_or_else(|| Refusal::from(Answer::no_project()))?;
                Ok(project.url(workspace, api))
            }
            Owner::Repository(place) => Ok(self.get(place)?.1.url(workspace, api)),
        }
    }

    pub(super) fn remove(&mut self, place: Place) -> Result<(), Refusal> {
        if let Some(repository) = self.at_mut(place.workspace)?.remove_repository(place.repository) {
            self.repositories.remove(&repository.uuid);
        }
        Ok(())
    }
}
