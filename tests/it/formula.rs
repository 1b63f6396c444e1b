//! The request formula: what a plan may cost, over workspaces of every shape, counted by the sandbox.
//!
//! For each workspace `ceil(projects/100)` and `min(ceil(repositories/100), 1 + repositories named)`, for each that names
//! people by e-mail address `ceil(addresses/90)`, and one token fetch.

use std::ops::Range;

use bbprov::sandbox::{Options, Pages};
use serde_json::{Value, json};

use crate::support::{Bitbucket, Folder, lines};

/// What there is, and how it is listed.
pub struct Shape {
    pub workspaces: usize,
    pub projects: usize,
    pub repositories: usize,
    pub pages: Pages,
    pub longest_page: usize,
}

pub const SHAPE: Shape =
    Shape { workspaces: 1, projects: 1, repositories: 0, pages: Pages::Numbered, longest_page: 100 };

impl Shape {
    /// A sandbox of this shape. It is not filled by requests, of which that would take thousands: a state with one object of
    /// each kind is saved, multiplied and loaded again.
    pub fn build(&self) -> Bitbucket {
        let folder = Folder::new();
        let file = folder.path().join("state.json");
        let options = Options {
            state: Some(file.clone()),
            pages: self.pages,
            longest_page: self.longest_page,
            ..Options::default()
        };
        {
            let one = Bitbucket::with(options.clone());
            for workspace in 0..self.workspaces {
                let project = json!({"key": "P0", "name": "P"});
                one.by_hand("POST", &format!("/workspaces/w{workspace}/projects"), &project);
                let (status, _) = one.by_hand("POST", &format!("/repositories/w{workspace}/r0"), &json!({}));
                assert_eq!(status, 200);
            }
        }
        let mut state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for (at, workspace) in state["workspaces"].as_array_mut().unwrap().iter_mut().enumerate() {
            multiply(&mut workspace["projects"], self.projects, "key", &format!("P{at}-"), "P");
            multiply(&mut workspace["repositories"], self.repositories, "slug", &format!("R{at}-"), "r");
        }
        std::fs::write(&file, state.to_string()).unwrap();
        Bitbucket::with(options)
    }

    /// A manifest that names these repositories and the project they are in, in every workspace.
    fn manifest(&self, repositories: Range<usize>, projects: &str) -> String {
        let repositories =
            lines(repositories.len(), |at| format!("      - {{slug: r{}, project: P0}}\n", repositories.start + at));
        let repositories = if repositories.is_empty() { "      []\n".to_owned() } else { repositories };
        let workspaces = lines(self.workspaces, |number| {
            format!("  - workspace: w{number}\n{projects}    repositories:\n{repositories}")
        });
        format!("version: 1\nworkspaces:\n{workspaces}")
    }

    /// How many pages a list has.
    fn pages(&self, items: usize) -> usize {
        items.div_ceil(self.longest_page).max(1)
    }
}

/// Puts copies of the first object of a map in its place, each with a name, a number and an age of its own.
fn multiply(map: &mut Value, count: usize, identity: &str, uuid: &str, prefix: &str) {
    let objects = map.as_object_mut().unwrap();
    let (number, first) = objects.iter().next().map(|(number, first)| (number.clone(), first.clone())).unwrap();
    let number: usize = number.parse().unwrap();
    objects.clear();
    for at in 0..count {
        let mut copy = first.clone();
        copy[identity] = format!("{prefix}{at}").into();
        copy["uuid"] = format!("{{{uuid}{at}}}").into();
        copy["created_on"] = format!("2020-01-01T00:00:{:02}.{:06}+00:00", at / 1000, at % 1000).into();
        objects.insert((number + at).to_string(), copy);
    }
}

/// What a plan cost, and how many objects it found as they shall be and to be created. It sends GET only.
fn plan(bitbucket: &Bitbucket, manifest: &str) -> (usize, usize, usize) {
    bitbucket.manifest(manifest);
    let before = bitbucket.sandbox().counters();
    let plan = bitbucket.run(&["plan", "--format", "json"]).exits(0).json();
    let after = bitbucket.sandbox().counters();
    assert_eq!(after.token_fetches, before.token_fetches + 1);
    assert_eq!(after.requests.keys().collect::<Vec<_>>(), ["GET"]);
    let sent = |counters: &bbprov::sandbox::Counters| counters.requests.values().sum::<u64>();
    assert_eq!(plan["requests"]["used"], json!(sent(&after) - sent(&before)));
    let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let summary = &plan["summary"];
    (number(&plan["requests"]["used"]), number(&summary["unchanged"]), number(&summary["create"]))
}

