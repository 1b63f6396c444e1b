//! What is to be written → YAML as a person would have written it: what fits stands in one line, the rest in blocks.

use std::sync::Arc;

use serde_json::{Number, Value};
use serde_yaml::{DoubleQuoted, FlowSeq};

use crate::output::is_hidden;

/// Nothing is put into one line that would be longer, in characters.
const WIDTH: usize = 128;

/// Text with a longer word is no prose, and is not broken into lines.
const LONGEST_WORD: usize = 40;

/// The entries of a mapping, in their order.
pub type Entries = Vec<(Arc<str>, Yaml)>;

/// A value to be written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Yaml {
    /// `~`: not what would be inherited, and nothing in its place.
    Nothing,
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(Number),
    /// Text, which comes back as it is, whatever it holds.
    Text(Arc<str>),
    /// The environment variable that a secret comes from, and what for.
    Secret(Arc<str>, Arc<str>),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping, in this order.
    Map(Entries),
}

impl Yaml {
    /// Text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// The same in one line, however long that is.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let all = |parts: &mut dyn Iterator<Item = String>| parts.collect::<Vec<_>>().join(", ");
        match self {
            Self::Nothing => "~".to_owned(),
            Self::Flag(yes) => yes.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => scalar(text, true),
            Self::Secret(name, _) => format!("{{env: {}}}", scalar(name, true)),
            Self::List(items) => format!("[{}]", all(&mut items.iter().map(Self::in_one_line))),
            Self::Map(entries) => {
                let one = |(key, value): &(Arc<str>, Self)| format!("{}: {}", scalar(key, true), value.in_one_line());
                format!("{{{}}}", all(&mut entries.iter().map(one)))
            }
        }
    }

    /// Whether something in it is not what would be inherited, and nothing in its place.
    #[must_use]
    pub fn leaves_something_out(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::List(items) => items.iter().any(Self::leaves_something_out),
            Self::Map(entries) => entries.iter().any(|(_, value)| value.leaves_something_out()),
            _ => false,
        }
    }

    /// Calls this with every text in it, keys as well.
    pub fn texts<'a>(&'a self, call: &mut dyn FnMut(&'a str)) {
        match self {
            Self::Text(text) => call(text),
            Self::List(items) => items.iter().for_each(|item| item.texts(call)),
            Self::Map(entries) => {
                for (key, value) in entries {
                    call(key);
                    value.texts(call);
                }
            }
            _ => {}
        }
    }

    /// How many mappings are inside of each other.
    fn depth(&self) -> usize {
        match self {
            Self::List(items) => items.iter().map(Self::depth).max().unwrap_or_default(),
            Self::Map(entries) => entries.iter().map(|(_, value)| 1 + value.depth()).max().unwrap_or_default(),
            Self::Secret(..) => 1,
            _ => 0,
        }
    }

    /// How many single values it holds.
    #[must_use]
    pub fn values(&self) -> usize {
        match self {
            Self::List(items) => items.iter().map(Self::values).sum(),
            Self::Map(entries) => entries.iter().map(|(_, value)| value.values()).sum(),
            _ => 1,
        }
    }

    /// How many of these stand in mappings inside of it.
    fn inner_values(&self) -> usize {
        match self {
            Self::List(items) => items.iter().map(Self::inner_values).sum(),
            Self::Map(entries) => {
                entries.iter().map(|(_, value)| value).filter(|value| value.depth() > 0).map(Self::values).sum()
            }
            _ => 0,
        }
    }

    /// Whether it is read at a glance if it stands in one line: no lines of its own, and no list of several mappings.
    fn is_plain(&self) -> bool {
        match self {
            Self::Text(text) => !text.contains('\n'),
            Self::List(items) => {
                items.iter().all(Self::is_plain) && (items.len() < 2 || items.iter().all(|item| item.depth() == 0))
            }
            Self::Map(entries) => entries.iter().all(|(_, value)| value.is_plain()),
            _ => true,
        }
    }

    /// The same in one line if it fits behind so many characters.
    fn fitting(&self, column: usize) -> Option<String> {
        let is_empty = matches!(self, Self::List(items) if items.is_empty()) || *self == Self::Map(Vec::new());
        let line = || match self {
            Self::Text(text) => scalar(text, false),
            other => other.in_one_line(),
        };
        let line = || Some(line()).filter(|line| is_empty || column + line.chars().count() <= WIDTH);
        if self.is_plain() { line() } else { None }
    }
}

impl From<&Value> for Yaml {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(yes) => Self::Flag(*yes),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.as_str().into(), value.into())).collect())
            }
        }
    }
}

/// Writes the entries of a mapping, so many spaces from the left.
pub fn write_entries(out: &mut String, indent: usize, entries: &Entries) {
    for (key, value) in entries {
        entry(out, indent, key, value);
    }
}

