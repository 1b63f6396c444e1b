//! Who may do what: the explicit permissions of users and groups on a repository or a project (api.md §5.1).

use std::cmp;
use std::collections::BTreeSet;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::answer::{Answer, Refusal};
use super::super::auth::Kind;
use super::super::body::Body;
use super::super::operation::{Errand, Route, delete, get, put};
use super::super::people::{self, Person};
use super::super::request::percent_encode;
use super::super::scopes::{Required, scopes};
use super::super::store::{Owner, Store};
use super::{gone, missing};

const REPOSITORY_READ: Required = scopes(&["repository:admin"], &["read:repository:bitbucket"]);
const REPOSITORY_WRITE: Required =
    scopes(&["repository:admin"], &["admin:repository:bitbucket", "write:permission:bitbucket"]);
const REPOSITORY_DELETE: Required =
    scopes(&["repository:admin"], &["admin:repository:bitbucket", "delete:permission:bitbucket"]);
const PROJECT_READ: Required = scopes(&["project:admin"], &["read:project:bitbucket"]);
const PROJECT_WRITE: Required = scopes(&["project:admin"], &["admin:project:bitbucket", "write:permission:bitbucket"]);
const PROJECT_DELETE: Required =
    scopes(&["project:admin"], &["admin:project:bitbucket", "delete:permission:bitbucket"]);

/// Access tokens may not even look.
const LOOK: &[Kind] = &[Kind::AccessToken];

/// The document keeps OAuth and add-ons from changing permissions. Nobody has been seen to try, so it is taken at its
/// word.
const CHANGE: &[Kind] = &[Kind::AccessToken, Kind::App, Kind::OAuth];

pub(in crate::sandbox) const ROUTES: &[Route] = &[
    Route {
        path: "repositories/{}/{}/permissions-config/users",
        endpoints: &[get(REPOSITORY_READ, list).barring(LOOK)],
    },
    Route {
        path: "repositories/{}/{}/permissions-config/users/{}",
        endpoints: &[
            get(REPOSITORY_READ, one).barring(LOOK),
            put(REPOSITORY_WRITE, grant).barring(CHANGE),
            delete(REPOSITORY_DELETE, revoke).barring(CHANGE),
        ],
    },
    Route {
        path: "repositories/{}/{}/permissions-config/groups",
        endpoints: &[get(REPOSITORY_READ, list).barring(LOOK)],
    },
    Route {
        path: "repositories/{}/{}/permissions-config/groups/{}",
        endpoints: &[
            get(REPOSITORY_READ, one).barring(LOOK),
            put(REPOSITORY_WRITE, grant).barring(CHANGE),
            delete(REPOSITORY_DELETE, revoke).barring(CHANGE),
        ],
    },
    Route {
        path: "workspaces/{}/projects/{}/permissions-config/users",
        endpoints: &[get(PROJECT_READ, list).barring(LOOK)],
    },
    Route {
        path: "workspaces/{}/projects/{}/permissions-config/users/{}",
        endpoints: &[
            get(PROJECT_READ, one).barring(LOOK),
            put(PROJECT_WRITE, grant).barring(CHANGE),
            delete(PROJECT_DELETE, revoke).barring(CHANGE),
        ],
    },
    Route {
        path: "workspaces/{}/projects/{}/permissions-config/groups",
        endpoints: &[get(PROJECT_READ, list).barring(LOOK)],
    },
    Route {
        path: "workspaces/{}/projects/{}/permissions-config/groups/{}",
        endpoints: &[
            get(PROJECT_READ, one).barring(LOOK),
            put(PROJECT_WRITE, grant).barring(CHANGE),
            delete(PROJECT_DELETE, revoke).barring(CHANGE),
        ],
    },
];

const USERS: &str = "permissions-config/users";
const GROUPS: &str = "permissions-config/groups";

/// How much one may do, from little to everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::sandbox) enum Level {
    Read,
    Write,
    CreateRepo,
    Admin,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::CreateRepo => "create-repo",
            Self::Admin => "admin",
        }
    }
}

/// What somebody was granted.
#[derive(Debug, Serialize, Deserialize)]
struct Grant {
    /// The user's UUID or the group's slug.
    subject: String,
    permission: Level,
}

