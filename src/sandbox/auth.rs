//! Who asks: the `Authorization` header, and the tokens that the sandbox has given out (api.md §1.1, §1.2, §1.4).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use tokio::time::Instant;

use super::answer::{Answer, Refusal};
use super::credentials::{AccessTokenKind, Credentials};
use super::random;
use super::request::Request;
use super::scopes::Granted;

/// 401 for what was never, or is not, a way in.
const INVALID_TOKEN: &str = "Token is invalid, expired, or not supported for this endpoint.";
const INVALID_CREDENTIALS: &str = "Invalid credentials.";
const EXPIRED: &str = "Access token expired. Use your refresh token to obtain a new access token.";

/// What kind of credential came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token by client credentials: it acts as an app.
    App,
    /// Any other OAuth token: it acts as a person.
    OAuth,
    /// The access token of a workspace, project or repository.
    AccessToken,
    /// A person's API token, by Basic.
    ApiToken,
}

impl Kind {
    /// The value of `X-Credential-Type`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::App | Self::OAuth => "oauth2",
            Self::AccessToken => "access_token",
            Self::ApiToken => "api_token",
        }
    }
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Principal {
    pub(super) kind: Kind,
    /// What the rate limit counts by: the person, the token or the consumer.
    pub(super) account: String,
    pub(super) granted: Granted,
    /// Whether it is an administrator of the workspaces, or an app or a token that stands for one.
    pub(super) administers: bool,
}

/// The doorkeeper: knows the credentials and the tokens given out.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) credentials: Option<Credentials>,
    scopes: Option<Vec<String>>,
    pub(super) lifetime: Duration,
    tokens: Mutex<Tokens>,
}

#[derive(Debug, Default)]
struct Tokens {
    minted: u64,
    access: HashMap<String, Issued>,
    /// Refresh tokens given out, with who they stand for.
    refresh: HashMap<String, Principal>,
    /// Refresh tokens that have been used and are dead.
    used: HashSet<String>,
}

#[derive(Debug)]
struct Issued {
    principal: Principal,
    expires: Instant,
}

impl Door {
    pub(super) fn new(credentials: Option<Credentials>, scopes: Option<Vec<String>>, lifetime: Duration) -> Self {
        Self { credentials, scopes, lifetime, tokens: Mutex::default() }
    }

    /// Somebody with the scopes of their own, or else the sandbox's.
    pub(super) fn principal(&self, kind: Kind, account: String, scopes: Option<&[String]>) -> Principal {
        let granted = Granted::new(scopes.or(self.scopes.as_deref()), kind == Kind::ApiToken);
        let administers = self.credentials.as_ref().is_none_or(|credentials| credentials.administers(&account));
        Principal { kind, account, granted, administers }
    }

