//! YAML text → [`Node`], within bounds: whatever the text, the work and the memory stay proportional to its size.

use serde_yaml::{DuplicateKeyPolicy, Error, Options};

use super::node::Node;
use crate::diagnostic::{Code, Diagnostic, Span};

/// A file may be this large. 100,000 repositories take about 10 MB.
pub const MAX_BYTES: usize = 64 << 20;

/// How deep a manifest may nest. Ours needs about ten levels, and each takes the reader some 30 kB of stack unoptimised.
const MAX_DEPTH: usize = 32;

/// How many values all aliases of a file together may stand for.
const MAX_REPLAYED: usize = 200_000;

/// Reads one YAML document.
///
/// # Errors
/// One diagnostic about the first place that is not YAML, or beyond the bounds.
pub fn parse(text: &str, source: u32) -> Result<Node, Diagnostic> {
    match serde_yaml::from_str_with_options::<Node>(text, options(text.len())) {
        Ok(mut node) => {
            node.set_source(source);
            Ok(node)
        }
        Err(error) => Err(explain(&error, text, source)),
    }
}

fn options(bytes: usize) -> Options {
    serde_yaml::options! {
        strict_booleans: true,
        with_snippet: false,
        // Both places of a key that stands twice are shown, so the reader must hand both over.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        alias_limits: serde_yaml::alias_limits! { max_total_replayed_events: MAX_REPLAYED },
        budget: serde_yaml::budget! {
            // No node is shorter than a byte, so the size of the file bounds them all.
            max_nodes: bytes + MAX_REPLAYED,
            max_events: 2 * bytes + 2 * MAX_REPLAYED,
            max_depth: MAX_DEPTH,
            max_documents: 2,
            max_total_scalar_bytes: MAX_BYTES,
            // Bounded by the replayed events above; anchors used many times are what they are for.
            enforce_alias_anchor_ratio: false,
        },
    }
}

fn explain(error: &Error, text: &str, source: u32) -> Diagnostic {
    let span = error.location().map_or(Span { source, start: 0, end: 0 }, |location| {
        let start = location
            .span()
            .byte_offset()
            .and_then(|at| usize::try_from(at).ok())
            .unwrap_or_else(|| offset_of(text, location.line(), location.column()));
        let at = u32::try_from(start.min(text.len())).unwrap_or(u32::MAX);
        Span { source, start: at, end: at }
    });
    match innermost(error) {
        Error::Budget { .. } | Error::ExternalMessage { .. } if deeper_than(text, MAX_DEPTH) => {
            Diagnostic::error(Code::TooDeep, span, format!("nested deeper than {MAX_DEPTH} levels"))
                .help("a manifest needs about ten; look for a bracket that is never closed")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => Diagnostic::error(
            Code::TooManyAliases,
            span,
            "the document grows beyond its bounds when its aliases are followed",
        )
        .help("use an anchor for a small block of settings, and `defaults` for what all repositories share"),
        Error::MultipleDocuments { .. } => {
            Diagnostic::error(Code::SecondDocument, span, "a second document begins here")
                .help("a file holds one document; put the second into a file of its own and name both files")
        }
        Error::Eof { .. } => {
            Diagnostic::error(Code::Empty, span, "the file ends before the manifest does").help(SMALLEST)
        }
        Error::UnknownAnchor { .. } => {
            Diagnostic::error(Code::UnknownAnchor, span, "this alias names no anchor that stands above it")
                .help("write `&name` at the block that is to be used again, above its first use")
        }
        Error::Unexpected { expected: "string scalar", .. } => {
            Diagnostic::error(Code::KeyNotText, span, "a key is plain text")
        }
        other => {
            let message = other.to_string();
            // The reader ends its message with the place, which is shown anyway.
            let message = message.split(" at line ").next().unwrap_or_default().trim().to_lowercase();
            Diagnostic::error(Code::InvalidYaml, span, format!("this is not valid YAML: {message}"))
        }
    }
}

/// What to write into an empty file.
pub const SMALLEST: &str = "the smallest manifest: `version: 1` and `workspaces: [{workspace: acme, repositories: \
                            [{slug: ledger, project: PAY}]}]`";

fn innermost(error: &Error) -> &Error {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => innermost(error),
        other => other,
    }
}

/// Whether the text opens that many brackets, or begins that many items in a line, or indents that far: good enough to name the reason of a refusal.
fn deeper_than(text: &str, depth: usize) -> bool {
    text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > depth
        || text.lines().any(|line| {
            let block = line.matches("- ").count() + line.matches("? ").count();
            block > depth || line.len() - line.trim_start().len() > depth
        })
}

fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let within = text[start..].chars().take(column).map(char::len_utf8).sum::<usize>();
    start + within
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::node::Tree;

    fn message(text: &str) -> String {
        parse(text, 0).map_or_else(|diagnostic| diagnostic.message, |node| format!("no error: {node:?}"))
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let text = "version: 1\nworkspaces:\n  - workspace: acme\n";
        let node = parse(text, 3).unwrap();
        let (key, value) = node.entry("workspaces").unwrap();
        assert_eq!((key.span.source, &text[key.span.start as usize..key.span.end as usize]), (3, "workspaces"));
        let Tree::List(items) = &value.tree else { panic!("{value:?}") };
        let name = items[0].get("workspace").unwrap();
        assert_eq!(&text[name.span.start as usize..name.span.end as usize], "acme");
    }

    #[test]
    fn words_are_what_yaml_1_2_says() {
        let node = parse("[yes, no, true, ~, 'true', on]", 0).unwrap();
        let kinds: Vec<_> = node.into_items().iter().map(|item| item.tree.describe()).collect();
        let expected = ["the text \"yes\"", "the text \"no\"", "true", "empty", "the text \"true\"", "the text \"on\""];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn both_places_of_a_double_key_are_kept_and_merges_work() {
        let Tree::Map(entries) = parse("a: 1\na: 2\n", 0).unwrap().tree else { panic!() };
        assert_eq!(entries.len(), 2);
        let merged = parse("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n", 0).unwrap().to_json();
        assert_eq!(merged["use"], serde_json::json!({"x": 1, "y": 3}));
    }

    #[test]
    fn hostile_texts_are_refused_at_once() {
        assert_eq!(message(&"[".repeat(100_000)), "nested deeper than 32 levels");
        assert_eq!(message(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), "nested deeper than 32 levels");
        let deep = (0..5_000).fold(String::new(), |text, level| text + &" ".repeat(level) + "a:\n");
        assert_eq!(message(&deep), "nested deeper than 32 levels");
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 0..9u8 {
            let (this, last) = (char::from(b'b' + level), char::from(b'a' + level));
            bomb.extend([format!("{this}: &{this} ["), format!("*{last},").repeat(10), "]\n".to_owned()]);
        }
        assert_eq!(message(&bomb), "the document grows beyond its bounds when its aliases are followed");
    }

    #[test]
    fn broken_texts_say_what_is_broken() {
        let cases = [
            ("a: 'b\n", "this is not valid YAML: unclosed quote"),
            ("a: b\n\tc: d\n", "this is not valid YAML: while scanning a plain scalar, found a tab"),
            ("a: [1, 2\n", "this is not valid YAML: unclosed bracket '['"),
            ("a: *nothing\n", "this alias names no anchor that stands above it"),
            ("a: 1\n---\nb: 2\n", "a second document begins here"),
            ("a: b: c\n", "this is not valid YAML: mapping values are not allowed in this context"),
            ("? {a: b}\n: c\n", "a key is plain text"),
        ];
        for (text, expected) in cases {
            assert_eq!(message(text), expected, "{text:?}");
        }
    }
}
