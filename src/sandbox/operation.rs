//! Which operation a method and a path mean, and what it is given to work with.
//!
//! Every module that answers something names its paths in a `ROUTES` of its own: for each path the methods it takes,
//! for each method the scopes it asks for (`endpoints.tsv`; api.md §1.3) and the function that answers. The table of
//! them all is [`routes`](super::routes).

use std::time::Duration;

use hyper::{Method, StatusCode};

use super::answer::{Answer, Refusal};
use super::auth::{self, Kind, Principal};
use super::listing::Call;
use super::people::People;
use super::projects;
use super::repositories;
use super::routes::TABLE;
use super::scopes::Required;
use super::store::{Owner, Store};
use super::subscription::Subscription;

/// A path, and what can be done there. `{}` stands for any one segment.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) endpoints: &'static [Endpoint],
}

/// What a method does at a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    pub(super) verb: Verb,
    pub(super) required: Required,
    /// Whether it answers people without a credential, too.
    open: bool,
    /// Credentials that are turned away, whatever their scopes.
    barred: &'static [Kind],
    run: Run,
}

/// What answers.
pub(super) type Run = fn(&mut Store, &Errand<'_>) -> Result<Answer, Refusal>;

/// The methods that the API knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// A request whose operation is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) call: Call<'a>,
    /// The path as its route has it.
    pub(super) route: &'static str,
    /// What stands in the places of `{}`, decoded.
    pub(super) names: &'a [&'a str],
    pub(super) principal: Option<&'a Principal>,
    pub(super) people: &'a People,
    /// How long what settles late takes.
    pub(super) settling: Duration,
    /// What the workspace has paid for.
    pub(super) subscription: Subscription,
}

/// An operation that was found.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) route: &'static str,
    pub(super) endpoint: &'static Endpoint,
    pub(super) names: Vec<&'a str>,
}

pub(super) const fn get(required: Required, run: Run) -> Endpoint {
    Endpoint { verb: Verb::Get, required, open: false, barred: &[], run }
}

pub(super) const fn post(required: Required, run: Run) -> Endpoint {
    Endpoint { verb: Verb::Post, ..get(required, run) }
}

pub(super) const fn put(required: Required, run: Run) -> Endpoint {
    Endpoint { verb: Verb::Put, ..get(required, run) }
}

pub(super) const fn delete(required: Required, run: Run) -> Endpoint {
    Endpoint { verb: Verb::Delete, ..get(required, run) }
}

impl Verb {
    /// The method's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl Endpoint {
    /// Lets people without a credential ask, too.
    pub(super) const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// Turns these credentials away.
    pub(super) const fn barring(self, barred: &'static [Kind]) -> Self {
        Self { barred, ..self }
    }

    /// Answers, if the caller may ask.
    pub(super) fn perform(&self, store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
        match errand.principal {
            None if !self.open => return Err(auth::anonymous()),
            None => {}
            Some(principal) => {
                principal.granted.check(self.required)?;
                if self.barred.contains(&principal.kind) {
                    let message = "This API is not accessible by this authentication mechanism";
                    return Err(Refusal::from(Answer::error(StatusCode::FORBIDDEN, message)));
                }
            }
        }
        (self.run)(store, errand)
    }
}

impl Route {
    /// What stands in the places of `{}`, if the path is one of this route.
    fn names<'a>(&self, path: &'a [String]) -> Option<Vec<&'a str>> {
        let mut names = Vec::new();
        let mut rest = path.iter();
        for part in self.path.split('/') {
            let segment = rest.next()?.as_str();
            if part == "{}" {
                names.push(segment);
            } else if part != segment {
                return None;
            }
        }
        rest.next().is_none().then_some(names)
    }
}

/// Finds the operation, or says 404 or 405.
pub(super) fn find<'a>(method: &Method, path: &'a [String]) -> Result<Found<'a>, Refusal> {
    let mut routes = TABLE.iter().copied().flatten();
    let (route, names) = routes
        .find_map(|route| Some((route, route.names(path)?)))
        .ok_or_else(|| Refusal::from(Answer::no_resource()))?;
    let endpoint = route.endpoints.iter().find(|endpoint| endpoint.verb.name() == method.as_str());
    let endpoint = endpoint.ok_or_else(|| {
        let allowed: Vec<_> = route.endpoints.iter().map(|endpoint| endpoint.verb.name()).collect();
        Refusal::from(Answer::method_not_allowed(&allowed.join(", ")))
    })?;
    Ok(Found { route: route.path, endpoint, names })
}

impl<'a> Errand<'a> {
    /// What stands in the place of the `index`th `{}`.
    pub(super) fn name(&self, index: usize) -> &'a str {
        self.names.get(index).copied().unwrap_or_default()
    }

    /// What stands in the place of the last `{}`.
    pub(super) fn item(&self) -> &'a str {
        self.names.last().copied().unwrap_or_default()
    }

    /// The root of the API, for links.
    pub(super) fn api(&self) -> String {
        self.call.request.api()
    }

    /// Whose sections the path is about: those of a repository, a project or a workspace.
    pub(super) fn owner(&self, store: &mut Store) -> Result<Owner, Refusal> {
        if self.route.starts_with("repositories/") {
            return repositories::visible(store, self.call, self.name(0), self.name(1)).map(Owner::Repository);
        }
        let workspace = store.locate(self.name(0))?;
        if self.route.starts_with("workspaces/{}/projects/") {
            let project = projects::find(store.at(workspace)?, self.name(1))?;
            return Ok(Owner::Project { workspace, project });
        }
        Ok(Owner::Workspace(workspace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    fn status(method: &Method, path: &str) -> u16 {
        find(method, &segments(path)).map_or_else(|refusal| refusal.0.status.as_u16(), |_| 200)
    }

    #[test]
    fn paths_and_methods() {
        assert_eq!(status(&Method::GET, "workspaces"), 200);
        assert_eq!(status(&Method::PATCH, "repositories/acme/ledger"), 405);
        assert_eq!(status(&Method::POST, "workspaces/acme/projects/PAY"), 405);
        assert_eq!(status(&Method::GET, "repositories/acme/ledger/nothing"), 404);
        assert_eq!(status(&Method::GET, "repositories/acme/ledger/hooks/1/2"), 404);
        assert_eq!(status(&Method::GET, ""), 404);
    }

    #[test]
    fn names_are_found_where_they_stand() {
        let path = segments("repositories/acme/ledger/hooks/{1}");
        let found = find(&Method::PUT, &path).ok();
        let names = found.as_ref().map(|found| found.names.as_slice());
        assert_eq!(names, Some(["acme", "ledger", "{1}"].as_slice()));
        assert!(found.is_some_and(|found| found.endpoint.required.classic == ["webhook"]));
    }

    #[test]
    fn no_two_routes_have_the_same_path() {
        let mut paths: Vec<_> = TABLE.iter().copied().flatten().map(|route| route.path).collect();
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count);
    }
}
