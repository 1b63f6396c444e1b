//! Turns a [`Credential`] into what each request carries: at most one token fetch a run, and one more, shared by all,
//! when the token has expired (api.md §1.2).

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::RwLock;
use tokio::time::Instant;

use super::credential::{Credential, Grant, Subject};
use super::error::{Error, Refusal, excerpt, one_line, without};
use super::limits::Patience;
use super::retry::{Attempts, Decision, Pace, decide};
use super::wire::{self, Attempt};
use super::{Traffic, repeated};
use crate::progress::Event;
use crate::resource::Method;

/// In units of the shortest window: a token endpoint that is asked too often is asked again after three minutes at most.
const LONGEST: u32 = 180;

/// What is sent as `Authorization`, and how often it has been replaced.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    pub value: HeaderValue,
    pub generation: u32,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Authorization>,
    /// A request with the current token has succeeded, so that a 401 means that it has expired since.
    worked: bool,
    /// The refresh token that replaced the one of the environment.
    rotated: Option<SecretString>,
    scopes: Option<Vec<String>>,
    /// Why there is none, once that is known: whoever asks later is told the same and fetches nothing.
    failed: Option<Error>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Auth {
    credential: Credential,
    token_url: Url,
    http: reqwest::Client,
    pace: Pace,
    patience: Arc<Patience>,
    state: RwLock<State>,
    /// Secrets that are sent in bodies, in every form in which somebody may repeat them.
    learned: Mutex<Vec<SecretString>>,
}

impl Auth {
    pub(super) fn new(
        credential: Credential,
        token_url: Url,
        http: reqwest::Client,
        pace: Pace,
        patience: Arc<Patience>,
    ) -> Self {
        let (state, learned) = (RwLock::default(), Mutex::default());
        Self { credential, token_url, http, pace, patience, state, learned }
    }

