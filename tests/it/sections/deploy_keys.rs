//! Keys that read over Git.

use serde_json::{Value, json};

use super::{all, complaints, drift, heals, ledger, settles};
use crate::support::Bitbucket;

pub const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA1bcdefghijklmnopqrstuvwxyz0123456789ABCDEF";

const PATHS: [(&str, &str); 2] = [
    ("/repositories/acme/ledger/deploy-keys", "acme/ledger"),
    ("/workspaces/acme/projects/PAY/deploy-keys", "acme/PAY"),
];

fn labelled(bitbucket: &Bitbucket, label: &str) {
    let keys = format!("deploy_keys: [{{label: {label}, key: '{KEY}  me@here'}}]");
    bitbucket.manifest(&ledger(&keys, &keys));
}

fn id_of(bitbucket: &Bitbucket, path: &str, key: &str) -> String {
    let (_, page) = bitbucket.by_hand("GET", path, &Value::Null);
    let mut keys = page["values"].as_array().into_iter().flatten();
    let id = &keys.find(|known| known["key"] == key).unwrap_or_else(|| panic!("{page}"))["id"];
    format!("{path}/{id}")
}

#[test]
fn a_key_is_its_material() {
    let bitbucket = Bitbucket::new();
    labelled(&bitbucket, "ci");
    settles(&bitbucket);
    for (path, parent) in PATHS {
        assert_eq!(all(&bitbucket, path, "comment"), ["me@here"], "the comment is sent and not compared");
        assert_eq!(bitbucket.by_hand("POST", path, &json!({"key": OTHER, "label": "by hand"})).0, 200);
        assert_eq!(drift(&bitbucket), [""; 0]);
        // The same key with another label and comment is the same key.
        let id = id_of(&bitbucket, path, KEY);
        assert_eq!(bitbucket.by_hand("DELETE", &id, &Value::Null).0, 204);
        let name = format!("{parent}/deploy_keys/ssh-ed25519 {}", &KEY[KEY.len() - 43..]);
        let body = heals(
            &bitbucket,
            ("POST", path, json!({"key": format!("{KEY} you@there"), "label": "theirs"})),
            &[&format!("replace {name} label")],
            2,
        );
        assert_eq!(body, json!({"key": format!("{KEY}  me@here"), "label": "ci"}));
        let expected = ["key", "label"].map(|field| format!("create {name} {field}"));
        let id = id_of(&bitbucket, path, KEY);
        heals(&bitbucket, ("DELETE", &id, Value::Null), &expected.each_ref().map(String::as_str), 1);
        assert_eq!(all(&bitbucket, path, "label"), ["by hand", "ci"], "what the manifest does not list stays");
    }
}

#[test]
fn another_label_is_another_key_in_its_place() {
    let bitbucket = Bitbucket::new();
    labelled(&bitbucket, "ci");
    settles(&bitbucket);
    labelled(&bitbucket, "builds");
    insta::assert_snapshot!(super::as_olive(&bitbucket, &["plan"]).exits(0).stdout, @"
    acme has 1 repository and 1 project

        project    acme/PAY
          ± deploy key ssh-ed25519 JWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq
                deleted and created anew, and does not work in between
                label  ci → builds
        repository acme/ledger
          ± deploy key ssh-ed25519 JWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq
                deleted and created anew, and does not work in between
                label  ci → builds

    2 to replace, 2 unchanged.
    4 requests used; 4 to apply, 1 % of 1,000 an hour.
    ");
    settles(&bitbucket);
    for (path, _) in PATHS {
        assert_eq!(all(&bitbucket, path, "label"), ["builds"]);
        let order: Vec<_> = bitbucket
            .exchanges()
            .into_iter()
            .filter(|exchange| exchange.path.contains(path) && exchange.method != "GET")
            .map(|exchange| exchange.method)
            .collect();
        assert_eq!(order, ["POST", "DELETE", "POST"], "the same key cannot be there twice");
    }
}

#[test]
fn what_is_wrong_is_found_without_a_network() {
    let complaints = complaints(
        "",
        &format!(
            "deploy_keys: [
          {{label: a, key: '{KEY} here'}},
          {{label: b, key: '{KEY} there'}},
          {{label: c, key: AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq}},
          {{label: d, key: ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq}},
          {{label: e, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSY}},
          {{label: f, key: ssh-ed25519 hunter2}},
          {{label: g, key: '-----BEGIN OPENSSH PRIVATE KEY-----'}},
          {{label: h}},
        ]"
        ),
    );
    insta::assert_snapshot!(complaints, @"
    error[BB0202]: deploy key acme/ledger/deploy_keys/ssh-ed25519 JWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq is listed twice
     --> repos.yaml:9:27
      |
    9 |           {label: b, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBS...
      |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ the second time
      |
     ::: repos.yaml:8:27
      |
    8 |           {label: a, key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBS...
      |                           ---------------------------------------------- the first time
      |
      = help: keep one of them: an object has one place in a manifest, or in all its files

    error[BB0351]: this is not a public key of SSH
      --> repos.yaml:10:27
       |
    10 |           {label: c, key: AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFC...
       |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ there must be a type and its base64, with a space between
       |
       = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0351]: this is not a public key of SSH
      --> repos.yaml:11:27
       |
    11 |           {label: d, key: ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PT...
       |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ it must begin with its type, such as `ssh-ed25519`
       |
       = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0351]: this is not a public key of SSH
      --> repos.yaml:12:27
       |
    12 |           {label: e, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBS...
       |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ its base64 is cut off
       |
       = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0351]: this is not a public key of SSH
      --> repos.yaml:13:27
       |
    13 |           {label: f, key: ssh-ed25519 hunter2},
       |                           ^^^^^^^^^^^^^^^^^^^ what follows the type is not the base64 of a key
       |
       = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0351]: this is not a public key of SSH
      --> repos.yaml:14:27
       |
    14 |           {label: g, key: '***********************************'},
       |                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ a private key, which belongs in no manifest: take it for known to others, and make a new one
       |
       = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0102]: deploy key lacks `key`
      --> repos.yaml:15:11
       |
    15 |           {label: h},
       |           ^ in the entry that begins here

    7 errors
    ");
}
