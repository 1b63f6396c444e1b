//! Repositories (api.md §3).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use super::address::path;
use super::branching_model::check_branch_name;
use super::project::{Project, becomes_public, privacy, quoted};
use super::{
    Absent, Action, Address, Field, Fields, Finding, IdentityRule, Kind, KindRef, Method, Parent, Place, Reference,
    Request, Scopes,
};
use crate::diagnostic::Code;

/// The kind of [`RepositorySettings`].
pub struct Repository;

/// What a manifest can say about a repository. What it does not mention stays as it is.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RepositorySettings {
    /// The key of the project it belongs to. Required, here or in `defaults.repository`: Bitbucket would otherwise take
    /// the workspace's oldest project without a word.
    pub project: Option<String>,
    /// The name people see. A new repository without one is named like its slug. Bitbucket derives the slug from the name
    /// whenever the name changes, so only a name that gives this slug can be set on an existing repository.
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// What the repository is for.
    pub description: Option<String>,
    /// Whether only people with access see it. A public repository cannot be in a private project.
    pub is_private: Option<bool>,
    /// Who may fork it.
    pub fork_policy: Option<ForkPolicy>,
    /// The programming language. Bitbucket keeps it in lower case.
    pub language: Option<String>,
    /// A link shown on its page.
    pub website: Option<String>,
    /// The branch that clones check out and pull requests go to. It must exist, so it is set after the first push.
    #[schemars(length(min = 1))]
    pub mainbranch: Option<String>,
    /// Whether it has an issue tracker. Bitbucket shut its issue tracker down on 2026-08-20.
    pub has_issues: Option<bool>,
    /// Whether it has a wiki. Bitbucket shut its wikis down on 2026-08-20.
    pub has_wiki: Option<bool>,
}

/// Who may fork a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForkPolicy {
    /// Everybody who can read it.
    AllowForks,
    /// Everybody who can read it, but a fork must be private. Not for public repositories.
    NoPublicForks,
    /// Nobody.
    NoForks,
}

/// api.md §3.4.
const LONGEST_SLUG: usize = 62;

const FIELDS: &[Field] = &[
    // Always read: what happens to a project waits for, or is waited for by, what happens to its repositories.
    Field { always: true, ..Field::plain("project", &["project", "key"], Absent::Null) },
    // Always read: a public repository cannot be in a private project, whoever of the two changes.
    Field { always: true, ..Field::plain("is_private", &["is_private"], Absent::Null) },
    Field::plain("name", &["name"], Absent::Text),
    Field::plain("description", &["description"], Absent::Text),
    Field::plain("fork_policy", &["fork_policy"], Absent::Null),
    Field { folded: true, ..Field::plain("language", &["language"], Absent::Text) },
    Field::plain("website", &["website"], Absent::Text),
    // Always read: without one the repository is empty, and no branch can be named in what it holds.
    Field { always: true, ..Field::plain("mainbranch", &["mainbranch", "name"], Absent::Null) },
    Field::plain("has_issues", &["has_issues"], Absent::False),
    Field::plain("has_wiki", &["has_wiki"], Absent::False),
];

