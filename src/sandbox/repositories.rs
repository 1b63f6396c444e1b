//! The operations on repositories (api.md §3.2, §3.3; `/repositories/{workspace}` and below).

use hyper::StatusCode;
use serde_json::{Map, json};

use super::answer::{Answer, Refusal};
use super::listing::{Call, compare};
use super::operation::{Errand, Route, delete, get, post, put};
use super::query::Query;
use super::repository::{Detail, FILTERABLE, ForkPolicy, Repository, SORTABLE};
use super::repository_body::{RepositoryBody, project_of};
use super::scopes::{Required, scopes};
use super::sections::Sections;
use super::slug::{is_repository_slug, slugify};
use super::store::{Place, Store};
use super::workspace::Workspace;
use super::{random, timestamp};

const READ: Required = scopes(&["repository"], &["read:repository:bitbucket"]);
const ADMIN: Required = scopes(&["repository:admin"], &["admin:repository:bitbucket"]);
const DELETE: Required = scopes(&["repository:delete"], &["delete:repository:bitbucket"]);

pub(super) const ROUTES: &[Route] = &[
    Route { path: "repositories/{}", endpoints: &[get(READ, list).open()] },
    Route {
        path: "repositories/{}/{}",
        endpoints: &[get(READ, one).open(), post(ADMIN, create), put(ADMIN, replace), delete(DELETE, remove)],
    },
];

/// `GET /repositories/{workspace}`
fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let call = errand.call;
    let index = store.locate(errand.name(0))?;
    let sort = call.sort(&SORTABLE)?;
    let q = call.request.parameter("q").filter(|q| !q.trim().is_empty());
    let query = q.map(|q| Query::parse(q, &FILTERABLE)).transpose()?;
    let name = format!("{} {sort:?} {}", call.known, q.unwrap_or_default());
    let workspace = store.at_for_listing(index)?;
    let selected = workspace.selection(&name, |workspace| select(workspace, call.known, query.as_ref(), sort));
    let workspace = &*workspace;
    let api = call.request.api();
    let page = call.page(selected.len(), |range, detail| {
        let page = selected.get(range).unwrap_or_default().iter();
        let found = page.filter_map(|id| workspace.repositories().get(id));
        found.map(|repository| repository.representation(workspace, &api, detail)).collect()
    })?;
    Ok(Answer::ok(page))
}

/// The numbers of the repositories that a list shows. By default in the order of creation.
fn select(workspace: &Workspace, known: bool, query: Option<&Query>, sort: Option<(&str, bool)>) -> Vec<u64> {
    let shown = workspace.repositories().iter().filter(|(_, repository)| {
        (known || !repository.is_private)
            && query.is_none_or(|query| query.matches(&|field| repository.field(workspace, field)))
    });
    let Some((field, descending)) = sort else {
        return shown.map(|(id, _)| *id).collect();
    };
    let mut keyed: Vec<_> = shown.map(|(id, repository)| (repository.field(workspace, field), *id)).collect();
    keyed.sort_by(|left, right| {
        let order = compare(&left.0, &right.0);
        if descending { order.reverse() } else { order }
    });
    keyed.into_iter().map(|(_, id)| id).collect()
}

/// `GET /repositories/{workspace}/{repo_slug}`
fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let place = visible(store, errand.call, errand.name(0), errand.name(1))?;
    show(store, errand.call, place, StatusCode::OK)
}

/// The place of a repository that the caller may see; what one may not see is not there.
pub(super) fn visible(store: &mut Store, call: Call<'_>, workspace: &str, name: &str) -> Result<Place, Refusal> {
    let (_, place) = store.find(workspace, name)?;
    let place = place.ok_or_else(|| Refusal::from(Answer::no_repository()))?;
    let (_, repository) = store.get(place)?;
    if call.known || !repository.is_private { Ok(place) } else { Err(Refusal::from(Answer::no_repository())) }
}

fn show(store: &Store, call: Call<'_>, place: Place, status: StatusCode) -> Result<Answer, Refusal> {
    let (workspace, repository) = store.get(place)?;
    let api = call.request.api();
    Ok(Answer::json(status, call.shape(|detail: Detail| repository.representation(workspace, &api, detail))))
}

/// `POST /repositories/{workspace}/{repo_slug}`: 200, as the document says.
fn create(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let (call, workspace, name) = (errand.call, errand.name(0), errand.name(1));
    let (index, place) = store.find(workspace, name)?;
    if place.is_some() {
        return Err(already_exists());
    }
    let index = index.ok_or_else(|| Refusal::from(Answer::no_workspace(workspace)))?;
    let place = insert(store, call, index, name)?;
    show(store, call, place, StatusCode::OK)
}

