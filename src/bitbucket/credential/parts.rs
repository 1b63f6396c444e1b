//! Credentials whose parts a manifest names: the same kinds, with keys in place of variables of the environment.

use super::{Credential, Kind, Secret, build};
use crate::bitbucket::error::Error;

/// What each part is called in a manifest.
const KEYS: [(&str, &str); 8] = [
    ("BITBUCKET_ACCESS_TOKEN", "access_token"),
    ("BITBUCKET_EMAIL", "email"),
    ("BITBUCKET_API_TOKEN", "api_token"),
    ("BITBUCKET_OAUTH_CLIENT_ID", "client_id"),
    ("BITBUCKET_OAUTH_CLIENT_SECRET", "client_secret"),
    ("BITBUCKET_USERNAME", "username"),
    ("BITBUCKET_PASSWORD", "password"),
    ("BITBUCKET_REFRESH_TOKEN", "refresh_token"),
];

/// Advice about a credential whose parts a manifest names, by their keys there and not by variables of the environment.
pub(in crate::bitbucket) fn by_keys(advice: &str) -> String {
    KEYS.iter().fold(advice.to_owned(), |words, (variable, key)| words.replace(variable, &format!("`{key}`")))
}

impl Credential {
    /// Puts together the credential whose parts a manifest names, by their keys there.
    ///
    /// # Errors
    /// Parts that make none, and one that is in the wrong place.
    pub fn from_parts(get: impl Fn(&str) -> Option<Secret>) -> Result<Self, Error> {
        let part = |variable: &str| KEYS.iter().find(|(name, _)| *name == variable).and_then(|(_, key)| get(key));
        let complete = |kind: &Kind| kind.parts().iter().all(|variable| part(variable).is_some());
        let kind = Kind::ALL.into_iter().filter(complete).max_by_key(|kind| kind.parts().len());
        let kind = kind.ok_or_else(|| Error::Credential("its parts do not make a credential".to_owned()))?;
        let file = part("BITBUCKET_REFRESH_TOKEN").and_then(|token| token.file);
        let credential = build(kind, |variable| part(variable).map(|part| part.value).unwrap_or_default(), file);
        match credential.check_place() {
            Err(Error::Credential(advice)) => Err(Error::Credential(by_keys(&advice))),
            checked => checked.map(|()| credential),
        }
    }
}
