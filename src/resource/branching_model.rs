//! What branches are for and how they are called: the branching model of a repository or a project (api.md §5.3).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use super::project::quoted;
use super::{
    Absent, Action, Field, Fields, Finding, Form, Kind, KindRef, Method, Parent, Place, Request, Scopes, Shape,
};
use crate::diagnostic::Code;

/// The kind of [`BranchingModelSettings`].
pub struct BranchingModel {
    parent: KindRef,
}

/// That of a repository.
pub static OF_REPOSITORY: BranchingModel = BranchingModel { parent: KindRef::REPOSITORY };
/// That of a project, which its repositories can inherit.
pub static OF_PROJECT: BranchingModel = BranchingModel { parent: KindRef::PROJECT };

/// What a manifest can say about a branching model. What it does not mention stays as it is.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BranchingModelSettings {
    /// The branch that development happens on.
    pub development: Option<Development>,
    /// The branch that is in production, if there is one.
    pub production: Option<Production>,
    /// How branches of each type begin. Types that are not listed stay as they are.
    pub branch_types: Option<Vec<BranchType>>,
    /// Whether a merge deletes its branch unless somebody says otherwise.
    pub default_branch_deletion: Option<bool>,
}

/// The branch that development happens on.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Development {
    /// Its name. In a repository it must exist, so that of a new one it is set after the first push.
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Whether it is the main branch, whatever that is called.
    pub use_mainbranch: Option<bool>,
}

/// The branch that is in production.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Production {
    /// Its name. In a repository it must exist, so that of a new one it is set after the first push.
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// Whether it is the main branch, whatever that is called.
    pub use_mainbranch: Option<bool>,
    /// Whether there is such a branch at all.
    pub enabled: Option<bool>,
}

/// Branches that are told by how they begin.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BranchType {
    /// What they are for.
    pub kind: BranchKind,
    /// How their names begin, such as `feature/`. None can be the beginning of another.
    #[schemars(length(min = 1))]
    pub prefix: Option<String>,
    /// Whether there is such a type.
    pub enabled: Option<bool>,
}

/// What branches can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BranchKind {
    /// New things.
    Feature,
    /// Mended things.
    Bugfix,
    /// What is about to be released.
    Release,
    /// What was mended in production.
    Hotfix,
}

const FIELDS: &[Field] = &[
    Field::plain("development.name", &["development", "name"], Absent::Null),
    Field::plain("development.use_mainbranch", &["development", "use_mainbranch"], Absent::False),
    Field::plain("production.name", &["production", "name"], Absent::Null),
    Field::plain("production.use_mainbranch", &["production", "use_mainbranch"], Absent::False),
    Field::plain("production.enabled", &["production", "enabled"], Absent::False),
    Field::plain("feature.prefix", &["branch_types", "kind=feature", "prefix"], Absent::Text),
    Field::plain("feature.enabled", &["branch_types", "kind=feature", "enabled"], Absent::False),
    Field::plain("bugfix.prefix", &["branch_types", "kind=bugfix", "prefix"], Absent::Text),
    Field::plain("bugfix.enabled", &["branch_types", "kind=bugfix", "enabled"], Absent::False),
    Field::plain("release.prefix", &["branch_types", "kind=release", "prefix"], Absent::Text),
    Field::plain("release.enabled", &["branch_types", "kind=release", "enabled"], Absent::False),
    Field::plain("hotfix.prefix", &["branch_types", "kind=hotfix", "prefix"], Absent::Text),
    Field::plain("hotfix.enabled", &["branch_types", "kind=hotfix", "enabled"], Absent::False),
    Field { form: Form::Flag, ..Field::plain("default_branch_deletion", &["default_branch_deletion"], Absent::False) },
];

/// The fields that name a branch, each with those that say that it is the main branch, and that it is there.
const BRANCHES: [(&str, &str, &str, &str); 2] = [
    ("development", "development.name", "development.use_mainbranch", ""),
    ("production", "production.name", "production.use_mainbranch", "production.enabled"),
];

/// The types of branches, each with the fields of its prefix and of whether it is there.
const TYPES: [(&str, &str); 4] = [
    ("feature.prefix", "feature.enabled"),
    ("bugfix.prefix", "bugfix.enabled"),
    ("release.prefix", "release.enabled"),
    ("hotfix.prefix", "hotfix.enabled"),
];

