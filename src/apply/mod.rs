//! EXECUTOR: carries a plan out and accounts for every change in it.
//!
//! A change is ready when those it needs are done. Ready changes are carried out side by side; one that fails stops nobody
//! but those that need it. Each credential has a lane of its own: what ends or holds up one does nothing to the others.

mod carry_out;
pub mod outcome;
mod read_back;
pub mod secrets;

use std::collections::{HashMap, VecDeque};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;

use carry_out::carry_out;
pub use outcome::{Account, Ended, Outcome};
pub use secrets::Secrets;

use crate::bitbucket::{Error, Write};
use crate::plan::{Change, Plan};
use crate::progress::{Event, Listen};
use crate::resource::{Action, Address};

/// How somebody outside ends a run: by a reason.
pub type Stop = watch::Receiver<Option<Ended>>;

/// Carries the plan out, with the [`secrets::needed`] for it. When `stop` holds a reason, what is on its way is finished and
/// the rest is skipped.
pub async fn apply<W: Write>(client: &W, plan: &Plan, secrets: &Secrets, listener: &dyn Listen, stop: Stop) -> Account {
    client.conceal(&mut secrets.iter());
    let before = client.requests();
    listener.event(Event::Changes { count: plan.changes.len() });
    let lanes = plan.changes.iter().map(|change| client.lane(change.address.workspace())).collect();
    let mut run = Run::new(plan, lanes, listener);
    let mut stop = stop;
    let mut under_way = FuturesUnordered::new();
    loop {
        while let Some(at) = run.next(client.concurrency()) {
            let change = &plan.changes[at];
            let holder = run.holder_of(change);
            under_way.push(async move { (at, carry_out(client, change, holder, secrets).await) });
        }
        tokio::select! {
            finished = under_way.next() => match finished {
                Some((at, result)) => run.finish(at, result),
                None => break,
            },
            reason = told(&mut stop), if run.goes_on() => {
                listener.event(Event::Stopping);
                client.halt();
                run.end(&reason);
            }
        }
    }
    run.account(client.requests() - before)
}

/// Waits until somebody says stop; for ever if nobody can any more.
async fn told(stop: &mut Stop) -> Ended {
    if let Ok(reason) = stop.wait_for(Option::is_some).await
        && let Some(reason) = reason.clone()
    {
        return reason;
    }
    std::future::pending().await
}

/// Where a run stands.
struct Run<'a> {
    plan: &'a Plan,
    listener: &'a dyn Listen,
    lanes: Vec<Lane>,
    /// For each change, its lane.
    lane_of: Vec<usize>,
    /// For each change, how many that it needs are not done yet.
    waits_for: Vec<usize>,
    /// For each change, those that need it.
    needed_by: Vec<Vec<usize>>,
    /// For each change, those that wait until it is over, whatever comes of it.
    followed_by: Vec<Vec<usize>>,
    /// By what Bitbucket tells the objects that came to be from others.
    made: HashMap<Address, String>,
    outcomes: Vec<Option<Outcome>>,
}

/// Where the changes stand that are made with one credential.
struct Lane {
    ready: VecDeque<usize>,
    under_way: usize,
    ended: Option<Ended>,
    /// Every answer so far was 403: this credential may do nothing of what is asked.
    only_forbidden: Option<usize>,
}

