//! Grants that stay in an exclusive section, and those whose going is warned of.

use bbprov::sandbox::{Credentials, Options, User};
use serde_json::{Value, json};

use super::{manifest, run};
use crate::official;
use crate::support::{Bbprov, Bitbucket, Folder};

/// Ada, who may do everything and owns nothing, Eve and Alan. Eve owns the workspaces, or does not.
fn people(eve_owns: bool, folder: &Folder) -> Options {
    let person = |name: &str, owner| User {
        email: Some(format!("{name}@example.com")),
        api_token: Some(format!("{name}-token")),
        owner,
        ..User::default()
    };
    let users = vec![person("ada", false), person("eve", eve_owns), person("alan", false)];
    let credentials = Some(Credentials { users, ..Credentials::default() });
    Options { credentials, state: Some(folder.path().join("state.json")), ..Options::default() }
}

fn as_ada(bitbucket: &Bitbucket, arguments: &[&str]) -> Bbprov {
    let command = bitbucket.led_here(arguments);
    command.env("BITBUCKET_EMAIL", "ada@example.com").env("BITBUCKET_API_TOKEN", "ada-token")
}

/// The UUIDs of those who have a grant of their own on the repository.
fn granted(bitbucket: &Bitbucket) -> Vec<Value> {
    let page = as_ada(bitbucket, &["plan", "--format", "json"]).run();
    let changes = page.json()["changes"].as_array().unwrap().clone();
    changes.into_iter().map(|change| change["address"].clone()).collect()
}

/// Bitbucket lets nobody take anything from who owns the workspace (api.md §5.1): it is not tried at each run.
#[test]
fn what_an_owner_of_the_workspace_has_stays() {
    let state = Folder::new();
    let uuids: Vec<String> = {
        let bitbucket = Bitbucket::with(people(false, &state));
        let everybody = |uuids: &[String]| {
            let users: Vec<String> = uuids.iter().map(|uuid| format!("'{uuid}': write")).collect();
            bitbucket.manifest(&manifest("", &format!("permissions: {{users: {{{}}}}}", users.join(", "))));
        };
        everybody(&[]);
        as_ada(&bitbucket, &["apply"]).run().exits(0);
        // ada@example.com:ada-token
        let members = bitbucket.by_hand_of(
            "Basic YWRhQGV4YW1wbGUuY29tOmFkYS10b2tlbg==",
            "GET",
            "/workspaces/acme/members",
            &Value::Null,
        );
        let uuid = |name: &str| {
            let members = members.1["values"].as_array().unwrap().iter();
            let mut of_name = members.filter(|one| one["user"]["display_name"] == json!(format!("{name}@example.com")));
            of_name.next().unwrap()["user"]["uuid"].as_str().unwrap().to_owned()
        };
        let uuids = vec![uuid("eve"), uuid("alan")];
        everybody(&uuids);
        as_ada(&bitbucket, &["apply"]).run().exits(0);
        uuids
    };
    let bitbucket = Bitbucket::with(people(true, &state));
    bitbucket.manifest(&manifest("permissions", "permissions: {users: {}}"));
    assert_eq!(granted(&bitbucket), [format!("acme/ledger/permissions/users/{}", uuids[1])]);
    let applied = as_ada(&bitbucket, &["apply", "--allow-remove", "1"]).run().exits(0);
    let eve = format!("eve@example.com {}…}}", &uuids[0][..9]);
    let words = format!("{eve}: stays although it is not listed: it is the grant of an owner of the workspace");
    assert!(applied.says(&words), "{applied}");
    assert_eq!(granted(&bitbucket), [""; 0]);
    // Whoever asks for something else is told why that cannot be.
    bitbucket.manifest(&manifest("", &format!("permissions: {{users: {{'{}': admin}}}}", uuids[0])));
    let refused = as_ada(&bitbucket, &["apply"]).run().exits(5);
    assert!(refused.says("nobody can change what an owner of the workspace may: leave the account out"), "{refused}");
    official::holds(&bitbucket);
}

/// Which groups an account is in cannot be asked.
#[test]
fn a_group_that_may_be_how_the_credential_came_in_is_warned_of() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&manifest("", "permissions: {groups: {admins: admin, readers: read}}"));
    run(&bitbucket, &["apply"]).exits(0);
    bitbucket.manifest(&manifest("permissions", "permissions: {users: {}, groups: {}}"));
    let ada = |arguments: &[&str]| bitbucket.as_owner(arguments).env("BITBUCKET_EMAIL", "ada@example.com").run();
    let notes = |run: &crate::support::Run| run.json()["notes"].as_array().unwrap().clone();
    let warned = notes(&ada(&["plan", "--format", "json"]).exits(0));
    assert_eq!(warned.len(), 1, "{warned:#?}");
    assert_eq!(warned[0]["address"], "acme/ledger/permissions/groups/admins");
    assert!(warned[0]["text"].as_str().unwrap().contains("through this group"), "{warned:#?}");
    // Whoever owns the workspace needs no grant, and whoever has one of their own no group.
    assert_eq!(notes(&run(&bitbucket, &["plan", "--format", "json"]).exits(0)), [""; 0]);
    let members = bitbucket.by_owner("GET", "/workspaces/acme/members", &Value::Null).1;
    let members = members["values"].as_array().unwrap();
    let own =
        members.iter().find(|one| one["user"]["display_name"] == "ada@example.com").unwrap()["user"]["uuid"].as_str();
    let path = format!(
        "/repositories/acme/ledger/permissions-config/users/{}",
        own.unwrap().replace('{', "%7B").replace('}', "%7D")
    );
    assert_eq!(bitbucket.by_owner("PUT", &path, &json!({"permission": "admin"})).0, 200);
    let notes = notes(&ada(&["plan", "--format", "json"]).exits(0));
    assert!(
        notes.len() == 1 && notes[0]["text"].as_str().unwrap().contains("it is the credential's own"),
        "{notes:#?}"
    );
}
