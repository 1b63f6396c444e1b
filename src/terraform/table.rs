//! Which attribute of which resource says what in a manifest: both providers in one table, by the attributes that they document.
//! Where they call the same by two names, both stand here with `|` between them.

use serde_json::{Value, json};

use super::known::{Known, REPOSITORIES};
use super::state::Attributes;

/// What a resource says of one kind of object.
pub(super) struct Row {
    /// The types of resource.
    pub of: &'static [&'static str],
    /// What such an object is in.
    pub holder: Holder,
    /// The section that it stands in there: that of one of [`KINDS`](crate::resource::KINDS).
    pub section: &'static str,
    /// What is said of it.
    pub says: &'static [Says],
    /// The fields without which there is nothing to say.
    pub needs: &'static [&'static str],
}

/// What an object is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holder {
    Workspace,
    Project,
    Repository,
    Environment,
}

/// A field of a manifest, the attributes that say it, and how.
pub(super) struct Says(pub &'static str, pub &'static str, pub How);

/// How attributes say a field.
pub(super) enum How {
    /// As it is.
    Plain,
    /// An account, or a list of them.
    Account,
    /// A secret, which stays behind. What is not `secured` is none.
    Secret,
    /// In its own way.
    By(fn(&Attributes, &Known) -> Result<Option<Value>, String>),
}

use Holder::{Environment, Project, Repository, Workspace};
use How::{Account, By, Plain, Secret};

const MODEL: &[Says] = &[
    Says("development.name", "development", By(|of, _| Ok(branch_name(of, "development")))),
    Says("development.use_mainbranch", "development", By(|of, _| Ok(is_mainbranch(of, "development")))),
    Says("production.name", "production", By(|of, _| Ok(branch_name(of, "production")))),
    Says("production.use_mainbranch", "production", By(|of, _| Ok(is_mainbranch(of, "production")))),
    Says("production.enabled", "production.enabled", Plain),
    Says("feature.prefix", "branch_type", By(|of, _| Ok(of_type(of, "feature", "prefix")))),
    Says("feature.enabled", "branch_type", By(|of, _| Ok(of_type(of, "feature", "enabled")))),
    Says("bugfix.prefix", "branch_type", By(|of, _| Ok(of_type(of, "bugfix", "prefix")))),
    Says("bugfix.enabled", "branch_type", By(|of, _| Ok(of_type(of, "bugfix", "enabled")))),
    Says("release.prefix", "branch_type", By(|of, _| Ok(of_type(of, "release", "prefix")))),
    Says("release.enabled", "branch_type", By(|of, _| Ok(of_type(of, "release", "enabled")))),
    Says("hotfix.prefix", "branch_type", By(|of, _| Ok(of_type(of, "hotfix", "prefix")))),
    Says("hotfix.enabled", "branch_type", By(|of, _| Ok(of_type(of, "hotfix", "enabled")))),
];

const VARIABLE: &[Says] =
    &[Says("key", "key", Plain), Says("value", "value", Secret), Says("secured", "secured", Plain)];

const HOOK: &[Says] = &[
    Says("url", "url", Plain),
    Says("description", "description|name", Plain),
    Says("events", "events", Plain),
    Says("active", "active|is_active", Plain),
    Says("secret", "secret", Secret),
];

const USER_PERMISSION: &[Says] = &[Says("account", "user_id|user", Account), Says("permission", "permission", Plain)];
const GROUP_PERMISSION: &[Says] = &[Says("group", "group_slug|group", Plain), Says("permission", "permission", Plain)];
const GRANT: &[&str] = &["permission"];