impl Kind for BranchingModel {
    fn name(&self) -> &'static str {
        "branching model"
    }

    fn section(&self) -> &'static str {
        "branching_model"
    }

    fn parent(&self) -> Option<KindRef> {
        Some(self.parent)
    }

    fn shape(&self) -> Shape {
        Shape::One
    }

    fn identity(&self) -> &'static str {
        ""
    }

    fn settings(&self, generator: &mut SchemaGenerator) -> Schema {
        BranchingModelSettings::json_schema(generator)
    }

    fn summary(&self) -> &'static str {
        if self.parent == KindRef::PROJECT {
            return "The branching model that the project's repositories can inherit. What is not said of it stays as it is.";
        }
        "The branching model of its own: what branches are for and how they are called. It has an effect only if the \
         repository does not inherit its project's, see `inherit`. What is not said of it stays as it is."
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    /// A branch has a name or is the main branch, enabled prefixes are valid for Git and none begins another (api.md §5.3).
    /// That each type stands once is seen where lists are read.
    fn check(&self, _id: &str, fields: &Fields) -> Vec<Finding> {
        let branches = BRANCHES.iter().filter_map(|branch| check_branch(*branch, fields));
        branches.chain(check_prefixes(fields)).collect()
    }

    /// In an empty repository there is no branch that could be named (api.md §5.3).
    fn held_back(
        &self,
        field: &str,
        _from: Option<&Value>,
        whole: &Fields,
        holder: Option<&Fields>,
    ) -> Option<&'static str> {
        let named = |name| whole.get(name).is_some();
        let of_branch = BRANCHES.iter().find(|(_, name, main, enabled)| [*name, *main, *enabled].contains(&field));
        let needs_branch = of_branch.is_some_and(|(_, name, ..)| named(name));
        let is_empty = || holder.and_then(|repository| repository.text("mainbranch")).is_none();
        let waits = needs_branch && self.parent == KindRef::REPOSITORY && is_empty();
        waits.then_some("waits for the first push: an empty repository has no branches")
    }

    fn describe(&self, fields: &Fields) -> String {
        let named = BRANCHES.iter().filter_map(|(branch, name, ..)| Some(format!("{branch} {}", fields.text(name)?)));
        named.collect::<Vec<_>>().join(", ")
    }

    fn list(&self, parent: Parent<'_>) -> String {
        parent.path(&["branching-model", "settings"])
    }

    fn identify<'a>(&self, _answer: &'a Value) -> Option<Cow<'a, str>> {
        Some(Cow::Borrowed(""))
    }

    /// Nobody has touched it: development is on the main branch, and branches of every type begin with its name.
    fn goes_without_saying(&self, _id: &str, field: &Field, fields: &Fields) -> bool {
        let branch_type = |name: &str| name.split_once('.').map(|(branch_type, _)| format!("{branch_type}/"));
        let names_branch = |part: &str| fields.text(&format!("{part}.name")).is_some();
        match field.name {
            "development.use_mainbranch" => fields.flag(field.name) != Some(names_branch("development")),
            "production.enabled" => fields.flag(field.name) != Some(true) && !names_branch("production"),
            name if field.is_listed() && name.ends_with(".enabled") => fields.flag(name) != Some(false),
            name if field.is_listed() => fields.text(name).map(str::to_owned) == branch_type(name),
            name => fields.get(name).is_none_or(|value| *value == field.absent.value()),
        }
    }

    fn create(&self, place: Place<'_>, fields: &Fields) -> Request {
        self.update(place, fields, fields)
    }

    /// What is not sent stays, at every level. Whoever names a branch says as well that it is not the main branch.
    fn update(&self, place: Place<'_>, changed: &Fields, whole: &Fields) -> Request {
        let mut body = changed.to_body(FIELDS);
        for (branch, name, main, _) in BRANCHES {
            let changes = changed.get(name).is_some() || changed.get(main).is_some();
            if let (true, Some(named), Some(part)) = (changes, whole.get(name), body.get_mut(branch)) {
                part["name"] = named.clone();
                part["use_mainbranch"] = json!(false);
            }
        }
        Request { method: Method::Put, path: self.list(place.parent), body: Some(Value::Object(body)) }
    }

    /// Never asked for: there is one in each.
    fn delete(&self, place: Place<'_>) -> Request {
        Request { method: Method::Delete, path: self.list(place.parent), body: None }
    }

    fn scopes(&self, _action: Action) -> Scopes {
        if self.parent == KindRef::PROJECT {
            return Scopes { classic: "project:admin", api_token: "admin:project:bitbucket" };
        }
        Scopes { classic: "repository:admin", api_token: "admin:repository:bitbucket" }
    }
}

