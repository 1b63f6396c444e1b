//! Who exists, when not everybody is let in: the `--credentials` file (kinds of credentials: api.md §1.1, §1.2).

use std::fmt;

use serde::Deserialize;

/// Everybody the sandbox knows. With such a list, all others are refused.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// OAuth consumers.
    pub clients: Vec<OAuthClient>,
    /// People, with their API tokens.
    pub users: Vec<User>,
    /// Access tokens of workspaces, projects and repositories.
    pub access_tokens: Vec<AccessToken>,
    /// The slugs of the groups; by default every slug is one.
    pub groups: Option<Vec<String>>,
}

impl fmt::Debug for Credentials {
    /// Shows how many there are, never a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("clients", &self.clients.len())
            .field("users", &self.users.len())
            .field("access_tokens", &self.access_tokens.len())
            .field("groups", &self.groups)
            .finish()
    }
}

/// An OAuth consumer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthClient {
    /// The consumer's key.
    pub id: String,
    /// The consumer's secret.
    pub secret: String,
    /// Whether it is marked private, without which it cannot use client credentials.
    #[serde(default = "yes")]
    pub private: bool,
    /// Whether it has a callback URL, without which it cannot use client credentials.
    #[serde(default = "yes")]
    pub callback: bool,
    /// The grants it may use; by default those that Bitbucket still supports, so not `password`.
    #[serde(default = "grants_of_today")]
    pub grants: Vec<String>,
    /// The scopes of its tokens; by default the sandbox's own.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// Refresh tokens that it has got before. Each can be used once.
    #[serde(default)]
    pub refresh_tokens: Vec<String>,
}

/// A person.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name for the password grant.
    #[serde(default)]
    pub username: Option<String>,
    /// The Atlassian account's e-mail: the name for Basic, and for the password grant too.
    #[serde(default)]
    pub email: Option<String>,
    /// The password, for the password grant only.
    #[serde(default)]
    pub password: Option<String>,
    /// The API token, for Basic.
    #[serde(default)]
    pub api_token: Option<String>,
    /// The scopes of the API token; by default the sandbox's own.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The account's UUID, in braces; by default one that follows from the name.
    #[serde(default)]
    pub uuid: Option<String>,
    /// The Atlassian account's id; by default one that follows from the name.
    #[serde(default)]
    pub account_id: Option<String>,
    /// The name that is shown; by default the e-mail or else the username.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The slugs of the workspaces this is a member of; by default all.
    #[serde(default)]
    pub workspaces: Option<Vec<String>>,
    /// Whether those are this person's own, so that nobody can take them away.
    #[serde(default)]
    pub owner: bool,
    /// Whether this person administers the workspaces; by default yes. Nobody else finds members by their addresses.
    #[serde(default)]
    pub administrator: Option<bool>,
    /// The slugs of the groups this is in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The person's own public keys, which can be no deploy keys.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
}

/// An access token, sent as Bearer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessToken {
    /// The token itself.
    pub token: String,
    /// Its scopes; by default the sandbox's own.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// What it belongs to.
    #[serde(default)]
    pub kind: AccessTokenKind,
}

/// What an access token belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenKind {
    /// A workspace.
    #[default]
    Workspace,
    /// A project.
    Project,
    /// A repository.
    Repository,
    /// Nothing: an OAuth token of a person, got elsewhere.
    Oauth,
}

impl Credentials {
    /// Whether whoever comes under this name, or with this token, administers the workspaces.
    pub(super) fn administers(&self, account: &str) -> bool {
        let user = self.users.iter().find(|user| user.is_called(account));
        let token = self.access_tokens.iter().find(|known| known.token == account);
        let of_less =
            |token: &AccessToken| matches!(token.kind, AccessTokenKind::Project | AccessTokenKind::Repository);
        user.is_none_or(|user| user.administrator != Some(false)) && !token.is_some_and(of_less)
    }
}

impl User {
    /// Whether this person goes by a name.
    pub(super) fn is_called(&self, name: &str) -> bool {
        [&self.username, &self.email].into_iter().flatten().any(|own| own == name)
    }
}

fn yes() -> bool {
    true
}

fn grants_of_today() -> Vec<String> {
    ["client_credentials", "refresh_token"].map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_needs_little() -> serde_json::Result<()> {
        let file = r#"{
            "clients": [{"id": "k", "secret": "s"}],
            "users": [{"email": "ana@example.com", "api_token": "ATATT1"}],
            "access_tokens": [{"token": "ATCTT1", "scopes": ["repository"], "kind": "project"}]
        }"#;
        let credentials: Credentials = serde_json::from_str(file)?;
        assert!(credentials.clients[0].private && credentials.clients[0].callback);
        assert_eq!(credentials.clients[0].grants, ["client_credentials", "refresh_token"]);
        assert!(credentials.users[0].is_called("ana@example.com"));
        assert_eq!(credentials.access_tokens[0].kind, AccessTokenKind::Project);
        assert!(!format!("{credentials:?}").contains("ATATT1"));
        assert!(serde_json::from_str::<Credentials>(r#"{"client": []}"#).is_err());
        Ok(())
    }
}