/// What is carried over.
pub(super) const ROWS: &[Row] = &[
    Row {
        of: &["bitbucket_project"],
        holder: Workspace,
        section: "projects",
        says: &[
            Says("key", "key", Plain),
            Says("name", "name", Plain),
            Says("description", "description", Plain),
            Says("is_private", "is_private", Plain),
        ],
        needs: &["key"],
    },
    Row {
        of: &REPOSITORIES,
        holder: Workspace,
        section: "repositories",
        says: &[
            Says("slug", "slug|name", By(|of, _| Ok(super::known::slug(of).map(Value::from)))),
            Says("project", "project_key", Plain),
            Says("name", "name", Plain),
            Says("description", "description", Plain),
            Says("is_private", "is_private", Plain),
            Says("fork_policy", "fork_policy", Plain),
            Says("language", "language", Plain),
            Says("website", "website", Plain),
            Says("mainbranch", "mainbranch", Plain),
        ],
        needs: &["slug", "project"],
    },
    Row {
        of: &REPOSITORIES,
        holder: Repository,
        section: "pipelines.enabled",
        says: &[Says("enabled", "pipelines_enabled|enable_pipelines", Plain)],
        needs: &[],
    },
    Row {
        of: &REPOSITORIES,
        holder: Repository,
        section: "inherit",
        says: &[
            Says("branching_model", "inherit_branching_model", Plain),
            Says("default_merge_strategy", "inherit_default_merge_strategy", Plain),
        ],
        needs: &[],
    },
    Row { of: &["bitbucket_branching_model"], holder: Repository, section: "branching_model", says: MODEL, needs: &[] },
    Row {
        of: &["bitbucket_project_branching_model"],
        holder: Project,
        section: "branching_model",
        says: MODEL,
        needs: &[],
    },
    Row {
        of: &["bitbucket_repository_user_permission", "bitbucket_user_permission"],
        holder: Repository,
        section: "permissions.users",
        says: USER_PERMISSION,
        needs: GRANT,
    },
    Row {
        of: &["bitbucket_repository_group_permission", "bitbucket_group_permission"],
        holder: Repository,
        section: "permissions.groups",
        says: GROUP_PERMISSION,
        needs: GRANT,
    },
    Row {
        of: &["bitbucket_project_user_permission"],
        holder: Project,
        section: "permissions.users",
        says: USER_PERMISSION,
        needs: GRANT,
    },
    Row {
        of: &["bitbucket_project_group_permission"],
        holder: Project,
        section: "permissions.groups",
        says: GROUP_PERMISSION,
        needs: GRANT,
    },
    Row {
        of: &["bitbucket_branch_restriction"],
        holder: Repository,
        section: "branch_restrictions",
        says: &[
            Says("kind", "kind", Plain),
            Says("branch", "branch_match_kind|branch_type|pattern", By(|of, _| restricted(of))),
            // Zero stands for none.
            Says("value", "value", By(|of, _| Ok(of.get("value").filter(|value| value.as_i64() != Some(0)).cloned()))),
            Says("users", "users", By(exempt_users)),
            Says("groups", "groups", By(|of, _| Ok(exempt_groups(of)))),
        ],
        needs: &["kind", "branch"],
    },
    Row {
        of: &["bitbucket_default_reviewers", "bitbucket_default_reviewer"],
        holder: Repository,
        section: "default_reviewers",
        says: &[Says("account", "reviewers|user", Account)],
        needs: &[],
    },
    Row {
        of: &["bitbucket_project_default_reviewers"],
        holder: Project,
        section: "default_reviewers",
        says: &[Says("account", "reviewers", Account)],
        needs: &[],
    },
    Row {
        of: &["bitbucket_deployment"],
        holder: Repository,
        section: "environments",
        says: &[
            Says("name", "name", Plain),
            Says("type", "stage|environment", Plain),
            Says("admin_only", "restrictions.admin_only", Plain),
        ],
        needs: &["name"],
    },
    Row {
        of: &["bitbucket_deployment_variable"],
        holder: Environment,
        section: "variables",
        says: VARIABLE,
        needs: &["key", "value"],
    },
    Row {
        of: &["bitbucket_repository_variable", "bitbucket_pipeline_variable"],
        holder: Repository,
        section: "pipelines.variables",
        says: VARIABLE,
        needs: &["key", "value"],
    },
    Row {
        of: &["bitbucket_workspace_variable"],
        holder: Workspace,
        section: "pipelines.variables",
        says: VARIABLE,
        needs: &["key", "value"],
    },
    Row {
        of: &["bitbucket_pipeline_schedule"],
        holder: Repository,
        section: "pipelines.schedules",
        says: &[
            Says("branch", "target", By(|of, _| scheduled(of))),
            Says("cron", "cron_pattern", Plain),
            Says("pipeline", "target", By(|of, _| Ok(pipeline(of)))),
            Says("enabled", "enabled", Plain),
        ],
        needs: &["branch", "cron"],
    },
    Row {
        of: &["bitbucket_pipeline_ssh_key", "bitbucket_pipeline_key_pair"],
        holder: Repository,
        section: "pipelines.ssh_key_pair",
        says: &[Says("private_key", "private_key", Secret), Says("public_key", "public_key", Plain)],
        needs: &["private_key", "public_key"],
    },
    Row {
        of: &["bitbucket_pipeline_ssh_known_host"],
        holder: Repository,
        section: "pipelines.known_hosts",
        says: &[Says("hostname", "hostname", Plain), Says("key", "public_key", By(|of, _| Ok(host_key(of))))],
        needs: &["hostname", "key"],
    },
    Row {
        of: &["bitbucket_hook", "bitbucket_webhook"],
        holder: Repository,
        section: "webhooks",
        says: HOOK,
        needs: &["url"],
    },
    Row { of: &["bitbucket_workspace_hook"], holder: Workspace, section: "webhooks", says: HOOK, needs: &["url"] },
    Row {
        of: &["bitbucket_deploy_key"],
        holder: Repository,
        section: "deploy_keys",
        says: &[Says("key", "key", Plain), Says("label", "label", Plain)],
        needs: &["key"],
    },
];

/// What is not carried over, and why.
pub(super) const LEFT: &[(&[&str], &str)] = &[
    (
        &["bitbucket_group", "bitbucket_group_membership", "bitbucket_group_member"],
        "groups and their members can only be changed on the workspace's settings pages; grants to them are carried over",
    ),
    (&["bitbucket_ssh_key", "bitbucket_gpg_key"], "the keys of a person's account belong to that person"),
    (&["bitbucket_commit_file"], "what is committed stays, and is changed by commits"),
    (&["bitbucket_branch"], "branches stay, and are made by pushing them"),
];

