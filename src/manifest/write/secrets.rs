//! Names for the environment variables that secrets come from: `LEDGER_CI_TOKEN`. What they are is for a person to find.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use super::Estate;
use super::yaml::Yaml;
use crate::resource::Address;

/// No name is longer.
const LONGEST: usize = 100;

/// What a host is known by is not in these.
const GENERIC: [&str; 8] = ["www", "api", "app", "hook", "hooks", "webhook", "webhooks", "rest"];

/// An environment variable that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// Its name.
    pub name: Arc<str>,
    /// What it is to hold, and of what.
    pub what: String,
    /// In how many places it stands besides.
    pub more: usize,
}

/// A secret in a field, by what it is called among those of the object of a workspace that it is in.
#[must_use]
pub fn unnamed(address: &Address, field: &str) -> Yaml {
    let kind = address.kind();
    let section = kind.parent().map(|parent| format!("/{}/", parent.section().replace('.', "/")));
    let within = section.and_then(|section| Some(address.parent().split_once(&section)?.1)).unwrap_or_default();
    // What is nothing but a value is known by what tells it from others.
    let field_word = if field == "value" { "" } else { field };
    let parts = [within, known_by(address.id()), field_word];
    let name = words(&parts.join(" "));
    let id = if address.id().is_empty() { String::new() } else { format!(" {}", address.id()) };
    let within = if within.is_empty() { String::new() } else { format!(" of {within}") };
    let what = format!("{} of the {}{id}{within}", field.replace('_', " "), kind.name());
    Yaml::Secret(name.into(), what.into())
}

/// Of a URL what tells whose it is, `ci` in `https://ci.example.com/hook`.
fn known_by(id: &str) -> &str {
    let Some((_, rest)) = id.split_once("://") else { return id };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    if host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return host;
    }
    host.split('.').find(|label| !GENERIC.contains(label)).unwrap_or(host)
}

/// `DATABASE_PASSWORD` of `database-password`.
fn words(text: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let text: String = text.chars().map(word).collect();
    text.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// The names that were given.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashSet<Arc<str>>,
    /// Whether what has a name keeps it.
    keeps: bool,
}

impl Names {
    /// For an estate whose secrets have names, or not.
    #[must_use]
    pub fn of(estate: &Estate) -> Self {
        Self { keeps: estate.named, ..Self::default() }
    }

    /// Names the secrets in a value after where that stands: `owners` from the nearest on, of which the others are taken if
    /// the first is not enough, and `place` for a person.
    pub fn give(&mut self, value: &mut Yaml, owners: &[&str], place: &str, given: &mut Vec<Placeholder>) {
        match value {
            Yaml::Secret(name, what) => {
                if !self.keeps {
                    *name = self.name(name, owners);
                }
                match given.iter_mut().find(|one| self.keeps && one.name == *name) {
                    Some(one) => one.more += 1,
                    None => {
                        given.push(Placeholder { name: Arc::clone(name), what: format!("{what} {place}"), more: 0 });
                    }
                }
            }
            Yaml::List(items) => items.iter_mut().for_each(|item| self.give(item, owners, place, given)),
            Yaml::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.give(value, owners, place, given)),
            _ => {}
        }
    }

    /// A name that nothing else has: after the first of the owners, or after more of them if that is not enough.
    pub fn name(&mut self, short: &str, owners: &[&str]) -> Arc<str> {
        let mut name = short.to_owned();
        let mut candidates = Vec::new();
        for owner in owners.iter().map(|owner| words(owner)) {
            if name != owner && !name.starts_with(&format!("{owner}_")) {
                name = format!("{owner}_{name}");
            }
            candidates.push(safe(&name));
        }
        let last = candidates.last().cloned().unwrap_or_else(|| safe(short));
        let numbered = (2..).map(|number| format!("{}_{number}", last.get(..LONGEST - 12).unwrap_or(&last)));
        let all = candidates.into_iter().chain([last.clone()]).chain(numbered);
        let free: Option<Arc<str>> = all.map(Arc::from).find(|name| !self.taken.contains(name));
        let name = free.unwrap_or_default();
        self.taken.insert(Arc::clone(&name));
        name
    }
}

/// A name that is no variable of the system's, nor one of ours that holds a credential.
fn safe(name: &str) -> String {
    let common = !name.contains('_') || name.starts_with("BITBUCKET_");
    let name = if common || name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("SECRET_{name}")
    } else {
        name.to_owned()
    };
    name.get(..LONGEST).map_or(name.clone(), |cut| cut.trim_end_matches('_').to_owned())
}

/// The placeholders as a person wants to see them.
#[must_use]
pub fn listed(placeholders: &[Placeholder]) -> String {
    let width = placeholders.iter().map(|one| one.name.len()).max().unwrap_or_default().min(40);
    placeholders.iter().fold(String::new(), |mut text, Placeholder { name, what, more }| {
        let more = if *more == 0 { String::new() } else { format!(", and {more} more") };
        let _ = writeln!(text, "  {name:<width$}  {what}{more}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_a_person_would_give() {
        for (id, by) in [
            ("https://ci.example.com/hook", "ci"),
            ("https://hooks.slack.com/services/T0/B0", "slack"),
            ("http://user:pw@www.example.com:80", "example"),
            ("http://10.0.0.1:8080/x", "10.0.0.1"),
            ("DATABASE_PASSWORD", "DATABASE_PASSWORD"),
        ] {
            assert_eq!(known_by(id), by);
        }
        let mut names = Names::default();
        for (short, owners, name) in [
            ("CI_TOKEN", &["ledger", "acme"][..], "LEDGER_CI_TOKEN"),
            ("CI_TOKEN", &["ledger", "labs"], "LABS_LEDGER_CI_TOKEN"),
            ("CI_TOKEN", &["ledger", "labs"], "LABS_LEDGER_CI_TOKEN_2"),
            ("LEDGER_KEY", &["ledger"], "LEDGER_KEY"),
            ("ACCESS_TOKEN", &["bitbucket"], "SECRET_BITBUCKET_ACCESS_TOKEN"),
            ("PATH", &[], "SECRET_PATH"),
            ("CI_SECRET", &[], "CI_SECRET"),
            ("10_SECRET", &[], "SECRET_10_SECRET"),
            ("A", &["7.x"], "SECRET_7_X_A"),
        ] {
            assert_eq!(&*names.name(short, owners), name);
        }
        let long = names.name(&"X".repeat(300), &["a"]);
        assert!(long.len() <= LONGEST && crate::manifest::secret::is_variable(&long));
        assert_ne!(names.name(&"X".repeat(300), &["a"]), long);
    }
}