    /// Remembers secrets that are no credential and shall be shown as little.
    pub(super) fn learn(&self, secrets: &mut dyn Iterator<Item = &SecretString>) {
        let forms = secrets.flat_map(|secret| repeated::forms(secret.expose_secret()));
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).extend(forms);
    }

    /// What to send now. The first to ask fetches the token, everybody else waits for it.
    pub(super) async fn current(&self, traffic: &Traffic) -> Result<Authorization, Error> {
        if let Some(current) = &self.state.read().await.current {
            return Ok(current.clone());
        }
        let mut state = self.state.write().await;
        if let Some(current) = &state.current {
            return Ok(current.clone());
        }
        self.obtain(&mut state, traffic).await
    }

    /// A new one after a 401, if there can be one. Whoever comes second gets what the first one fetched.
    pub(super) async fn renewed(
        &self,
        refused: &Authorization,
        traffic: &Traffic,
    ) -> Result<Option<Authorization>, Error> {
        if !matches!(self.credential, Credential::Grant(_)) {
            return Ok(None);
        }
        let mut state = self.state.write().await;
        match &state.current {
            Some(current) if current.generation != refused.generation => Ok(Some(current.clone())),
            // A token that never worked will not work when fetched again.
            _ if !state.worked && refused.generation > 0 => Ok(None),
            _ => self.obtain(&mut state, traffic).await.map(Some),
        }
    }

    /// Remembers that a request with this token was let in.
    pub(super) async fn accepted(&self, used: &Authorization) {
        let known = {
            let state = self.state.read().await;
            state.worked || state.current.as_ref().is_none_or(|current| current.generation != used.generation)
        };
        if !known {
            let mut state = self.state.write().await;
            state.worked |= state.current.as_ref().is_some_and(|current| current.generation == used.generation);
        }
    }

    /// A refusal of the credential itself, with what to look at.
    pub(super) fn refused(&self, refusal: &Refusal) -> Error {
        let advice = match &self.credential {
            Credential::Bearer(_) => {
                "the access token is expired, revoked, or of a kind that may not do this: create a new one, and set \
                 BITBUCKET_ACCESS_TOKEN"
            }
            Credential::Basic { .. } => {
                "is BITBUCKET_EMAIL the address of the Atlassian account that owns BITBUCKET_API_TOKEN, and has the token \
                 expired? They live a year at most"
            }
            Credential::Grant(_) => "the token was fetched and refused all the same: is the consumer still there?",
        };
        Error::Credential(format!("Bitbucket refused the credential: {advice} ({refusal})"))
    }

    /// A body without the credential and without what was sent as `Authorization`, in every form in which it was sent.
    pub(super) fn conceal(&self, sent: Option<&Authorization>, body: Vec<u8>) -> Vec<u8> {
        let after_scheme = |value: &HeaderValue| Some(value.to_str().ok()?.split_once(' ')?.1.to_owned());
        let mut secrets: Vec<String> =
            self.credential.secrets().iter().map(|secret| secret.expose_secret().to_owned()).collect();
        secrets.extend(sent.and_then(|sent| after_scheme(&sent.value)));
        if let Credential::Grant(grant) = &self.credential {
            secrets.extend(self.basic(&grant.client_id, &grant.client_secret).as_ref().and_then(after_scheme));
        }
        if let Ok(state) = self.state.try_read() {
            secrets.extend(state.rotated.iter().map(|token| token.expose_secret().to_owned()));
        }
        let encoded: Vec<String> = secrets.iter().filter_map(|secret| form_encoded(secret)).collect();
        let body = without(secrets.iter().chain(&encoded).map(String::as_str), body);
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.iter().fold(body, |body, secret| repeated::without(secret.expose_secret(), body))
    }

    /// A `Basic` header, as the library that sends it makes it.
    fn basic(&self, user: &str, secret: &SecretString) -> Option<HeaderValue> {
        let request = self.http.get(self.token_url.clone()).basic_auth(user, Some(secret.expose_secret())).build();
        request.ok()?.headers().get(AUTHORIZATION).cloned()
    }

    /// The scopes that the token endpoint said the token has.
    pub(super) async fn scopes(&self) -> Option<Vec<String>> {
        self.state.read().await.scopes.clone()
    }

    async fn obtain(&self, state: &mut State, traffic: &Traffic) -> Result<Authorization, Error> {
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        let obtained = self.fresh(state, traffic).await;
        state.failed = obtained.as_ref().err().cloned();
        obtained
    }

    async fn fresh(&self, state: &mut State, traffic: &Traffic) -> Result<Authorization, Error> {
        let value = match &self.credential {
            Credential::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Credential::Basic { user, token } => {
                let value = self.basic(user, token);
                return install(state, value);
            }
            Credential::Grant(grant) => {
                let token = self.fetch(grant, state, traffic).await?;
                format!("Bearer {}", token.expose_secret())
            }
        };
        install(state, HeaderValue::try_from(value).ok())
    }

    async fn fetch(&self, grant: &Grant, state: &mut State, traffic: &Traffic) -> Result<SecretString, Error> {
        let answer = self.exchange(grant, &form(grant, state.rotated.as_ref())).await?;
        state.scopes = scopes_of(&answer);
        if let Some(next) = answer.get("refresh_token").and_then(Value::as_str) {
            rotate(grant, next, traffic);
            state.rotated = Some(next.to_owned().into());
        }
        match answer.get("access_token").and_then(Value::as_str) {
            Some(token) => Ok(token.to_owned().into()),
            None => Err(Error::NoToken(format!("{} answered without an access token", self.named()))),
        }
    }

    /// The token endpoint's answer, by the rules that hold for every other request. Using up a refresh token cannot be
    /// repeated blindly; everything else is as harmless as a GET.
    async fn exchange(&self, grant: &Grant, form: &[(&'static str, String)]) -> Result<Value, Error> {
        let method = if matches!(grant.subject, Subject::Refresh { .. }) { Method::Post } else { Method::Get };
        let started = Instant::now();
        let mut sent = 0;
        loop {
            let request = self.http.post(self.token_url.clone());
            let request = request.basic_auth(&grant.client_id, Some(grant.client_secret.expose_secret())).form(form);
            let attempt = wire::attempt(self.patience.bound(request)).await;
            sent += 1;
            let (outcome, wait) = attempt.outcome();
            let tried = started.elapsed();
            let attempts = Attempts { failures: sent, failing: tried, refused: tried, jitter: wire::jitter() };
            let delay = match decide(method, outcome, wait, attempts, self.pace) {
                Decision::Again(delay) => Some(delay),
                Decision::EverybodyWaits => {
                    let longer = 1u32.checked_shl(sent).map_or(LONGEST, |times| times.min(LONGEST));
                    Some(wait.unwrap_or(self.pace.limit * longer).max(self.pace.backoff(attempts)))
                }
                _ => None,
            };
            if let Some(delay) = delay {
                // Everybody waits for the token anyway.
                self.patience.sleep(delay, false).await?;
                continue;
            }
            return match attempt {
                Attempt::Answered { status, body, .. } => self.read(status, body, grant),
                Attempt::Failed { why, .. } => {
                    let tried = if sent > 1 { format!(" (tried {sent} times)") } else { String::new() };
                    Err(Error::NoToken(format!("{} got no answer: {why}{tried}", self.named())))
                }
            };
        }
    }

    fn read(&self, status: u16, body: Vec<u8>, grant: &Grant) -> Result<Value, Error> {
        let success = (200..300).contains(&status);
        let body = if success { body } else { self.conceal(None, body) };
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        match json {
            Some(answer) if success && answer.is_object() => Ok(answer),
            // Of an answer of an unknown shape nothing is shown after a success: it may hold the token.
            _ if success => Err(Error::NoToken(format!("{} answered {status}, but not with a token", self.named()))),
            Some(answer) if (400..500).contains(&status) && answer.get("error").is_some() => {
                Err(Error::Credential(explain(&answer, grant, status)))
            }
            _ => {
                let words = excerpt(&body, 120);
                let words = if words.is_empty() { words } else { format!(": {words}") };
                Err(Error::NoToken(format!("{} answered {status}{words}", self.named())))
            }
        }
    }

    fn named(&self) -> String {
        format!("the token endpoint {}", self.token_url)
    }
}

fn install(state: &mut State, value: Option<HeaderValue>) -> Result<Authorization, Error> {
    let mut value = value.ok_or_else(|| {
        Error::Credential(
            "the token holds characters that cannot be sent; was it cut or joined when it was copied?".into(),
        )
    })?;
    value.set_sensitive(true);
    let generation = state.current.as_ref().map_or(0, |current| current.generation + 1);
    let authorization = Authorization { value, generation };
    state.current = Some(authorization.clone());
    state.worked = false;
    Ok(authorization)
}

/// A secret as it stands in a form.
fn form_encoded(secret: &str) -> Option<String> {
    let url = Url::parse_with_params("http://form/", [("", secret)]).ok()?;
    url.query()?.strip_prefix('=').map(str::to_owned)
}

fn form(grant: &Grant, rotated: Option<&SecretString>) -> Vec<(&'static str, String)> {
    match &grant.subject {
        Subject::Client => vec![("grant_type", "client_credentials".to_owned())],
        Subject::Password { username, password } => vec![
            ("grant_type", "password".to_owned()),
            ("username", username.clone()),
            ("password", password.expose_secret().to_owned()),
        ],
        Subject::Refresh { token, .. } => vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", rotated.unwrap_or(token).expose_secret().to_owned()),
        ],
    }
}

