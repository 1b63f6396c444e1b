//! Credentials side by side: each has its own number of places, so that one which has to wait keeps nothing else waiting.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};

use crate::bitbucket::Read;
use crate::manifest::Manifest;

/// The workspaces of each credential.
pub(super) fn by_lane<R: Read>(client: &R, manifest: &Manifest) -> BTreeMap<usize, Vec<String>> {
    let mut lanes: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for workspace in manifest.inhabited() {
        lanes.entry(client.lane(&workspace.slug)).or_default().push(workspace.slug.clone());
    }
    lanes
}

/// Reads each of these, with the credential of its workspace, and gives what came of them in their order.
pub(super) async fn read_each<'a, R: Read, T, O, F: Future<Output = O>>(
    client: &R,
    all: &'a [T],
    workspace: impl Fn(&T) -> &str,
    read: impl Fn(&'a T) -> F,
) -> Vec<O> {
    read_after(client, all, workspace, |_| false, read).await
}

/// The same, where some must wait until all others with their credential are through.
pub(super) async fn read_after<'a, R: Read, T, O, F: Future<Output = O>>(
    client: &R,
    all: &'a [T],
    workspace: impl Fn(&T) -> &str,
    waits: impl Fn(usize) -> bool,
    read: impl Fn(&'a T) -> F,
) -> Vec<O> {
    let lane = |one: &T| client.lane(workspace(one));
    let lanes: BTreeSet<usize> = all.iter().map(&lane).collect();
    let (lane, read, waits) = (&lane, &read, &waits);
    let of_lane = |own: usize| {
        let these = |waiting: bool| {
            let own = all.iter().enumerate().filter(move |(at, one)| lane(one) == own && waits(*at) == waiting);
            let reading = own.map(move |(at, one)| {
                let reading = read(one);
                async move { (at, reading.await) }
            });
            stream::iter(reading).buffer_unordered(client.concurrency())
        };
        these(false).chain(these(true))
    };
    let mut readings: Vec<_> = stream::select_all(lanes.into_iter().map(of_lane)).collect().await;
    readings.sort_by_key(|(at, _)| *at);
    readings.into_iter().map(|(_, reading)| reading).collect()
}