/// What is said besides of a resource that is carried over.
pub(super) const REMARKS: &[(&str, &str)] = &[(
    "bitbucket_forked_repository",
    "carried over as any repository: it stays a fork, but if it goes missing an empty one takes its place",
)];

/// Attributes that are not carried over, and why. Those that say `false` go without a word.
pub(super) const UNMANAGED: &[(&str, &str)] = &[
    ("has_issues", "Bitbucket shut its issue tracker down on 2026-08-20"),
    ("has_wiki", "Bitbucket shut its wikis down on 2026-08-20"),
    ("link", "avatars are not managed, and stay as they are"),
    ("skip_cert_verification", "whether a webhook's certificate is checked is not managed, and stays as it is"),
];

/// Attributes that say where a resource is, or what Bitbucket has made of it.
pub(super) const SILENT: &[&str] = &[
    "id",
    "uuid",
    "workspace",
    "owner",
    "repository",
    "repo_slug",
    "project",
    "project_key",
    "deployment",
    "parent",
    "timeouts",
    "scm",
    "clone_https",
    "clone_ssh",
    "has_publicly_visible_repos",
    "comment",
    "key_id",
    "secret_set",
    "history_enabled",
];

/// The name of a branch of a branching model. Whoever says that it is the main branch may say its name as well.
fn branch_name(of: &Attributes, which: &str) -> Option<Value> {
    let is_main = of.flag(&format!("{which}.use_mainbranch")) == Some(true);
    of.get(&format!("{which}.name")).filter(|_| !is_main).cloned()
}

/// Whether it is the main branch. If it is not and has no name, nothing is said.
fn is_mainbranch(of: &Attributes, which: &str) -> Option<Value> {
    let main = of.get(&format!("{which}.use_mainbranch"))?;
    (*main == json!(true) || branch_name(of, which).is_some()).then(|| main.clone())
}

fn of_type(of: &Attributes, kind: &str, field: &str) -> Option<Value> {
    let item = of.list("branch_type")?.iter().find(|item| item.get("kind").and_then(Value::as_str) == Some(kind))?;
    item.get(field).filter(|value| !value.is_null() && value.as_str() != Some("")).cloned()
}

/// The branches of a restriction: a pattern, or a type of the branching model.
#[expect(clippy::unnecessary_wraps, reason = "as all that read attributes")]
fn restricted(of: &Attributes) -> Result<Option<Value>, String> {
    let by_type = of.text("branch_match_kind") == Some("branching_model");
    Ok(match of.text("branch_type").filter(|_| by_type) {
        Some(branch_type) => Some(json!({"type": branch_type})),
        None => of.get("pattern").cloned(),
    })
}

/// A list of those who are exempt, if somebody can be. An empty one says that nobody is; where there is none, the state does not
/// know.
fn exempt<'a>(of: &'a Attributes, list: &str) -> Option<&'a [Value]> {
    of.list(list).filter(|_| matches!(of.text("kind"), Some("push" | "restrict_merges")))
}

fn exempt_users(of: &Attributes, known: &Known) -> Result<Option<Value>, String> {
    let Some(names) = exempt(of, "users") else { return Ok(None) };
    let accounts: Option<Vec<_>> = names.iter().map(|name| known.account(name.as_str()?)).collect();
    let accounts = accounts.ok_or(
        "the state has accounts by their names, which are nobody's for sure: whom it lets through stays as it is, until \
         `users` lists their e-mail addresses",
    )?;
    Ok(Some(json!(accounts)))
}

/// Groups are slugs of one provider's, and blocks with one in the other's.
fn exempt_groups(of: &Attributes) -> Option<Value> {
    let slug = |group: &Value| group.as_str().or_else(|| group.get("slug")?.as_str()).map(Value::from);
    exempt(of, "groups").map(|groups| groups.iter().filter_map(slug).collect())
}

fn scheduled(of: &Attributes) -> Result<Option<Value>, String> {
    match of.text("target.ref_type") {
        Some("branch") | None => Ok(of.get("target.ref_name").cloned()),
        Some(_) => Err("it runs on a tag, and schedules of a manifest run on branches".to_owned()),
    }
}

/// The custom pipeline that a schedule runs; that of the branch is not named.
fn pipeline(of: &Attributes) -> Option<Value> {
    let is_custom = of.text("target.selector.type") == Some("custom");
    of.get("target.selector.pattern").filter(|_| is_custom).cloned()
}

fn host_key(of: &Attributes) -> Option<Value> {
    let (kind, key) = (of.text("public_key.key_type")?, of.text("public_key.key")?);
    Some(if key.starts_with(kind) { key.into() } else { format!("{kind} {key}").into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_about_fields_of_a_kind() {
        for row in ROWS {
            let kind = row.kind().unwrap_or_else(|| panic!("{:?} {}", row.of, row.section));
            for Says(name, ..) in row.says {
                let is_known = kind.identity() == *name || kind.fields().iter().any(|field| field.name == *name);
                assert!(is_known, "{:?} {name}", row.of);
            }
        }
    }
}
