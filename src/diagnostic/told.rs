//! What was found, for programs: one document whose keys are stable and described by a JSON Schema.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

use super::{Diagnostic, Diagnostics, Severity, Sources, Span};
use crate::output::printable;

/// What bbprov found in a manifest.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "bbprov diagnostics", deny_unknown_fields)]
pub(super) struct Document {
    /// The version of this format.
    #[schemars(extend("const" = 1))]
    version: u32,
    /// What was found, in the order of the text.
    pub(super) diagnostics: Vec<Told>,
    /// How many of each sort.
    summary: Summary,
}

/// One thing that was found. Nothing of it moves a cursor, and what looks like a secret is not in it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
pub(super) struct Told {
    /// Its code, such as `BB0101`; `bbprov explain` says more about it.
    pub(super) code: &'static str,
    /// Whether the manifest cannot be used.
    pub(super) severity: SeverityName,
    /// A few words about all that have this code.
    pub(super) title: &'static str,
    /// What is wrong.
    pub(super) message: String,
    /// Where; nothing if it is about no place, such as a folder that cannot be read.
    pub(super) place: Option<Marked>,
    /// Other places that matter, such as the first of two equal entries.
    pub(super) secondary: Vec<Marked>,
    /// What to do.
    pub(super) help: Vec<String>,
}

/// A part of a file. Lines and columns count from 1, columns in characters (Unicode code points).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
pub(super) struct Marked {
    /// The file as it was named on the command line, or `<stdin>`.
    pub(super) file: String,
    /// The line it begins on.
    pub(super) line: usize,
    /// The column it begins at.
    pub(super) column: usize,
    /// The line it ends on.
    pub(super) end_line: usize,
    /// The column behind its last character.
    pub(super) end_column: usize,
    /// What is said there; empty if the message says it all.
    pub(super) label: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum SeverityName {
    /// The manifest cannot be used.
    Error,
    /// The manifest can be used, and a person should know.
    Warning,
}

/// How many of each sort.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline, deny_unknown_fields)]
struct Summary {
    /// All that make the manifest unusable.
    errors: usize,
    /// All that a person should merely know.
    warnings: usize,
    /// How many of these are not listed, since there are so many.
    omitted: usize,
}

impl Document {
    pub(super) fn new(found: &Diagnostics, sources: &Sources) -> Self {
        Self {
            version: 1,
            diagnostics: found.iter().map(|diagnostic| Told::new(diagnostic, sources)).collect(),
            summary: Summary { errors: found.errors(), warnings: found.warnings(), omitted: found.omitted() },
        }
    }
}

impl Told {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let marked = |(span, label): &(Span, String)| Marked::new(*span, label, sources);
        Self {
            code: diagnostic.code.id(),
            severity: match diagnostic.severity {
                Severity::Error => SeverityName::Error,
                Severity::Warning => SeverityName::Warning,
            },
            title: diagnostic.code.title(),
            message: Diagnostic::safe(&diagnostic.message),
            place: diagnostic.primary.as_ref().map(marked),
            secondary: diagnostic.secondary.iter().map(marked).collect(),
            help: diagnostic.help.iter().map(|help| Diagnostic::safe(help)).collect(),
        }
    }

    /// Everything that is to be said of it beside its message, a line each.
    pub(super) fn more(&self) -> impl Iterator<Item = String> {
        let label = self.place.iter().map(|place| place.label.clone()).filter(|label| !label.is_empty());
        label.chain(self.help.iter().map(|help| format!("help: {help}")))
    }
}

impl Marked {
    fn new(span: Span, label: &str, sources: &Sources) -> Self {
        let (file, _) = sources.get(span.source).unwrap_or(("<unknown>", ""));
        let span = sources.marked(span);
        let (line, column) = sources.line_and_column(span.source, span.start);
        let (end_line, end_column) = sources.line_and_column(span.source, span.end);
        Self { file: printable(file), line, column, end_line, end_column, label: Diagnostic::safe(label) }
    }
}

/// The JSON Schema of what [`Diagnostics::to_json`] gives.
#[must_use]
pub fn diagnostics_schema() -> Value {
    SchemaSettings::draft07()
        .for_serialize()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<Document>()
        .to_value()
}

impl Diagnostics {
    /// All that are kept, as a document for programs.
    #[must_use]
    pub fn to_json(&self, sources: &Sources) -> Value {
        serde_json::to_value(Document::new(self, sources)).unwrap_or_default()
    }
}
