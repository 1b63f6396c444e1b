//! What repositories have from their projects.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bbprov::apply::{Account, Secrets, apply};
use bbprov::bitbucket::page::Page;
use bbprov::bitbucket::{Error, Read, Write};
use bbprov::plan::{Change, FieldChange, Plan};
use bbprov::resource::{Action, Address, Fields, KINDS, Request};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{as_olive, drift, heals, ledger, settles};
use crate::support::Bitbucket;

const PATH: &str = "/repositories/acme/ledger/override-settings";

#[test]
fn each_field_heals_by_itself() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "inherit: {branching_model: true, default_merge_strategy: false}"));
    settles(&bitbucket);
    for (body, field) in [
        (json!({"branching_model": false}), "branching_model"),
        (json!({"default_merge_strategy": true}), "default_merge_strategy"),
    ] {
        let expected = format!("update acme/ledger/inherit {field}");
        let sent = heals(&bitbucket, ("PUT", PATH, body), &[&expected], 1);
        assert_eq!(sent.as_object().map(serde_json::Map::len), Some(1), "only what changes, at the top: {sent}");
    }
    bitbucket.manifest(&ledger("", "inherit: {branching_model: false}"));
    assert_eq!(drift(&bitbucket), ["update acme/ledger/inherit branching_model"]);
    settles(&bitbucket);
    let (_, shown) = bitbucket.by_hand("GET", PATH, &Value::Null);
    assert_eq!(shown["default_merge_strategy"], json!(false), "what the manifest does not say stays");
}

#[test]
fn it_is_read_back_once_and_that_is_in_the_bill() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", "inherit: {branching_model: true}"));
    settles(&bitbucket);
    bitbucket.by_hand("PUT", PATH, &json!({"branching_model": false}));
    let before = bitbucket.sent("GET") + bitbucket.sent("PUT");
    let run = as_olive(&bitbucket, &["apply", "--format", "json"]).exits(0).json();
    let sent = bitbucket.sent("GET") + bitbucket.sent("PUT") - before;
    assert_eq!(run["requests"]["to_apply"], json!(2));
    assert_eq!(json!(sent), json!(run["requests"]["used"].as_u64().unwrap() + 2));
}

/// A Bitbucket that shows the change after so many looks.
struct Slow {
    looks: AtomicUsize,
    settled_after: usize,
}

impl Read for Slow {
    async fn get(&self, _: &str) -> Result<Option<Value>, Error> {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed);
        Ok(Some(json!({"branching_model": looks >= self.settled_after})))
    }

    async fn page(&self, target: String) -> Result<Page, Error> {
        panic!("{target}")
    }

    async fn next(&self, _: &Page, link: String) -> Result<Page, Error> {
        panic!("{link}")
    }

    async fn scopes(&self, _: &str) -> Option<Vec<String>> {
        None
    }

    fn requests(&self) -> usize {
        0
    }

    fn hourly(&self) -> usize {
        bbprov::bitbucket::HOURLY
    }

    fn concurrency(&self) -> usize {
        1
    }
}

impl Write for Slow {
    async fn send(&self, _: &Request) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn halt(&self) {}

    fn conceal(&self, _: &mut dyn Iterator<Item = &SecretString>) {}
}

/// The change of one switch, and how long it took by the clock of a paused runtime.
fn switch(slow: &Slow) -> (Account, Duration) {
    let kind = KINDS.into_iter().find(|kind| kind.section() == "inherit").unwrap();
    let repository = Address::new(kind.parent().unwrap(), "acme", "ledger");
    let to = Arc::new(json!(true));
    let change = Change {
        address: Address::within("acme/ledger", kind, ""),
        action: Action::Update,
        fields: [FieldChange { name: "branching_model", from: Arc::new(json!(false)), to: Arc::clone(&to) }].into(),
        reason: None,
        uuid: Some("".into()),
        whole: [("branching_model", to)].into_iter().collect::<Fields>(),
        within: Some(Box::new((repository, "{1}".into()))),
        needs: Vec::new(),
        follows: Vec::new(),
    };
    let plan = Plan { changes: vec![change], ..Plan::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (_keep, stop) = watch::channel(None);
        let begun = tokio::time::Instant::now();
        (apply(slow, &plan, &Secrets::default(), &(), stop).await, begun.elapsed())
    })
}

#[test]
fn what_shows_late_is_waited_for_and_what_never_shows_is_a_failure() {
    for settled_after in [0, 1, 4] {
        let slow = Slow { looks: AtomicUsize::new(0), settled_after };
        let (account, _) = switch(&slow);
        assert_eq!(account.count("done"), 1, "{settled_after}");
        assert_eq!(slow.looks.into_inner(), settled_after + 1);
    }
    let slow = Slow { looks: AtomicUsize::new(0), settled_after: usize::MAX };
    let (account, took) = switch(&slow);
    insta::assert_snapshot!(account.outcomes[0].error().unwrap(), @"Bitbucket accepted the change and did not make it: branching_model is false, not true (after 5 looks)");
    assert_eq!(slow.looks.into_inner(), 5);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// By the meaning that `true` is believed to have, one of the two is for nothing.
#[test]
fn a_model_of_its_own_that_is_not_used_is_warned_of() {
    let model = "branching_model: {development: {use_mainbranch: true}}";
    insta::assert_snapshot!(super::complaints("", &format!("inherit: {{branching_model: true}}, {model}")), @"
    warning[BB0212]: the repository inherits its branching model, and has one of its own in the manifest
     --> repos.yaml:7:65
      |
    7 | ...herit: {branching_model: true}, branching_model: {development: {use_m...
      |                             ^^^^ with this the project's model counts, as far as is known
      |
     ::: repos.yaml:7:89
      |
    7 | ...model: true}, branching_model: {development: {use_mainbranch: true}}}
      |                                   - this has no effect
      |
      = help: leave `branching_model` out of the repository, or write `inherit: {branching_model: false}`
    ");
    for fine in ["inherit: {branching_model: true}", model, &format!("inherit: {{branching_model: false}}, {model}")] {
        assert!(!super::complaints(model, fine).contains("BB0212"), "{fine}");
    }
}
