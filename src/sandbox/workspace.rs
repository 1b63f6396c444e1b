//! A workspace with its projects and repositories, and how Bitbucket shows it (schemas `workspace`, `workspace_base`,
//! `team`; api.md §2.2, §3, §4).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::project::Project;
use super::repository::{Detail, Repository};
use super::sections::Sections;

/// How many selections a workspace remembers.
const SELECTIONS: usize = 8;

/// A workspace. Projects and repositories are kept by a number that grows, so in the order of their creation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Workspace {
    pub(super) uuid: String,
    pub(super) slug: String,
    pub(super) created_on: String,
    pub(super) projects: BTreeMap<u64, Project>,
    repositories: BTreeMap<u64, Repository>,
    #[serde(default, skip_serializing_if = "Sections::is_empty")]
    pub(super) sections: Sections,
    /// Lower-case keys: two keys that differ in case only would collide (api.md §4).
    #[serde(skip)]
    keys: HashMap<String, u64>,
    #[serde(skip)]
    slugs: HashMap<String, u64>,
    /// What recent lists selected, until something changes: turning the pages of a long list selects once.
    #[serde(skip)]
    selections: Vec<(String, Arc<[u64]>)>,
}

impl Workspace {
    pub(super) fn new(uuid: String, slug: String, created_on: String) -> Self {
        Self {
            uuid,
            slug,
            created_on,
            projects: BTreeMap::new(),
            repositories: BTreeMap::new(),
            sections: Sections::default(),
            keys: HashMap::new(),
            slugs: HashMap::new(),
            selections: Vec::new(),
        }
    }

    /// Fills in what is not saved.
    pub(super) fn reindex(&mut self) {
        self.keys = self.projects.iter().map(|(id, project)| (project.key.to_ascii_lowercase(), *id)).collect();
        self.slugs = self.repositories.iter().map(|(id, repository)| (repository.slug.clone(), *id)).collect();
        for repository in self.repositories.values() {
            count(&mut self.projects, repository, |count| *count += 1);
        }
    }

    pub(super) fn repositories(&self) -> &BTreeMap<u64, Repository> {
        &self.repositories
    }

    /// The sections of a repository, to change them: no list of repositories shows any of that.
    pub(super) fn sections_of_repository(&mut self, id: u64) -> Option<&mut Sections> {
        self.repositories.get_mut(&id).map(|repository| &mut repository.sections)
    }

    pub(super) fn repository_by_slug(&self, slug: &str) -> Option<u64> {
        self.slugs.get(slug).copied()
    }

    /// The project with this very key.
    pub(super) fn project_by_key(&self, key: &str) -> Option<u64> {
        let id = self.project_like(key)?;
        self.projects.get(&id).filter(|project| project.key == key).map(|_| id)
    }

    /// The project whose key collides with this one.
    pub(super) fn project_like(&self, key: &str) -> Option<u64> {
        self.keys.get(&key.to_ascii_lowercase()).copied()
    }

    /// The project that a URL or a body names, by key or by `{uuid}`.
    pub(super) fn project_named(&self, name: &str) -> Option<u64> {
        if name.starts_with('{') {
            return self.projects.iter().find(|(_, project)| project.uuid == name).map(|(id, _)| *id);
        }
        self.project_by_key(name)
    }

    /// Where repositories go that name no project.
    pub(super) fn oldest_project(&self) -> Option<u64> {
        self.projects.keys().next().copied()
    }

    /// Sets a project, new or changed.
    pub(super) fn set_project(&mut self, id: u64, project: Project) {
        let key = project.key.to_ascii_lowercase();
        if let Some(before) = self.projects.insert(id, project) {
            self.keys.remove(&before.key.to_ascii_lowercase());
        }
        self.keys.insert(key, id);
        self.selections.clear();
    }

    pub(super) fn remove_project(&mut self, id: u64) {
        if let Some(project) = self.projects.remove(&id) {
            self.keys.remove(&project.key.to_ascii_lowercase());
        }
    }