/// `scope` since May 2026, `scopes` before; separated by spaces.
fn scopes_of(answer: &Value) -> Option<Vec<String>> {
    let text = answer.get("scope").or_else(|| answer.get("scopes"))?.as_str()?;
    let scopes: Vec<_> = text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    (!scopes.is_empty()).then_some(scopes)
}

/// The old refresh token is dead now: its successor goes back to where it came from, or is lost with this run.
fn rotate(grant: &Grant, next: &str, traffic: &Traffic) {
    let Subject::Refresh { token, file } = &grant.subject else { return };
    if token.expose_secret() == next {
        return;
    }
    let kept = file.as_deref().map(|file| (file, write_secret(file, next)));
    traffic.event(match kept {
        Some((_, Ok(()))) => return,
        Some((file, Err(error))) => Event::Warning(format!(
            "Bitbucket replaced the refresh token, and the new one could not be written to {}: {error}; it is lost when this \
             run ends",
            file.display()
        )),
        None => Event::Warning(
            "Bitbucket replaced the refresh token, and the new one is lost when this run ends: keep refresh tokens in a file \
             and name it with --token-file, or with `file` in the manifest, where the new one is written back"
                .to_owned(),
        ),
    });
}

/// Writes beside the file and renames, so that a crash leaves one of the two tokens whole.
fn write_secret(file: &Path, secret: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    // Behind a link is the file that is meant.
    let file = std::fs::canonicalize(file)?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    // Something left there by a run that died may be open to others.
    let _ = std::fs::remove_file(&beside);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut handle = options.open(&beside)?;
    writeln!(handle, "{secret}")?;
    handle.sync_all()?;
    std::fs::rename(&beside, file)
}

/// The token endpoint's refusals in plain words, with the way out (api.md §1.2's table).
fn explain(answer: &Value, grant: &Grant, status: u16) -> String {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    let (code, words) = (text("error"), text("error_description"));
    let said = format!("(Bitbucket said {status} {}: {})", one_line(code), one_line(words));
    if words.contains("marked as \"public\"") {
        return format!(
            "this OAuth consumer is not private, so it may not act for itself: in the workspace's settings, under OAuth \
             consumers, edit it and tick \"This is a private consumer\" {said}"
        );
    }
    if words.contains("No callback") {
        return format!(
            "this OAuth consumer has no callback URL, and Bitbucket wants one although it is never called: edit the consumer \
             and enter any, such as http://localhost {said}"
        );
    }
    if words.contains("OAuth client") || matches!(code, "unauthorized_client" | "invalid_client") {
        return format!(
            "Bitbucket does not know this OAuth consumer: check BITBUCKET_OAUTH_CLIENT_ID and BITBUCKET_OAUTH_CLIENT_SECRET, \
             which the consumer's page in the workspace's settings shows as Key and Secret {said}"
        );
    }
    match grant.subject {
        Subject::Password { .. } => format!(
            "Bitbucket refused the password grant, which it documents as retired and which never worked with two-step \
             verification: unset BITBUCKET_USERNAME and BITBUCKET_PASSWORD to let the consumer act for itself, or set \
             BITBUCKET_EMAIL and BITBUCKET_API_TOKEN {said}"
        ),
        Subject::Refresh { .. } => format!(
            "Bitbucket refused the refresh token: each is good for one use and for three months; grant the consumer access \
             again to get a new one {said}"
        ),
        Subject::Client => format!("Bitbucket refused the OAuth consumer {said}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_ages_of_token_answers_are_understood() {
        let old = json!({"scopes": "webhook pullrequest:write", "expires_in": 7200, "state": "client_credentials"});
        assert_eq!(scopes_of(&old), Some(vec!["webhook".to_owned(), "pullrequest:write".to_owned()]));
        assert_eq!(scopes_of(&json!({"scope": "project"})), Some(vec!["project".to_owned()]));
        assert_eq!(scopes_of(&json!({})), None);
    }
}