impl Kind for Repository {
    fn name(&self) -> &'static str {
        "repository"
    }

    fn section(&self) -> &'static str {
        "repositories"
    }

    fn identity(&self) -> &'static str {
        "slug"
    }

    fn is_templated(&self) -> bool {
        true
    }

    fn summary(&self) -> &'static str {
        "A repository. Its slug is the last part of its URL and unique in the workspace."
    }

    fn identity_rule(&self) -> IdentityRule {
        IdentityRule {
            description: "The slug, the last part of its URL: lower case letters, digits, `_`, `.` and single `-` between them.",
            pattern: "^(?!\\.{1,2}$)[a-z0-9_.]+(-[a-z0-9_.]+)*$",
            longest: LONGEST_SLUG,
        }
    }

    /// Slug rule: api.md §3.4.
    fn check_identity(&self, id: &str) -> Result<(), Finding> {
        let slug = slug_of(id);
        // Both mean another place in a URL, however they are written.
        let is_dots = matches!(id, "." | "..");
        if slug == id && !id.is_empty() && !is_dots {
            return Ok(());
        }
        let finding = Finding::error(Code::RepositorySlug, "slug", format!("{} cannot be a slug", quoted(id)))
            .label("lower case letters, digits, `_`, `.` and single `-` between them, at most 62 in all");
        Err(if slug.is_empty() || is_dots { finding } else { finding.help(format!("write `slug: {slug}`")) })
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        RepositorySettings::json_schema(generator)
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// A project (api.md §3.2), its key (§4), forks of what is public (§3.3), and what was shut down (§3.1).
    fn check(&self, id: &str, fields: &Fields) -> Vec<Finding> {
        let mut findings = Vec::new();
        if fields.get("project").is_none() {
            findings.push(
                Finding::error(Code::NoProject, "project", format!("repository {} names no project", quoted(id)))
                    .label("no `project` here, nor in a template or in `defaults.repository`")
                    .help("add `project: KEY`; Bitbucket would silently put it into the workspace's oldest project"),
            );
        }
        if let Some(Err(finding)) = fields.text("project").map(|key| Project.check_identity(key)) {
            findings.push(Finding { field: "project", ..finding });
        }
        if fields.text("fork_policy") == Some("no_public_forks") && fields.flag("is_private") == Some(false) {
            findings.push(
                Finding::error(Code::ForkPolicy, "fork_policy", "a public repository cannot have `no_public_forks`")
                    .label("this repository is public")
                    .help("write `allow_forks` or `no_forks`, or make it private"),
            );
        }
        findings.extend(fields.text("mainbranch").and_then(|branch| check_branch_name("mainbranch", branch)));
        for (field, what) in [("has_issues", "issue tracker"), ("has_wiki", "wikis")] {
            if fields.flag(field) == Some(true) {
                findings.push(
                    Finding::warning(Code::ShutDown, field, format!("Bitbucket shut its {what} down on 2026-08-20"))
                        .help("leave this out: it cannot be switched on any more"),
                );
            }
        }
        findings
    }

    fn reference(&self, workspace: &str, fields: &Fields) -> Option<Reference> {
        let key = fields.text("project")?;
        Some(Reference { field: "project", address: Address::new(KindRef::PROJECT, workspace, key) })
    }

    /// A private project cannot hold public repositories (api.md §4).
    fn check_reference(&self, fields: &Fields, project: &Fields) -> Option<Finding> {
        let public_in_private = fields.flag("is_private") == Some(false) && project.flag("is_private") == Some(true);
        public_in_private.then(|| {
            Finding::error(Code::PublicInPrivate, "is_private", "a public repository cannot be in a private project")
                .label(format!(
                    "the repository is public, and {} private",
                    fields.text("project").unwrap_or("its project")
                ))
                .help("make the project public, or the repository private, or name another project")
        })
    }

    /// The main branch must exist (api.md §3.2), and an empty repository has none.
    fn held_back(
        &self,
        field: &str,
        from: Option<&Value>,
        _whole: &Fields,
        _holder: Option<&Fields>,
    ) -> Option<&'static str> {
        let empty = from.is_none_or(Value::is_null);
        (field == "mainbranch" && empty).then_some("waits for the first push: an empty repository has no branches")
    }

    /// A changed name moves the repository to the slug it gives (api.md §3.2): a plan would never come to rest.
    fn refuse(&self, id: &str, changed: &Fields) -> Option<Finding> {
        let name = changed.text("name").filter(|name| slug_of(name) != id)?;
        let slug = slug_of(name);
        Some(
            Finding::error(
                Code::MovingName,
                "name",
                format!("changing the name to {} would move the repository", quoted(name)),
            )
            .label(format!("Bitbucket derives the slug {slug:?} from it, and the address would change with it"))
            .help(format!("leave `name` out, or choose a name that gives {id:?}")),
        )
    }

    /// A new place, and becoming public in it.
    fn touches_reference(&self, action: Action, changed: &Fields) -> bool {
        action == Action::Create || changed.get("project").is_some() || changed.flag("is_private") == Some(false)
    }

    fn alarm(&self, action: Action, changed: &Fields) -> Option<&'static str> {
        becomes_public(action, changed)
    }

    fn describe(&self, fields: &Fields) -> String {
        let project = fields.text("project").map(|key| format!("project {key}"));
        [project, privacy(fields)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn loss(&self, _action: Action) -> &'static str {
        "with its history"
    }

    fn list(&self, parent: Parent<'_>) -> String {
        match parent {
            Parent::Workspace(workspace) => path(&["repositories", workspace]),
            Parent::Object(..) => parent.path(&[]),
        }
    }

    /// It is documented to sort, by any of its fields (api.md §2.4).
    fn sorts_by_age(&self) -> bool {
        true
    }

    fn item(&self, address: &Address) -> Option<String> {
        Some(path(&["repositories", address.workspace(), address.id()]))
    }

    fn renames(&self) -> bool {
        true
    }

    fn identify<'a>(&self, answer: &'a Value) -> Option<Cow<'a, str>> {
        let slug = answer.get("slug").and_then(Value::as_str);
        slug.or_else(|| Some(answer.get("full_name")?.as_str()?.split_once('/')?.1)).map(Cow::Borrowed)
    }

    /// It is named like its slug and may be forked (api.md §3.1), and its first branch is most likely called `main`. Nothing is
    /// to be said of what Bitbucket has shut down.
    fn goes_without_saying(&self, id: &str, field: &Field, fields: &Fields) -> bool {
        match field.name {
            "name" => fields.text("name") == Some(id),
            "fork_policy" => fields.text("fork_policy") == Some("allow_forks"),
            "mainbranch" => fields.text("mainbranch") == Some("main"),
            "has_issues" | "has_wiki" => true,
            _ => fields.get(field.name).is_none_or(|value| *value == field.absent.value()),
        }
    }

    fn is_its_own(&self, field: &str) -> bool {
        matches!(field, "project" | "name" | "description" | "language" | "website")
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        let mut body = fields.to_body(FIELDS);
        body.insert("scm".to_owned(), json!("git"));
        let path = Parent::Object(place.address, "").path(&[]);
        Request { method: Method::Post, path, body: Some(Value::Object(body)) }
    }

    /// To the UUID path, where a PUT cannot create a repository by mistake (api.md §3.2).
    fn update(&self, place: Place<'_>, changed: &Fields, _whole: &Fields) -> Request {
        let mut body = changed.to_body(FIELDS);
        // The slug follows from the name (api.md §3.2).
        if let Some(slug) = changed.text("slug") {
            body.entry("name").or_insert_with(|| slug.into());
        }
        // Without these two undocumented booleans a new fork policy is answered 200 and ignored (api.md §3.3).
        if let Some(policy) = changed.text("fork_policy") {
            body.insert("no_forks".to_owned(), json!(policy == "no_forks"));
            body.insert("no_public_forks".to_owned(), json!(policy != "allow_forks"));
        }
        let path = path(&["repositories", place.address.workspace(), place.id]);
        Request { method: Method::Put, path, body: Some(Value::Object(body)) }
    }

    fn delete(&self, place: Place<'_>) -> Request {
        let path = path(&["repositories", place.address.workspace(), place.id]);
        Request { method: Method::Delete, path, body: None }
    }

    fn scopes(&self, action: Action) -> Scopes {
        match action {
            Action::Delete => Scopes { classic: "repository:delete", api_token: "delete:repository:bitbucket" },
            Action::Create | Action::Update | Action::Replace => {
                Scopes { classic: "repository:admin", api_token: "admin:repository:bitbucket" }
            }
        }
    }
}