    /// Sets a repository, new or changed.
    pub(super) fn set_repository(&mut self, id: u64, repository: Repository) {
        self.remove_repository(id);
        count(&mut self.projects, &repository, |count| *count += 1);
        self.slugs.insert(repository.slug.clone(), id);
        self.repositories.insert(id, repository);
    }

    pub(super) fn remove_repository(&mut self, id: u64) -> Option<Repository> {
        self.selections.clear();
        let repository = self.repositories.remove(&id)?;
        count(&mut self.projects, &repository, |count| *count = count.saturating_sub(1));
        self.slugs.remove(&repository.slug);
        Some(repository)
    }

    /// The repositories that a list shows, in its order; `select` is asked once for each name until something changes.
    pub(super) fn selection(&mut self, name: &str, select: impl FnOnce(&Self) -> Vec<u64>) -> Arc<[u64]> {
        if let Some((_, known)) = self.selections.iter().find(|(known, _)| known == name) {
            return Arc::clone(known);
        }
        let selected: Arc<[u64]> = select(self).into();
        if self.selections.len() == SELECTIONS {
            self.selections.remove(0);
        }
        self.selections.push((name.to_owned(), Arc::clone(&selected)));
        selected
    }

    pub(super) fn url(&self, api: &str) -> String {
        format!("{api}/workspaces/{}", self.slug)
    }

    /// The object as Bitbucket shows it.
    pub(super) fn representation(&self, api: &str) -> Value {
        let url = self.url(api);
        let mut object = json!({
            "type": "workspace",
            "uuid": self.uuid,
            "slug": self.slug,
            "name": self.slug,
            "is_private": false,
            "is_personal": false,
            "is_privacy_enforced": false,
            "forking_mode": "allow_forks",
            "created_on": self.created_on,
            "links": self.links(api),
        });
        object["links"]["members"] = json!({ "href": format!("{url}/members") });
        object["links"]["projects"] = json!({ "href": format!("{url}/projects") });
        object["links"]["repositories"] = json!({ "href": format!("{api}/repositories/{}", self.slug) });
        object
    }

    /// The object inside a repository or project.
    pub(super) fn embedded(&self, api: &str, detail: Detail) -> Value {
        if detail == Detail::Full {
            return self.representation(api);
        }
        json!({
            "type": "workspace",
            "uuid": self.uuid,
            "slug": self.slug,
            "name": self.slug,
            "links": self.links(api),
        })
    }

    /// The object inside `/user/workspaces`, which is less than a workspace.
    pub(super) fn base(&self, api: &str) -> Value {
        let mut links = self.links(api);
        if let Value::Object(links) = &mut links {
            links.remove("html");
        }
        json!({ "type": "workspace_base", "uuid": self.uuid, "slug": self.slug, "links": links })
    }

    /// The workspace as the owner of a repository or project.
    pub(super) fn owner(&self, api: &str, detail: Detail) -> Value {
        let mut owner = json!({
            "type": "team",
            "uuid": self.uuid,
            "display_name": self.slug,
            "links": {
                "self": { "href": self.url(api) },
                "html": { "href": format!("https://bitbucket.org/{}/", self.slug) },
                "avatar": { "href": self.avatar() },
            },
        });
        if detail == Detail::Full {
            owner["created_on"] = self.created_on.as_str().into();
        }
        owner
    }

    fn avatar(&self) -> String {
        format!("https://bitbucket.org/workspaces/{}/avatar/", self.slug)
    }

    fn links(&self, api: &str) -> Value {
        json!({
            "self": { "href": self.url(api) },
            "html": { "href": format!("https://bitbucket.org/{}/", self.slug) },
            "avatar": { "href": self.avatar() },
        })
    }
}

/// Counts a repository in or out of its project.
fn count(projects: &mut BTreeMap<u64, Project>, repository: &Repository, change: impl Fn(&mut u64)) {
    if let Some(project) = projects.get_mut(&repository.project) {
        change(&mut project.repositories);
        if !repository.is_private {
            change(&mut project.public);
        }
    }
}
