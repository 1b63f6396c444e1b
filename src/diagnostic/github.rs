//! What was found, as workflow commands of GitHub Actions: each becomes an annotation of the line that it is about.

use std::fmt::Write as _;
use std::iter;

use super::told::{Document, SeverityName, Told};
use super::{Diagnostics, Sources};

impl Diagnostics {
    /// All that are kept, a line each.
    #[must_use]
    pub fn to_github(&self, sources: &Sources) -> String {
        let told = Document::new(self, sources).diagnostics;
        told.iter().fold(String::new(), |text, told| text + &command(told) + "\n")
    }
}

fn command(told: &Told) -> String {
    let mut command = String::from(match told.severity {
        SeverityName::Error => "::error ",
        SeverityName::Warning => "::warning ",
    });
    if let Some(place) = &told.place {
        let _ = write!(command, "file={},line={},col={}", property(&place.file), place.line, place.column);
        // Of what covers several lines the first one is enough: an annotation stands below the last.
        if place.end_line == place.line {
            let _ = write!(command, ",endLine={},endColumn={}", place.end_line, place.end_column);
        }
        command.push(',');
    }
    let title = property(&format!("{}: {}", told.code, told.title));
    let also = told.secondary.iter().map(|other| format!("{}:{}: {}", other.file, other.line, other.label));
    let lines: Vec<_> = iter::once(told.message.clone()).chain(told.more()).chain(also).collect();
    let _ = write!(command, "title={title}::{}", data(&lines.join("\n")));
    command
}

/// A message, in which a line break would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which colons and commas would end as well.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
