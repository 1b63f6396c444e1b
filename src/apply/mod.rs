//! EXECUTOR: carries a plan out and accounts for every change in it.
//!
//! A change is ready when those it needs are done. Ready changes are carried out side by side; one that fails stops nobody
//! but those that need it. Each credential has a lane of its own: what ends or holds up one does nothing to the others.

pub mod outcome;
mod read_back;
pub mod secrets;

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::sync::watch;

pub use outcome::{Account, Ended, Outcome};
pub use secrets::Secrets;

use crate::bitbucket::error::{Line, Refusal};
use crate::bitbucket::{Error, Write};
use crate::plan::refresh::Actual;
use crate::plan::sections::{list, single};
use crate::plan::{Change, FieldChange, Plan};
use crate::progress::{Event, Listen};
use crate::resource::fields::shared;
use crate::resource::{Action, Address, Fields, Method, Parent, Place, Request};

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
        let address = &self.plan.changes[at].address;
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
        let address = self.plan.changes[at].address.clone();
        self.listener.event(Event::Changed { address, what, failed: matches!(outcome, Outcome::Failed(_)) });
        self.outcomes[at] = Some(outcome);
        let waiting = std::mem::take(&mut self.followed_by[at]);
        self.let_go(&waiting);
    }

    fn account(self, requests: usize) -> Account {
        let lanes = &self.lanes;
        let why = |at: usize| match &lanes[self.lane_of[at]].ended {
            None | Some(Ended::Complete) => "it could not be reached".to_owned(),
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

/// How often a create is sent whose fate stayed unknown each time, and did not happen.
const CREATES: u32 = 3;

/// How often something is tried in an object that is so new that not everybody knows it.
const KNOWN: u32 = 5;

/// Carries a change out, and gives by what Bitbucket tells the object from others. `holder` is the same of what it is in, if
/// that came to be in this run.
async fn carry_out<W: Write>(
    client: &W,
    change: &Change,
    holder: Option<String>,
    secrets: &Secrets,
) -> Result<Option<String>, Failure> {
    let kind = change.address.kind();
    let place = place(change, holder.as_deref());
    let mut request = request_for(change, place);
    secrets.fill(change, &mut request)?;
    if change.action == Action::Replace {
        client.send(&kind.delete(place)).await?;
    }
    let mut sent = 0;
    loop {
        sent += 1;
        let error = match client.send(&request).await {
            Ok(_) if kind.reads_back(change.action) && change.action != Action::Delete => {
                return read_back::read_back(client, change, place).await;
            }
            // What is not made by a POST, or goes, may be answered by nothing.
            Ok(Value::Null) if request.method != Method::Post || !creates(change) => return Ok(None),
            Ok(answer) if !creates(change) || names(change, &answer).is_some() => {
                return finish(client, change, place, &answer, settled).await;
            }
            Ok(_) => Error::Unusable {
                line: Line::new(request.method, &request.path),
                why: "it does not name what it made".to_owned(),
            },
            Err(Error::Refused(refusal))
                if may_come_to_be_known(change, &refusal, holder.is_some()) && sent < KNOWN =>
            {
                tokio::time::sleep(Duration::from_millis(250) * 2_u32.pow(sent)).await;
                continue;
            }
            // What is not sent again was sent before.
            Err(Error::Stopped { why, tried }) => Error::Stopped { why, tried: tried || sent > 1 },
            Err(error) => error,
        };
        let exists = error.refusal().is_some_and(Refusal::says_exists);
        if !creates(change) || !(exists || error.is_unclear()) {
            return Err(error.into());
        }
        // The answer was lost, or the object is there already: what is there now decides, not what was said.
        match look_up(client, change, place).await {
            Ok(Some(answer)) => return finish(client, change, place, &answer, adopted).await,
            Ok(None) if exists || sent >= CREATES => return Err(error.into()),
            Ok(None) => tokio::time::sleep(Duration::from_millis(500) * sent).await,
            Err(blind) => {
                let why = format!("{error}; whether it exists now is not known, since {blind}");
                return Err(Failure { why, tried: true, ..blind.into() });
            }
        }
    }
}

/// Takes an answer for the proof of a change if `judge` does. Of what comes unfinished the rest is changed first.
async fn finish<W: Write>(
    client: &W,
    change: &Change,
    place: Place<'_>,
    answer: &Value,
    judge: fn(&Change, &Value) -> Result<(), String>,
) -> Result<Option<String>, Failure> {
    let kind = change.address.kind();
    let id = kind.server_id(answer);
    if let (true, Some(own)) = (creates(change) && kind.comes_unfinished(), &id)
        && let Some(rest) = unfinished(change, answer)
    {
        let place = Place { id: own, ..place };
        let answer = client.send(&kind.update(place, &rest, &change.whole)).await?;
        if kind.reads_back(Action::Update) {
            return read_back::read_back(client, change, place).await;
        }
        settled(change, &answer)?;
        return Ok(id);
    }
    judge(change, answer)?;
    Ok(id)
}

/// What an answer holds otherwise than it was asked for, if an update can change that.
fn unfinished(change: &Change, answer: &Value) -> Option<Fields> {
    let kind = change.address.kind();
    names(change, answer).filter(|id| is_meant(change, answer, id))?;
    let differing = differing(change, answer);
    let can_change = differing.iter().all(|field| !kind.replaces(field.name, &field.from, &field.to));
    let rest: Fields = differing.into_iter().map(|field| (field.name, field.to)).collect();
    (can_change && !rest.is_empty()).then_some(rest)
}

/// Whether a refusal may be for no other reason than that a repository is new: Pipelines hears of it some seconds later
/// (api.md §3.2).
fn may_come_to_be_known(change: &Change, refusal: &Refusal, is_new: bool) -> bool {
    is_new && change.address.kind().may_be_missing() && matches!(refusal.status, 403 | 404)
}

fn creates(change: &Change) -> bool {
    matches!(change.action, Action::Create | Action::Replace)
}

fn place<'a>(change: &'a Change, holder: Option<&'a str>) -> Place<'a> {
    let parent = match change.within.as_deref() {
        Some((address, id)) => Parent::Object(address, holder.unwrap_or(id)),
        None => Parent::Workspace(change.address.workspace()),
    };
    let id = change.uuid.as_deref().filter(|uuid| !uuid.is_empty()).unwrap_or(change.address.id());
    Place { address: &change.address, id, parent }
}

fn request_for(change: &Change, place: Place<'_>) -> Request {
    let kind = change.address.kind();
    match change.action {
        Action::Create => kind.create(Place { id: "", ..place }, &change.target()),
        Action::Replace => kind.create(Place { id: "", ..place }, &change.whole),
        Action::Update => kind.update(place, &change.target(), &change.whole),
        Action::Delete => kind.delete(place),
    }
}

/// What is there now by the name of what was to be made.
async fn look_up<W: Write>(client: &W, change: &Change, place: Place<'_>) -> Result<Option<Value>, Error> {
    let kind = change.address.kind();
    if let Some(path) = kind.item(&change.address) {
        return client.get(&path).await;
    }
    if kind.shape().is_single() {
        return single(client, kind, place.parent).await;
    }
    let is_it = |answer: &Value| {
        let id = change.address.id();
        kind.identify(answer).as_deref() == Some(id) || kind.also_identify(answer) == Some(id)
    };
    let all = list(client, kind, place.parent, |answer| is_it(answer).then(|| answer.clone())).await?;
    Ok(all.into_iter().flatten().next())
}

/// The name of what an answer shows, if it shows an object of the change's kind.
fn names<'a>(change: &Change, answer: &'a Value) -> Option<Cow<'a, str>> {
    let kind = change.address.kind();
    // Of what there is only one in each there is no name to tell.
    if kind.shape().is_single() { Some(Cow::Borrowed("")) } else { kind.identify(answer) }
}

