//! Lists and their pages (api.md §2.3): as few requests as the API allows, and never a list with a hole in it.

use std::collections::HashSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use super::error::{Error, Line};
use super::{Client, Read};
use crate::resource::Method;

/// How many items a page may hold (api.md §2.3).
pub const PAGE_LENGTH: usize = 100;

/// A list of more pages than this is none of Bitbucket's, whose largest workspaces fill a few hundred.
const MOST_PAGES: usize = 10_000;

/// A list to read: where it is, and which fields of its items are wanted.
#[derive(Debug, Clone)]
pub struct List {
    path: String,
    fields: String,
}

impl List {
    /// A list at a path of the API, of whose items only these fields are asked for.
    #[must_use]
    pub fn new<'a>(path: impl Into<String>, fields: impl IntoIterator<Item = &'a str>) -> Self {
        // Without `next` among them a list would end after its first page (api.md §2.5).
        let fields =
            fields.into_iter().fold("next,size,page,pagelen".to_owned(), |all, field| all + ",values." + field);
        Self { path: path.into(), fields }
    }

    /// The path and query of a numbered page, from 1.
    #[must_use]
    pub fn target(&self, page: usize) -> String {
        let number = if page > 1 { format!("&page={page}") } else { String::new() };
        format!("{}?pagelen={PAGE_LENGTH}{number}&fields={}", self.path, self.fields)
    }
}

/// One page of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The request it answers, for messages.
    pub line: Option<Line>,
    /// Its items.
    pub values: Vec<Value>,
    /// Where the next page is, if there is one.
    pub next: Option<String>,
    /// How many items the whole list has, if the answer says so.
    pub size: Option<usize>,
}

impl Page {
    pub(super) fn read(line: Line, json: Value) -> Result<Self, Error> {
        let Value::Object(mut answer) = json else {
            return Err(Error::Unusable { line, why: "not a page of a list".into() });
        };
        let Some(Value::Array(values)) = answer.remove("values") else {
            return Err(Error::Unusable { line, why: "a page of a list without `values`".into() });
        };
        let next = match answer.remove("next") {
            None | Some(Value::Null) => None,
            Some(Value::String(next)) => Some(next),
            Some(_) => return Err(Error::Unusable { line, why: "its `next` is not a link".into() }),
        };
        let size = answer.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        Ok(Self { line: Some(line), values, next, size })
    }

    /// How many more requests the list takes, if that can be known.
    #[must_use]
    pub fn remaining(&self) -> Option<usize> {
        if self.next.is_none() {
            return Some(0);
        }
        let size = self.size?;
        if self.values.is_empty() {
            return None;
        }
        // A server may give shorter pages than were asked for: what it gave is what it will give.
        Some(size.saturating_sub(self.values.len()).div_ceil(self.values.len()))
    }

    /// Whether its successors can be asked for by number.
    fn is_numbered(&self) -> bool {
        self.next.as_ref().is_some_and(|next| next.split(['?', '&']).any(|part| part == "page=2"))
    }

    /// An item that has no name would count as one that is not there.
    fn check_names(&self, key: &impl Fn(&Value) -> Option<&str>) -> Result<(), Error> {
        match self.values.iter().position(|value| key(value).is_none()) {
            Some(at) => Err(self.unusable(format!("an item of the list, number {}, has no name", at + 1))),
            None => Ok(()),
        }
    }

    fn unusable(&self, why: String) -> Error {
        let line = self.line.clone().unwrap_or_else(|| Line::new(Method::Get, "/"));
        Error::Unusable { line, why }
    }
}

/// Reads the pages that follow a first one. `take` gets every item once; `key` tells items apart.
///
/// # Errors
/// What reading a page brings, and a list whose pages do not add up.
pub async fn rest<R: Read>(
    client: &R,
    list: &List,
    first: Page,
    concurrency: usize,
    key: impl Fn(&Value) -> Option<&str>,
    mut take: impl FnMut(Value),
) -> Result<usize, Error> {
    let Some(remaining) = first.remaining().filter(|_| first.is_numbered() || first.next.is_none()) else {
        return in_sequence(client, first, &key, &mut take).await;
    };
    let size = first.size;
    let complaint = first.unusable(String::new());
    if remaining > MOST_PAGES {
        return Err(first.unusable(format!("it says that it has {remaining} more pages")));
    }
    let pages: Vec<Page> = stream::iter(2..2 + remaining)
        .map(|number| client.page(list.target(number)))
        .buffered(concurrency.max(1))
        .try_collect()
        .await?;
    let mut seen = Seen::default();
    let pages: Vec<Page> = std::iter::once(first).chain(pages).collect();
    pages.iter().try_for_each(|page| page.check_names(&key))?;
    let whole = pages.iter().flat_map(|page| &page.values).all(|value| seen.is_new(key(value)));
    let last_ends = pages.last().is_none_or(|page| page.next.is_none());
    if whole && last_ends && size.is_none_or(|size| seen.count >= size) {
        pages.into_iter().flat_map(|page| page.values).for_each(take);
        return Ok(seen.count);
    }
    if pages.len() == 1 {
        let (count, size) = (seen.count, size.unwrap_or_default());
        return Err(with_reason(complaint, format!("it holds {count} items and says that there are {size}")));
    }
    // Something appeared or vanished while the pages were read side by side: one after the other is surer.
    let again = client.page(list.target(1)).await?;
    in_sequence(client, again, &key, &mut take).await
}

