//! A repository: what is kept of it, and how Bitbucket shows it (api.md §3.1; schema `repository`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::query::Term;
use super::request::percent_encode;
use super::sections::Sections;
use super::sections::override_settings::Inheritance;
use super::workspace::Workspace;

/// What the list of repositories can be filtered by. Others are filterable in principle, but which was never seen.
pub(super) const FILTERABLE: [&str; 8] =
    ["name", "slug", "full_name", "uuid", "is_private", "project.key", "language", "scm"];

/// What the list of repositories can be sorted by.
pub(super) const SORTABLE: [&str; 10] =
    ["name", "slug", "full_name", "uuid", "is_private", "project.key", "language", "created_on", "updated_on", "size"];

/// Who may fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names are Bitbucket's")]
pub(super) enum ForkPolicy {
    AllowForks,
    NoPublicForks,
    NoForks,
}

impl ForkPolicy {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AllowForks => "allow_forks",
            Self::NoPublicForks => "no_public_forks",
            Self::NoForks => "no_forks",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::AllowForks, Self::NoPublicForks, Self::NoForks].into_iter().find(|policy| policy.name() == name)
    }
}

/// How much of the objects inside an object is shown (the API's introduction, "Condensed versus full objects").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Condensed,
    Full,
}

/// A repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Repository {
    pub(super) uuid: String,
    pub(super) slug: String,
    pub(super) name: String,
    /// The number of its project within the workspace.
    pub(super) project: u64,
    pub(super) is_private: bool,
    pub(super) description: String,
    pub(super) fork_policy: ForkPolicy,
    pub(super) language: String,
    pub(super) website: Option<String>,
    pub(super) mainbranch: Option<String>,
    /// Branches with the hash they point at.
    pub(super) branches: BTreeMap<String, String>,
    pub(super) size: u64,
    pub(super) created_on: String,
    pub(super) updated_on: String,
    #[serde(default, skip_serializing_if = "Sections::is_empty")]
    pub(super) sections: Sections,
}

impl Repository {
    /// The value of a field that can be filtered or sorted by.
    pub(super) fn field<'a>(&'a self, workspace: &'a Workspace, name: &str) -> Term<'a> {
        match name {
            "name" => self.name.as_str().into(),
            "slug" => self.slug.as_str().into(),
            "full_name" => Term::Text(Cow::Owned(format!("{}/{}", workspace.slug, self.slug))),
            "uuid" => self.uuid.as_str().into(),
            "is_private" => Term::Bool(self.is_private),
            "project.key" => workspace.projects.get(&self.project).map_or(Term::Null, |p| p.key.as_str().into()),
            "language" => self.language.as_str().into(),
            "scm" => "git".into(),
            "created_on" => self.created_on.as_str().into(),
            "updated_on" => self.updated_on.as_str().into(),
            // Sizes stay far below 2^32 here, where a float is still exact.
            "size" => Term::Number(u32::try_from(self.size).unwrap_or(u32::MAX).into()),
            _ => Term::Null,
        }
    }

    /// The URL of the repository in the API.
    pub(super) fn url(&self, workspace: &Workspace, api: &str) -> String {
        format!("{api}/repositories/{}/{}", workspace.slug, self.slug)
    }

    /// The object as Bitbucket shows it.
    pub(super) fn representation(&self, workspace: &Workspace, api: &str, detail: Detail) -> Value {
        let project = workspace.projects.get(&self.project);
        // Issues and wikis were shut down on 2026-08-20: the switches stay off.
        json!({
            "type": "repository",
            "uuid": self.uuid,
            "full_name": format!("{}/{}", workspace.slug, self.slug),
            "slug": self.slug,
            "name": self.name,
            "description": self.description,
            "scm": "git",
            "website": self.website,
            "is_private": self.is_private,
            "fork_policy": self.fork_policy.name(),
            "language": self.language,
            "has_issues": false,
            "has_wiki": false,
            "size": self.size,
            "created_on": self.created_on,
            "updated_on": self.updated_on,
            "mainbranch": self.mainbranch.as_ref().map(|name| json!({ "name": name, "type": "branch" })),
            "parent": null,
            "override_settings": Inheritance::of(&self.sections).representation(),
            "enforced_signed_commits": null,
            "owner": workspace.owner(api, detail),
            "workspace": workspace.embedded(api, detail),
            "project": project.map(|project| project.embedded(workspace, api, detail)),
            "links": self.links(workspace, api),
        })
    }

    /// The object inside something that belongs to it.
    pub(super) fn embedded(&self, workspace: &Workspace, api: &str) -> Value {
        let full_name = format!("{}/{}", workspace.slug, self.slug);
        json!({
            "type": "repository",
            "uuid": self.uuid,
            "name": self.name,
            "full_name": full_name,
            "links": {
                "self": { "href": self.url(workspace, api) },
                "html": { "href": format!("https://bitbucket.org/{full_name}") },
            },
        })
    }

    /// The links that the document knows.
    fn links(&self, workspace: &Workspace, api: &str) -> Value {
        let url = self.url(workspace, api);
        let path = format!("{}/{}", workspace.slug, self.slug);
        let sub = |name: &str| json!({ "href": format!("{url}/{name}") });
        json!({
            "self": { "href": url },
            "html": { "href": format!("https://bitbucket.org/{path}") },
            "avatar": { "href": format!("https://bytebucket.org/ravatar/{}?ts=default", percent_encode(&self.uuid)) },
            "pullrequests": sub("pullrequests"),
            "commits": sub("commits"),
            "forks": sub("forks"),
            "watchers": sub("watchers"),
            "downloads": sub("downloads"),
            "hooks": sub("hooks"),
            "clone": [
                { "name": "https", "href": format!("https://bitbucket.org/{path}.git") },
                { "name": "ssh", "href": format!("git@bitbucket.org:{path}.git") },
            ],
        })
    }
}
