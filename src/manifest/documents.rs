//! LOADER: texts → sound trees, several at a time: parsing is what loading takes longest for.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder, available_parallelism};

use super::node::{Node, Tree};
use super::parse::{self, parse};
use super::shape::Shape;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span};

/// As deep as a text may nest, the reader needs a megabyte where it is not optimised.
const STACK: usize = 8 << 20;

/// What came of a text.
#[derive(Default)]
struct Read {
    document: Option<Node>,
    /// Where there are secrets that nobody is to see.
    hidden: Vec<Span>,
    found: Diagnostics,
}

/// Reads all sources, and holds what stands in them against the shape. What is wrong with each is found in their order.
pub(super) fn read(sources: &mut Sources, shape: &Shape, found: &mut Diagnostics) -> Vec<Node> {
    let mut all = read_all(sources, shape);
    all.sort_unstable_by_key(|(source, _)| *source);
    let mut documents = Vec::with_capacity(all.len());
    for (_, read) in all {
        read.hidden.into_iter().for_each(|span| sources.conceal(span));
        found.extend(read.found);
        documents.extend(read.document);
    }
    documents
}

/// What comes of each source, in any order.
fn read_all(sources: &Sources, shape: &Shape) -> Vec<(u32, Read)> {
    let count = sources.len();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut own = Vec::new();
        while let Ok(source) = u32::try_from(next.fetch_add(1, Ordering::Relaxed)) {
            let Some((_, text)) = sources.get(source) else { break };
            own.push((source, read_one(text, source, sources, shape)));
        }
        own
    };
    let others = available_parallelism().map_or(1, NonZero::get).min(count).saturating_sub(1);
    thread::scope(|scope| {
        // Whoever cannot have another thread does all of it alone.
        let spawn = |_| Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok();
        let helpers: Vec<_> = (0..others).filter_map(spawn).collect();
        let mut all = work();
        for helper in helpers {
            match helper.join() {
                Ok(own) => all.extend(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

fn read_one(text: &str, source: u32, sources: &Sources, shape: &Shape) -> Read {
    let mut read = Read::default();
    match parse(text, source) {
        Err(problem) => read.found.push(problem),
        Ok(node) if node.tree == Tree::Null => read.found.push(empty(source)),
        Ok(mut node) => {
            shape.conceal(&mut node, &mut read.hidden);
            let _ = shape.check("manifest", &mut node, sources, &mut read.found);
            read.document = Some(node);
        }
    }
    read
}

fn empty(source: u32) -> Diagnostic {
    Diagnostic::error(Code::Empty, Span { source, start: 0, end: 0 }, "there is nothing in this file")
        .help(parse::SMALLEST)
}
