//! The settings of a branching model, and what a body may change in them: all that it names or nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::super::answer::Refusal;
use super::super::super::body::Body;

const KINDS: [&str; 4] = ["feature", "bugfix", "release", "hotfix"];

/// The settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) development: Branch,
    pub(super) production: Branch,
    pub(super) production_enabled: bool,
    pub(super) branch_types: Vec<BranchType>,
    pub(super) default_branch_deletion: bool,
}

/// A branch with a part to play.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Branch {
    /// Nothing while the main branch plays it.
    pub(super) name: Option<String>,
    pub(super) use_mainbranch: bool,
}

/// Branches that are told by how they begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BranchType {
    pub(super) kind: String,
    pub(super) enabled: bool,
    pub(super) prefix: String,
}

impl Default for Settings {
    /// What the web shows of a repository that nobody has touched: development on the main branch, no production, all
    /// types with their own names for prefixes.
    fn default() -> Self {
        let branch_type = |kind: &str| BranchType { kind: kind.to_owned(), enabled: true, prefix: format!("{kind}/") };
        Self {
            development: Branch { name: None, use_mainbranch: true },
            production: Branch::default(),
            production_enabled: false,
            branch_types: KINDS.map(branch_type).to_vec(),
            default_branch_deletion: false,
        }
    }
}

impl Branch {
    /// Whether there is such a branch. That the main branch is always right is how an empty repository can have a
    /// model.
    pub(super) fn is_valid(&self, exists: &dyn Fn(&str) -> bool) -> bool {
        self.use_mainbranch || self.name.as_deref().is_some_and(exists)
    }

    /// Changes what an object names.
    fn change(&mut self, part: &str, object: &Map<String, Value>, body: &mut Body) {
        if let Some(value) = object.get("use_mainbranch") {
            match value.as_bool() {
                Some(on) => self.use_mainbranch = on,
                None => body.problem(&format!("{part}.use_mainbranch"), "Must be a valid boolean."),
            }
        }
        match object.get("name") {
            None if self.use_mainbranch => self.name = None,
            None => {}
            Some(Value::Null) => self.name = None,
            Some(Value::String(_)) if self.use_mainbranch => {
                body.problem(&format!("{part}.name"), "There must be no name when use_mainbranch is true.");
            }
            Some(Value::String(name)) => self.name = Some(name.clone()),
            Some(_) => body.problem(&format!("{part}.name"), "Must be a string."),
        }
    }
}

impl Settings {
    /// Changes what a body names. `exists` knows the branches.
    pub(super) fn change(&mut self, object: Map<String, Value>, exists: &dyn Fn(&str) -> bool) -> Result<(), Refusal> {
        let mut body = Body::new(object);
        if let Some(part) = object_of(&mut body, "development") {
            self.development.change("development", &part, &mut body);
            if !self.development.is_valid(exists) {
                body.problem("development.name", "The branch does not exist.");
            }
        }
        if let Some(part) = object_of(&mut body, "production") {
            match part.get("enabled").map(Value::as_bool) {
                None => {}
                Some(Some(enabled)) => self.production_enabled = enabled,
                Some(None) => body.problem("production.enabled", "Must be a valid boolean."),
            }
            self.production.change("production", &part, &mut body);
            if self.production_enabled && !self.production.is_valid(exists) {
                body.problem("production.name", "The branch does not exist.");
            }
        }
        if let Some(named) = body.get("branch_types").cloned() {
            self.change_types(&named, &mut body);
        }
        // A text; any other value is ignored.
        match body.get("default_branch_deletion").and_then(Value::as_str) {
            Some("true") => self.default_branch_deletion = true,
            Some("false") => self.default_branch_deletion = false,
            _ => {}
        }
        body.finish()
    }

    fn change_types(&mut self, named: &Value, body: &mut Body) {
        let Some(named) = named.as_array() else {
            return body.problem("branch_types", "Must be a list.");
        };
        for named in named {
            let kind = named.get("kind").and_then(Value::as_str);
            let known = kind.and_then(|kind| self.branch_types.iter_mut().find(|known| known.kind == kind));
            let Some(known) = known else {
                return body.problem("branch_types", "Each branch type must have one of the known kinds.");
            };
            if let Some(enabled) = named.get("enabled").and_then(Value::as_bool) {
                known.enabled = enabled;
            }
            if let Some(prefix) = named.get("prefix").and_then(Value::as_str) {
                prefix.clone_into(&mut known.prefix);
            }
        }
        let enabled: Vec<_> = self.branch_types.iter().filter(|one| one.enabled).map(|one| &one.prefix).collect();
        if enabled.iter().any(|prefix| !is_prefix(prefix)) {
            body.problem("branch_types", "The prefix of an enabled branch type must be a valid Git prefix.");
        }
        let begins = |one: usize, other: usize| one != other && enabled[other].starts_with(enabled[one].as_str());
        if (0..enabled.len()).any(|one| (0..enabled.len()).any(|other| begins(one, other))) {
            body.problem("branch_types", "No prefix of an enabled branch type may begin another.");
        }
    }
}

fn object_of(body: &mut Body, name: &str) -> Option<Map<String, Value>> {
    let object = body.get(name)?.as_object().cloned();
    if object.is_none() {
        body.problem(name, "Must be an object.");
    }
    object
}

/// Whether branches can begin so: the rules of `git check-ref-format` for what stands in front.
fn is_prefix(prefix: &str) -> bool {
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    !prefix.is_empty()
        && !prefix.starts_with(['/', '.', '-'])
        && !["..", "//", "/.", "@{"].iter().any(|part| prefix.contains(part))
        && !prefix.contains(forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_prefixes() {
        for good in ["feature/", "f", "a-b/c.d"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in ["", "/a", "a b", "feature/*", "a..b", "a//", ".a", "a/.b", "@{"] {
            assert!(!is_prefix(bad), "{bad}");
        }
    }
}