    /// Who asks: nobody without the header, a refusal for somebody who is not let in.
    pub(super) fn identify(&self, request: &Request, now: Instant) -> Result<Option<Principal>, Refusal> {
        let Some(value) = request.headers.get(AUTHORIZATION) else {
            return Ok(None);
        };
        let (scheme, rest) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            self.bearer(rest, now).map(Some)
        } else if scheme.eq_ignore_ascii_case("basic") {
            self.basic(rest).map(Some)
        } else {
            Err(unauthorized(INVALID_TOKEN))
        }
    }

    fn bearer(&self, token: &str, now: Instant) -> Result<Principal, Refusal> {
        if let Some(issued) = self.tokens().access.get(token) {
            return if now < issued.expires { Ok(issued.principal.clone()) } else { Err(expired()) };
        }
        // API tokens and app passwords are for Basic, wherever else they are tried.
        if token.is_empty() || token.starts_with("ATATT") || token.starts_with("ATBB") {
            return Err(unauthorized(INVALID_TOKEN));
        }
        let Some(credentials) = &self.credentials else {
            let kind = if token.starts_with("ATCTT") { Kind::AccessToken } else { Kind::OAuth };
            return Ok(self.principal(kind, token.to_owned(), None));
        };
        let known = credentials.access_tokens.iter().find(|known| known.token == token);
        let known = known.ok_or_else(|| unauthorized(INVALID_TOKEN))?;
        let kind = if known.kind == AccessTokenKind::Oauth { Kind::OAuth } else { Kind::AccessToken };
        Ok(self.principal(kind, token.to_owned(), known.scopes.as_deref()))
    }

    fn basic(&self, encoded: &str) -> Result<Principal, Refusal> {
        let (name, secret) = basic_pair(encoded).ok_or_else(|| unauthorized(INVALID_CREDENTIALS))?;
        if name.is_empty() || secret.is_empty() || secret.starts_with("ATBB") {
            return Err(unauthorized(INVALID_CREDENTIALS));
        }
        let Some(credentials) = &self.credentials else {
            return Ok(self.principal(Kind::ApiToken, name, None));
        };
        let known = |user: &&super::credentials::User| {
            user.is_called(&name) && user.api_token.as_deref() == Some(secret.as_str())
        };
        let user = credentials.users.iter().find(known).ok_or_else(|| unauthorized(INVALID_TOKEN))?;
        Ok(self.principal(Kind::ApiToken, name, user.scopes.as_deref()))
    }

    /// A new access token, and a refresh token if the grant has one.
    pub(super) fn issue(&self, principal: &Principal, refreshable: bool, now: Instant) -> (String, Option<String>) {
        let mut tokens = self.tokens();
        tokens.minted += 1;
        // 92 characters, as the opaque ones of older consumers have.
        let access = format!("{}=", random::hex("access token", tokens.minted, 91));
        let expires = now.checked_add(self.lifetime).unwrap_or(now);
        tokens.access.insert(access.clone(), Issued { principal: principal.clone(), expires });
        let refresh = refreshable.then(|| random::hex("refresh token", tokens.minted, 18));
        if let Some(refresh) = &refresh {
            tokens.refresh.insert(refresh.clone(), principal.clone());
        }
        (access, refresh)
    }

    /// Takes a refresh token that was given out here; it is dead from then on. `Err` when it is dead already.
    pub(super) fn redeem(&self, refresh: &str) -> Result<Option<Principal>, ()> {
        let mut tokens = self.tokens();
        if !tokens.used.insert(refresh.to_owned()) {
            return Err(());
        }
        Ok(tokens.refresh.remove(refresh))
    }

    /// Lets a token given out here die before its time. False when there is no such token in the request.
    pub(super) fn kill(&self, request: &Request, now: Instant) -> bool {
        let bearer = request.header(&AUTHORIZATION).and_then(|value| value.split_once(' '));
        let mut tokens = self.tokens();
        match bearer.and_then(|(_, token)| tokens.access.get_mut(token.trim())) {
            Some(issued) if issued.expires > now => {
                issued.expires = now;
                true
            }
            _ => false,
        }
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 401 as every way in that is closed gets it.
pub(super) fn unauthorized(message: &str) -> Refusal {
    let realm = r#"BitbucketCustom realm="Bitbucket.org API""#;
    Refusal::from(Answer::error(StatusCode::UNAUTHORIZED, message).with(WWW_AUTHENTICATE, realm))
}

pub(super) fn anonymous() -> Refusal {
    unauthorized(INVALID_TOKEN)
}

pub(super) fn expired() -> Refusal {
    unauthorized(EXPIRED)
}

/// The two halves of a Basic credential.
pub(super) fn basic_pair(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(base64(encoded)?).ok()?;
    let (name, secret) = decoded.split_once(':')?;
    Some((name.to_owned(), secret.to_owned()))
}

/// Decodes base64 (RFC 4648 §4), padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_decoded() {
        let pair = |name: &str, secret: &str| Some((name.to_owned(), secret.to_owned()));
        assert_eq!(basic_pair("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), pair("Aladdin", "open sesame"));
        assert_eq!(basic_pair("YTpiOmM"), pair("a", "b:c"));
        assert_eq!(basic_pair("YQ=="), None, "no colon");
        assert_eq!(basic_pair("?"), None);
    }

    #[test]
    fn a_token_lives_as_long_as_it_is_told() {
        let door = Door::new(None, None, Duration::from_secs(10));
        let now = Instant::now();
        let principal = door.principal(Kind::App, "client".to_owned(), None);
        let (token, refresh) = door.issue(&principal, false, now);
        assert_eq!(token.len(), 92);
        assert_eq!(refresh, None);
        assert!(door.bearer(&token, now + Duration::from_secs(9)).is_ok_and(|found| found == principal));
        assert!(door.bearer(&token, now + Duration::from_secs(10)).is_err());
    }

    #[test]
    fn a_refresh_token_dies_when_it_is_used() {
        let door = Door::new(None, None, Duration::from_secs(10));
        let principal = door.principal(Kind::OAuth, "client".to_owned(), None);
        let (_, refresh) = door.issue(&principal, true, Instant::now());
        let refresh = refresh.unwrap_or_default();
        assert_eq!(door.redeem(&refresh), Ok(Some(principal)));
        assert_eq!(door.redeem(&refresh), Err(()));
        assert_eq!(door.redeem("from elsewhere"), Ok(None));
    }

    #[test]
    fn prefixes_in_the_wrong_place_are_refused() {
        let door = Door::new(None, None, Duration::from_secs(10));
        let now = Instant::now();
        assert!(door.bearer("ATATT1", now).is_err() && door.bearer("", now).is_err());
        assert!(door.bearer("ATCTT1", now).is_ok_and(|found| found.kind == Kind::AccessToken));
        assert!(door.bearer("anything", now).is_ok_and(|found| found.kind == Kind::OAuth));
        assert!(door.basic("YTpBVEJCMQ==").is_err(), "a:ATBB1");
        assert!(door.basic("YTpiOmM").is_ok_and(|found| found.kind == Kind::ApiToken));
    }
}