/// Follows `next` from page to page.
async fn in_sequence<R: Read>(
    client: &R,
    first: Page,
    key: &impl Fn(&Value) -> Option<&str>,
    take: &mut impl FnMut(Value),
) -> Result<usize, Error> {
    let mut seen = Seen::default();
    let mut links = HashSet::new();
    let mut page = first;
    loop {
        page.check_names(key)?;
        let before = seen.count;
        let values = std::mem::take(&mut page.values);
        let had = values.len();
        for value in values {
            if seen.is_new(key(&value)) {
                take(value);
            }
        }
        let Some(next) = page.next.clone() else { break };
        if !links.insert(next.clone()) || (had > 0 && seen.count == before) {
            return Err(page.unusable("its `next` leads in a circle".into()));
        }
        if links.len() > MOST_PAGES {
            return Err(page.unusable(format!("the list has no end, after {MOST_PAGES} pages")));
        }
        page = client.next(&page, next).await?;
    }
    match page.size {
        Some(size) if seen.count < size => {
            Err(page.unusable(format!("the list ended after {} of {size} items", seen.count)))
        }
        _ => Ok(seen.count),
    }
}

fn with_reason(error: Error, why: String) -> Error {
    match error {
        Error::Unusable { line, .. } => Error::Unusable { line, why },
        other => other,
    }
}

/// Which items have come already, by a hash of their key: a list can be long.
#[derive(Default)]
struct Seen {
    keys: HashSet<u64>,
    count: usize,
    hasher: std::hash::RandomState,
}

impl Seen {
    fn is_new(&mut self, key: Option<&str>) -> bool {
        use std::hash::BuildHasher;
        let new = key.is_none_or(|key| self.keys.insert(self.hasher.hash_one(key)));
        self.count += usize::from(new);
        new
    }
}

impl Client {
    pub(super) async fn read_page(&self, url: reqwest::Url) -> Result<Page, Error> {
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let line = Line::new(Method::Get, &format!("{}{query}", url.path()));
        let answer = self.http.send(Method::Get, url, None).await?;
        Page::read(line, answer.json)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;

    /// A list without an end: every page is new, and so is the link to the next.
    struct Endless(AtomicUsize);

    impl Endless {
        fn answer(&self) -> Page {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            let answer = json!({"values": [{"slug": format!("r{number}")}], "next": format!("https://x/{number}")});
            Page::read(Line::new(Method::Get, "/repositories/acme"), answer).unwrap()
        }
    }

    impl Read for Endless {
        async fn get(&self, _: &str) -> Result<Option<Value>, Error> {
            Ok(None)
        }

        async fn page(&self, _: String) -> Result<Page, Error> {
            Ok(self.answer())
        }

        async fn next(&self, _: &Page, _: String) -> Result<Page, Error> {
            Ok(self.answer())
        }

        async fn scopes(&self) -> Option<Vec<String>> {
            None
        }

        fn requests(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }

        fn concurrency(&self) -> usize {
            8
        }
    }

    async fn read(client: &Endless, first: Page) -> Result<usize, Error> {
        let list = List::new("/repositories/acme", ["slug"]);
        rest(client, &list, first, 8, |value| value.get("slug")?.as_str(), |_| {}).await
    }

    #[tokio::test]
    async fn a_list_without_an_end_is_given_up() {
        let client = Endless(AtomicUsize::new(0));
        let first = client.answer();
        let error = read(&client, first).await.unwrap_err();
        assert!(error.to_string().contains("the list has no end, after 10000 pages"), "{error}");
        assert!(client.requests() <= MOST_PAGES + 2);
    }

    #[tokio::test]
    async fn a_list_that_says_it_has_no_end_is_not_begun() {
        let client = Endless(AtomicUsize::new(0));
        let answer = json!({"size": u64::MAX, "values": [{"slug": "a"}], "next": "https://x/?page=2"});
        let first = Page::read(Line::new(Method::Get, "/repositories/acme"), answer).unwrap();
        let error = read(&client, first).await.unwrap_err();
        assert!(error.to_string().contains("more pages"), "{error}");
        assert_eq!(client.requests(), 0);
    }
}
