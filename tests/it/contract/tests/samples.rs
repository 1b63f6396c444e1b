//! Bodies that keep the contract, shaped like real ones.

/// A repository with everything that real ones have beyond the document, and the nulls.
pub(super) const REPOSITORY: &str = r#"{
    "type": "repository", "full_name": "acme/app", "name": "App", "slug": "app", "description": null, "scm": "git",
    "uuid": "{898477b2-a080-4089-b385-597a783db392}", "website": null, "is_private": true, "parent": null,
    "fork_policy": "no_public_forks", "created_on": "2022-07-25T17:01:20.950706+00:00",
    "updated_on": "2022-09-07T20:19:30.622886+00:00", "size": 85955, "language": "", "mainbranch": null,
    "enforced_signed_commits": null, "has_issues": false, "has_wiki": false,
    "override_settings": {"default_merge_strategy": true, "branching_model": true},
    "links": {
        "self": {"href": "https://api.bitbucket.org/2.0/repositories/acme/app"},
        "branches": {"href": "https://api.bitbucket.org/2.0/repositories/acme/app/refs/branches"},
        "tags": {"href": "https://api.bitbucket.org/2.0/repositories/acme/app/refs/tags"},
        "source": {"href": "https://api.bitbucket.org/2.0/repositories/acme/app/src"},
        "clone": [{"name": "https", "href": "https://bitbucket.org/acme/app.git"},
                  {"name": "ssh", "href": "git@bitbucket.org:acme/app.git"}]
    },
    "owner": {
        "type": "user", "display_name": "Ada", "uuid": "{c5a0d676-fd27-4bd4-ac69-a7540d7b495b}", "nickname": "ada",
        "account_id": "557058:ba8948b2-49da-43a9-9e8b-e7249b8e324a",
        "links": {"self": {"href": "https://api.bitbucket.org/2.0/users/%7Bc5a0d676%7D"},
                  "avatar": {"href": "https://secure.gravatar.com/avatar/37de"}}
    },
    "workspace": {
        "type": "workspace", "uuid": "{c5a0d676-fd27-4bd4-ac69-a7540d7b495b}", "name": "Acme", "slug": "acme",
        "links": {"self": {"href": "https://api.bitbucket.org/2.0/workspaces/acme"}}
    },
    "project": {
        "type": "project", "key": "PAY", "uuid": "{2cede481-f59e-49ec-88d0-a85629b7925d}", "name": "Payments",
        "links": {"self": {"href": "https://api.bitbucket.org/2.0/workspaces/acme/projects/PAY"}}
    }
}"#;

/// A project of a personal workspace.
pub(super) const PROJECT: &str = r#"{
    "type": "project", "key": "PAY", "uuid": "{2cede481-f59e-49ec-88d0-a85629b7925d}", "name": "Payments",
    "description": null, "is_private": true, "has_publicly_visible_repos": false,
    "created_on": "2022-08-21T13:19:18.691929+00:00", "updated_on": "2022-08-21T13:19:18.691943+00:00",
    "owner": {"type": "user", "display_name": "Ada", "uuid": "{c5a0d676-fd27-4bd4-ac69-a7540d7b495b}", "nickname": "a"},
    "workspace": {"type": "workspace", "uuid": "{c5a0d676-fd27-4bd4-ac69-a7540d7b495b}", "name": "A", "slug": "acme"},
    "links": {
        "self": {"href": "https://api.bitbucket.org/2.0/workspaces/acme/projects/PAY"},
        "repositories": {"href": "https://api.bitbucket.org/2.0/repositories/acme?q=project.key=\"PAY\""}
    }
}"#;