fn check_branch(branch: (&str, &'static str, &'static str, &str), fields: &Fields) -> Option<Finding> {
    let (part, name, main, enabled) = branch;
    match (fields.text(name), fields.flag(main)) {
        (Some(_), Some(true)) => Some(
            Finding::error(
                Code::ModelBranch,
                name,
                format!("the {part} branch has a name or is the main branch, not both"),
            )
            .label(format!("`{main}` is true"))
            .help("write `use_mainbranch: false`, or leave the name out"),
        ),
        (None, Some(false)) if fields.flag(enabled) != Some(false) => Some(
            Finding::error(
                Code::ModelBranch,
                main,
                format!("the {part} branch is not the main branch, and has no name"),
            )
            .help("write `name` beside it"),
        ),
        (Some(text), _) => check_branch_name(name, text),
        _ => None,
    }
}

/// The prefixes of types that are not said to be switched off.
fn check_prefixes(fields: &Fields) -> Vec<Finding> {
    let enabled = TYPES.iter().filter(|(_, enabled)| fields.flag(enabled) != Some(false));
    let prefixes: Vec<(&'static str, &str)> =
        enabled.filter_map(|(prefix, _)| Some((*prefix, fields.text(prefix)?))).collect();
    let mut findings = Vec::new();
    for (at, (field, prefix)) in prefixes.iter().enumerate() {
        if let Some(why) = wrong_in_name(prefix) {
            findings.push(
                Finding::error(Code::BranchPrefix, field, format!("no branch can begin with {}", quoted(prefix)))
                    .label(why),
            );
        }
        let begins = |(_, other): &&(&str, &str)| prefix.starts_with(other) || other.starts_with(prefix);
        if let Some((_, other)) = prefixes[..at].iter().find(begins) {
            findings.push(
                Finding::error(
                    Code::BranchPrefix,
                    field,
                    format!("{} and {} begin the same branches", quoted(other), quoted(prefix)),
                )
                .label("no prefix can be the beginning of another")
                .help("change one of them, or switch its type off with `enabled: false`"),
            );
        }
    }
    findings
}

/// What is wrong with the name of a branch, if no branch can have it.
pub(super) fn check_branch_name(field: &'static str, text: &str) -> Option<Finding> {
    let ends = text.ends_with(['/', '.']).then_some("no `/` or `.` at the end");
    let alone = matches!(text, "@" | "HEAD").then_some("Git means something else by it");
    let why = wrong_in_name(text).or(ends).or(alone)?;
    Some(Finding::error(Code::BranchName, field, format!("no branch can be named {}", quoted(text))).label(why))
}

/// What Git does not allow in the name of a branch, or in what it begins with (`git check-ref-format`).
pub(super) fn wrong_in_name(text: &str) -> Option<&'static str> {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if text.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c)) {
        return Some("no spaces, and none of ~ ^ : ? * [ \\");
    }
    if text.starts_with('/') || has(&["//"]) {
        return Some("no `/` at the beginning, and no two together");
    }
    if text.starts_with(['.', '-']) || has(&["/.", ".."]) {
        return Some("no `.` or `-` at the beginning, no `.` after `/`, and no two together");
    }
    if has(&["@{"]) || text.split('/').any(|part| part.strip_suffix(".lock").is_some()) {
        return Some("no `@{`, and no part that ends with `.lock`");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_gits_rules() {
        for good in ["feature/", "f", "a-b/c.d", "x@y", "größe/"] {
            assert_eq!(wrong_in_name(good), None, "{good}");
        }
        for bad in
            ["/a", "a b", "feature/*", "a..b", "a//", ".a", "a/.b", "@{", "a.lock", "a.lock/b", "-a", "a:b", "a\t"]
        {
            assert!(wrong_in_name(bad).is_some(), "{bad}");
        }
    }
}
