//! Lists and their pages (api.md §2.3): how they are asked for, and what a page says of those that follow.

use serde_json::Value;

use super::Client;
use super::error::{Error, Line};
use crate::resource::Method;
use crate::resource::address::query_value;

/// How many items a page may hold (api.md §2.3).
pub const PAGE_LENGTH: usize = 100;

/// The shortest page that the API gives where there is more to come (api.md §2.3).
const SHORTEST_PAGE: usize = 10;

/// A list to read: where it is, and which fields of its items are wanted.
#[derive(Debug, Clone)]
pub struct List {
    path: String,
    fields: String,
    filter: String,
    newest_first: bool,
    without_next: bool,
}

impl List {
    /// A list at a path of the API, of whose items only these fields are asked for.
    #[must_use]
    pub fn new<'a>(path: impl Into<String>, fields: impl IntoIterator<Item = &'a str>) -> Self {
        // Without `next` among them a list would end after its first page (api.md §2.5).
        let fields =
            fields.into_iter().fold("next,size,page,pagelen".to_owned(), |all, field| all + ",values." + field);
        Self { fields, ..Self::of_all(path) }
    }

    /// A list at a path of the API, of whose items everything is wanted.
    #[must_use]
    pub fn of_all(path: impl Into<String>) -> Self {
        let (path, nothing) = (path.into(), String::new);
        Self { path, fields: nothing(), filter: nothing(), newest_first: false, without_next: false }
    }

    /// Those items of the same list that fit a query (api.md §2.4).
    #[must_use]
    pub fn that(self, query: &str) -> Self {
        Self { filter: format!("&q={}", query_value(query)), ..self }
    }

    /// The same list, sorted: what comes to be while it is read stands before everything else, and is known by its age.
    #[must_use]
    pub fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// The same list in whatever order it comes.
    #[must_use]
    pub fn unsorted(self) -> Self {
        Self { newest_first: false, ..self }
    }

    /// A list whose pages do not say that there are more, as those of the Pipelines family: they are asked for by number.
    #[must_use]
    pub fn numbered_without_next(self) -> Self {
        Self { without_next: true, ..self }
    }

    /// Whether it is asked for in an order.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.newest_first
    }

    /// The path and query of a numbered page, from 1.
    #[must_use]
    pub fn target(&self, page: usize) -> String {
        let number = if page > 1 { format!("&page={page}") } else { String::new() };
        let sorted = if self.newest_first { ",values.created_on&sort=-created_on" } else { "" };
        let fields = if self.fields.is_empty() { String::new() } else { format!("&fields={}", self.fields) };
        format!("{}?pagelen={PAGE_LENGTH}{number}{fields}{sorted}{}", self.path, self.filter)
    }

    /// How many more requests the list takes after its first page, if that can be known.
    #[must_use]
    pub fn remaining(&self, first: &Page) -> Option<usize> {
        if first.next.is_none() && !(self.without_next && first.may_go_on(first.values.len())) {
            return Some(0);
        }
        // A server may give shorter pages than were asked for, and shorter ones than it says.
        let length = match (first.length.unwrap_or_default(), first.values.len()) {
            (said, 0) => said,
            (0, had) => had,
            (said, had) => said.min(had),
        };
        let left = first.size?.saturating_sub(length);
        (length > 0).then(|| left.div_ceil(length))
    }

    /// What follows a page with this number, once `had` different items were read.
    pub(super) fn after(&self, page: &Page, number: usize, had: usize) -> After {
        match &page.next {
            Some(next) => After::Link(next.clone()),
            None if self.without_next && page.may_go_on(had) => After::Number(number + 1),
            None => After::End,
        }
    }

    /// Whether the pages after the first can be asked for by number.
    pub(super) fn is_numbered(&self, first: &Page) -> bool {
        let says_so = |next: &String| next.split(['?', '&']).any(|part| part == "page=2");
        first.next.as_ref().map_or(self.without_next, says_so)
    }

    /// When an item came to be, if the list is sorted by that. Times are all written alike (api.md §2.4), and so are
    /// compared as text.
    pub(super) fn age<'a>(&self, item: &'a Value) -> Option<&'a str> {
        if self.newest_first { item.get("created_on")?.as_str() } else { None }
    }
}

/// Where a list goes on.
pub(super) enum After {
    End,
    Link(String),
    Number(usize),
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

    /// Whether there may be more although it has no `next`: a full page, or less than there is. Where nothing says how
    /// long a page is, one that the API could have cut short counts as full.
    fn may_go_on(&self, had: usize) -> bool {
        let full = self.length.filter(|length| *length > 0).unwrap_or(SHORTEST_PAGE);
        match self.size {
            Some(size) => had < size && !self.values.is_empty(),
            None => self.values.len() >= full,
        }
    }
}

pub(super) fn unusable(line: Option<Line>, why: String) -> Error {
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
