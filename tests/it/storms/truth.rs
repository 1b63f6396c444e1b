//! What was before a storm, what there is after it, and whether what was said of that is true.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bbprov::apply::{self, Outcome};
use bbprov::bitbucket::retry::Pace;
use bbprov::bitbucket::{Client, Credential, Options};
use bbprov::diagnostic::Sources;
use bbprov::manifest::{self, Manifest};
use bbprov::plan;
use bbprov::resource::KINDS;
use bbprov::sandbox::{self, Exchange, Sandbox};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What is there when the first run begins. Some of it nobody names later.
const BEFORE: &str = "\
version: 1
workspaces:
  - workspace: acme
    projects: [{key: OPS, name: Old}, {key: TMP}, {key: KEEP, description: nobody names it}]
    repositories:
      - {slug: u, project: OPS, description: old, language: c}
      - {slug: t, project: TMP}
      - {slug: f, project: OPS, description: as it shall be}
      - {slug: stays, project: OPS, description: nobody names it}
      - {slug: keep, project: KEEP, website: 'https://keep.example'}
";

/// Objects of both kinds that need each other, fields to prove, some to change, some to delete.
pub const MANIFEST: &str = "\
version: 1
workspaces:
  - workspace: acme
    projects: [{key: PAY, name: Payments}, {key: WEB, is_private: false}, {key: OPS, name: Operations},
               {key: TMP, state: absent}]
    repositories:
      - {slug: a, project: PAY, description: the first}
      - {slug: b, project: PAY, is_private: true, fork_policy: no_forks}
      - {slug: c, project: WEB, is_private: false}
      - {slug: d, project: WEB, language: rust}
      - {slug: e, project: PAY}
      - {slug: f, project: OPS, description: as it shall be}
      - {slug: u, project: OPS, description: new}
      - {slug: t, state: absent}
";

/// What may come to be, what may change and in which field, and what may go.
const CREATED: [&str; 7] = ["PAY", "WEB", "a", "b", "c", "d", "e"];
const CHANGED: [(&str, &str); 2] = [("OPS", "name"), ("u", "description")];
const DELETED: [&str; 2] = ["TMP", "t"];

/// How many changes there are.
pub const CHANGES: usize = CREATED.len() + CHANGED.len() + DELETED.len();

/// Objects by their key or slug, which never are the same here.
pub type Objects = BTreeMap<String, Value>;

/// The beginning of every storm: a sandbox's state, and what is in it.
pub struct Start {
    pub state: Vec<u8>,
    pub objects: Objects,
}

impl Start {
    pub async fn new(folder: &Path) -> Self {
        let file = folder.join("before.json");
        let options = sandbox::Options { state: Some(file.clone()), ..sandbox::Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let client = client(&sandbox, FAIR);
        let plan = plan::plan(&client, &read(BEFORE), &()).await.unwrap();
        let (_stop, stopped) = watch::channel(None);
        let account = apply::apply(&client, &plan, &apply::Secrets::default(), &(), stopped).await;
        assert!(account.outcomes.iter().all(|outcome| *outcome == Outcome::Done));
        sandbox.shutdown().await.unwrap();
        let state = std::fs::read(&file).unwrap();
        Self { objects: truth(&state), state }
    }
}

/// How long a request may take when nothing goes wrong.
pub const FAIR: Duration = Duration::from_secs(20);

pub fn read(manifest: &str) -> Manifest {
    let mut sources = Sources::default();
    sources.add("repos.yaml", manifest);
    manifest::from_sources(sources).unwrap()
}

pub fn client(sandbox: &Sandbox, timeout: Duration) -> Client {
    let credential = Credential::find(
        |name| name.starts_with("BITBUCKET_OAUTH_CLIENT").then(|| "storm".to_owned()),
        &bbprov::bitbucket::credential::Choice::default(),
    );
    let options = Options {
        api_url: sandbox.api_url(),
        token_url: sandbox.token_url(),
        concurrency: 4,
        timeout,
        pace: Pace { failure: Duration::from_millis(2), limit: Duration::from_millis(10), ..Pace::default() },
        ..Options::new(credential.unwrap())
    };
    Client::new(options, Arc::new(())).unwrap()
}

/// What there really is, by the file that a sandbox keeps: as the API shows it, without the links.
pub fn truth(state: &[u8]) -> Objects {
    let state: Value = serde_json::from_slice(state).unwrap();
    let workspace = &state["workspaces"][0];
    let list = |section: &str| workspace[section].as_object().unwrap().values().cloned().collect::<Vec<_>>();
    let repositories = list("repositories").into_iter().map(|mut repository| {
        let project = &workspace["projects"][repository["project"].to_string()]["key"];
        repository["project"] = json!({"key": project});
        repository
    });
    let mut all = Objects::new();
    for object in list("projects").into_iter().chain(repositories) {
        let id = object.get("key").unwrap_or(&object["slug"]).as_str().unwrap().to_owned();
        assert!(all.insert(id, object).is_none(), "twice");
    }
    all
}

/// Whether what a run said in its JSON document is true, by what there is and by what was asked of the sandbox.
pub fn check_report(report: &Value, there: &Objects, exchanges: &[Exchange], start: &Start) -> Result<(), String> {
    let (changes, outcomes) = (report["changes"].as_array().unwrap(), report["outcomes"].as_array().unwrap());
    if changes.len() != outcomes.len() {
        return Err(format!("{} changes have {} outcomes", changes.len(), outcomes.len()));
    }
    for (change, outcome) in changes.iter().zip(outcomes) {
        let address = change["address"].as_str().unwrap();
        let what = format!("{} {address} is called {}", change["action"], outcome["status"]);
        if outcome["address"] != address {
            return Err(format!("{what} under the name {}", outcome["address"]));
        }
        let (_, id) = address.split_once('/').unwrap();
        let (made, error) = (is_made(change, there.get(id)), outcome["error"].as_str().unwrap_or_default());
        let wrong = match outcome["status"].as_str().unwrap() {
            "done" => !made,
            // What failed may have happened all the same, if the words leave that open.
            "failed" => error.is_empty() || made && !UNCLEAR.iter().any(|words| error.contains(words)),
            "skipped" if error.is_empty() => true,
            "skipped" => match written(id, exchanges, start) {
                Some(exchange) => return Err(format!("{what} ({error}), and {exchange:?} was sent")),
                None => false,
            },
            _ => true,
        };
        if wrong {
            return Err(format!("{what} ({error}), and there is {:?}", there.get(id)));
        }
    }
    Ok(())
}

/// Words that do not say that nothing happened.
const UNCLEAR: [&str; 5] = [
    "got no answer",
    "is not known",
    "was answered 50",
    "got an answer that cannot be used",
    "could not be tried again",
];

/// Whether an object is as a change would have made it.
fn is_made(change: &Value, there: Option<&Value>) -> bool {
    let kind = KINDS.iter().find(|kind| change["kind"] == kind.name()).unwrap();
    match (change["action"].as_str().unwrap(), there) {
        ("delete", there) => there.is_none(),
        (_, None) => false,
        (_, Some(there)) => change["fields"].as_array().unwrap().iter().all(|wanted| {
            let field = kind.fields().iter().find(|field| wanted["name"] == field.name).unwrap();
            field.read(there, None) == wanted["to"]
        }),
    }
}

/// What was sent to change an object and was not refused before anybody looked at it.
fn written<'a>(id: &str, exchanges: &'a [Exchange], start: &Start) -> Option<&'a Exchange> {
    let mut writes =
        exchanges.iter().filter(|exchange| exchange.method != "GET" && ![401, 429].contains(&exchange.status));
    writes.find(|exchange| subject(exchange, start).is_some_and(|subject| subject == id))
}

