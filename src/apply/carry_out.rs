//! EXECUTOR: one change, from its request to the proof that it was made.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Failure, Secrets, read_back};
use crate::bitbucket::error::{Line, Refusal};
use crate::bitbucket::{Error, Write};
use crate::plan::sections::{list, single};
use crate::plan::state::Actual;
use crate::plan::{Change, FieldChange};
use crate::resource::fields::shared;
use crate::resource::{Action, Fields, Method, Parent, Place, Request};

/// How often a create is sent whose fate stayed unknown each time, and did not happen.
const CREATES: u32 = 3;

/// How often something is tried in an object that is so new that not everybody knows it.
const KNOWN: u32 = 5;

/// Carries a change out, and gives by what Bitbucket tells the object from others. `holder` is the same of what it is in, if
/// that came to be in this run.
pub(super) async fn carry_out<W: Write>(
    client: &W,
    change: &Change,
    holder: Option<String>,
    secrets: &Secrets,
) -> Result<Option<String>, Failure> {
    let kind = change.address.kind();
    let place = place(change, holder.as_deref());
    let mut request = request_for(change, place);
    secrets.fill(change, &mut request)?;
    let is_new = holder.is_some();
    if change.action == Action::Replace {
        client.send(&kind.delete(place)).await?;
        return make(client, change, place, &request, is_new).await.map_err(Failure::after_deletion);
    }
    make(client, change, place, &request, is_new).await
}

/// The same, for all that is not a deletion before a creation. `is_new` says that what it is in came to be in this run.
async fn make<W: Write>(
    client: &W,
    change: &Change,
    place: Place<'_>,
    request: &Request,
    is_new: bool,
) -> Result<Option<String>, Failure> {
    let kind = change.address.kind();
    let mut sent = 0;
    loop {
        sent += 1;
        let error = match client.send(request).await {
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
            Err(Error::Refused(refusal)) if may_come_to_be_known(change, &refusal, is_new) && sent < KNOWN => {
                tokio::time::sleep(Duration::from_millis(250) * 2_u32.pow(sent)).await;
                continue;
            }
            // What is not sent again was sent before.
            Err(Error::Stopped { why, tried }) => Error::Stopped { why, tried: tried || sent > 1 },
            Err(error) => error,
        };
        // Some lists answer 400 for what is not in them any more (api.md §5.5), be it by an earlier try whose answer was lost.
        let may_be_gone = change.is_removal() && error.refusal().is_some_and(|refusal| refusal.status == 400);
        if may_be_gone && matches!(look_up(client, change, place).await, Ok(None)) {
            return Ok(None);
        }
        let exists = error.refusal().is_some_and(Refusal::says_exists);
        if !creates(change) || !(exists || error.is_unclear()) {
            return Err(error.into());
        }
        // The answer was lost, or the object is there already: what is there now decides, not what was said.
        match look_up(client, change, place).await {
            // What was there before anything was sent has somebody else's secret.
            Ok(Some(_)) if exists && sent == 1 && has_secrets(change) => {
                let why = "somebody created it meanwhile, and whether its secret is this one cannot be seen: run it again \
                           with --rewrite-secrets";
                return Err(why.to_owned().into());
            }
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
    let differing = differing(change, answer, Answer::Short);
    let can_change = differing.iter().all(|field| !kind.replaces(field.name, &field.from, &field.to));
    let rest: Fields = differing.into_iter().map(|field| (field.name, field.to)).collect();
    (can_change && !rest.is_empty()).then_some(rest)
}

/// Whether a refusal may be for no other reason than that a repository is new: Pipelines hears of it some seconds later
/// (api.md §3.2).
fn may_come_to_be_known(change: &Change, refusal: &Refusal, is_new: bool) -> bool {
    is_new && change.address.kind().may_be_missing() && matches!(refusal.status, 403 | 404)
}

fn has_secrets(change: &Change) -> bool {
    let kind = change.address.kind();
    change.fields.iter().any(|field| kind.is_secret(field.name, &field.to))
}

fn creates(change: &Change) -> bool {
    matches!(change.action, Action::Create | Action::Replace)
}

pub(super) fn place<'a>(change: &'a Change, holder: Option<&'a str>) -> Place<'a> {
    let parent = match change.within.as_deref() {
        Some((address, id)) => Parent::Object(address, holder.unwrap_or(id)),
        None => Parent::Workspace(change.address.workspace()),
    };
    let id = change.uuid.as_deref().filter(|uuid| !uuid.is_empty()).unwrap_or(change.address.id());
    Place { address: &change.address, id, parent }
}

pub(super) fn request_for(change: &Change, place: Place<'_>) -> Request {
    let kind = change.address.kind();
    match change.action {
        Action::Create => kind.create(Place { id: "", ..place }, &change.target()),
        Action::Replace => kind.create(Place { id: "", ..place }, &change.whole),
        Action::Update => kind.update(place, &change.target(), &change.whole),
        Action::Delete => kind.delete(place),
    }
}

/// What is there now by the name of what was to be made.
pub(super) async fn look_up<W: Write>(client: &W, change: &Change, place: Place<'_>) -> Result<Option<Value>, Error> {
    let kind = change.address.kind();
    if let Some(path) = kind.item(&change.address) {
        return client.get(&path).await;
    }
    if kind.shape().is_single() {
        return single(client, kind, place.parent).await;
    }
    // What goes is told from others of the same name by what Bitbucket tells it apart by.
    let goes = change.uuid.as_deref().filter(|uuid| !uuid.is_empty() && change.action == Action::Delete);
    let is_it = |answer: &Value| match goes {
        Some(uuid) => kind.server_id(answer).as_deref() == Some(uuid),
        None => {
            let id = change.address.id();
            kind.identify(answer).as_deref() == Some(id) || kind.also_identify(answer) == Some(id)
        }
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

/// What an answer says by what it leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing: that a change is answered by less than everything proves nothing either way.
    Short,
    /// What a plan would take it for.
    Read,
}

/// The answer to a change is its proof: what it holds must be what was asked for.
fn settled(change: &Change, answer: &Value) -> Result<(), String> {
    judged(change, answer, Answer::Short)
}

/// Whether a change shows in what was read, so that the next plan would not have it.
pub(super) fn shows(change: &Change, answer: &Value) -> Result<(), String> {
    judged(change, answer, Answer::Read)
}

fn judged(change: &Change, answer: &Value, how: Answer) -> Result<(), String> {
    if let Some(id) = names(change, answer).filter(|id| !is_meant(change, answer, id)) {
        let (kind, workspace) = (change.address.kind().name(), change.address.workspace());
        return Err(format!(
            "Bitbucket named it {workspace}/{id}: the {kind} exists, under another name than the manifest's"
        ));
    }
    let differing = differing(change, answer, how);
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
    let differing = differing(change, answer, Answer::Short);
    if differing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "somebody created it meanwhile, and it differs: {}; plan again to see what would change",
        words(&differing)
    ))
}

/// The asked fields that an answer holds with another value.
fn differing(change: &Change, answer: &Value, how: Answer) -> Vec<FieldChange> {
    let kind = change.address.kind();
    let is_said = |wanted: &FieldChange| {
        let field = kind.fields().iter().find(|field| field.name == wanted.name);
        let is_there = || field.is_some_and(|field| field.value_in(answer).is_some());
        !kind.is_secret(wanted.name, &wanted.to) && (how == Answer::Read && field.is_some() || is_there())
    };
    let actual = Actual::read(kind, answer, Some(&change.target()));
    let wanted = change.fields.iter().filter(|wanted| is_said(wanted));
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
