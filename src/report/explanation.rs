//! Where the values of an object come from, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::yaml::{hung, in_lines, in_one_line, scalar};
use crate::diagnostic::{Sources, Span};
use crate::manifest::explain::{Explanation, Origin, Part, Value};
use crate::output::{ASIDE, HEADING, printable, styled};

/// Nothing that can be broken is wider.
const WIDTH: usize = 80;
/// The column of places begins no further to the left.
const NARROWEST: usize = 20;
/// So much is shown of what has no effect.
const SHOWN: usize = 36;

/// Some lines about a value, and behind the first of them where it comes from.
struct Row {
    left: Vec<String>,
    right: String,
    /// Whether it has no effect.
    aside: bool,
}

/// For a person: what a manifest without defaults and templates would have to say, and beside it who says it.
#[must_use]
pub fn human(explanations: &[Explanation], sources: &Sources) -> String {
    let mut text = String::new();
    for (at, explanation) in explanations.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let places: Vec<_> = explanation.spans.iter().map(|span| place(*span, sources)).collect();
        let (address, places) = (printable(&explanation.address), places.join(", "));
        let _ = writeln!(text, "{}   {}, {places}\n", styled(HEADING, &address), explanation.kind);
        let mut rows = Vec::new();
        explanation.parts.iter().for_each(|part| add_rows(part, 1, true, sources, &mut rows));
        if rows.is_empty() {
            rows.push(Row { left: vec!["  nothing more is said of it".to_owned()], right: String::new(), aside: true });
        }
        write_rows(&rows, &mut text);
        let holds = explanation.holds.iter().filter(|(count, _)| *count > 0);
        let holds: Vec<_> = holds
            .map(|(count, kind)| format!("{count} {}", if *count == 1 { kind.name() } else { kind.section() }))
            .collect();
        if !holds.is_empty() {
            let _ = writeln!(text, "\n  and {}: bbprov explain {address}/NAME", holds.join(" and "));
        }
    }
    text
}

fn add_rows(part: &Part, depth: usize, says_whence: bool, sources: &Sources, rows: &mut Vec<Row>) {
    let indent = "  ".repeat(depth);
    let key = match &part.key {
        Some(key) => format!("{indent}{}:", scalar(key)),
        None => format!("{indent}-"),
    };
    let right = part.from.as_ref().filter(|_| says_whence).map(|from| origin(from, sources)).unwrap_or_default();
    let row = |left: Vec<String>, right: String| Row { left, right, aside: false };
    match &part.value {
        Value::Removed => rows.push(row(vec![format!("{key} ~")], format!("removed {}", bare(&right)))),
        Value::One(node) => {
            let mut lines = in_lines(node, WIDTH - key.chars().count() - 1);
            if lines.len() > 1 && part.key.is_some() {
                lines = in_lines(node, WIDTH - indent.len() - 2)
                    .into_iter()
                    .map(|line| format!("{indent}  {line}"))
                    .collect();
                lines.insert(0, key);
                rows.push(row(lines, right));
            } else {
                rows.push(row(hung(&format!("{key} "), lines), right));
            }
        }
        Value::Items(items) if items.is_empty() => rows.push(row(vec![format!("{key} []")], right)),
        Value::Keys(parts) | Value::Items(parts) => {
            rows.push(row(vec![key], right));
            // Of a list that comes from one place each item does.
            let each = part.from.is_none();
            for part in parts {
                add_rows(part, depth + 1, each, sources, rows);
            }
        }
    }
    for (from, node) in &part.over {
        let mut said = in_one_line(node);
        if let Some((cut, _)) = said.char_indices().nth(SHOWN) {
            said.truncate(cut);
            said.push('…');
        }
        rows.push(Row { left: vec![format!("{indent}  not {said}")], right: origin(from, sources), aside: true });
    }
}

