//! Pieces → the text of a manifest in which every line is known by its piece, so that what the loader finds leads back to it.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::carry::{Piece, Place, kind};
use crate::diagnostic::Span;
use crate::resource::Shape;

/// A piece by its number, and the one of its fields that is meant, if that can go without the others.
pub(super) type Mark = (usize, Option<&'static str>);

type Numbered<'a> = (usize, &'a Piece);

/// A manifest in which each entry begins a line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub text: String,
    /// Where lines begin, and what each is about.
    begin: Vec<(usize, Option<Mark>)>,
}

impl Lines {
    /// Writes these pieces, which are in the order of their places, and leaves out what shall not be there.
    pub(super) fn of(pieces: &[Piece], without: &HashSet<Mark>) -> Self {
        let all = || pieces.iter().enumerate();
        let is_out = |at: usize| without.contains(&(at, None));
        let gone: HashSet<&Place> =
            all().filter(|(at, piece)| piece.holds() && is_out(*at)).map(|(_, piece)| &piece.place).collect();
        let is_in_gone = |place: &Place| !gone.is_empty() && place.holders().any(|holder| gone.contains(&holder));
        let kept: Vec<Numbered<'_>> =
            all().filter(|(at, piece)| !is_out(*at) && !is_in_gone(&piece.place)).collect();
        let mut lines = Self::default();
        lines.text.push('{');
        lines.entry("version", None, &json!(1));
        lines.key("workspaces", None);
        lines.text.push('[');
        for workspace in kept.chunk_by(|(_, a), (_, b)| a.place.workspace == b.place.workspace) {
            lines.begin(None);
            lines.holder("workspace", &workspace[0].1.place.workspace, 0, workspace, without);
        }
        lines.text.push_str("\n]}\n");
        lines
    }

    /// What the line is about in which a span begins.
    pub(super) fn about(&self, span: Span) -> Option<Mark> {
        let at = self.begin.partition_point(|(begin, _)| *begin <= span.start as usize);
        self.begin.get(at.checked_sub(1)?)?.1
    }

    /// A workspace (of depth 0), an object in it (1) or an environment in that (2), with all that is in it.
    fn holder(&mut self, identity: &str, id: &str, depth: usize, all: &[Numbered<'_>], without: &HashSet<Mark>) {
        let (here, within): (Vec<_>, Vec<_>) = all.iter().copied().partition(|(_, piece)| piece.place.depth() == depth);
        let (own, settings): (Vec<_>, Vec<_>) = here.into_iter().partition(|(_, piece)| piece.holds() && depth > 0);
        self.text.push('{');
        self.entry(identity, own.first().map(|(at, _)| (*at, None)), &id.into());
        for (at, piece) in own {
            self.fields((at, piece), without, |field| field != piece.kind.identity());
        }
        let mut sections: BTreeMap<&str, BTreeMap<&str, Vec<Numbered<'_>>>> = BTreeMap::new();
        for (at, piece) in settings {
            let section = piece.kind.section();
            let (outer, inner) = section.split_once('.').unwrap_or((section, ""));
            sections.entry(outer).or_default().entry(inner).or_default().push((at, piece));
        }
        for (outer, parts) in sections {
            match parts.get("") {
                Some(pieces) => self.section(outer, pieces, without),
                None => {
                    self.key(outer, None);
                    self.text.push('{');
                    parts.iter().for_each(|(inner, pieces)| self.section(inner, pieces, without));
                    self.text.push('}');
                }
            }
        }
        for section in within.chunk_by(|(_, a), (_, b)| a.place.section(depth) == b.place.section(depth)) {
            let name = section[0].1.place.section(depth);
            let parent = if depth == 0 { None } else { Some("repository") };
            let identity = kind(name, parent).map_or("", |kind| kind.identity());
            self.key(name, None);
            self.text.push('[');
            for inner in section.chunk_by(|(_, a), (_, b)| a.place.name(depth) == b.place.name(depth)) {
                self.begin(None);
                self.holder(identity, inner[0].1.place.name(depth), depth + 1, inner, without);
            }
            self.text.push(']');
        }
        self.text.push('}');
    }

    /// A section, of which these are the parts.
    fn section(&mut self, name: &str, pieces: &[Numbered<'_>], without: &HashSet<Mark>) {
        let Some((first, piece)) = pieces.first() else { return };
        let shape = piece.kind.shape();
        self.key(name, Some((*first, None)));
        let value = |piece: &Piece, field: &str| piece.get(field).cloned().unwrap_or_default();
        match shape {
            Shape::Value(field) => return self.value(&value(piece, field)),
            Shape::Map(_) | Shape::One => self.text.push('{'),
            _ => self.text.push('['),
        }
        for (at, piece) in pieces {
            match shape {
                Shape::Map(field) => self.entry(piece.id(), Some((*at, None)), &value(piece, field)),
                Shape::One => self.fields((*at, piece), without, |_| true),
                Shape::Names => self.item((*at, None), &piece.id().into()),
                _ => {
                    let fields: Map<_, _> = piece.says.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
                    self.item((*at, None), &Value::Object(fields));
                }
            }
        }
        self.text.push(if matches!(shape, Shape::Map(_) | Shape::One) { '}' } else { ']' });
    }

    /// The fields of a piece. Those of what stands in a list go together.
    fn fields(&mut self, (at, piece): Numbered<'_>, without: &HashSet<Mark>, fits: impl Fn(&str) -> bool) {
        let alone = matches!(piece.kind.shape(), Shape::Objects | Shape::One);
        for (field, value) in piece.says.iter().filter(|(field, _)| fits(field)) {
            let mark = (at, alone.then_some(*field));
            if !without.contains(&mark) {
                self.entry(field, Some(mark), value);
            }
        }
    }

    fn entry(&mut self, key: &str, mark: Option<Mark>, value: &Value) {
        self.key(key, mark);
        self.value(value);
    }

    fn item(&mut self, mark: Mark, value: &Value) {
        self.begin(Some(mark));
        self.value(value);
    }

    fn key(&mut self, key: &str, mark: Option<Mark>) {
        self.begin(mark);
        self.value(&key.into());
        self.text.push_str(": ");
    }

    fn begin(&mut self, mark: Option<Mark>) {
        if !self.text.ends_with(['{', '[']) {
            self.text.push(',');
        }
        self.text.push('\n');
        self.begin.push((self.text.len(), mark));
    }

    /// JSON that is YAML as well: with names for the characters that may not stand in YAML.
    fn value(&mut self, value: &Value) {
        for c in value.to_string().chars() {
            match c {
                '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(c));
                }
                c => self.text.push(c),
            }
        }
    }
}

impl Place {
    /// What it is in, and itself.
    pub(super) fn holders(&self) -> impl Iterator<Item = Self> {
        let object = Self { environment: None, ..self.clone() };
        [object, self.clone()].into_iter()
    }

    fn depth(&self) -> usize {
        usize::from(self.object.is_some()) + usize::from(self.environment.is_some())
    }

    /// The section of what is of this depth, in which it is.
    fn section(&self, depth: usize) -> &'static str {
        let object = self.object.as_ref().map(|(section, _)| *section).filter(|_| depth == 0);
        object.unwrap_or("environments")
    }

    /// What tells apart what is in that section.
    fn name(&self, depth: usize) -> &str {
        let object = self.object.as_ref().map(|(_, id)| id).filter(|_| depth == 0);
        object.or(self.environment.as_ref()).map_or("", String::as_str)
    }
}
