//! Who belongs to a workspace (api.md §5.1, §8; schema `workspace_membership`). Nothing here can be changed through the
//! API: the people are those of [`people`](super::super::people).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::auth;
use super::super::operation::{Errand, Route, get};
use super::super::people::Person;
use super::super::query::{Query, Term, Test};
use super::super::repository::Detail;
use super::super::request::percent_encode;
use super::super::scopes::{Required, scopes};
use super::super::store::Store;
use super::super::workspace::Workspace;
use super::missing;

const READ: Required = scopes(&["account"], &["read:workspace:bitbucket"]);

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route { path: "workspaces/{}/members", endpoints: &[get(READ, list)] },
    Route { path: "workspaces/{}/members/{}", endpoints: &[get(READ, one)] },
    Route { path: "workspaces/{}/permissions", endpoints: &[get(READ, permissions)] },
    Route { path: "user/workspaces/{}/permission", endpoints: &[get(READ, own)] },
];

/// How many addresses one request can ask for.
const MOST_ADDRESSES: usize = 90;

/// The field that members can be looked up by.
const EMAIL: &str = "user.email";

/// The query of a list, if there is one.
fn q<'a>(errand: &Errand<'a>) -> Option<&'a str> {
    errand.call.request.parameter("q").filter(|q| !q.trim().is_empty())
}

/// `GET /workspaces/{workspace}/members?q=user.email IN (…)`
///
/// The addresses that were asked for, and only these, can be had back through `fields`. Only administrators, apps and a
/// workspace's own token can ask by address; that others get 403 is not written. Nor is what the case of an address does:
/// here it means nothing, as it does to a mail server.
fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let workspace = store.locate(errand.name(0))?;
    let workspace = store.at(workspace)?;
    let query = q(errand).map(|q| Query::parse(&q.to_lowercase(), &[EMAIL])).transpose()?;
    if query.is_some() && !errand.principal.is_some_and(|principal| principal.administers) {
        let message = "Only administrators of this workspace can filter its members by email.";
        return Err(Refusal::from(Answer::error(StatusCode::FORBIDDEN, message)));
    }
    let asked = query.as_ref().map(addresses).unwrap_or_default();
    if asked.len() > MOST_ADDRESSES {
        let message = format!("No more than {MOST_ADDRESSES} email addresses can be queried at a time.");
        return Err(Refusal::from(Answer::error(StatusCode::BAD_REQUEST, &message)));
    }
    let matches = |account: &&Person| query.as_ref().is_none_or(|query| query.matches(&|_| email(account)));
    let is_asked = |account: &Person| asked.iter().any(|email| account.has_address(email));
    let members: Vec<_> = errand.people.members(&workspace.slug).filter(matches).collect();
    let api = errand.api();
    let page = errand.call.page(members.len(), |range, detail| {
        let page = members.get(range).unwrap_or_default().iter();
        page.map(|account| {
            let mut shown = membership(workspace, &api, account);
            if let (Detail::Full, true, Some(email)) = (detail, is_asked(account), &account.email) {
                shown["user"]["email"] = email.as_str().into();
            }
            shown
        })
        .collect()
    })?;
    Ok(Answer::ok(page))
}

fn email(account: &Person) -> Term<'_> {
    account.email.as_ref().map_or(Term::Null, |email| Term::Text(email.to_lowercase().into()))
}

/// The addresses that a query asks for.
fn addresses(query: &Query) -> Vec<&str> {
    match query {
        Query::And(parts) | Query::Or(parts) => parts.iter().flat_map(addresses).collect(),
        Query::Compare { test: Test::Among(terms), .. } => {
            let texts = terms.iter().filter_map(|term| if let Term::Text(text) = term { Some(&**text) } else { None });
            texts.collect()
        }
        Query::Compare { test: Test::Contains(_), .. } => Vec::new(),
    }
}

/// `GET /workspaces/{workspace}/members/{member}`
fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let workspace = store.locate(errand.name(0))?;
    let workspace = store.at(workspace)?;
    let account = errand.people.named(errand.item(), errand.principal);
    let account = account.filter(|account| account.is_member(&workspace.slug));
    let account = account.ok_or_else(|| missing(&format!("{} is not a member of this workspace.", errand.item())))?;
    Ok(errand.show(StatusCode::OK, &membership(workspace, &errand.api(), &account)))
}

/// `GET /workspaces/{workspace}/permissions?q=permission="owner"`
fn permissions(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let workspace = store.locate(errand.name(0))?;
    let workspace = store.at(workspace)?;
    let query = q(errand).map(|q| Query::parse(q, &["permission"])).transpose()?;
    let matches = |account: &&Person| query.as_ref().is_none_or(|query| query.matches(&|_| permission(account).into()));
    let members: Vec<_> = errand.people.members(&workspace.slug).filter(matches).collect();
    errand.page(&members, |account| with_permission(workspace, &errand.api(), account))
}

/// `GET /user/workspaces/{workspace}/permission`: the caller's own.
fn own(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let workspace = store.locate(errand.name(0))?;
    let account = errand.people.of(errand.principal.ok_or_else(auth::anonymous)?);
    Ok(errand.show(StatusCode::OK, &with_permission(store.at(workspace)?, &errand.api(), &account)))
}

fn permission(account: &Person) -> &'static str {
    if account.owner { "owner" } else { "member" }
}

fn with_permission(workspace: &Workspace, api: &str, account: &Person) -> Value {
    let mut shown = membership(workspace, api, account);
    shown["permission"] = permission(account).into();
    shown
}

fn membership(workspace: &Workspace, api: &str, account: &Person) -> Value {
    let url = format!("{}/members/{}", workspace.url(api), percent_encode(&account.uuid));
    json!({
        "type": "workspace_membership",
        "user": account.representation(api),
        "workspace": workspace.embedded(api, Detail::Condensed),
        "links": { "self": { "href": url } },
    })
}
