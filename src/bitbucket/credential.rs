//! Which credential a run uses, and the mistakes that can be seen before anything is sent (api.md §1.1).

mod parts;

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::error::Error;
pub(super) use parts::by_keys;

/// The five kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A workspace, project or repository access token, or an OAuth token got elsewhere; sent as Bearer.
    AccessToken,
    /// A person's Atlassian API token; sent as Basic with the e-mail address.
    ApiToken,
    /// An OAuth consumer acting for itself.
    ClientCredentials,
    /// An OAuth consumer acting for a person whose password it knows (RFC 6749 §4.3).
    Password,
    /// An OAuth consumer with a refresh token that a person granted.
    RefreshToken,
}

/// Where each part of a kind comes from: the environment variables, the secret last.
const PARTS: [(Kind, &str, &[&str]); 5] = [
    (Kind::AccessToken, "access-token", &["BITBUCKET_ACCESS_TOKEN"]),
    (Kind::ApiToken, "api-token", &["BITBUCKET_EMAIL", "BITBUCKET_API_TOKEN"]),
    (Kind::ClientCredentials, "client-credentials", &["BITBUCKET_OAUTH_CLIENT_ID", "BITBUCKET_OAUTH_CLIENT_SECRET"]),
    (
        Kind::Password,
        "password",
        &["BITBUCKET_OAUTH_CLIENT_ID", "BITBUCKET_OAUTH_CLIENT_SECRET", "BITBUCKET_USERNAME", "BITBUCKET_PASSWORD"],
    ),
    (
        Kind::RefreshToken,
        "refresh-token",
        &["BITBUCKET_OAUTH_CLIENT_ID", "BITBUCKET_OAUTH_CLIENT_SECRET", "BITBUCKET_REFRESH_TOKEN"],
    ),
];

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::AccessToken, Self::ApiToken, Self::ClientCredentials, Self::Password, Self::RefreshToken];

    /// As `--auth` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    fn parts(self) -> &'static [&'static str] {
        self.row().2
    }

    fn row(self) -> &'static (Kind, &'static str, &'static [&'static str]) {
        // The table is in the order of the kinds.
        &PARTS[self as usize]
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to look for, besides the environment.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The kind, if it is said.
    pub kind: Option<Kind>,
    /// A secret that stands in for the one that the environment lacks, and where it came from.
    pub secret: Option<Secret>,
}

/// A secret from elsewhere than the environment.
#[derive(Debug, Clone)]
pub struct Secret {
    /// The secret.
    pub value: SecretString,
    /// The file it was read from, where a successor can be written to.
    pub file: Option<PathBuf>,
}

/// A credential, complete.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Sent as it is.
    Bearer(SecretString),
    /// Sent as it is, with whose it is.
    Basic {
        /// The e-mail address.
        user: String,
        /// The API token.
        token: SecretString,
    },
    /// Exchanged for a token first.
    Grant(Grant),
}

/// What is exchanged for a token.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The OAuth consumer's id, which is no secret.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// Whom it acts for.
    pub subject: Subject,
}

/// Whom an OAuth consumer acts for.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Itself.
    Client,
    /// A person, by name and password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// A person who granted a refresh token.
    Refresh {
        /// The token, good for one use.
        token: SecretString,
        /// Where its successor is written.
        file: Option<PathBuf>,
    },
}

impl Credential {
    /// Finds the one credential that the environment and the command line describe.
    ///
    /// # Errors
    /// None, two different ones, an incomplete one, or one that is in the wrong place.
    pub fn find(get: impl Fn(&str) -> Option<String>, choice: &Choice) -> Result<Self, Error> {
        let get = |name: &str| {
            let value = get(name).filter(|value| !value.trim().is_empty());
            let other = || get("BITBUCKET_OAUTH_TOKEN").filter(|value| !value.trim().is_empty());
            if name == "BITBUCKET_ACCESS_TOKEN" { value.or_else(other) } else { value }
        };
        let missing =
            |kind: Kind| kind.parts().iter().copied().filter(|name| get(name).is_none()).collect::<Vec<&str>>();
        let kind = match choice.kind {
            Some(kind) => kind,
            None => choose(&missing, choice.secret.is_some())?,
        };
        let stands_in = choice.secret.as_ref().map(|secret| (stand_in(kind, &missing(kind)), secret));
        let lacking: Vec<_> =
            missing(kind).into_iter().filter(|name| stands_in.as_ref().is_none_or(|(part, _)| part != name)).collect();
        if !lacking.is_empty() {
            return Err(Error::Credential(format!(
                "the credential {kind} is incomplete: set {}",
                lacking.join(" and ")
            )));
        }
        let part = |name: &str| -> SecretString {
            match &stands_in {
                Some((part, secret)) if *part == name => secret.value.clone(),
                _ => get(name).unwrap_or_default().trim().to_owned().into(),
            }
        };
        let file = choice.secret.as_ref().and_then(|secret| secret.file.clone());
        let credential = build(kind, part, file);
        credential.check_place()?;
        Ok(credential)
    }

