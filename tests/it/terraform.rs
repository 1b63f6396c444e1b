//! What Terraform manages, as a manifest: states of both providers, whole runs, and texts that are no states.

mod refused;
mod states;
mod types;

use serde_json::{Value, json};

use crate::support::{Bbprov, Folder, Run};

/// Resources of every type of `DrFaust92`'s provider, with the attributes that it documents.
const DRFAUST92: &str = include_str!("terraform/drfaust92.tfstate");

/// The same of zahiar's.
const ZAHIAR: &str = include_str!("terraform/zahiar.tfstate");

/// Whatever is a secret in them holds this.
const SECRET: &str = "s3cr3t";

/// Runs `import-terraform` in a folder that holds this state.
fn import(text: impl AsRef<[u8]>) -> Run {
    let folder = Folder::new();
    folder.write("terraform.tfstate", text);
    Bbprov::new(&folder, &["import-terraform", "terraform.tfstate"]).run()
}

/// A state that holds these groups of resources.
fn state(groups: &[Value]) -> String {
    json!({"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "", "outputs": {}, "resources": groups})
        .to_string()
}

/// A resource of `DrFaust92`'s provider, once.
fn resource(kind: &str, name: &str, attributes: Value) -> Value {
    resources(kind, name, &[(Value::Null, attributes)])
}

/// The same, as often as there are keys.
fn resources(kind: &str, name: &str, instances: &[(Value, Value)]) -> Value {
    let instance = |(key, attributes): &(Value, Value)| match key {
        Value::Null => json!({"schema_version": 0, "attributes": attributes}),
        key => json!({"index_key": key, "schema_version": 0, "attributes": attributes}),
    };
    json!({
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": "provider[\"registry.terraform.io/drfaust92/bitbucket\"]",
        "instances": instances.iter().map(instance).collect::<Vec<_>>(),
    })
}

/// A repository in project PAY of workspace acme.
fn repository(slug: &str) -> Value {
    json!({"id": format!("acme/{slug}"), "owner": "acme", "name": slug, "slug": slug, "project_key": "PAY"})
}
