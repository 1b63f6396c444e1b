//! What a credential may do: classic scopes with what they imply, and the API tokens' own vocabulary, in which nothing
//! implies anything (api.md §1.3; per operation, `endpoints.tsv`).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use hyper::StatusCode;
use serde_json::json;

use super::answer::{Answer, Refusal};
use super::routes::TABLE;

/// Every classic scope that something here asks for: what a credential may that is not limited.
static CLASSIC: LazyLock<Vec<String>> = LazyLock::new(|| asked_for(|required| required.classic));

/// The same in the vocabulary of API tokens.
static API_TOKEN: LazyLock<Vec<String>> = LazyLock::new(|| asked_for(|required| required.api_token));

fn asked_for(of: impl Fn(Required) -> &'static [&'static str]) -> Vec<String> {
    let endpoints = TABLE.iter().copied().flatten().flat_map(|route| route.endpoints);
    let scopes: BTreeSet<&str> = endpoints.flat_map(|endpoint| of(endpoint.required)).copied().collect();
    scopes.into_iter().map(str::to_owned).collect()
}

/// What an operation asks for, in both vocabularies: all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Required {
    pub(super) classic: &'static [&'static str],
    pub(super) api_token: &'static [&'static str],
}

/// The scopes of an operation, as its line of `endpoints.tsv` has them.
pub(super) const fn scopes(classic: &'static [&'static str], api_token: &'static [&'static str]) -> Required {
    Required { classic, api_token }
}

/// The scopes of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Granted {
    scopes: Vec<String>,
}

impl Granted {
    /// These scopes; without any list, all of the classic ones or all of an API token.
    pub(super) fn new(scopes: Option<&[String]>, api_token: bool) -> Self {
        let all = if api_token { &API_TOKEN } else { &CLASSIC };
        Self { scopes: scopes.map_or_else(|| LazyLock::force(all).clone(), <[String]>::to_vec) }
    }

    /// Which vocabulary the scopes are written in.
    fn is_api_token(&self) -> bool {
        self.scopes.iter().any(|scope| scope.ends_with(":bitbucket"))
    }

    /// The scopes an operation asks for, in this credential's vocabulary.
    pub(super) fn required(&self, operation: Required) -> &'static [&'static str] {
        if self.is_api_token() { operation.api_token } else { operation.classic }
    }

    /// The scopes, for `X-OAuth-Scopes` and `scope`, joined as each of the two wants.
    pub(super) fn join(&self, separator: &str) -> String {
        self.scopes.join(separator)
    }

    /// 403 when the credential lacks any of what an operation asks for.
    pub(super) fn check(&self, operation: Required) -> Result<(), Refusal> {
        let required = self.required(operation);
        if required.iter().all(|required| self.has(required)) {
            return Ok(());
        }
        Err(Refusal::from(Answer::error_with_detail(
            StatusCode::FORBIDDEN,
            "Your credentials lack one or more required privilege scopes.",
            &json!({ "required": required, "granted": self.scopes }),
        )))
    }

    fn has(&self, required: &str) -> bool {
        self.scopes.iter().any(|scope| scope == required || implied(scope).contains(&required))
    }
}

/// What a classic scope brings along. The two `:admin` scopes bring nothing.
fn implied(scope: &str) -> &'static [&'static str] {
    match scope {
        "project" | "repository:write" | "pullrequest" => &["repository"],
        "pullrequest:write" => &["pullrequest", "repository:write", "repository"],
        "pipeline:write" | "pipeline:variable" => &["pipeline"],
        "runner:write" => &["runner"],
        "account:write" => &["account"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Required = scopes(&["repository"], &["read:repository:bitbucket"]);
    const ADMIN: Required = scopes(&["repository:admin"], &["admin:repository:bitbucket"]);

    fn granted(scopes: &[&str]) -> Granted {
        let scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Granted::new(Some(&scopes), false)
    }

    #[test]
    fn classic_scopes_imply_reading_but_admin_does_not() {
        for scope in ["repository", "repository:write", "project", "pullrequest"] {
            assert!(granted(&[scope]).check(READ).is_ok(), "{scope}");
        }
        for scope in ["repository:admin", "project:admin", "webhook"] {
            assert!(granted(&[scope]).check(READ).is_err(), "{scope}");
        }
        assert!(granted(&["repository:write"]).check(ADMIN).is_err());
    }

    #[test]
    fn api_token_scopes_imply_nothing() {
        assert!(granted(&["read:repository:bitbucket"]).check(READ).is_ok());
        assert!(granted(&["admin:repository:bitbucket"]).check(READ).is_err());
    }

    #[test]
    fn all_of_several_scopes_are_needed() {
        let key =
            scopes(&["repository", "repository:admin"], &["admin:repository:bitbucket", "write:ssh-key:bitbucket"]);
        assert!(granted(&["repository:admin"]).check(key).is_err());
        assert!(granted(&["repository:admin", "repository:write"]).check(key).is_ok());
        assert!(granted(&["admin:repository:bitbucket"]).check(key).is_err());
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        let refusal = granted(&["project"]).check(ADMIN).err().map(|refusal| refusal.0.bytes());
        let body = String::from_utf8_lossy(&refusal.unwrap_or_default()).into_owned();
        assert!(
            body.contains(r#""required":["repository:admin"]"#) && body.contains(r#""granted":["project"]"#),
            "{body}"
        );
    }

    #[test]
    fn without_limits_everything_is_granted() {
        assert!(Granted::new(None, false).check(ADMIN).is_ok() && Granted::new(None, true).check(ADMIN).is_ok());
    }
}
