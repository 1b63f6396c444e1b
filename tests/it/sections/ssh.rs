//! The SSH key pair of pipelines and the hosts that they know.

use serde_json::{Value, json};

use super::secrets::{assert_unseen, with};
use super::{complaints, drift, heals, ledger, settles};
use crate::official::holds;
use crate::support::Bitbucket;

pub const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEzOxb2BvAqlPRZTPpUmFmcYgAONNNCjb0bdRkZ9vmDz";
const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJWvnHiBSN0PTFUW0mtFCqkhGEM3XZ36EQnxJSUbSYbq";
const PRIVATE: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAAEbm9uZQAAAAAAAAABAAAA\n-----END OPENSSH PRIVATE KEY-----";

#[test]
fn a_key_pair_is_known_by_its_public_key() {
    let bitbucket = Bitbucket::new();
    let pair = "/repositories/acme/ledger/pipelines_config/ssh/key_pair";
    bitbucket.manifest(&ledger(
        "",
        &format!("pipelines: {{ssh_key_pair: {{private_key: {{file: key}}, public_key: {KEY} ci@acme}}}}"),
    ));
    let missing = with(&bitbucket, &["apply"], &[]).exits(4);
    assert!(missing.stderr.contains("repos.yaml:7:") && missing.stderr.contains("cannot read key"), "{missing}");
    assert_eq!(bitbucket.sent("POST") + bitbucket.sent("PUT"), 0);

    bitbucket.folder.write("key", PRIVATE);
    assert_unseen(&with(&bitbucket, &["apply", "-v"], &[]).exits(0), "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU");
    let sent = bitbucket.exchanges().into_iter().rev().find(|exchange| exchange.method == "PUT").unwrap();
    let sent: Value = serde_json::from_str(&sent.request_body).unwrap();
    assert_eq!(sent["private_key"], format!("{PRIVATE}\n"), "some who read keys insist on the last line break");
    // The private key is not needed where nothing changes.
    std::fs::remove_file(bitbucket.folder.path().join("key")).unwrap();
    settles(&bitbucket);

    bitbucket.by_hand("PUT", pair, &json!({"private_key": "x", "public_key": OTHER}));
    assert_eq!(drift(&bitbucket), ["update acme/ledger/pipelines/ssh_key_pair public_key"]);
    with(&bitbucket, &["apply"], &[]).exits(4);
    bitbucket.folder.write("key", PRIVATE);
    with(&bitbucket, &["apply"], &[]).exits(0);
    assert_eq!(drift(&bitbucket), [""; 0]);
    assert_eq!(bitbucket.by_hand("GET", pair, &Value::Null).1["public_key"].as_str().unwrap()[..80], KEY[..80]);
    holds(&bitbucket);
}

#[test]
fn a_known_host_is_kept() {
    let bitbucket = Bitbucket::new();
    let hosts = "/repositories/acme/ledger/pipelines_config/ssh/known_hosts";
    bitbucket
        .manifest(&ledger("", &format!("pipelines: {{known_hosts: [{{hostname: git.example.com, key: {KEY} x}}]}}")));
    settles(&bitbucket);
    let (_, page) = bitbucket.by_hand("GET", hosts, &Value::Null);
    let path = format!("{hosts}/{}", super::environments::encoded(&page["values"][0]["uuid"]));
    let body = |host: &str, key: &str| {
        let (kind, key) = key.split_once(' ').unwrap();
        json!({"type": "pipeline_known_host", "hostname": host, "public_key": {"type": "pipeline_ssh_public_key", "key_type": kind, "key": key}})
    };
    let line = ["update acme/ledger/pipelines/known_hosts/git.example.com key"];
    let sent = heals(&bitbucket, ("PUT", &path, body("git.example.com", OTHER)), &line, 1);
    assert_eq!(sent, body("git.example.com", KEY));
    bitbucket.by_hand("POST", hosts, &body("other.example.com", OTHER));
    assert_eq!(drift(&bitbucket), [""; 0]);
    assert_eq!(super::all(&bitbucket, hosts, "hostname"), ["git.example.com", "other.example.com"]);
    holds(&bitbucket);
}

/// Bitbucket's reason stands deep in its answer.
#[test]
fn a_host_that_bitbucket_knows_is_refused_with_its_reason() {
    let bitbucket = Bitbucket::new();
    bitbucket.manifest(&ledger("", &format!("pipelines: {{known_hosts: [{{hostname: bitbucket.org, key: {KEY}}}]}}")));
    let run = super::as_olive(&bitbucket, &["apply"]).exits(5);
    assert!(run.says("SSH for this hostname is already configured by Bitbucket"), "{run}");
}

/// Whoever writes the key itself, in several lines, is told so and shown none of them.
#[test]
fn a_private_key_in_a_manifest_is_not_shown() {
    let bitbucket = Bitbucket::new();
    let lines = PRIVATE.replace('\n', "\n              ");
    bitbucket.manifest(&format!(
        "version: 1\nworkspaces:\n  - workspace: acme\n    repositories:\n      - slug: ledger\n        project: PAY\n        pipelines:\n          \
         ssh_key_pair:\n            private_kye: x\n            private_key: |\n              {lines}\n            public_key: {KEY}\n"
    ));
    let run = bitbucket.led_here(&["validate"]).run().exits(3);
    for line in PRIVATE.lines() {
        assert_unseen(&run, line);
    }
}

#[test]
fn what_cannot_be_is_told_offline() {
    let cut = &KEY[..KEY.len() - 3];
    let told = complaints(
        "",
        &format!(
            "pipelines: {{known_hosts: [{{hostname: a, key: {cut}}},\n {{hostname: b, key: ssh-rsa}},\n {{hostname: c, key: git.example.com {KEY}}}],\n \
             ssh_key_pair: {{private_key: hunter2hunter2, public_key: {KEY}}}}}"
        ),
    );
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told, @"
    error[BB0351]: this is not a public key of SSH
     --> repos.yaml:7:83
      |
    7 | ...sts: [{hostname: a, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEzOxb2B...
      |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ its base64 is cut off
      |
      = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0351]: this is not a public key of SSH
     --> repos.yaml:8:21
      |
    8 |  {hostname: b, key: ssh-rsa},
      |                     ^^^^^^^ there must be a type and its base64, with a space between
      |
      = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0351]: this is not a public key of SSH
     --> repos.yaml:9:21
      |
    9 |  {hostname: c, key: git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA...
      |                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ leave out what stands before the type, such as the name of a host
      |
      = help: write the line of the file that ends with `.pub`: its type, its base64, and a comment if you like

    error[BB0501]: `private_key` is a secret, and a manifest holds none
      --> repos.yaml:10:30
       |
    10 |  ssh_key_pair: {private_key: **************, public_key: ssh-ed25519 AA...
       |                              ^^^^^^^^^^^^^^ not shown here
       |
       = help: write where it comes from: `{env: NAME}`, `{file: path}` or `{command: [program, argument]}`
       = help: whoever can read the file or its history knows a secret that stood in it: put a new one in its place

    4 errors
    ");
}
