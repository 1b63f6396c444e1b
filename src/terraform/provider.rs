//! Whose resource it is, by the address of its provider.

/// Who manages a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Provider {
    /// `DrFaust92`'s or zahiar's provider, wherever it was fetched from.
    Bitbucket,
    /// Another, as a person calls it: `hashicorp/aws`.
    Other(String),
}

/// Those whose resources are known. The first is `DrFaust92`'s as well: under these names it began, and what was made with it
/// then stands in states to this day.
const KNOWN: [&str; 6] = ["drfaust92", "zahiar", "hashicorp", "terraform-providers", "-", ""];

/// Reads `module.team.provider["registry.terraform.io/drfaust92/bitbucket"].alias`, and `provider.bitbucket` of Terraform 0.12.
/// Mirrors have other hosts, and the `OpenTofu` registry is one of them.
pub(super) fn provider(text: &str) -> Provider {
    let source = match text.rsplit_once("provider[\"") {
        Some((_, source)) => source.split_once('"').map_or(source, |(source, _)| source),
        None => text.rsplit_once("provider.").map_or(text, |(_, name)| name.split('.').next().unwrap_or(name)),
    };
    let mut parts = source.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let namespace = parts.next().unwrap_or_default();
    if name.eq_ignore_ascii_case("bitbucket") && KNOWN.contains(&namespace.to_ascii_lowercase().as_str()) {
        return Provider::Bitbucket;
    }
    Provider::Other(if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_known_wherever_it_was_fetched_from() {
        for text in [
            r#"provider["registry.terraform.io/drfaust92/bitbucket"]"#,
            r#"provider["registry.terraform.io/DrFaust92/bitbucket"].second"#,
            r#"provider["registry.opentofu.org/zahiar/bitbucket"]"#,
            r#"module.team["a"].provider["mirror.example.com:8443/zahiar/bitbucket"]"#,
            r#"provider["registry.terraform.io/-/bitbucket"]"#,
            "provider.bitbucket",
            "provider.bitbucket.second",
            "module.team.provider.bitbucket",
        ] {
            assert_eq!(provider(text), Provider::Bitbucket, "{text}");
        }
        for (text, name) in [
            (r#"provider["registry.terraform.io/hashicorp/aws"]"#, "hashicorp/aws"),
            (r#"provider["registry.terraform.io/fabianschurig/bitbucket"]"#, "fabianschurig/bitbucket"),
            (r#"provider["registry.terraform.io/gavinbunney/bitbucketserver"]"#, "gavinbunney/bitbucketserver"),
            ("provider.aws", "aws"),
            ("", ""),
        ] {
            assert_eq!(provider(text), Provider::Other(name.to_owned()), "{text}");
        }
    }
}