/// The key or slug of the object that a request is about.
fn subject(exchange: &Exchange, start: &Start) -> Option<String> {
    let path = exchange.path.strip_prefix("/2.0/")?.replace("%7B", "{").replace("%7D", "}");
    match path.split('/').collect::<Vec<_>>()[..] {
        ["workspaces", "acme", "projects"] if exchange.method == "POST" => {
            let body: Value = serde_json::from_str(&exchange.request_body).ok()?;
            Some(body["key"].as_str()?.to_owned())
        }
        ["workspaces", "acme", "projects", id] | ["repositories", "acme", id] => {
            let by_uuid = start.objects.iter().find(|(_, object)| object["uuid"] == id);
            Some(by_uuid.map_or(id.to_owned(), |(id, _)| id.clone()))
        }
        _ => None,
    }
}

/// Whether only that was asked which the manifest wants, and no POST was repeated blindly.
pub fn check_requests(exchanges: &[Exchange], start: &Start) -> Result<(), String> {
    // POSTs whose fate nobody has looked up yet.
    let mut open: Vec<String> = Vec::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.path.starts_with("/2.0/")) {
        let Some(subject) = subject(exchange, start) else { continue };
        let id = subject.as_str();
        if exchange.method == "POST" && open.contains(&subject) {
            return Err(format!("{id} was sent again, and nobody looked whether it exists: {exchange:?}"));
        }
        let allowed = match exchange.method.as_str() {
            "POST" => CREATED.contains(&id),
            "PUT" => CHANGED.iter().any(|(changed, _)| *changed == id),
            "DELETE" => DELETED.contains(&id),
            _ => true,
        };
        if !allowed {
            return Err(format!("nobody asked for {exchange:?}"));
        }
        match exchange.method.as_str() {
            "POST" if ![401, 429].contains(&exchange.status) => open.push(subject),
            "GET" => open.retain(|open| *open != subject),
            _ => {}
        }
    }
    Ok(())
}

/// Whether nothing has changed but what the manifest wants changed. `before` is what there was after the run before.
pub fn check_objects(there: &Objects, before: &Objects, start: &Start) -> Result<(), String> {
    for (id, object) in there {
        let Some(was) = start.objects.get(id) else {
            if !CREATED.contains(&id.as_str()) {
                return Err(format!("{id} has come to be, and nobody asked for it"));
            }
            // Created once, and neither deleted nor created again.
            match before.get(id) {
                Some(before) if before["uuid"] != object["uuid"] => return Err(format!("{id} was created twice")),
                _ => continue,
            }
        };
        let (mut is, mut was) = (object.clone(), was.clone());
        for (_, field) in CHANGED.iter().filter(|(changed, _)| changed == id) {
            for version in [&mut is, &mut was] {
                version[field] = Value::Null;
                version["updated_on"] = Value::Null;
            }
        }
        if is != was {
            return Err(format!("{id} was {was} and is {is}"));
        }
    }
    let gone = before.keys().find(|id| !there.contains_key(*id) && !DELETED.contains(&id.as_str()));
    gone.map_or(Ok(()), |gone| Err(format!("{gone} is gone, and nobody asked for that")))
}