/// Whom a path is about.
enum Subject {
    User(Person),
    Group(String),
}

impl Subject {
    fn named(errand: &Errand<'_>) -> Result<Self, Refusal> {
        let name = errand.item();
        if section(errand) == GROUPS {
            return if errand.people.has_group(name) { Ok(Self::Group(name.to_owned())) } else { Err(nobody(name)) };
        }
        errand.people.named(name, errand.principal).map(Self::User).ok_or_else(|| nobody(name))
    }

    fn key(&self) -> &str {
        match self {
            Self::User(account) => &account.uuid,
            Self::Group(slug) => slug,
        }
    }

    /// The UUIDs of those who are meant.
    fn users(&self, errand: &Errand<'_>) -> Vec<String> {
        match self {
            Self::User(account) => vec![account.uuid.clone()],
            Self::Group(slug) => errand.people.in_group(slug).map(|account| account.uuid.clone()).collect(),
        }
    }

    /// 400 where one cannot be given or lose anything.
    fn check(&self, workspace: &str) -> Result<(), Refusal> {
        match self {
            Self::User(account) if account.owner => Err(Refusal::from(Answer::error(
                StatusCode::BAD_REQUEST,
                "This user is linked to this workspace, so their access to it cannot be modified or removed.",
            ))),
            // That it must be a member is written; how Bitbucket says so is not.
            Self::User(account) if !account.is_member(workspace) => Err(Refusal::from(Answer::error(
                StatusCode::BAD_REQUEST,
                "The selected user is not a member of this workspace.",
            ))),
            _ => Ok(()),
        }
    }
}

fn nobody(name: &str) -> Refusal {
    missing(&format!("{name} does not exist."))
}

