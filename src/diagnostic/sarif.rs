//! What was found, as SARIF 2.1.0: what GitHub's code scanning and many editors read.

use serde_json::{Value, json};

use super::told::{Document, Marked, Told};
use super::{Code, Diagnostics, Sources};

impl Diagnostics {
    /// All that are kept, with the table of codes as rules.
    #[must_use]
    pub fn to_sarif(&self, sources: &Sources) -> Value {
        let told = Document::new(self, sources).diagnostics;
        // A result without a place is none for code scanning: it is said of the run.
        let (results, general): (Vec<_>, Vec<_>) = told.iter().partition(|told| told.place.is_some());
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "bbprov",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
                }},
                "columnKind": "unicodeCodePoints",
                "invocations": [{
                    "executionSuccessful": !self.has_errors(),
                    "toolExecutionNotifications": general.into_iter().map(notification).collect::<Vec<_>>(),
                }],
                "results": results.into_iter().map(result).collect::<Vec<_>>(),
            }],
        })
    }
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.id(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": code.explanation().split("\n\n").next().unwrap_or_default()},
        "help": {"text": code.explanation(), "markdown": code.explanation()},
        "properties": {"tags": ["bitbucket"]},
    })
}

fn result(told: &Told) -> Value {
    let related = told.secondary.iter().enumerate().map(|(id, other)| {
        let mut location = location(other);
        location["id"] = json!(id);
        location["message"] = json!({"text": other.label});
        location
    });
    json!({
        "ruleId": told.code,
        "ruleIndex": Code::ALL.iter().position(|code| code.id() == told.code),
        "level": told.severity,
        "message": message(told),
        "locations": told.place.iter().map(location).collect::<Vec<_>>(),
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn notification(told: &Told) -> Value {
    json!({"descriptor": {"id": told.code}, "level": told.severity, "message": message(told)})
}

fn message(told: &Told) -> Value {
    let lines: Vec<_> = std::iter::once(told.message.clone()).chain(told.more()).collect();
    json!({"text": lines.join("\n")})
}

fn location(place: &Marked) -> Value {
    let mut region = json!({"startLine": place.line, "startColumn": place.column});
    // Of what covers several lines the first one is enough.
    if place.end_line == place.line {
        region["endColumn"] = json!(place.end_column);
    }
    json!({"physicalLocation": {"artifactLocation": {"uri": uri(&place.file)}, "region": region}})
}

/// A file's name as a reference within the folder that bbprov runs in: that is where code scanning looks for it.
fn uri(file: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = std::path::Path::new(file);
    let path = path.strip_prefix(&here).unwrap_or(path).to_string_lossy();
    let path = path.trim_start_matches("./");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encoded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(encoded).collect()
}