/// So many refusals and nothing else, and the credential is taken to be the reason.
const FORBIDDEN: usize = 8;

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, lane_of: Vec<usize>, listener: &'a dyn Listen) -> Self {
        let count = plan.changes.len();
        let mut needed_by = vec![Vec::new(); count];
        let mut followed_by = vec![Vec::new(); count];
        for (at, change) in plan.changes.iter().enumerate() {
            change.needs.iter().for_each(|need| needed_by[*need].push(at));
            change.follows.iter().for_each(|other| followed_by[*other].push(at));
        }
        let waits_for: Vec<usize> =
            plan.changes.iter().map(|change| change.needs.len() + change.follows.len()).collect();
        let lane = || Lane { ready: VecDeque::new(), under_way: 0, ended: None, only_forbidden: Some(0) };
        let mut lanes: Vec<_> = (0..=lane_of.iter().copied().max().unwrap_or_default()).map(|_| lane()).collect();
        for at in (0..count).filter(|at| waits_for[*at] == 0) {
            lanes[lane_of[at]].ready.push_back(at);
        }
        let made = HashMap::new();
        Self { plan, listener, lanes, lane_of, waits_for, needed_by, followed_by, made, outcomes: vec![None; count] }
    }

    /// By what Bitbucket tells from others what a change's object is in, if that came to be in this run.
    fn holder_of(&self, change: &Change) -> Option<String> {
        self.made.get(&change.within.as_deref()?.0).cloned()
    }

    /// One that those waited for is over, or done.
    fn let_go(&mut self, waiting: &[usize]) {
        for next in waiting {
            self.waits_for[*next] -= 1;
            if self.waits_for[*next] == 0 && self.outcomes[*next].is_none() {
                self.lanes[self.lane_of[*next]].ready.push_back(*next);
            }
        }
    }

    /// Takes a change that can be made now, with so many at once in its lane.
    fn next(&mut self, most: usize) -> Option<usize> {
        let free = |lane: &&mut Lane| lane.ended.is_none() && lane.under_way < most && !lane.ready.is_empty();
        let lane = self.lanes.iter_mut().find(free)?;
        lane.under_way += 1;
        lane.ready.pop_front()
    }

    fn goes_on(&self) -> bool {
        self.lanes.iter().any(|lane| lane.ended.is_none())
    }

    fn end(&mut self, reason: &Ended) {
        for lane in &mut self.lanes {
            lane.ended.get_or_insert_with(|| reason.clone());
        }
    }

    fn finish(&mut self, at: usize, result: Result<Option<String>, Failure>) {
        let lane = &mut self.lanes[self.lane_of[at]];
        lane.under_way -= 1;
        match result {
            Ok(id) => {
                lane.only_forbidden = None;
                let waiting = std::mem::take(&mut self.needed_by[at]);
                if let Some(id) = id.filter(|_| !waiting.is_empty()) {
                    self.made.insert(self.plan.changes[at].address.clone(), id);
                }
                self.record(at, Outcome::Done);
                self.let_go(&waiting);
            }
            Err(failure) => {
                lane.fail(&failure, self.plan.changes[at].action);
                // What was not even sent is in the same case as what was never begun.
                if failure.tried {
                    self.record(at, Outcome::Failed(failure.why));
                    self.skip_those_that_need(at);
                } else {
                    self.record(at, Outcome::Skipped(failure.why));
                }
            }
        }
    }

    fn skip_those_that_need(&mut self, at: usize) {
        let address = self.plan.people.in_words(&self.plan.changes[at].address, false);
        let why = format!("needs {} {address}, which failed", address.kind().name());
        let mut skipped = self.needed_by[at].clone();
        while let Some(next) = skipped.pop() {
            if self.outcomes[next].is_none() {
                self.record(next, Outcome::Skipped(why.clone()));
                skipped.extend(&self.needed_by[next]);
            }
        }
    }

    fn record(&mut self, at: usize, outcome: Outcome) {
        let what = match outcome.error() {
            Some(why) => format!("{}: {why}", outcome.status()),
            None => outcome.status().to_owned(),
        };
        let address = self.plan.people.in_words(&self.plan.changes[at].address, false).into_owned();
        self.listener.event(Event::Changed { address, what, failed: matches!(outcome, Outcome::Failed(_)) });
        self.outcomes[at] = Some(outcome);
        let waiting = std::mem::take(&mut self.followed_by[at]);
        self.let_go(&waiting);
    }

    fn account(self, requests: usize) -> Account {
        let lanes = &self.lanes;
        let why = |at: usize| match &lanes[self.lane_of[at]].ended {
            None | Some(Ended::Complete | Ended::Incomplete(_)) => "it could not be reached".to_owned(),
            Some(Ended::Interrupted) => "not tried: interrupted".to_owned(),
            Some(Ended::Stopped(why)) => format!("not tried: {why}"),
            Some(Ended::NoCredential(_)) => "not tried: there was no credential to go on with".to_owned(),
        };
        let outcomes = self.outcomes.into_iter().enumerate();
        let outcomes = outcomes.map(|(at, outcome)| outcome.unwrap_or_else(|| Outcome::Skipped(why(at)))).collect();
        let ended = self.lanes.iter().filter_map(|lane| lane.ended.clone());
        Account { outcomes, ended: ended.fold(Ended::of(self.plan), Ended::and), requests }
    }
}

impl Lane {
    fn fail(&mut self, failure: &Failure, action: Action) {
        // A deletion is also forbidden where something is not empty (api.md §4).
        let telling = failure.forbidden && action != Action::Delete;
        self.only_forbidden = self.only_forbidden.filter(|_| telling).map(|count| count + 1);
        if self.only_forbidden == Some(FORBIDDEN) {
            let why = format!("the credential may do nothing of what is asked: {}", failure.why);
            self.ended.get_or_insert(Ended::NoCredential(why));
        }
        match &failure.ends {
            Some(ended @ Ended::NoCredential(_)) => self.ended = Some(ended.clone()),
            Some(ended) => drop(self.ended.get_or_insert_with(|| ended.clone())),
            None => {}
        }
    }
}

/// Why a change was not made.
struct Failure {
    why: String,
    /// Whether anything was sent.
    tried: bool,
    /// Why nothing further needs to be tried, if so.
    ends: Option<Ended>,
    forbidden: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            why: error.to_string(),
            tried: !matches!(error, Error::Stopped { tried: false, .. }),
            ends: Ended::by(&error),
            forbidden: error.refusal().is_some_and(|refusal| refusal.status == 403),
        }
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { why, tried: true, ends: None, forbidden: false }
    }
}

impl Failure {
    /// What was to be replaced is gone, and what was to come in its place has not come.
    fn after_deletion(self) -> Self {
        Self { why: format!("it was deleted, and not created anew: {}", self.why), tried: true, ..self }
    }
}
