//! The names Bitbucket allows: repository slugs (api.md §3.4), project keys (§4) and workspace slugs (§2.2).

/// The longest slug a repository can have.
const LONGEST_SLUG: usize = 62;

/// The longest key a project can have (api.md §4, believed).
const LONGEST_KEY: usize = 40;

/// What Bitbucket says about a bad project key.
pub(super) const KEY_RULE: &str = "Project keys must start with a letter and may only consist of ASCII letters, \
                                   numbers and underscores (A-Z, a-z, 0-9, _)";

/// The slug that Bitbucket derives from a repository's name.
///
/// Every run of characters outside the rule becomes one dash, and dashes neither double nor stand at an end, unless
/// there is nothing else. The answer is empty when nothing of the name is left.
pub(super) fn slugify(name: &str) -> String {
    if !name.is_empty() && name.bytes().all(|b| b == b'-') {
        return name.chars().take(LONGEST_SLUG).collect();
    }
    let mut slug = String::with_capacity(name.len());
    for character in name.chars() {
        let character = character.to_ascii_lowercase();
        if character.is_ascii_alphanumeric() || matches!(character, '_' | '.') {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(LONGEST_SLUG);
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// Whether a slug is one that Bitbucket could have made. `.` and `..` are not: they cannot stand in a URL.
pub(super) fn is_repository_slug(slug: &str) -> bool {
    !matches!(slug, "" | "." | "..") && slugify(slug) == slug
}

/// Whether a workspace can have this slug.
pub(super) fn is_workspace_slug(slug: &str) -> bool {
    !slug.is_empty()
        && slug.len() <= LONGEST_SLUG
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// Whether a project can have this key.
pub(super) fn is_project_key(key: &str) -> bool {
    key.len() <= LONGEST_KEY
        && key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        for (name, slug) in [
            ("Ledger", "ledger"),
            ("My  Repo!", "my-repo"),
            ("a - b", "a-b"),
            ("a--b", "a-b"),
            ("_x.y", "_x.y"),
            (".github", ".github"),
            ("---", "---"),
            ("-a-", "a"),
            ("Grün & Blau", "gr-n-blau"),
            ("日本", ""),
            ("", ""),
        ] {
            assert_eq!(slugify(name), slug, "{name}");
        }
    }

    #[test]
    fn a_cut_slug_does_not_end_in_a_dash() {
        let slug = slugify(&format!("{} tail", "a".repeat(61)));
        assert_eq!(slug, "a".repeat(61));
        assert_eq!(slugify(&"b".repeat(80)).len(), 62);
    }

    #[test]
    fn a_slug_is_valid_when_it_is_its_own_slug() {
        for good in ["ledger", "a.b", "_a", ".a", "a-b_c", "--", "1"] {
            assert!(is_repository_slug(good), "{good}");
        }
        for bad in ["", ".", "..", "Ledger", "a b", "a--b", "-a", "a/b", "ü", &"x".repeat(63)] {
            assert!(!is_repository_slug(bad), "{bad}");
        }
    }

    #[test]
    fn keys_begin_with_a_letter() {
        assert!(is_project_key("PAY") && is_project_key("Atlassian1") && is_project_key("a_b"));
        for bad in ["", "1A", "_A", "A-B", "A B", "Ä", &"A".repeat(41)] {
            assert!(!is_project_key(bad), "{bad}");
        }
    }

    #[test]
    fn workspace_slugs_are_lower_case() {
        assert!(is_workspace_slug("acme") && is_workspace_slug("my-team_1"));
        assert!(!is_workspace_slug("") && !is_workspace_slug("My Team") && !is_workspace_slug("{1}"));
    }
}
