//! Reading the members of a request's object, with everything that is wrong told at once (api.md §2.1: `fields`).

use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal};

/// The members of an object, and the problems found so far.
#[derive(Debug)]
pub(super) struct Body {
    object: Map<String, Value>,
    problems: Map<String, Value>,
}

impl Body {
    pub(super) fn new(object: Map<String, Value>) -> Self {
        Self { object, problems: Map::new() }
    }

    /// Refuses every member that is not among these, as the strictly checked endpoints do.
    pub(super) fn only(&mut self, allowed: &[&str]) {
        for key in self.object.keys().filter(|key| !allowed.contains(&key.as_str())) {
            self.problems.insert(key.clone(), "extra keys not allowed".into());
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.object.get(name)
    }

    pub(super) fn problem(&mut self, field: &str, problem: &str) {
        self.problems.insert(field.to_owned(), json!([problem]));
    }

    /// A member that has to be there, in the words of the strict endpoints.
    pub(super) fn missing(&mut self, field: &str) {
        self.problems.insert(field.to_owned(), "required key not provided".into());
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.object.get(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.problem(name, "Must be a valid boolean.");
        }
        flag
    }

    /// A text; `null` is the empty one.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.object.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => Some(String::new()),
            _ => {
                self.problem(name, "Must be a string.");
                None
            }
        }
    }

    /// A name: a text that is not empty.
    pub(super) fn name(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if text.trim().is_empty() {
            self.problem(name, "This field is required.");
            return None;
        }
        Some(text)
    }

    /// Ends the reading: 400 if anything was wrong.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Refusal::from(Answer::invalid("Bad request", self.problems)))
        }
    }
}
