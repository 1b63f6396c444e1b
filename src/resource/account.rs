//! How a manifest calls people and groups (api.md §2.2, §5.1). Whatever would not be taken for the account that is meant must
//! not come as far as a request: in an exclusive section the same person would be taken for two.

use super::Finding;
use super::project::quoted;
use crate::diagnostic::Code;

/// Checks an account: a UUID in braces or an account id.
///
/// # Errors
/// What is wrong, and what would do where that is known.
pub(super) fn check_account(field: &'static str, id: &str) -> Result<(), Finding> {
    let bare = id.trim_matches(['{', '}']);
    let is_uuid = bare.len() == 36
        && bare.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let finding = Finding::error(Code::Account, field, format!("{} is no account", quoted(id)))
        .label("an account is a UUID in braces or an account id");
    if is_uuid {
        let right = format!("{{{}}}", bare.to_lowercase());
        return if id == right { Ok(()) } else { Err(finding.help(format!("write \"{right}\""))) };
    }
    if id.contains('@') {
        let help = "the UUID is what the API's `members` of the workspace lists for this address";
        return Err(finding.label("an e-mail address, which the API does not take").help(help));
    }
    if is_segment(id) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_".contains(&byte)) {
        return Ok(());
    }
    Err(finding)
}

/// Checks a group's slug.
///
/// # Errors
/// What is wrong.
pub(super) fn check_group(field: &'static str, slug: &str) -> Result<(), Finding> {
    if is_segment(slug) && !slug.contains(['/', '@', ' ']) {
        return Ok(());
    }
    Err(Finding::error(Code::Group, field, format!("{} is no group", quoted(slug)))
        .label("a group is named by its slug"))
}

/// Whether it can stand in a path without leading to another place.
fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_written_in_one_way_only() {
        let uuid = "{e29d8b3b-1f09-408b-ae11-825412901d4d}";
        for good in [uuid, "557058:d31f0f95-5ca4", "d31f0f955ca4bc0c3607a252"] {
            assert_eq!(check_account("account", good), Ok(()), "{good}");
        }
        for near in [&uuid.to_uppercase(), uuid.trim_matches(['{', '}'])] {
            assert_eq!(check_account("account", near).unwrap_err().help, Some(format!("write {uuid:?}")), "{near}");
        }
        for bad in ["ana@example.com", "", ".", "..", "a/b", "Ana Lopez"] {
            assert!(check_account("account", bad).is_err(), "{bad}");
        }
        assert!(check_group("group", "..").is_err() && check_group("group", "release-managers").is_ok());
    }
}