fn write_rows(rows: &[Row], text: &mut String) {
    let wide = |text: &String| text.chars().count();
    let right = rows.iter().map(|row| wide(&row.right)).max().unwrap_or_default();
    let left = rows.iter().filter_map(|row| Some(wide(row.left.first()?))).max().unwrap_or_default();
    let column = left.min(WIDTH.saturating_sub(right + 2)).max(NARROWEST);
    for row in rows {
        let mut lines = row.left.iter();
        let first = lines.next().cloned().unwrap_or_default();
        let style = |line: &str| if row.aside { styled(ASIDE, line) } else { line.to_owned() };
        let right = styled(ASIDE, &row.right);
        if row.right.is_empty() {
            let _ = writeln!(text, "{}", style(&first));
        } else if wide(&first) <= column {
            let _ = writeln!(text, "{}{}  {right}", style(&first), " ".repeat(column - wide(&first)));
        } else {
            let _ = writeln!(text, "{}\n{}  {right}", style(&first), " ".repeat(column));
        }
        for line in lines {
            let _ = writeln!(text, "{}", style(line));
        }
    }
}

/// Who says it, and where. What an object says itself needs no more than the place.
fn origin(from: &Origin, sources: &Sources) -> String {
    let place = place(from.span, sources);
    match &from.layer {
        Some(layer) => format!("from {}, {place}", printable(&layer.to_string())),
        None => place,
    }
}

/// The same behind a verb.
fn bare(origin: &str) -> String {
    match origin.strip_prefix("from ") {
        Some(layer) => format!("by {layer}"),
        None => format!("in {origin}"),
    }
}

fn place(span: Span, sources: &Sources) -> String {
    let place = sources.place(span);
    format!("{}:{}", printable(&place.file), place.line)
}

/// For a program: one document, in which every value has its path.
#[must_use]
pub fn document(explanations: &[Explanation], sources: &Sources) -> String {
    let objects: Vec<Json> = explanations
        .iter()
        .map(|explanation| {
            let mut values = Vec::new();
            explanation.parts.iter().for_each(|part| add_values(part, &[], None, sources, &mut values));
            json!({
                "address": explanation.address,
                "kind": explanation.kind,
                "places": explanation.spans.iter().map(|span| place_of(*span, sources)).collect::<Vec<_>>(),
                "values": values,
            })
        })
        .collect();
    format!("{:#}\n", json!({"version": 1, "objects": objects}))
}

fn add_values(part: &Part, within: &[Json], at: Option<usize>, sources: &Sources, values: &mut Vec<Json>) {
    let step = part.key.as_ref().map_or_else(|| json!(at), |key| json!(key));
    let path = [within, &[step]].concat();
    let from = part.from.as_ref().map(|from| from_of(from, sources));
    let over: Vec<Json> =
        part.over.iter().map(|(from, node)| json!({"value": node.to_json(), "from": from_of(from, sources)})).collect();
    let value = |value: Json, removed: bool| {
        json!({
            "address": part.address, "path": path, "value": value, "removed": removed, "from": from, "overridden": over,
        })
    };
    match &part.value {
        Value::One(node) => values.push(value(node.to_json(), false)),
        Value::Removed => values.push(value(Json::Null, true)),
        Value::Items(parts) if parts.is_empty() => values.push(value(json!([]), false)),
        Value::Keys(parts) | Value::Items(parts) => {
            // What was taken away whole is told of the whole.
            if !over.is_empty() {
                values.push(value(Json::Null, false));
            }
            for (at, part) in parts.iter().enumerate() {
                add_values(part, &path, Some(at), sources, values);
            }
        }
    }
}

fn from_of(from: &Origin, sources: &Sources) -> Json {
    use crate::manifest::layers::Name;
    let (layer, template) = match &from.layer {
        None => ("object", None),
        Some(Name::Defaults) => ("defaults", None),
        Some(Name::Template(name)) => ("template", Some(name)),
    };
    json!({"layer": layer, "template": template, "place": place_of(from.span, sources)})
}

fn place_of(span: Span, sources: &Sources) -> Json {
    let place = sources.place(span);
    json!({"file": place.file, "line": place.line, "column": place.column})
}
