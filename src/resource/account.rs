//! How a manifest calls people and groups (api.md §2.2, §5.1). Whatever would not be taken for the account that is meant must
//! not come as far as a request: in an exclusive section the same person would be taken for two.
//!
//! The API takes UUIDs and account ids. An e-mail address stands for one of these: who has it is asked before a plan is made.
//! Names are none of it: anybody may call themselves like somebody else.

use serde_json::Value;

use super::Finding;
use super::project::quoted;
use crate::diagnostic::Code;

/// What can be written, in every message that says so.
const FORMS: &str = "an account is an e-mail address, a UUID in braces or an account id";

/// Whether an account is called by an e-mail address, which the API takes nowhere.
#[must_use]
pub fn is_email(id: &str) -> bool {
    id.contains('@')
}

/// A name for an account by which it is told from others: e-mail addresses are the same whatever their case.
#[must_use]
pub fn folded(id: &str) -> String {
    if is_email(id) { id.to_lowercase() } else { id.to_owned() }
}

/// Whether this is a UUID as Bitbucket writes it: in braces and in lower case (api.md §2.2).
#[must_use]
pub fn is_uuid(id: &str) -> bool {
    is_bare_uuid(bare(id)) && id == braced(id)
}

/// The account in an answer that is about one: a membership, a grant or a reviewer holds it, or the answer is it.
#[must_use]
pub fn within(answer: &Value) -> &Value {
    answer.get("user").unwrap_or(answer)
}

/// Checks an account: an e-mail address, a UUID in braces or an account id.
///
/// # Errors
/// What is wrong, and what would do where that is known.
pub fn check_account(field: &'static str, id: &str) -> Result<(), Finding> {
    let finding = Finding::error(Code::Account, field, format!("{} is no account", quoted(id))).label(FORMS);
    if is_bare_uuid(bare(id)) {
        return if is_uuid(id) { Ok(()) } else { Err(finding.help(format!("write \"{}\"", braced(id)))) };
    }
    if is_email(id) {
        return check_email(id, finding);
    }
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_".contains(&byte));
    match plain && is_like_an_id(id) {
        true => Ok(()),
        false if id.trim().is_empty() || id.contains(['{', '}', '/', '.']) => Err(finding),
        // Nicknames and display names are whatever their owners make them, and usernames name nobody (api.md §2.2).
        false => Err(finding.help("names are not unique: write the e-mail address of the Atlassian account")),
    }
}

/// Account ids have a colon or many characters with digits among them; a word is somebody's name.
fn is_like_an_id(id: &str) -> bool {
    const SHORTEST: usize = 16;
    let has_digit = id.bytes().any(|byte| byte.is_ascii_digit());
    id.contains(':') || id.len() >= SHORTEST && has_digit
}

fn check_email(id: &str, finding: Finding) -> Result<(), Finding> {
    let Some(why) = wrong_in_email(id) else { return Ok(()) };
    // `Ana Lopez <ana@example.com>`, `mailto:ana@example.com` and what surrounds an address in a text.
    let meant = id.rsplit_once('<').map_or(id, |(_, address)| address);
    let meant = meant.trim().trim_start_matches("mailto:").trim_end_matches(['>', '.', ',', ';']).trim();
    let finding = finding.label(format!("an e-mail address {why}"));
    match wrong_in_email(meant) {
        None => Err(finding.help(format!("write \"{meant}\""))),
        Some(_) => Err(finding),
    }
}

/// What keeps a text from being an e-mail address, in words that follow it. Only what is plainly wrong: whether somebody has
/// it is Atlassian's to say (RFC 5321 §4.1.2, without quoted names and bare hosts).
fn wrong_in_email(text: &str) -> Option<&'static str> {
    const LONGEST: usize = 254;
    let named = |c: char| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
    let hosted = |c: char| c.is_alphanumeric() || c == '-';
    let (name, host) = text.split_once('@')?;
    let parts = |text: &str, fits: &dyn Fn(char) -> bool| {
        text.split('.').all(|part| !part.is_empty() && part.chars().all(fits))
    };
    let labels = || host.split('.').all(|label| !label.starts_with('-') && !label.ends_with('-'));
    match () {
        () if text.len() > LONGEST => Some("has at most 254 characters"),
        () if host.contains('@') => Some("has one @"),
        () if text.contains(char::is_whitespace) => Some("has no spaces"),
        () if !parts(name, &named) => Some("begins with a name, of letters, digits and the like"),
        () if !parts(host, &hosted) || !labels() || !host.contains('.') => {
            Some("ends with a domain, as in @example.com")
        }
        () => None,
    }
}

/// Checks a group's slug.
///
/// # Errors
/// What is wrong.
pub(super) fn check_group(field: &'static str, slug: &str) -> Result<(), Finding> {
    if !matches!(slug, "" | "." | "..") && !slug.contains(['/', '@', ' ']) {
        return Ok(());
    }
    Err(Finding::error(Code::Group, field, format!("{} is no group", quoted(slug)))
        .label("a group is named by its slug"))
}

fn bare(id: &str) -> &str {
    id.trim_matches(['{', '}'])
}

fn braced(id: &str) -> String {
    format!("{{{}}}", bare(id).to_lowercase())
}

fn is_bare_uuid(bare: &str) -> bool {
    bare.len() == 36
        && bare.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(id: &str) -> Option<String> {
        check_account("account", id).expect_err(id).help
    }

    #[test]
    fn an_account_is_written_in_few_ways_only() {
        let uuid = "{e29d8b3b-1f09-408b-ae11-825412901d4d}";
        for good in [uuid, "557058:d31f0f95-5ca4", "712020:1", "d31f0f955ca4bc0c3607a252"] {
            assert_eq!(check_account("account", good), Ok(()), "{good}");
        }
        for near in [&uuid.to_uppercase(), uuid.trim_matches(['{', '}'])] {
            assert_eq!(help(near), Some(format!("write {uuid:?}")), "{near}");
        }
        for bad in ["", " ", ".", "..", "a/b", "{ana}"] {
            assert_eq!(help(bad), None, "{bad}");
        }
        for name in ["Ana Lopez", "ana", "ana-lopez_the_contractor", "R2-D2"] {
            assert!(help(name).is_some_and(|help| help.starts_with("names are not unique")), "{name}");
        }
        assert!(check_group("group", "..").is_err() && check_group("group", "release-managers").is_ok());
    }

    #[test]
    fn slips_in_addresses_are_found_and_odd_ones_are_not() {
        for good in [
            "ana@example.com",
            "Ana.Lopez+git@mail.example.co.uk",
            "o'neill@x-y.example",
            "j\u{f6}rg@b\u{fc}ro.example",
            "a/b@x.y",
        ] {
            assert_eq!(check_account("account", good), Ok(()), "{good}");
        }
        let proposed = Some("write \"ana@example.com\"".to_owned());
        for near in [
            "Ana Lopez <ana@example.com>",
            "mailto:ana@example.com",
            " ana@example.com",
            "ana@example.com,",
            "ana@example.com.",
        ] {
            assert_eq!(help(near), proposed, "{near}");
        }
        let long = format!("{}@example.com", "a".repeat(250));
        for bad in [
            "ana@example",
            "ana@",
            "@example.com",
            "a@b@example.com",
            "ana@exa mple.com",
            "ana@-x.com",
            "a..b@x.com",
            "a\"b@x.com",
            &long,
        ] {
            assert_eq!(help(bad), None, "{bad}");
        }
    }
}