    /// Names a token that is in the wrong place, by its well-known prefix.
    fn check_place(&self) -> Result<(), Error> {
        let refuse = |why: &str| Err(Error::Credential(why.to_owned()));
        match self {
            Self::Bearer(token) if token.expose_secret().starts_with("ATATT") => refuse(
                "this access token is an Atlassian API token (ATATT…), which Bitbucket accepts only with the e-mail address \
                 of its owner: set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN instead of BITBUCKET_ACCESS_TOKEN",
            ),
            Self::Basic { token, .. } if token.expose_secret().starts_with("ATCTT") => refuse(
                "this API token is an access token of a workspace, project or repository (ATCTT…), which is sent without an \
                 e-mail address: set BITBUCKET_ACCESS_TOKEN instead of BITBUCKET_EMAIL and BITBUCKET_API_TOKEN",
            ),
            Self::Grant(_) if self.secrets().iter().any(|secret| secret.expose_secret().starts_with("ATATT")) => {
                refuse(
                    "an Atlassian API token (ATATT…) stands in place of an OAuth secret, password or refresh token: set \
                 BITBUCKET_EMAIL and BITBUCKET_API_TOKEN with it, and unset the variables of the OAuth consumer",
                )
            }
            _ if self.secrets().iter().any(|secret| secret.expose_secret().starts_with("ATBB")) => refuse(
                "this is an app password (ATBB…), and Bitbucket removed those on 2026-07-28: create an Atlassian API token \
                 with scopes for Bitbucket, and set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN",
            ),
            _ => Ok(()),
        }
    }

    /// What is no secret about it: a number for its kind, and the names it goes by.
    fn plain(&self) -> (u8, &str, &str) {
        match self {
            Self::Bearer(_) => (0, "", ""),
            Self::Basic { user, .. } => (1, user, ""),
            Self::Grant(Grant { client_id, subject, .. }) => match subject {
                Subject::Client => (2, client_id, ""),
                Subject::Password { username, .. } => (3, client_id, username),
                Subject::Refresh { .. } => (4, client_id, ""),
            },
        }
    }

    pub(super) fn secrets(&self) -> Vec<&SecretString> {
        match self {
            Self::Bearer(token) | Self::Basic { token, .. } => vec![token],
            Self::Grant(Grant { client_secret, subject, .. }) => match subject {
                Subject::Client => vec![client_secret],
                Subject::Password { password, .. } => vec![client_secret, password],
                Subject::Refresh { token, .. } => vec![client_secret, token],
            },
        }
    }
}

impl PartialEq for Credential {
    /// Whether they are the same for Bitbucket.
    fn eq(&self, other: &Self) -> bool {
        let secrets = |credential| Self::secrets(credential).into_iter().map(ExposeSecret::expose_secret);
        self.plain() == other.plain() && secrets(self).eq(secrets(other))
    }
}