/// What is kept where a path leads.
fn section(errand: &Errand<'_>) -> &'static str {
    if errand.route.contains(GROUPS) { GROUPS } else { USERS }
}

/// `GET …/permissions-config/{users,groups}`: what was granted here, and nothing that follows from elsewhere.
fn list(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let grants: Vec<(u64, Grant)> = store.sections(owner)?.all(section(errand));
    let shown = grants.into_iter().filter_map(|(_, Grant { subject, permission })| {
        let subject = match section(errand) {
            GROUPS => Subject::Group(subject),
            _ => Subject::User(errand.people.named(&subject, errand.principal)?),
        };
        Some(show(store, errand, owner, &subject, permission.name()))
    });
    let shown = shown.collect::<Result<Vec<_>, _>>()?;
    errand.page(&shown, Value::clone)
}

/// `GET …/{user}`, `GET …/{group}`: somebody without a grant has the permission `none`.
fn one(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let subject = Subject::named(errand)?;
    let granted = explicit(store, owner, section(errand), subject.key())?;
    let shown = show(store, errand, owner, &subject, granted.map_or("none", Level::name))?;
    Ok(errand.show(StatusCode::OK, &shown))
}

/// `PUT`: grants, or changes what was granted.
fn grant(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let subject = Subject::named(errand)?;
    let permission = permission(Body::new(errand.call.request.object()?), owner)?;
    subject.check(&store.at(owner.workspace())?.slug)?;
    let before = users(store, errand, owner.workspace())?;
    let after = before.iter().cloned().chain(subject.users(errand)).collect();
    errand.subscription.check_users(&before, &after)?;
    let known = store.sections(owner)?.find(section(errand), |grant: &Grant| grant.subject == subject.key());
    let id = known.map_or_else(|| store.mint(), |(id, _)| id);
    let granted = Grant { subject: subject.key().to_owned(), permission };
    store.sections_mut(owner)?.set(section(errand), id, &granted)?;
    let shown = show(store, errand, owner, &subject, permission.name())?;
    Ok(errand.show(StatusCode::OK, &shown))
}

/// The permission that a body names. Only projects have `create-repo`.
fn permission(mut body: Body, owner: Owner) -> Result<Level, Refusal> {
    body.only(&["permission"]);
    let level = match body.get("permission").map(|name| (name, Level::deserialize(name))) {
        None => {
            body.missing("permission");
            None
        }
        Some((_, Ok(level))) if level != Level::CreateRepo || matches!(owner, Owner::Project { .. }) => Some(level),
        Some((name, _)) => {
            let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
            return Err(Refusal::from(Answer::error(
                StatusCode::BAD_REQUEST,
                &format!("{name} is not a valid permission"),
            )));
        }
    };
    body.finish()?;
    // A missing permission has ended in `finish`.
    Ok(level.unwrap_or(Level::Read))
}

/// `DELETE`: takes back what was granted, if anything was.
fn revoke(store: &mut Store, errand: &Errand<'_>) -> Result<Answer, Refusal> {
    let owner = errand.owner(store)?;
    let subject = Subject::named(errand)?;
    subject.check(&store.at(owner.workspace())?.slug)?;
    let known = store.sections(owner)?.find(section(errand), |grant: &Grant| grant.subject == subject.key());
    if let Some((id, _)) = known {
        store.sections_mut(owner)?.remove(section(errand), id);
    }
    Ok(gone())
}

fn show(
    store: &Store,
    errand: &Errand<'_>,
    owner: Owner,
    subject: &Subject,
    permission: &str,
) -> Result<Value, Refusal> {
    let api = errand.api();
    let url = store.url(owner, &api)?;
    let what = if matches!(owner, Owner::Project { .. }) { "project" } else { "repository" };
    let (who, name, object) = match subject {
        Subject::User(account) => ("user", &account.account_id, account.representation(&api)),
        Subject::Group(slug) => ("group", slug, people::group(&store.at(owner.workspace())?.slug, slug)),
    };
    let mut shown = json!({
        "type": format!("{what}_{who}_permission"),
        "permission": permission,
        "links": { "self": { "href": format!("{url}/{}/{}", section(errand), percent_encode(name)) } },
    });
    shown[who] = object;
    Ok(shown)
}

/// The UUIDs of all who have been given access to something in a workspace, and of its owners.
fn users(store: &Store, errand: &Errand<'_>, workspace: usize) -> Result<BTreeSet<String>, Refusal> {
    let workspace = store.at(workspace)?;
    let owners = errand.people.members(&workspace.slug).filter(|account| account.owner);
    let mut users: BTreeSet<String> = owners.map(|account| account.uuid.clone()).collect();
    let of_projects = workspace.projects.values().map(|project| &project.sections);
    for sections in of_projects.chain(workspace.repositories().values().map(|repository| &repository.sections)) {
        users.extend(sections.all(USERS).into_iter().map(|(_, Grant { subject, .. })| subject));
        for (_, Grant { subject, .. }) in sections.all(GROUPS) {
            users.extend(Subject::Group(subject).users(errand));
        }
    }
    Ok(users)
}

/// What somebody was granted on just this.
fn explicit(store: &Store, owner: Owner, section: &str, subject: &str) -> Result<Option<Level>, Refusal> {
    let found = store.sections(owner)?.find(section, |grant: &Grant| grant.subject == subject);
    Ok(found.map(|(_, grant)| grant.permission))
}

/// How much somebody may do with a repository or a project, all in all. Who asks administers everything here, as the
/// owner of a workspace does.
pub(super) fn access(
    store: &Store,
    errand: &Errand<'_>,
    owner: Owner,
    account: &Person,
) -> Result<Option<Level>, Refusal> {
    let caller = errand.principal.map(|principal| errand.people.of(principal));
    if account.owner || caller.is_some_and(|caller| caller.uuid == account.uuid) {
        return Ok(Some(Level::Admin));
    }
    let (project, public) = match owner {
        Owner::Workspace(_) => return Ok(Some(Level::Read)),
        Owner::Project { workspace, project } => {
            let known = store.at(workspace)?.projects.get(&project);
            (None, known.is_some_and(|project| !project.is_private))
        }
        Owner::Repository(place) => {
            let (_, repository) = store.get(place)?;
            let project = Owner::Project { workspace: place.workspace, project: repository.project };
            (Some(project), !repository.is_private)
        }
    };
    let mut level = public.then_some(Level::Read);
    for owner in [Some(owner), project].into_iter().flatten() {
        level = cmp::max(level, explicit(store, owner, USERS, &account.uuid)?);
        for group in &account.groups {
            level = cmp::max(level, explicit(store, owner, GROUPS, group)?);
        }
    }
    Ok(level)
}
