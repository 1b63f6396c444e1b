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
    let lane = |one: &T| client.lane(workspace(one));
    let lanes: BTreeSet<usize> = all.iter().map(&lane).collect();
    let (lane, read) = (&lane, &read);
    let of_lane = |own: usize| {
        let own = all.iter().enumerate().filter(move |(_, one)| lane(one) == own);
        let reading = own.map(move |(at, one)| {
            let reading = read(one);
            async move { (at, reading.await) }
        });
        stream::iter(reading).buffer_unordered(client.concurrency())
    };
    let mut readings: Vec<_> = stream::select_all(lanes.into_iter().map(of_lane)).collect().await;
    readings.sort_by_key(|(at, _)| *at);
    readings.into_iter().map(|(_, reading)| reading).collect()
}