fn write_items(out: &mut String, indent: usize, items: &[Yaml]) {
    for value in items {
        item(out, indent, value);
    }
}

/// Writes a key and its value, so many spaces from the left.
pub fn entry(out: &mut String, indent: usize, key: &str, value: &Yaml) {
    let name = scalar(key, false);
    let column = indent + name.chars().count() + 2;
    out.extend([&" ".repeat(indent), &name, ":"]);
    match (value, value.fitting(column).filter(|_| value.depth() <= 2)) {
        (_, Some(line)) => out.extend([" ", &line, "\n"]),
        (Yaml::Map(entries), None) => {
            out.push('\n');
            write_entries(out, indent + 2, entries);
        }
        (Yaml::List(items), None) => {
            out.push('\n');
            write_items(out, indent + 2, items);
        }
        (scalar, None) => lines(out, indent, column, scalar),
    }
}

/// Writes an item of a list, so many spaces from the left. In one line there is little in mappings inside of it.
pub fn item(out: &mut String, indent: usize, value: &Yaml) {
    out.extend([&" ".repeat(indent), "-"]);
    let begin = out.len();
    match (value, value.fitting(indent + 2).filter(|_| value.inner_values() <= 2)) {
        (_, Some(line)) => out.extend([" ", &line, "\n"]),
        (Yaml::Map(entries), None) => write_entries(out, indent + 2, entries),
        (Yaml::List(items), None) => write_items(out, indent + 2, items),
        (scalar, None) => return lines(out, indent, indent + 2, scalar),
    }
    // What begins the item stands behind its hyphen.
    if let Some(rest) = out.get(begin..).map(|rest| rest.trim_start_matches(' ').len()) {
        out.replace_range(begin..out.len() - rest, " ");
    }
}

/// What has lines, or would make too long a one, behind its key or hyphen. Only prose is broken into lines.
fn lines(out: &mut String, indent: usize, column: usize, value: &Yaml) {
    let breaks = |text: &str| text.contains('\n') || text.split(' ').all(|word| word.len() <= LONGEST_WORD);
    let text = match value {
        Yaml::Text(text) if !text.contains(is_invisible) && breaks(text) => text,
        Yaml::Text(text) => return out.extend([" ", &scalar(text, false), "\n"]),
        other => return out.extend([" ", &other.in_one_line(), "\n"]),
    };
    let width = WIDTH.saturating_sub(column).max(LONGEST_WORD);
    let options = serde_yaml::ser_options! { folded_wrap_chars: width };
    let blocks = serde_yaml::to_string_with_options(&&**text, options).unwrap_or_default();
    for (at, line) in blocks.lines().enumerate() {
        let spaces = if at == 0 {
            1
        } else if line.is_empty() {
            0
        } else {
            indent
        };
        out.extend([&" ".repeat(spaces), line, "\n"]);
    }
}

/// A text in one line, in quotes where it would be taken for something else, or looks as if. Within `[]` and `{}` more is.
fn scalar(text: &str, within: bool) -> String {
    let looks_odd = || text.contains(" *") || text.contains(" ?") || within && text.contains(':');
    if text.contains(is_invisible) || looks_odd() {
        // Only in double quotes can every character be named.
        let quoted = serde_yaml::to_string(&DoubleQuoted(text)).unwrap_or_default();
        let named = |c: char| if is_invisible(c) { format!("\\u{:04X}", u32::from(c)) } else { c.to_string() };
        return quoted.trim_end_matches('\n').chars().map(named).collect();
    }
    let options = serde_yaml::ser_options! { prefer_block_scalars: false };
    let written = match within {
        true => serde_yaml::to_string_with_options(&FlowSeq([text]), options),
        false => serde_yaml::to_string_with_options(&text, options),
    };
    let written = written.unwrap_or_default();
    let written = written.trim_end_matches('\n');
    let inside = if within { written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) } else { Some(written) };
    inside.unwrap_or_default().to_owned()
}