/// The only complete kind, or the larger of two where one contains the other.
fn choose(missing: &dyn Fn(Kind) -> Vec<&'static str>, has_secret: bool) -> Result<Kind, Error> {
    let complete = |kind: &Kind| missing(*kind).is_empty();
    // A secret from a file or command completes a kind that lacks only its last part, of which something else is set.
    let completed = |kind: &Kind| {
        let lacking = missing(*kind);
        has_secret && matches!(lacking.as_slice(), [only] if kind.parts().len() > 1 && is_secret(only))
    };
    let mut found: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| if has_secret { completed(kind) } else { complete(kind) }).collect();
    if has_secret && found.is_empty() {
        // Nothing lacks a secret: the given one takes the place of the one that is set, or is all there is.
        let whole = Kind::ALL.into_iter().rev().find(|kind| kind.parts().len() > 1 && complete(kind));
        return Ok(whole.unwrap_or(Kind::AccessToken));
    }
    // What else is set tells which secret is meant: with a user name it is a password. A kind of which more is set hides one
    // of which only a part of that is.
    let all = found.clone();
    let set = |kind: Kind| kind.parts().iter().filter(move |part| !missing(kind).contains(part));
    let hides = |other: Kind, kind: Kind| {
        set(other).count() > set(kind).count() && set(kind).all(|part| other.parts().contains(part))
    };
    found.retain(|kind| !all.iter().any(|other| hides(*other, *kind)));
    match found.as_slice() {
        [kind] => Ok(*kind),
        [] => Err(none(missing)),
        several => {
            let names: Vec<_> = several.iter().map(|kind| kind.name()).collect();
            Err(Error::Credential(format!(
                "the environment holds more than one credential: {}; choose with `--auth {}`, or unset the variables of the \
                 others",
                names.join(" and "),
                names.first().copied().unwrap_or_default(),
            )))
        }
    }
}

fn is_secret(part: &str) -> bool {
    !matches!(part, "BITBUCKET_EMAIL" | "BITBUCKET_USERNAME" | "BITBUCKET_OAUTH_CLIENT_ID")
}

