//! Lists and their pages (api.md §2.3): as few requests as the API allows, and never a list with a hole in it.

use std::collections::HashSet;
use std::hash::BuildHasher;

use futures::stream::{self, StreamExt};
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
    /// How many items a page of this list has, if the answer says so: a server may give shorter ones than were asked for.
    pub length: Option<usize>,
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
        let number =
            |key: &str| answer.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        let (size, length) = (number("size"), number("pagelen"));
        Ok(Self { line: Some(line), values, next, size, length })
    }

    /// How many more requests the list takes, if that can be known.
    #[must_use]
    pub fn remaining(&self) -> Option<usize> {
        if self.next.is_none() {
            return Some(0);
        }
        let length = self.length.filter(|length| *length > 0).unwrap_or(self.values.len());
        let left = self.size?.saturating_sub(length);
        (length > 0).then(|| left.div_ceil(length))
    }

    /// An item that has no name would count as one that is not there.
    ///
    /// # Errors
    /// The first such item.
    pub fn check_names(&self, key: impl Fn(&Value) -> Option<&str>) -> Result<(), Error> {
        match self.values.iter().position(|value| key(value).is_none()) {
            Some(at) => {
                Err(unusable(self.line.clone(), format!("an item of the list, number {}, has no name", at + 1)))
            }
            None => Ok(()),
        }
    }

    /// Whether its successors can be asked for by number.
    fn is_numbered(&self) -> bool {
        self.next.as_ref().is_some_and(|next| next.split(['?', '&']).any(|part| part == "page=2"))
    }
}

/// What is kept of a page: its items as `keep` made them, a hash of each one's key, and what shows that a list is whole.
struct Kept<T> {
    line: Option<Line>,
    items: Vec<(u64, T)>,
    ends: bool,
}

/// Reads the pages that follow a first one, and gives what `keep` makes of each item, every item once. `key` tells items
/// apart. Items are let go of as soon as `keep` has seen them: a list can be long.
///
/// # Errors
/// What reading a page brings, and a list whose pages do not add up.
pub async fn rest<R: Read, T>(
    client: &R,
    list: &List,
    first: Page,
    key: impl Fn(&Value) -> Option<&str>,
    keep: impl Fn(&Value) -> T,
) -> Result<Vec<T>, Error> {
    let hasher = std::hash::RandomState::new();
    let kept = |page: Page| {
        page.check_names(&key)?;
        let named = page.values.iter().filter_map(|value| Some((hasher.hash_one(key(value)?), keep(value))));
        Ok(Kept { items: named.collect(), ends: page.next.is_none(), line: page.line })
    };
    let Some(remaining) = first.remaining().filter(|_| first.is_numbered() || first.next.is_none()) else {
        return in_sequence(client, first, &kept).await;
    };
    let size = first.size;
    if remaining > MOST_PAGES {
        return Err(unusable(first.line, format!("it says that it has {remaining} more pages")));
    }
    let mut pages = vec![kept(first)?];
    let mut reading =
        stream::iter(2..2 + remaining).map(|number| client.page(list.target(number))).buffered(client.concurrency());
    while let Some(page) = reading.next().await {
        match page {
            Ok(page) => pages.push(kept(page)?),
            // The list has become shorter than its first page said.
            Err(Error::Refused(refusal)) if refusal.status == 404 => break,
            Err(error) => return Err(error),
        }
    }
    drop(reading);
    let items: usize = pages.iter().map(|page| page.items.len()).sum();
    let mut seen = HashSet::with_capacity(items);
    let double = pages.iter().flat_map(|page| &page.items).any(|(key, _)| !seen.insert(*key));
    let ends = pages.last().is_none_or(|page| page.ends);
    if !double && ends && size.is_none_or(|size| items >= size) {
        return Ok(pages.into_iter().flat_map(|page| page.items).map(|(_, item)| item).collect());
    }
    if let ([only], true) = (pages.as_slice(), ends) {
        let why = format!("it holds {items} items and says that there are {}", size.unwrap_or_default());
        return Err(unusable(only.line.clone(), why));
    }
    drop(pages);
    // Something appeared or vanished while the pages were read side by side: one after the other is surer.
    let again = client.page(list.target(1)).await?;
    in_sequence(client, again, &kept).await
}

/// Follows `next` from page to page.
async fn in_sequence<R: Read, T>(
    client: &R,
    first: Page,
    kept: &impl Fn(Page) -> Result<Kept<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    let mut links = HashSet::new();
    let mut page = first;
    loop {
        let (next, size, line) = (page.next.clone(), page.size, page.line.clone());
        let before = all.len();
        let items = kept(page)?.items;
        let had = items.len();
        all.extend(items.into_iter().filter(|(key, _)| seen.insert(*key)).map(|(_, item)| item));
        let Some(next) = next else {
            return match size.filter(|size| all.len() < *size) {
                Some(size) => Err(unusable(line, format!("the list ended after {} of {size} items", all.len()))),
                None => Ok(all),
            };
        };
        if !links.insert(next.clone()) || (had > 0 && all.len() == before) {
            return Err(unusable(line, "its `next` leads in a circle".to_owned()));
        }
        if links.len() > MOST_PAGES {
            return Err(unusable(line, format!("the list has no end, after {MOST_PAGES} pages")));
        }
        page = client.next(&Page { line, ..Page::default() }, next).await?;
    }
}

fn unusable(line: Option<Line>, why: String) -> Error {
    Error::Unusable { line: line.unwrap_or_else(|| Line::new(Method::Get, "/")), why }
}

impl Client {
    pub(super) async fn read_page(&self, url: reqwest::Url) -> Result<Page, Error> {
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let line = Line::new(Method::Get, &format!("{}{query}", url.path()));
        let answer = self.http.send(Method::Get, url, None).await?;
        Page::read(line, answer)
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

        async fn scopes(&self, _: &str) -> Option<Vec<String>> {
            None
        }

        fn requests(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }

        fn hourly(&self) -> usize {
            super::super::HOURLY
        }

        fn concurrency(&self) -> usize {
            8
        }
    }

    async fn read(client: &Endless, first: Page) -> Result<Vec<()>, Error> {
        let list = List::new("/repositories/acme", ["slug"]);
        rest(client, &list, first, |value| value.get("slug")?.as_str(), |_| ()).await
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
