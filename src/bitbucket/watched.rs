//! Somebody who reads, and tells a listener of each answer.

use serde_json::Value;

use super::page::Page;
use super::{Error, Read};
use crate::progress::{Event, Listen};

/// See the module.
pub struct Watched<'a, R> {
    /// Who reads.
    pub client: &'a R,
    /// Who is told.
    pub listener: &'a dyn Listen,
}

impl<R: Read> Watched<'_, R> {
    /// Tells that so many more answers are to come.
    pub fn expect(&self, more: usize) {
        self.listener.event(Event::Pages { more });
    }
}

impl<R: Read> Read for Watched<'_, R> {
    async fn get(&self, path: &str) -> Result<Option<Value>, Error> {
        let answer = self.client.get(path).await;
        self.listener.event(Event::PageRead);
        answer
    }

    async fn page(&self, target: String) -> Result<Page, Error> {
        let page = self.client.page(target).await;
        self.listener.event(Event::PageRead);
        page
    }

    async fn next(&self, page: &Page, link: String) -> Result<Page, Error> {
        let page = self.client.next(page, link).await;
        self.listener.event(Event::PageRead);
        page
    }

    async fn scopes(&self, workspace: &str) -> Option<Vec<String>> {
        self.client.scopes(workspace).await
    }

    fn lane(&self, workspace: &str) -> usize {
        self.client.lane(workspace)
    }

    fn requests(&self) -> usize {
        self.client.requests()
    }

    fn hourly(&self) -> usize {
        self.client.hourly()
    }

    fn concurrency(&self) -> usize {
        self.client.concurrency()
    }
}