/// The slug that Bitbucket derives from a name (api.md §3.4).
#[must_use]
pub fn slug_of(name: &str) -> String {
    let mut slug = String::with_capacity(name.len().min(LONGEST_SLUG));
    for c in name.chars() {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') { c.to_ascii_lowercase() } else { '-' };
        if c != '-' || !slug.ends_with('-') {
            slug.push(c);
        }
        if slug.len() > LONGEST_SLUG + 1 {
            break;
        }
    }
    let trimmed = slug.trim_matches('-');
    let cut = &trimmed[..trimmed.len().min(LONGEST_SLUG)];
    cut.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &Address) -> Place<'_> {
        Place { address, id: "{1}", parent: Parent::Workspace("acme") }
    }

    #[test]
    fn slugs_follow_bitbuckets_rule() {
        for slug in ["ledger", "a", "api-gateway", "_hidden", ".github", "v1.2", "a_b", &"x".repeat(62)] {
            assert_eq!(Repository.check_identity(slug), Ok(()), "{slug}");
        }
        let wrong = [
            ("Ledger", "ledger"),
            ("My  Repo", "my-repo"),
            ("-a-", "a"),
            ("a--b", "a-b"),
            ("größe", "gr-e"),
            (&"x".repeat(63), &"x".repeat(62)),
        ];
        for (slug, near) in wrong {
            let finding = Repository.check_identity(slug).unwrap_err();
            assert_eq!(finding.help, Some(format!("write `slug: {near}`")), "{slug}");
        }
        assert!(Repository.check_identity("").is_err());
        assert!(Repository.check_identity(".").is_err());
        assert!(Repository.check_identity("..").is_err());
        assert!(Repository.check_identity("///").is_err());
        assert!(Repository.check_identity(&"x".repeat(5_000_000)).unwrap_err().message.len() < 400);
    }

    #[test]
    fn the_smallest_create_is_the_one_of_bitbuckets_documentation() {
        let address = Address::new(KindRef::REPOSITORY, "acme", "ledger");
        let fields: Fields = [("project", json!("PAY"))].into_iter().collect();
        let request = Repository.create(place(&address), &fields);
        assert_eq!(request.path, "/repositories/acme/ledger");
        assert_eq!(request.body, Some(json!({"scm": "git", "project": {"key": "PAY"}})));
    }

    #[test]
    fn a_fork_policy_is_said_in_both_ways() {
        let address = Address::new(KindRef::REPOSITORY, "acme", "ledger");
        for (policy, no_forks, no_public_forks) in
            [("allow_forks", false, false), ("no_public_forks", false, true), ("no_forks", true, true)]
        {
            let changed: Fields = [("fork_policy", json!(policy))].into_iter().collect();
            let request = Repository.update(place(&address), &changed, &changed);
            assert_eq!(request.path, "/repositories/acme/%7B1%7D");
            let expected = json!({"fork_policy": policy, "no_forks": no_forks, "no_public_forks": no_public_forks});
            assert_eq!(request.body, Some(expected));
        }
    }
}
