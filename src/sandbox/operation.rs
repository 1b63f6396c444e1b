//! Which operation a method and a path mean, and the scopes it asks for (`openapi.json`; api.md §1.3, `endpoints.tsv`).

use hyper::Method;

use super::answer::{Answer, Refusal};
use super::scopes::Required;

/// An operation of the API. The segments are decoded; which thing they name is the store's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    User,
    UserWorkspaces,
    Workspace {
        workspace: String,
    },
    Repositories {
        workspace: String,
    },
    Repository {
        verb: Verb,
        workspace: String,
        repository: String,
    },
    Branches {
        workspace: String,
        repository: String,
    },
    Push {
        workspace: String,
        repository: String,
    },
    Projects {
        workspace: String,
    },
    NewProject {
        workspace: String,
    },
    Project {
        verb: Verb,
        workspace: String,
        project: String,
    },
    /// What CHANGE-2770 took away.
    Gone,
}

/// What is done to one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Create,
    Put,
    Delete,
}

impl Operation {
    /// Finds the operation, or says 404 or 405.
    pub(super) fn find(method: &Method, segments: &[String]) -> Result<Self, Refusal> {
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let own = |segment: &str| segment.to_owned();
        match segments.as_slice() {
            ["user"] => only(method, Self::User),
            ["user", "workspaces"] => only(method, Self::UserWorkspaces),
            ["workspaces" | "repositories"] => only(method, Self::Gone),
            ["workspaces", workspace] => only(method, Self::Workspace { workspace: own(workspace) }),
            ["workspaces", workspace, "projects"] => match *method {
                Method::GET => Ok(Self::Projects { workspace: own(workspace) }),
                Method::POST => Ok(Self::NewProject { workspace: own(workspace) }),
                _ => Err(Refusal::from(Answer::method_not_allowed("GET, POST"))),
            },
            ["workspaces", workspace, "projects", project] => {
                let verb = verb(method, false)?;
                Ok(Self::Project { verb, workspace: own(workspace), project: own(project) })
            }
            ["repositories", workspace] => only(method, Self::Repositories { workspace: own(workspace) }),
            ["repositories", workspace, repository] => {
                let verb = verb(method, true)?;
                Ok(Self::Repository { verb, workspace: own(workspace), repository: own(repository) })
            }
            ["repositories", workspace, repository, "refs", "branches"] => {
                only(method, Self::Branches { workspace: own(workspace), repository: own(repository) })
            }
            ["repositories", workspace, repository, "src"] if method == Method::POST => {
                Ok(Self::Push { workspace: own(workspace), repository: own(repository) })
            }
            ["repositories", _, _, "src"] => Err(Refusal::from(Answer::method_not_allowed("POST"))),
            _ => Err(Refusal::from(Answer::no_resource())),
        }
    }

    /// Whether the operation changes something, which nobody may without a credential.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Push { .. } | Self::NewProject { .. } => true,
            Self::Repository { verb, .. } | Self::Project { verb, .. } => *verb != Verb::Get,
            _ => false,
        }
    }

    /// Whether the operation is about the caller, so that there must be one.
    pub(super) fn needs_caller(&self) -> bool {
        self.writes() || matches!(self, Self::User | Self::UserWorkspaces)
    }

    /// The scopes that the operation asks for.
    pub(super) fn required(&self) -> Option<Required> {
        let both = |classic, api_token| Some(Required { classic: Some(classic), api_token });
        match self {
            Self::Gone => None,
            Self::User => both("account", "read:user:bitbucket"),
            Self::UserWorkspaces => both("account", "read:workspace:bitbucket"),
            Self::Workspace { .. } => Some(Required { classic: None, api_token: "read:workspace:bitbucket" }),
            Self::Push { .. } => both("repository:write", "write:repository:bitbucket"),
            Self::Repositories { .. } | Self::Branches { .. } | Self::Repository { verb: Verb::Get, .. } => {
                both("repository", "read:repository:bitbucket")
            }
            Self::Repository { verb: Verb::Delete, .. } => both("repository:delete", "delete:repository:bitbucket"),
            Self::Repository { .. } => both("repository:admin", "admin:repository:bitbucket"),
            Self::Projects { .. } | Self::Project { verb: Verb::Get, .. } => both("project", "read:project:bitbucket"),
            Self::NewProject { .. } | Self::Project { .. } => both("project:admin", "admin:project:bitbucket"),
        }
    }
}

/// An operation that can only be read.
fn only(method: &Method, operation: Operation) -> Result<Operation, Refusal> {
    if method == Method::GET { Ok(operation) } else { Err(Refusal::from(Answer::method_not_allowed("GET"))) }
}

/// What a method does to one object; projects are not created by POST to their own URL.
fn verb(method: &Method, post: bool) -> Result<Verb, Refusal> {
    match *method {
        Method::GET => Ok(Verb::Get),
        Method::POST if post => Ok(Verb::Create),
        Method::PUT => Ok(Verb::Put),
        Method::DELETE => Ok(Verb::Delete),
        _ if post => Err(Refusal::from(Answer::method_not_allowed("GET, POST, PUT, DELETE"))),
        _ => Err(Refusal::from(Answer::method_not_allowed("GET, PUT, DELETE"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &Method, path: &str) -> Result<Operation, u16> {
        let segments: Vec<_> = path.split('/').map(str::to_owned).collect();
        Operation::find(method, &segments).map_err(|refusal| refusal.0.status.as_u16())
    }

    #[test]
    fn paths_and_methods() {
        assert_eq!(find(&Method::GET, "workspaces"), Ok(Operation::Gone));
        assert_eq!(find(&Method::GET, "repositories"), Ok(Operation::Gone));
        assert_eq!(find(&Method::PATCH, "repositories/acme/ledger"), Err(405));
        assert_eq!(find(&Method::POST, "workspaces/acme/projects/PAY"), Err(405));
        assert_eq!(find(&Method::GET, "repositories/acme/ledger/nothing"), Err(404));
        assert_eq!(find(&Method::GET, ""), Err(404));
        let put = find(&Method::PUT, "repositories/acme/ledger");
        assert!(
            put.is_ok_and(|put| put.writes() && put.required().is_some_and(|r| r.classic == Some("repository:admin")))
        );
    }
}