/// Makes a new repository. The URL decides the slug; a `name` is only what is shown.
fn insert(store: &mut Store, call: Call<'_>, index: usize, slug: &str) -> Result<Place, Refusal> {
    if !is_repository_slug(slug) {
        return Err(Refusal::from(Answer::invalid_field("slug", "Invalid slug.")));
    }
    let body = RepositoryBody::read(call.request.object()?)?;
    let workspace = store.at(index)?;
    let project = match &body.project {
        Some(name) => project_of(workspace, name)?,
        None => workspace.oldest_project().ok_or_else(|| {
            Refusal::from(Answer::invalid_field("project", "The workspace has no project to put the repository in."))
        })?,
    };
    if body.mainbranch.is_some() {
        return Err(no_such_branch());
    }
    let number = store.mint();
    let now = timestamp::now();
    // What Bitbucket makes of a create without `is_private` is written nowhere that we have seen. Private is the value
    // that shows nothing to the world.
    let is_private = body.is_private.unwrap_or(true);
    let mut repository = Repository {
        uuid: random::uuid("repository", number),
        slug: slug.to_owned(),
        name: body.name.clone().unwrap_or_else(|| slug.to_owned()),
        project,
        is_private,
        description: String::new(),
        // The quirk of `update` is known of PUT only: a create takes the policy at its word.
        fork_policy: body.fork_policy.unwrap_or(ForkPolicy::AllowForks),
        language: String::new(),
        website: None,
        mainbranch: None,
        branches: std::collections::BTreeMap::new(),
        size: 0,
        created_on: now.clone(),
        updated_on: now,
        sections: Sections::newborn(),
    };
    body.describe(&mut repository);
    settle(store.at(index)?, &mut repository)?;
    let place = Place { workspace: index, repository: number };
    store.set(place, repository)?;
    Ok(place)
}

/// `PUT /repositories/{workspace}/{repo_slug}`: updates what is there, and creates what is not.
fn replace(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let (call, name) = (errand.call, errand.name(1));
    let (index, place) = store.find(errand.name(0), name)?;
    match (place, index) {
        (Some(place), _) => update(store, call, place),
        (None, Some(index)) if !name.starts_with('{') => {
            let place = insert(store, call, index, name)?;
            let location = location(store, call, place)?;
            Ok(show(store, call, place, StatusCode::CREATED)?.with_location(&location))
        }
        _ => Err(Refusal::from(Answer::no_repository())),
    }
}

fn location(store: &Store, call: Call<'_>, place: Place) -> Result<String, Refusal> {
    let (workspace, repository) = store.get(place)?;
    Ok(repository.url(workspace, &call.request.api()))
}

/// Changes what the body names and leaves the rest.
fn update(store: &mut Store, call: Call<'_>, place: Place) -> Result<Answer, Refusal> {
    let body = RepositoryBody::read(call.request.object()?)?;
    let (workspace, before) = store.get(place)?;
    let mut repository = before.clone();
    let renamed = body.name.as_ref().filter(|name| **name != before.name);
    if let Some(name) = renamed {
        repository.slug = renamed_slug(workspace, place, name)?;
        repository.name.clone_from(name);
    }
    if let Some(name) = &body.project {
        repository.project = project_of(workspace, name)?;
    }
    if let Some(is_private) = body.is_private {
        repository.is_private = is_private;
    }
    if let Some(branch) = &body.mainbranch {
        if !repository.branches.contains_key(branch) {
            return Err(no_such_branch());
        }
        repository.mainbranch = Some(branch.clone());
    }
    // BCLOUD-13093: `fork_policy` alone is answered with 200 and does nothing; two undocumented switches decide.
    let applies = |policy: &ForkPolicy| *policy != ForkPolicy::NoPublicForks || repository.is_private;
    if let Some(policy) = body.switched_fork_policy().filter(applies) {
        repository.fork_policy = policy;
    }
    body.describe(&mut repository);
    settle(workspace, &mut repository)?;
    repository.updated_on = timestamp::now();
    let moved = renamed.is_some();
    store.set(place, repository)?;
    let answer = show(store, call, place, StatusCode::OK)?;
    Ok(if moved { answer.with_location(&location(store, call, place)?) } else { answer })
}

/// The slug that a new name brings, if it is free.
fn renamed_slug(workspace: &Workspace, place: Place, name: &str) -> Result<String, Refusal> {
    let slug = slugify(name);
    if !is_repository_slug(&slug) {
        return Err(Refusal::from(Answer::invalid_field("name", "Invalid repository name.")));
    }
    match workspace.repository_by_slug(&slug) {
        Some(other) if other != place.repository => Err(already_exists()),
        _ => Ok(slug),
    }
}

/// What must be true of every repository, and what gives way.
fn settle(workspace: &Workspace, repository: &mut Repository) -> Result<(), Refusal> {
    let project_is_private = workspace.projects.get(&repository.project).is_some_and(|project| project.is_private);
    if project_is_private && !repository.is_private {
        return Err(Refusal::from(Answer::invalid_field(
            "is_private",
            "Private projects cannot contain public repositories.",
        )));
    }
    if !repository.is_private && repository.fork_policy == ForkPolicy::NoPublicForks {
        repository.fork_policy = ForkPolicy::AllowForks;
    }
    Ok(())
}

/// `DELETE /repositories/{workspace}/{repo_slug}`
fn remove(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let place = visible(store, errand.call, errand.name(0), errand.name(1))?;
    store.remove(place)?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn already_exists() -> Refusal {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), json!(["You already have a repository with this name."]));
    Refusal::from(Answer::invalid("Repository with this Slug and Owner already exists.", fields))
}

fn no_such_branch() -> Refusal {
    Refusal::from(Answer::invalid_field("mainbranch", "The branch does not exist in this repository."))
}
