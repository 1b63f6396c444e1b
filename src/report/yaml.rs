//! A value of a manifest as a person would write it, for somebody to read.

use crate::manifest::node::{Node, Tree};
use crate::manifest::write::yaml::Yaml;
use crate::masked::masked;

/// A text is shown as far as anybody would read it.
const LONGEST: usize = 400;

/// In one line, however long that is.
pub(super) fn in_one_line(node: &Node) -> String {
    match &node.tree {
        Tree::Null => "~".to_owned(),
        Tree::Bool(yes) => yes.to_string(),
        Tree::Number(number) => number.to_string(),
        Tree::Text(text) => scalar(text),
        Tree::List(items) => format!("[{}]", items.iter().map(in_one_line).collect::<Vec<_>>().join(", ")),
        Tree::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", scalar(&key.text), in_one_line(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// In lines that are no longer than `width` where that can be, without what they are set in by.
pub(super) fn in_lines(node: &Node, width: usize) -> Vec<String> {
    let line = in_one_line(node);
    if line.chars().count() <= width {
        return vec![line];
    }
    let inner = width.saturating_sub(2);
    match &node.tree {
        Tree::List(items) if items.is_empty() => vec![line],
        Tree::List(items) => items.iter().flat_map(|item| hung("- ", in_lines(item, inner))).collect(),
        Tree::Map(entries) => {
            let entry = |(key, value): &(_, Node)| -> Vec<String> {
                let key: &crate::manifest::node::Key = key;
                let name = format!("{}:", scalar(&key.text));
                let lines = in_lines(value, inner);
                match lines.as_slice() {
                    [line] if name.chars().count() + 1 + line.chars().count() <= width || !has_lines(value) => {
                        vec![format!("{name} {line}")]
                    }
                    _ => std::iter::once(name).chain(lines.into_iter().map(|line| format!("  {line}"))).collect(),
                }
            };
            entries.iter().flat_map(entry).collect()
        }
        _ => vec![line],
    }
}

fn has_lines(node: &Node) -> bool {
    matches!(node.tree, Tree::List(_) | Tree::Map(_))
}

/// The first line behind something, the others below it.
pub(super) fn hung(first: &str, lines: Vec<String>) -> Vec<String> {
    let rest = " ".repeat(first.chars().count());
    let hang = |(at, line): (usize, String)| format!("{}{line}", if at == 0 { first } else { &rest });
    lines.into_iter().enumerate().map(hang).collect()
}

/// A text, in quotes where it would be taken for something else.
pub(super) fn scalar(text: &str) -> String {
    let text = masked(text);
    let cut = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    let more = if cut < text.len() { "…" } else { "" };
    Yaml::text(&format!("{}{more}", &text[..cut])).in_one_line()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse::parse;

    fn read(text: &str) -> Node {
        parse(text, 0).unwrap()
    }

    #[test]
    fn what_is_shown_is_what_was_written() {
        let text = r#"{a: [x, "1", 1, true, "true", "no", "", "a: b", "{1}", "- x", "x #y", "*a", "'", "a\"b\\c\nd"], "b c": {d: ~}, e: []}"#;
        let node = read(text);
        assert_eq!(
            in_one_line(&node),
            r#"{a: [x, "1", 1, true, "true", "no", "", "a: b", "{1}", "- x", "x #y", "*a", "'", "a\"b\\c\nd"], b c: {d: ~}, e: []}"#
        );
        assert_eq!(read(&in_one_line(&node)).to_json(), node.to_json());
        for width in [0, 8, 20, 40, 80] {
            assert_eq!(read(&in_lines(&node, width).join("\n")).to_json(), node.to_json(), "{width}");
        }
    }

    #[test]
    fn nothing_moves_a_cursor_and_nothing_is_without_end() {
        let node = read(&format!("[\"\\u001b[2J\\u202e\", {}]", "x".repeat(5_000_000)));
        let line = in_one_line(&node);
        assert!(line.len() < 1_000 && !line.contains(['\u{1b}', '\u{202e}']), "{line}");
    }
}
