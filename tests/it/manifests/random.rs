//! Texts that nobody would write: whatever they are, reading them ends, and every complaint can be shown.

use bbprov::diagnostic::Sources;
use bbprov::manifest::from_sources;
use proptest::prelude::*;

/// Loads a text and shows what is said of it.
fn read(text: &str) {
    let mut sources = Sources::default();
    sources.add("a.yaml", "version: 1\ndefaults: {repository: {description: ä, is_private: true}}\nworkspaces: []\n");
    sources.add("b.yaml", text);
    let shown = match from_sources(sources) {
        Ok(manifest) => manifest.warnings.render(&manifest.sources, None),
        Err(invalid) => {
            assert!(invalid.diagnostics.has_errors());
            let shown = invalid.to_string();
            assert!(!shown.is_empty());
            shown
        }
    };
    assert!(!shown.contains('\u{202e}') && !shown.contains('\0') && !shown.contains('\u{8}'), "{shown:?}");
}

const VALID: &str = include_str!("../../../examples/repos.yaml");

/// What tends to matter where it is put.
fn piece() -> impl Strategy<Value = String> {
    const TELLING: &[&str] = &[
        "&a ",
        "*a",
        "<<: ",
        "\t",
        "\r\n",
        "---\n",
        "\u{feff}",
        "\u{202e}",
        "\0",
        "\u{1b}[2J",
        "ä",
        "🦀",
        "- ",
        "? ",
        ": ",
        "{",
        "[",
        "]",
        "}",
        "'",
        "\"",
        "|\n",
        ">\n",
        "!!int ",
        "%",
        "#",
        "~",
        "null",
        "1e999",
        "0o9",
        "yes",
    ];
    prop_oneof![proptest::sample::select(TELLING).prop_map(str::to_owned), ".{0,8}", "[ -~\\n]{0,20}"]
}

#[derive(Debug, Clone)]
enum Edit {
    Delete(usize, usize),
    Double(usize, usize),
    Replace(usize, usize, String),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = || (0..VALID.len(), 0..60usize);
    prop_oneof![
        place().prop_map(|(at, length)| Edit::Delete(at, length)),
        place().prop_map(|(at, length)| Edit::Double(at, length)),
        (place(), piece()).prop_map(|((at, length), piece)| Edit::Replace(at, length, piece)),
        (0..VALID.len(), piece()).prop_map(|(at, piece)| Edit::Replace(at, 0, piece)),
    ]
}

fn edited(text: &str, edit: &Edit) -> String {
    let (Edit::Delete(at, length) | Edit::Double(at, length) | Edit::Replace(at, length, _)) = edit;
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let (start, end) = (floor(*at), floor(at + length));
    let middle = match edit {
        Edit::Delete(..) => String::new(),
        Edit::Double(..) => text[start..end].repeat(2),
        Edit::Replace(_, _, piece) => piece.clone(),
    };
    format!("{}{middle}{}", &text[..start], &text[end..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "(?s).{0,200}") {
        read(&text);
    }

    #[test]
    fn any_row_of_telling_pieces(pieces in proptest::collection::vec(piece(), 0..30)) {
        read(&pieces.concat());
    }

    #[test]
    fn a_valid_manifest_that_was_spoilt(edits in proptest::collection::vec(edit(), 1..6)) {
        read(&edits.iter().fold(VALID.to_owned(), |text, edit| edited(&text, edit)));
    }
}
