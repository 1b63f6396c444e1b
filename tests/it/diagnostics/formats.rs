//! What `validate` prints for programs.

use bbprov::diagnostic::Code;
use serde_json::{Value, json};

use crate::schemas::validator;
use crate::support::{Bbprov, Folder, Run};

const WRONG: &str = "version: 1
workspaces:
  - workspace: acme
    repositories:
      - {slug: größe, project: PAY, has_wiki: true}
      - {slug: a, project: PAY}
      - {slug: a, project: PAY}
    webhooks:
      - {url: \"https://ci.example.com\", events: [\"repo:push\"], secret: ATBBs3cr3t-t0k3n}
";

fn validate(text: &str, format: &str) -> Run {
    let folder = Folder::new();
    folder.write("teams/a,b%.yaml", text);
    Bbprov::new(&folder, &["validate", "--format", format, "teams/a,b%.yaml"]).run()
}

#[test]
fn json_is_a_document_with_a_schema() {
    let run = validate(WRONG, "json").exits(3);
    assert_eq!(run.stderr, "");
    let document = run.json();
    let errors: Vec<_> = validator("diagnostics").iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{document:#}");
    let codes: Vec<_> = document["diagnostics"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["BB0303", "BB0307", "BB0202", "BB0501"]);
    assert_eq!(document["summary"], json!({"errors": 3, "warnings": 1, "omitted": 0}));
    let slug = &document["diagnostics"][0];
    let place = json!({"file": "teams/a,b%.yaml", "line": 5, "column": 16, "end_line": 5, "end_column": 21});
    for (key, value) in place.as_object().unwrap() {
        assert_eq!(&slug["place"][key], value, "{key}");
    }
    assert_eq!((&slug["severity"], &slug["help"]), (&json!("error"), &json!(["write `slug: gr-e`"])));
    assert_eq!(document["diagnostics"][2]["secondary"][0]["line"], 6);
    assert!(!run.stdout.contains("s3cr3t"), "{run}");
}

#[test]
fn what_is_valid_is_said_to_programs_too() {
    let text = "version: 1\nworkspaces: [{workspace: acme, repositories: [{slug: a, project: P, has_wiki: true}]}]\n";
    let document = validate(text, "json").exits(0).json();
    assert_eq!(document["summary"], json!({"errors": 0, "warnings": 1, "omitted": 0}));
    assert!(validate(text, "github").exits(0).stdout.starts_with("::warning file="));
    assert_eq!(validate("version: 1\nworkspaces: []\n", "github").exits(0).stdout, "");
    let sarif = validate("version: 1\nworkspaces: []\n", "sarif").exits(0).json();
    assert_eq!(sarif["runs"][0]["results"], json!([]));
}

#[test]
fn github_gets_one_command_a_line() {
    let run = validate(WRONG, "github").exits(3);
    insta::assert_snapshot!(run.stdout, @r#"
    ::error file=teams/a%2Cb%25.yaml,line=5,col=16,endLine=5,endColumn=21,title=BB0303%3A a repository's slug that cannot be::"größe" cannot be a slug%0Alower case letters, digits, `_`, `.` and single `-` between them, at most 62 in all%0Ahelp: write `slug: gr-e`
    ::warning file=teams/a%2Cb%25.yaml,line=5,col=47,endLine=5,endColumn=51,title=BB0307%3A something that Bitbucket has shut down::Bitbucket shut its wikis down on 2026-08-20%0Ahelp: leave this out: it cannot be switched on any more
    ::error file=teams/a%2Cb%25.yaml,line=7,col=16,endLine=7,endColumn=17,title=BB0202%3A an object that is listed twice::repository acme/a is listed twice%0Athe second time%0Ahelp: keep one of them: an object has one place in a manifest, or in all its files%0Ateams/a,b%25.yaml:6: the first time
    ::error file=teams/a%2Cb%25.yaml,line=9,col=72,endLine=9,endColumn=88,title=BB0501%3A a secret in the manifest itself::`secret` is a secret, and a manifest holds none%0Anot shown here%0Ahelp: write where it comes from: `{env: NAME}`, `{file: path}` or `{command: [program, argument]}`%0Ahelp: whoever can read the file or its history knows a secret that stood in it: put a new one in its place
    "#);
    assert!(run.stderr.is_empty() && !run.stdout.contains("s3cr3t"));
}

/// What GitHub's documentation of SARIF support asks for.
#[test]
fn sarif_is_what_code_scanning_reads() {
    let sarif = validate(WRONG, "sarif").exits(3).json();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(sarif["$schema"].as_str().unwrap().contains("sarif-2.1.0"));
    let run = &sarif["runs"][0];
    assert_eq!((&run["tool"]["driver"]["name"], &run["columnKind"]), (&json!("bbprov"), &json!("unicodeCodePoints")));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Code::ALL.len());
    for (rule, code) in rules.iter().zip(Code::ALL) {
        assert_eq!(rule["id"], code.id());
        for text in ["/shortDescription/text", "/fullDescription/text", "/help/text", "/help/markdown"] {
            assert!(rule.pointer(text).and_then(Value::as_str).is_some_and(|text| !text.is_empty()), "{rule}");
        }
    }
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "teams/a%2Cb%25.yaml");
        let region = &location["region"];
        assert!(
            region["startLine"].as_u64() >= Some(1) && region["endColumn"].as_u64() > region["startColumn"].as_u64()
        );
    }
    assert_eq!(results[2]["relatedLocations"][0]["physicalLocation"]["region"]["startLine"], 6);
}

#[test]
fn what_has_no_place_is_told_as_well() {
    let folder = Folder::new();
    let run = |format| Bbprov::new(&folder, &["validate", "--format", format, "no.yaml"]).run().exits(3);
    let json = run("json").json();
    assert!(json["diagnostics"][0]["code"] == "BB0001" && json["diagnostics"][0]["place"].is_null(), "{json:#}");
    assert!(
        run("github").stdout.starts_with("::error title=BB0001%3A a file or folder that cannot be read::cannot read")
    );
    let sarif = run("sarif").json();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["toolExecutionNotifications"][0]["descriptor"]["id"], "BB0001");
    assert_eq!((&invocation["executionSuccessful"], &sarif["runs"][0]["results"]), (&json!(false), &json!([])));
}

/// A program that asked for JSON gets a whole document or nothing.
#[test]
fn a_plan_of_an_invalid_manifest_prints_no_half_document() {
    let folder = Folder::new();
    folder.write("repos.yaml", WRONG);
    let run = Bbprov::new(&folder, &["plan", "--sandbox", "--format", "json"]).run().exits(3);
    assert!(run.stdout.is_empty() && run.stderr.contains("error[BB0303]"), "{run}");
}
