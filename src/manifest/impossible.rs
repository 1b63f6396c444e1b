//! What people would write and no manifest can have, because Bitbucket has no public API for it (api.md §5.10). Each gets a
//! sentence of its own: that the key is unknown would send somebody looking for its right spelling.

/// The objects in which a key is meant, all if there are none; the key; and what to know.
const IMPOSSIBLE: &[(&[&str], &[&str], &str)] = &[
    (
        &[],
        &["merge_strategy", "merge_strategies", "default_merge_strategy", "allowed_merge_strategies"],
        "merge strategies can be read through the API and set only on the repository's settings page",
    ),
    (
        &["project"],
        &["branch_restrictions"],
        "a project's branch restrictions can only be set on its settings page; those of its repositories can be listed here",
    ),
    (
        &["project", "repository"],
        &["merge_checks", "custom_merge_checks"],
        "merge checks are branch restrictions here, such as `kind: require_approvals_to_merge`; custom ones have no API",
    ),
    (
        &[],
        &["groups", "members", "invitations"],
        "groups and memberships can only be changed on the workspace's settings pages; grants to them are `permissions`",
    ),
    (&[], &["access_tokens", "oauth_consumers", "ip_allowlist"], "this can only be set up on the settings pages"),
    (
        &["repository"],
        &["workspace", "transfer_to", "owner"],
        "a repository can only be moved to another workspace by hand",
    ),
    (&["repository"], &["lfs", "git_lfs"], "Git LFS can only be set up on the repository's settings page"),
    (
        &["repository"],
        &["enforced_signed_commits", "require_signed_commits"],
        "that commits must be signed can only be set on the repository's settings page",
    ),
    (
        &["repository"],
        &["issue_tracker", "issues", "milestones", "components"],
        "Bitbucket shut its issue tracker down on 2026-08-20",
    ),
    (
        &["repository"],
        &["pull_requests", "default_description", "pull_request_description", "excluded_files"],
        "settings of pull requests can only be changed on the repository's settings page",
    ),
];

/// Why nothing can be said of this under this name, if Bitbucket is the reason.
pub(super) fn impossible(object: &str, key: &str) -> Option<&'static str> {
    let is_meant = |(objects, keys, _): &&(&[&str], &[&str], &str)| {
        keys.contains(&key) && (objects.is_empty() || objects.contains(&object))
    };
    IMPOSSIBLE.iter().find(is_meant).map(|(.., why)| *why)
}