/// Whether an answer shows what the change is about.
fn is_meant(change: &Change, answer: &Value, name: &str) -> bool {
    let id = change.address.id();
    name == id || change.address.kind().also_identify(answer) == Some(id)
}

/// The answer to a change is its proof: what it holds must be what was asked for.
fn settled(change: &Change, answer: &Value) -> Result<(), String> {
    if let Some(id) = names(change, answer).filter(|id| !is_meant(change, answer, id)) {
        let (kind, workspace) = (change.address.kind().name(), change.address.workspace());
        return Err(format!(
            "Bitbucket named it {workspace}/{id}: the {kind} exists, under another name than the manifest's"
        ));
    }
    let differing = differing(change, answer);
    if differing.is_empty() {
        return Ok(());
    }
    Err(format!("Bitbucket accepted the change and did not make it: {}", words(&differing)))
}

/// An object that was there already is as good as created, if it is what was to be created.
fn adopted(change: &Change, answer: &Value) -> Result<(), String> {
    match names(change, answer) {
        Some(id) if is_meant(change, answer, &id) => {}
        Some(id) => return Err(format!("Bitbucket says that it exists, and has it by another name, {id}: write that")),
        None => return Err("Bitbucket says that it exists, and does not show it".to_owned()),
    }
    let differing = differing(change, answer);
    if differing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "somebody created it meanwhile, and it differs: {}; plan again to see what would change",
        words(&differing)
    ))
}

/// The asked fields that an answer holds with another value.
fn differing(change: &Change, answer: &Value) -> Vec<FieldChange> {
    let kind = change.address.kind();
    let mentioned = |wanted: &FieldChange| {
        let field = kind.fields().iter().find(|field| field.name == wanted.name)?;
        // An answer may leave a field out. That proves nothing either way.
        field.value_in(answer).filter(|_| !kind.is_secret(wanted.name, &wanted.to))
    };
    let actual = Actual::read(kind, answer, Some(&change.target()));
    let wanted = change.fields.iter().filter(|wanted| mentioned(wanted).is_some());
    let differs = wanted.filter_map(|wanted| {
        let is = actual.fields.shared(wanted.name).map_or_else(|| shared(Value::Null), Arc::clone);
        (is != wanted.to).then(|| FieldChange { name: wanted.name, from: is, to: Arc::clone(&wanted.to) })
    });
    differs.collect()
}

fn words(differing: &[FieldChange]) -> String {
    let words = differing.iter().map(|field| format!("{} is {}, not {}", field.name, field.from, field.to));
    words.collect::<Vec<_>>().join(", ")
}