#[test]
fn a_plan_costs_what_the_formula_says_over_workspaces_of_every_shape() {
    let shapes = [
        Shape { repositories: 0, ..SHAPE },
        Shape { repositories: 1, ..SHAPE },
        Shape { repositories: 99, ..SHAPE },
        Shape { repositories: 100, ..SHAPE },
        Shape { repositories: 101, ..SHAPE },
        Shape { repositories: 1_000, ..SHAPE },
        Shape { workspaces: 10, repositories: 101, ..SHAPE },
        Shape { projects: 100, repositories: 1, ..SHAPE },
        Shape { projects: 250, repositories: 1, ..SHAPE },
        Shape { pages: Pages::Opaque, repositories: 100, ..SHAPE },
        Shape { pages: Pages::Opaque, repositories: 101, ..SHAPE },
        Shape { pages: Pages::Opaque, repositories: 1_000, ..SHAPE },
        Shape { longest_page: 50, repositories: 1_000, projects: 51, ..SHAPE },
        Shape { longest_page: 10, repositories: 101, ..SHAPE },
        Shape { longest_page: 50, pages: Pages::Opaque, repositories: 1_000, ..SHAPE },
    ];
    for shape in shapes {
        let bitbucket = shape.build();
        let Shape { workspaces, projects, repositories, .. } = shape;
        let what = format!("{workspaces} × {repositories} and {projects}, {:?}", shape.pages);
        let (lists, list) = (shape.pages(projects), shape.pages(repositories));
        // All there is, and two to be created, which cost nothing to read.
        let keys = lines(projects, |number| format!("      - {{key: P{number}}}\n"));
        let listed = format!("    projects:\n{keys}");
        let (cost, unchanged, create) = plan(&bitbucket, &shape.manifest(0..repositories + 2, &listed));
        assert_eq!(cost, workspaces * (lists + list), "{what}");
        assert_eq!((unchanged, create), (workspaces * (projects + repositories), workspaces * 2), "{what}");
        // The project of the repositories is not listed, and has to be known all the same: it is on the first page.
        let (cost, unchanged, create) = plan(&bitbucket, &shape.manifest(0..repositories + 2, ""));
        assert_eq!(cost, workspaces * (1 + list), "{what}");
        assert_eq!((unchanged, create), (workspaces * repositories, workspaces * 2), "{what}");
        // Nothing but projects.
        let (cost, unchanged, create) = plan(&bitbucket, &shape.manifest(0..0, &listed));
        assert_eq!((cost, unchanged, create), (workspaces * lists, workspaces * projects, 0), "{what}");
    }
}

#[test]
fn a_few_names_in_a_huge_workspace_are_read_one_by_one() {
    let shape = Shape { repositories: 20_000, ..SHAPE };
    let bitbucket = shape.build();
    let all = shape.manifest(0..20_000, "");
    assert_eq!(plan(&bitbucket, &all), (1 + 200, 20_000, 0));
    // The first page holds the youngest.
    assert_eq!(plan(&bitbucket, &shape.manifest(19_900..20_000, "")), (1 + 1, 100, 0));
    assert_eq!(plan(&bitbucket, &shape.manifest(0..1, "")), (1 + 2, 1, 0));
    assert_eq!(plan(&bitbucket, &shape.manifest(0..7, "")), (1 + 8, 7, 0));
    assert_eq!(plan(&bitbucket, &shape.manifest(19_890..19_910, "")), (1 + 11, 20, 0));
    // What is to be created looks like what is further down.
    assert_eq!(plan(&bitbucket, &shape.manifest(19_990..20_003, "")), (1 + 4, 10, 3));
    // As many names as pages are left: both ways cost the same.
    assert_eq!(plan(&bitbucket, &shape.manifest(0..199, "")), (1 + 200, 199, 0));
    assert_eq!(plan(&bitbucket, &shape.manifest(0..198, "")), (1 + 199, 198, 0));
}

/// A list that does not say how long it is: no rule can cost what one who knows would pay, and none costs less than twice
/// that at worst. With `best` by the formula, what is promised is `2 (best - 1)` at most, and `best` if the list ends first.
#[test]
fn a_list_without_a_size_costs_less_than_twice_the_best() {
    let shape = Shape { repositories: 1_000, pages: Pages::Opaque, ..SHAPE };
    let bitbucket = shape.build();
    for named in [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 20, 100, 900] {
        let best = (1 + named).min(10);
        let (cost, unchanged, _) = plan(&bitbucket, &shape.manifest(0..named, ""));
        let cost = cost - 1;
        assert_eq!(unchanged, named);
        assert!(cost == best || cost <= 2 * (best - 1), "{named}: {cost}, at best {best}");
        assert!(named < 10 || cost == best, "{named}: {cost}, at best {best}");
    }
    // Pages are read on while that finds what is wanted.
    assert_eq!(plan(&bitbucket, &shape.manifest(850..950, "")).0, 1 + 2);
}

/// People cost a request for every 90 addresses, in the workspaces that name any and however often.
#[test]
fn a_look_at_the_members_is_on_the_bill() {
    let email = |number: usize| format!("p{number}@example.com");
    let bitbucket = Bitbucket::with(Options { members: (0..200).map(email).collect(), ..Options::default() });
    for named in [0, 1, 89, 90, 91, 180, 181] {
        let users: String = (0..named).map(|number| format!("{}: read, ", email(number))).collect();
        let project = format!("{{key: P, permissions: {{users: {{{users}}}}}, default_reviewers: [{}]}}", email(0));
        let project = if named == 0 { "{key: P}".to_owned() } else { project };
        let manifest = format!(
            "version: 1\nworkspaces: [{{workspace: w0, projects: [{project}]}}, {{workspace: w1, projects: [{{key: P}}]}}]"
        );
        assert_eq!(plan(&bitbucket, &manifest).0, 2 + named.div_ceil(90), "{named}");
    }
}
