//! A project: what is kept of it, and how Bitbucket shows it (api.md §4; schema `project`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::query::Term;
use super::repository::Detail;
use super::sections::Sections;
use super::workspace::Workspace;

/// What the list of projects can be filtered and sorted by.
pub(super) const FILTERABLE: [&str; 7] =
    ["key", "name", "uuid", "is_private", "description", "created_on", "updated_on"];

/// A project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Project {
    pub(super) uuid: String,
    pub(super) key: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) is_private: bool,
    /// Where its picture was said to be, if anybody said.
    pub(super) avatar: Option<String>,
    pub(super) created_on: String,
    pub(super) updated_on: String,
    #[serde(default, skip_serializing_if = "Sections::is_empty")]
    pub(super) sections: Sections,
    /// How many repositories it holds; counted anew when a state is loaded.
    #[serde(skip)]
    pub(super) repositories: u64,
    /// How many of them are public.
    #[serde(skip)]
    pub(super) public: u64,
}

impl Project {
    pub(super) fn field(&self, name: &str) -> Term<'_> {
        match name {
            "key" => self.key.as_str().into(),
            "name" => self.name.as_str().into(),
            "uuid" => self.uuid.as_str().into(),
            "is_private" => Term::Bool(self.is_private),
            "description" => self.description.as_str().into(),
            "created_on" => self.created_on.as_str().into(),
            "updated_on" => self.updated_on.as_str().into(),
            _ => Term::Null,
        }
    }

    /// The URL of the project in the API.
    pub(super) fn url(&self, workspace: &Workspace, api: &str) -> String {
        format!("{api}/workspaces/{}/projects/{}", workspace.slug, self.key)
    }

    /// The object as Bitbucket shows it.
    pub(super) fn representation(&self, workspace: &Workspace, api: &str, detail: Detail) -> Value {
        json!({
            "type": "project",
            "uuid": self.uuid,
            "key": self.key,
            "name": self.name,
            "description": self.description,
            "is_private": self.is_private,
            "has_publicly_visible_repos": self.public > 0,
            "created_on": self.created_on,
            "updated_on": self.updated_on,
            "owner": workspace.owner(api, detail),
            "workspace": workspace.embedded(api, detail),
            "links": self.links(workspace, api, true),
        })
    }

    /// The object inside a repository.
    pub(super) fn embedded(&self, workspace: &Workspace, api: &str, detail: Detail) -> Value {
        if detail == Detail::Full {
            return self.representation(workspace, api, detail);
        }
        json!({
            "type": "project",
            "uuid": self.uuid,
            "key": self.key,
            "name": self.name,
            "links": self.links(workspace, api, false),
        })
    }

    fn links(&self, workspace: &Workspace, api: &str, whole: bool) -> Value {
        let html = format!("https://bitbucket.org/{}/workspace/projects/{}", workspace.slug, self.key);
        let avatar = match &self.avatar {
            Some(avatar) if avatar.starts_with("http") => avatar.clone(),
            // What came as a data URL is answered as the place where it is kept.
            _ => format!("{html}/avatar/32"),
        };
        let mut links = json!({
            "self": { "href": self.url(workspace, api) },
            "html": { "href": html },
            "avatar": { "href": avatar },
        });
        if whole {
            let repositories = format!("{api}/repositories/{}?q=project.key=%22{}%22", workspace.slug, self.key);
            links["repositories"] = json!({ "href": repositories });
        }
        links
    }
}