/// Which part a secret from elsewhere stands in for: the secret that is missing, else the last one.
fn stand_in(kind: Kind, missing: &[&'static str]) -> &'static str {
    let last = kind.parts().last().copied().unwrap_or_default();
    missing.iter().copied().find(|part| is_secret(part)).unwrap_or(last)
}

fn none(missing: &dyn Fn(Kind) -> Vec<&'static str>) -> Error {
    let begun = Kind::ALL.into_iter().find(|kind| {
        let lacking = missing(*kind);
        lacking.len() < kind.parts().len()
    });
    if let Some(kind) = begun {
        return Error::Credential(format!("the credential {kind} is incomplete: set {}", missing(kind).join(" and ")));
    }
    Error::Credential(
        "no credential: set BITBUCKET_ACCESS_TOKEN, or BITBUCKET_EMAIL and BITBUCKET_API_TOKEN, or \
         BITBUCKET_OAUTH_CLIENT_ID and BITBUCKET_OAUTH_CLIENT_SECRET; `--sandbox` needs none"
            .to_owned(),
    )
}

fn build(kind: Kind, part: impl Fn(&str) -> SecretString, file: Option<PathBuf>) -> Credential {
    let plain = |name: &str| part(name).expose_secret().to_owned();
    let grant = |subject| {
        Credential::Grant(Grant {
            client_id: plain("BITBUCKET_OAUTH_CLIENT_ID"),
            client_secret: part("BITBUCKET_OAUTH_CLIENT_SECRET"),
            subject,
        })
    };
    match kind {
        Kind::AccessToken => Credential::Bearer(part("BITBUCKET_ACCESS_TOKEN")),
        Kind::ApiToken => Credential::Basic { user: plain("BITBUCKET_EMAIL"), token: part("BITBUCKET_API_TOKEN") },
        Kind::ClientCredentials => grant(Subject::Client),
        Kind::Password => {
            grant(Subject::Password { username: plain("BITBUCKET_USERNAME"), password: part("BITBUCKET_PASSWORD") })
        }
        Kind::RefreshToken => grant(Subject::Refresh { token: part("BITBUCKET_REFRESH_TOKEN"), file }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: [(&str, &str); 2] = [("BITBUCKET_OAUTH_CLIENT_ID", "id"), ("BITBUCKET_OAUTH_CLIENT_SECRET", "s")];
    const PERSON: [(&str, &str); 2] = [("BITBUCKET_USERNAME", "ana"), ("BITBUCKET_PASSWORD", "p")];

    fn find(environment: &[(&str, &str)], choice: &Choice) -> String {
        let get = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        match Credential::find(get, choice) {
            Ok(Credential::Bearer(_)) => "bearer".into(),
            Ok(Credential::Basic { user, .. }) => format!("basic {user}"),
            Ok(Credential::Grant(Grant { subject: Subject::Client, .. })) => "client".into(),
            Ok(Credential::Grant(Grant { subject: Subject::Password { username, .. }, .. })) => {
                format!("password {username}")
            }
            Ok(Credential::Grant(Grant { subject: Subject::Refresh { .. }, .. })) => "refresh".into(),
            Err(error) => error.to_string(),
        }
    }

    fn from_environment(environment: &[(&str, &str)]) -> String {
        find(environment, &Choice::default())
    }

    #[test]
    fn the_complete_set_wins_and_the_larger_one_hides_the_smaller() {
        assert_eq!(from_environment(&[("BITBUCKET_ACCESS_TOKEN", "t")]), "bearer");
        assert_eq!(from_environment(&[("BITBUCKET_OAUTH_TOKEN", "t")]), "bearer");
        assert_eq!(from_environment(&[("BITBUCKET_EMAIL", "a@b"), ("BITBUCKET_API_TOKEN", "t")]), "basic a@b");
        assert_eq!(from_environment(&CLIENT), "client");
        assert_eq!(from_environment(&[CLIENT, PERSON].concat()), "password ana");
        assert_eq!(from_environment(&[&CLIENT[..], &[("BITBUCKET_REFRESH_TOKEN", "r")]].concat()), "refresh");
        assert_eq!(from_environment(&[&CLIENT[..], &PERSON[..1]].concat()), "client");
    }

    #[test]
    fn two_sets_none_and_half_a_set_are_errors_that_name_them() {
        let both = [&CLIENT[..], &[("BITBUCKET_ACCESS_TOKEN", "t")]].concat();
        assert!(from_environment(&both).contains("access-token and client-credentials"));
        assert_eq!(find(&both, &Choice { kind: Some(Kind::AccessToken), secret: None }), "bearer");
        let people = [&CLIENT[..], &PERSON, &[("BITBUCKET_REFRESH_TOKEN", "r")]].concat();
        assert!(from_environment(&people).contains("password and refresh-token"));
        assert!(from_environment(&[]).starts_with("no credential: set"));
        assert!(
            from_environment(&[("BITBUCKET_EMAIL", "a@b")])
                .contains("api-token is incomplete: set BITBUCKET_API_TOKEN")
        );
        assert!(from_environment(&[("BITBUCKET_ACCESS_TOKEN", " ")]).starts_with("no credential"));
    }

    #[test]
    fn tokens_in_the_wrong_place_are_called_out() {
        let api_token = from_environment(&[("BITBUCKET_ACCESS_TOKEN", "ATATTsecret")]);
        assert!(api_token.contains("set BITBUCKET_EMAIL and BITBUCKET_API_TOKEN"), "{api_token}");
        let access_token = from_environment(&[("BITBUCKET_EMAIL", "a@b"), ("BITBUCKET_API_TOKEN", "ATCTTsecret")]);
        assert!(access_token.contains("set BITBUCKET_ACCESS_TOKEN"), "{access_token}");
        for place in ["BITBUCKET_ACCESS_TOKEN", "BITBUCKET_API_TOKEN"] {
            let app_password = from_environment(&[("BITBUCKET_EMAIL", "a@b"), (place, "ATBBsecret")]);
            assert!(app_password.contains("2026-07-28"), "{app_password}");
            assert!(!app_password.contains("secret"));
        }
    }

    #[test]
    fn a_secret_from_elsewhere_stands_in_for_the_missing_one() {
        let secret = Choice { kind: None, secret: Some(Secret { value: "x".to_owned().into(), file: None }) };
        assert_eq!(find(&[], &secret), "bearer");
        assert_eq!(find(&[("BITBUCKET_EMAIL", "a@b")], &secret), "basic a@b");
        assert_eq!(find(&CLIENT[..1], &secret), "client");
        assert_eq!(find(&CLIENT, &secret), "refresh");
        assert_eq!(find(&[&CLIENT[..], &PERSON[..1]].concat(), &secret), "password ana");
        assert_eq!(find(&[("BITBUCKET_EMAIL", "a@b"), ("BITBUCKET_API_TOKEN", "t")], &secret), "basic a@b");
        let both = find(&[&CLIENT[..], &[("BITBUCKET_EMAIL", "a@b")]].concat(), &secret);
        assert!(both.contains("api-token and refresh-token"), "{both}");
        let chosen = Choice { kind: Some(Kind::AccessToken), ..secret };
        assert_eq!(find(&CLIENT, &chosen), "bearer");
    }
}