fn is_invisible(c: char) -> bool {
    c != '\n' && is_hidden(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::manifest::parse::parse;

    fn written(value: &Yaml) -> String {
        let mut text = String::new();
        entry(
            &mut text,
            4,
            "outer",
            &Yaml::Map(vec![("inner".into(), value.clone()), ("after".into(), Yaml::Flag(true))]),
        );
        item(&mut text, 4, value);
        text
    }

    /// What stands in a value, for comparison with what a reader finds.
    fn plain(value: &Yaml) -> Value {
        match value {
            Yaml::Nothing => Value::Null,
            Yaml::Flag(yes) => json!(yes),
            Yaml::Number(number) => json!(number),
            Yaml::Text(text) => json!(**text),
            Yaml::Secret(name, _) => json!({"env": **name}),
            Yaml::List(items) => items.iter().map(plain).collect(),
            Yaml::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.to_string(), plain(value))).collect())
            }
        }
    }

    #[track_caller]
    fn comes_back(value: &Yaml) {
        let mut text = "a:\n  b:\n".to_owned();
        entry(&mut text, 4, "entry", value);
        entry(&mut text, 4, "items", &Yaml::Nothing);
        text.push_str("  c:\n");
        item(&mut text, 4, value);
        item(&mut text, 4, &Yaml::List(vec![value.clone()]));
        let read = parse(&text, 0).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"));
        let value = plain(value);
        let expected = json!({"a": {"b": {"entry": value, "items": null}, "c": [value, [value]]}});
        assert_eq!(read.to_json(), expected, "{text}");
    }

    fn texts() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "true",
            "null",
            "~",
            "",
            " ",
            "007",
            "1.10",
            "1e3",
            "0x1F",
            "1:30",
            "2001-01-01",
            "-",
            "- ",
            "? ",
            ": ",
            "a: b",
            "a:",
            " #",
            "# ",
            "{",
            "}",
            "[",
            "]",
            ",",
            "&a",
            "*a",
            "!a",
            "%",
            "@",
            "`",
            "'",
            "\"",
            "\n",
            "\n\n",
            "\n ",
            " \n",
            "\t",
            "\r",
            "\r\n",
            "|",
            ">",
            "=",
            "<<",
            "---",
            "...",
            "\\",
            "\u{85}",
            "\u{2028}",
            "\u{202e}",
            "\u{200b}",
            "\u{feff}",
            "\u{0}",
            "größe",
            "😀",
            "word",
            "some words and more of them",
        ]);
        prop_oneof![
            4 => prop::collection::vec(prop_oneof![odd.prop_map(str::to_owned), "[a-z ]{1,40}"], 0..8).prop_map(|parts| parts.concat()),
            2 => any::<String>(),
            1 => prop::collection::vec("[a-z]{1,12}", 1..60).prop_map(|words| words.join(" ")),
        ]
    }

    fn values() -> impl Strategy<Value = Yaml> {
        let scalar = prop_oneof![
            6 => texts().prop_map(|text| Yaml::text(&text)),
            1 => any::<bool>().prop_map(Yaml::Flag),
            1 => any::<i64>().prop_map(|number| Yaml::Number(number.into())),
            1 => Just(Yaml::Nothing),
            1 => "[A-Z_]{1,20}".prop_map(|name| Yaml::Secret(name.into(), "".into())),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            let key = prop_oneof!["[a-z_]{1,9}", texts()];
            let map = prop::collection::btree_map(key, inner.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Yaml::List),
                map.prop_map(|map| Yaml::Map(map.into_iter().map(|(key, value)| (key.into(), value)).collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_text_comes_back(text in texts()) {
            comes_back(&Yaml::text(&text));
        }

        #[test]
        fn every_tree_comes_back(value in values()) {
            comes_back(&value);
        }
    }

    #[test]
    fn it_looks_as_if_a_person_had_written_it() {
        let value = json!({
            "slug": "ledger", "version": "1.10", "on": "yes", "empty": [], "none": {},
            "description": "Books: debits, credits # and more",
            "permissions": {"groups": {"auditors": "read", "developers": "write"}},
            "webhooks": [{"url": "https://ci.example.com/hook", "events": ["repo:push"]}],
            "variables": [{"key": "A", "value": "1"}, {"key": "B", "value": "two\nlines"}],
            "prose": "Words, of which there are so many that nobody would want to have them all in one line, which is why \
                      they are broken into several",
            "hidden": "a\u{202e}b",
        });
        insta::assert_snapshot!(written(&Yaml::from(&value)), @r#"
        outer:
          inner:
            description: "Books: debits, credits # and more"
            empty: []
            hidden: "a\u202Eb"
            none: {}
            "on": "yes"
            permissions: {groups: {auditors: read, developers: write}}
            prose: >-
              Words, of which there are so many that nobody would want to have them all in one line, which is why they are
              broken into several
            slug: ledger
            variables:
              - {key: A, value: "1"}
              - key: B
                value: |-
                  two
                  lines
            version: "1.10"
            webhooks: [{events: ["repo:push"], url: "https://ci.example.com/hook"}]
          after: true
        - description: "Books: debits, credits # and more"
          empty: []
          hidden: "a\u202Eb"
          none: {}
          "on": "yes"
          permissions: {groups: {auditors: read, developers: write}}
          prose: >-
            Words, of which there are so many that nobody would want to have them all in one line, which is why they are
            broken into several
          slug: ledger
          variables:
            - {key: A, value: "1"}
            - key: B
              value: |-
                two
                lines
          version: "1.10"
          webhooks: [{events: ["repo:push"], url: "https://ci.example.com/hook"}]
        "#);
    }
}
