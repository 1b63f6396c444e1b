//! What somebody probably meant.

/// The known name that somebody probably meant, if one is near enough to be worth proposing.
#[must_use]
pub fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Distances grow with the product of the lengths: nobody means a short name by a very long one.
    if wanted.len() > 100 {
        return None;
    }
    let folded = wanted.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .filter_map(|name| {
            let candidate = name.to_lowercase().replace('-', "_");
            // Nobody forgets what a key is about, many forget that it begins with `is_`.
            let bare = candidate.trim_start_matches("is_").trim_start_matches("has_");
            let distance = [&candidate, bare].map(|name| strsim::damerau_levenshtein(&folded, name));
            let distance = distance.into_iter().min().unwrap_or_default();
            let near = distance * 3 <= folded.chars().count().max(bare.chars().count())
                || (folded.len() >= 4 && candidate.starts_with(&folded));
            near.then_some((distance, name))
        })
        .min()
        .map(|(_, name)| name)
}

/// Whether one name is the other with a slip of the pen.
#[must_use]
pub fn misspelt(name: &str, known: &str) -> bool {
    name.len() <= 100 && strsim::damerau_levenshtein(name, known) <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_proposed_and_a_far_one_is_not() {
        let known = ["is_private", "description", "fork_policy", "project"];
        assert_eq!(closest("privte", known), Some("is_private"));
        assert_eq!(closest("is_privte", known), Some("is_private"));
        assert_eq!(closest("isPrivate", known), Some("is_private"));
        assert_eq!(closest("fork-policy", known), Some("fork_policy"));
        assert_eq!(closest("desc", known), Some("description"));
        assert_eq!(closest("webhooks", known), None);
    }
}
