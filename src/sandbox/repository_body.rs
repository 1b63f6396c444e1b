//! What a body says about a repository (api.md §3.1, §3.3). Members that Bitbucket does not know are ignored here.

use serde_json::{Map, Value};

use super::answer::{Answer, Refusal};
use super::body::Body;
use super::repository::{ForkPolicy, Repository};
use super::workspace::Workspace;

/// The members that were sent.
#[derive(Debug, Default)]
pub(super) struct RepositoryBody {
    pub(super) name: Option<String>,
    /// A key or a `{uuid}`.
    pub(super) project: Option<String>,
    pub(super) is_private: Option<bool>,
    pub(super) fork_policy: Option<ForkPolicy>,
    pub(super) mainbranch: Option<String>,
    no_forks: Option<bool>,
    no_public_forks: Option<bool>,
    description: Option<String>,
    language: Option<String>,
    /// The empty text takes the website away.
    website: Option<String>,
}

impl RepositoryBody {
    /// Reads the members and refuses the wrong ones. `has_issues` and `has_wiki` are accepted and mean nothing any more.
    pub(super) fn read(object: Map<String, Value>) -> Result<Self, Refusal> {
        let mut body = Body::new(object);
        let read = Self {
            name: body.name("name"),
            project: project(&mut body),
            is_private: body.flag("is_private"),
            fork_policy: fork_policy(&mut body),
            mainbranch: mainbranch(&mut body),
            no_forks: body.flag("no_forks"),
            no_public_forks: body.flag("no_public_forks"),
            description: body.text("description"),
            language: body.text("language"),
            website: body.text("website"),
        };
        if body.get("scm").is_some_and(|scm| scm != "git") {
            body.problem("scm", "Only git repositories are supported.");
        }
        body.flag("has_issues");
        body.flag("has_wiki");
        body.finish()?;
        Ok(read)
    }

    /// The policy that the two undocumented switches stand for; both have to be there.
    pub(super) fn switched_fork_policy(&self) -> Option<ForkPolicy> {
        match (self.no_forks?, self.no_public_forks?) {
            (true, _) => Some(ForkPolicy::NoForks),
            (false, true) => Some(ForkPolicy::NoPublicForks),
            (false, false) => Some(ForkPolicy::AllowForks),
        }
    }

    /// Sets what can be anything.
    pub(super) fn describe(&self, repository: &mut Repository) {
        if let Some(description) = &self.description {
            repository.description.clone_from(description);
        }
        if let Some(language) = &self.language {
            repository.language = language.to_lowercase();
        }
        if let Some(website) = &self.website {
            repository.website = Some(website.clone()).filter(|website| !website.is_empty());
        }
    }
}

fn project(body: &mut Body) -> Option<String> {
    let project = body.get("project")?;
    let name = project.get("key").or_else(|| project.get("uuid")).and_then(Value::as_str);
    let name = name.map(str::to_owned);
    if name.is_none() {
        body.problem("project", "A project is named by its key or uuid.");
    }
    name
}

fn fork_policy(body: &mut Body) -> Option<ForkPolicy> {
    let policy = body.get("fork_policy")?.as_str().and_then(ForkPolicy::from_name);
    if policy.is_none() {
        body.problem("fork_policy", "Must be one of allow_forks, no_public_forks, no_forks.");
    }
    policy
}

/// `null` is what an empty repository answers, so it may come back and changes nothing.
fn mainbranch(body: &mut Body) -> Option<String> {
    let branch = body.get("mainbranch").filter(|branch| !branch.is_null())?;
    let name = branch.get("name").and_then(Value::as_str).map(str::to_owned);
    if name.is_none() {
        body.problem("mainbranch", "A branch is named by its name.");
    }
    name
}

/// The project that a body names.
pub(super) fn project_of(workspace: &Workspace, name: &str) -> Result<u64, Refusal> {
    workspace
        .project_named(name)
        .ok_or_else(|| Refusal::from(Answer::invalid_field("project", &format!("Project {name} does not exist."))))
}
