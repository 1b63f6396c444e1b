//! Names for the environment variables that secrets are to come from. What has one value in many places has one name.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Secrets that were come across.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    hasher: RandomState,
    all: Vec<Secret>,
}

/// The secret itself is not kept.
#[derive(Debug)]
struct Secret {
    name: String,
    /// Where it stands, from the innermost on: an environment, a repository, a workspace.
    within: Vec<String>,
    /// The same for the same secret; nothing if the state does not hold it.
    value: Option<u64>,
}

/// Names that mean something to bbprov, to a shell or to CI.
const TAKEN: [&str; 9] = ["CI", "HOME", "LANG", "PATH", "PWD", "SHELL", "TERM", "TMPDIR", "USER"];

/// No name is longer. The manifest takes 100 characters.
const LONGEST: usize = 90;

impl Placeholders {
    /// Takes note of a secret, and gives the number by which its name is found.
    pub(super) fn add(&mut self, name: &str, within: Vec<String>, value: &str) -> usize {
        let value = (!value.is_empty()).then(|| self.hasher.hash_one(value));
        self.all.push(Secret { name: plain(name), within, value });
        self.all.len() - 1
    }

    /// The names, in the order in which the secrets were added.
    pub(super) fn names(&self) -> Vec<String> {
        let mut same: HashMap<(&str, u64), usize> = HashMap::new();
        let firsts: Vec<usize> = self.all.iter().enumerate().map(|(at, secret)| match secret.value {
            Some(value) => *same.entry((&*secret.name, value)).or_insert(at),
            None => at,
        });
        let mut shares: HashMap<&str, usize> = HashMap::new();
        for (_, secret) in self.all.iter().enumerate().filter(|(at, _)| firsts[*at] == *at) {
            *shares.entry(&secret.name).or_default() += 1;
        }
        let mut used = HashSet::new();
        let mut names: Vec<String> = Vec::with_capacity(self.all.len());
        for (at, secret) in self.all.iter().enumerate() {
            let name = match firsts[at] {
                first if first < at => names[first].clone(),
                _ => secret.named(shares.get(&*secret.name) == Some(&1), &mut used),
            };
            names.push(name);
        }
        names
    }
}

impl Secret {
    /// A name that nothing else has: its own if that will do, or with where it stands before it.
    fn named(&self, is_only: bool, used: &mut HashSet<String>) -> String {
        let is_taken = TAKEN.contains(&&*self.name) || self.name.starts_with("BITBUCKET_") || self.name.starts_with("BBPROV_");
        let from = usize::from(!is_only || is_taken);
        let longer = (from..=self.within.len()).map(|depth| {
            let before = self.within[..depth].iter().rev().map(|part| plain(&part.to_uppercase()) + "_");
            shortened(before.collect::<String>() + &self.name)
        });
        let numbered = (2_usize..).map(|number| format!("{}_{number}", shortened(self.name.clone())));
        let name = longer.chain(numbered).find(|name| !used.contains(name)).unwrap_or_default();
        used.insert(name.clone());
        name
    }
}

/// With nothing in it that the name of a variable cannot have.
fn plain(text: &str) -> String {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn shortened(name: String) -> String {
    let mut name = name;
    name.truncate(LONGEST);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(secrets: &[(&str, &[&str], &str)]) -> Vec<String> {
        let mut all = Placeholders::default();
        for (name, within, value) in secrets {
            all.add(name, within.iter().map(|part| (*part).to_owned()).collect(), value);
        }
        all.names()
    }

    #[test]
    fn one_secret_in_many_places_has_one_name() {
        let all = names(&[
            ("TOKEN", &["ledger", "acme"], "same"),
            ("TOKEN", &["api", "acme"], "same"),
            ("PASSWORD", &["ledger", "acme"], "one"),
            ("PASSWORD", &["api-v2", "acme"], "other"),
            ("PASSWORD", &["api-v2", "acme"], "a third"),
            ("PASSWORD", &["api-v2", "acme"], "a fourth"),
        ]);
        let expected =
            ["TOKEN", "TOKEN", "LEDGER_PASSWORD", "API_V2_PASSWORD", "ACME_API_V2_PASSWORD", "PASSWORD_2"];
        assert_eq!(all, expected);
    }

    #[test]
    fn secrets_that_the_state_does_not_hold_may_all_be_different() {
        assert_eq!(names(&[("KEY", &["a"], ""), ("KEY", &["b"], "")]), ["A_KEY", "B_KEY"]);
    }

    #[test]
    fn what_means_something_else_in_the_environment_is_not_taken() {
        let all = names(&[("PATH", &["ledger"], "a"), ("BITBUCKET_API_TOKEN", &["3-d"], "b"), ("1.x", &[], "c")]);
        assert_eq!(all, ["LEDGER_PATH", "_3_D_BITBUCKET_API_TOKEN", "_1_x"]);
    }
}
