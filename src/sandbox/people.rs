//! Who there is besides the caller: the members of the workspaces, and their groups (api.md §2.2, §5.1; schema `user`).
//!
//! With a credentials file its users are the people. Without one there are four, members of every workspace: Olive
//! (`olive@example.com`) owns them all, Ada (`ada@example.com`), Grace (`grace@example.com`) and Alan
//! (`alan@example.com`) do not, and no one is in a group. Their UUIDs and account ids follow from their addresses, so
//! they are the same in every run; `GET …/members` tells them. Whoever starts a sandbox may name more members, by address.
//! Groups have no list in API 2.0: any slug is taken to be
//! one, unless the credentials say which there are.

use serde_json::{Value, json};

use super::auth::{Kind, Principal};
use super::credentials::{Credentials, User};
use super::random;
use super::request::percent_encode;

/// The owner of every workspace, when nobody says who there is.
const OWNER: &str = "olive@example.com";

/// Those who are nothing but members, then.
const MEMBERS: [&str; 3] = ["ada@example.com", "grace@example.com", "alan@example.com"];

/// A person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) uuid: String,
    pub(super) account_id: String,
    pub(super) display_name: String,
    pub(super) email: Option<String>,
    /// Whether the workspaces are theirs.
    pub(super) owner: bool,
    /// The slugs of the groups they are in.
    pub(super) groups: Vec<String>,
    /// Public keys of their own.
    pub(super) ssh_keys: Vec<String>,
    /// What they call themselves when they come.
    names: Vec<String>,
    /// The workspaces they are members of; `None` is every one.
    workspaces: Option<Vec<String>>,
}

impl Person {
    /// Somebody of whom nothing is known but a name.
    fn called(name: &str) -> Self {
        let number = random::seed(name);
        Self {
            uuid: random::uuid("user", number),
            account_id: random::hex("account", number, 24),
            display_name: name.to_owned(),
            email: name.contains('@').then(|| name.to_owned()),
            owner: false,
            groups: Vec::new(),
            ssh_keys: Vec::new(),
            names: vec![name.to_owned()],
            workspaces: None,
        }
    }

    /// Somebody with an entry in the credentials file.
    fn known(user: &User) -> Self {
        let names: Vec<_> = [&user.email, &user.username].into_iter().flatten().cloned().collect();
        let name = names.first().or(user.display_name.as_ref());
        let account = Self::called(name.map_or("", String::as_str));
        Self {
            uuid: user.uuid.clone().unwrap_or(account.uuid),
            account_id: user.account_id.clone().unwrap_or(account.account_id),
            display_name: user.display_name.clone().unwrap_or(account.display_name),
            email: user.email.clone(),
            owner: user.owner,
            groups: user.groups.clone(),
            ssh_keys: user.ssh_keys.clone(),
            names,
            workspaces: user.workspaces.clone(),
        }
    }

    pub(super) fn is_member(&self, workspace: &str) -> bool {
        self.workspaces.as_ref().is_none_or(|all| all.iter().any(|slug| slug == workspace))
    }

    /// Whether an address, in lower case, is this person's.
    pub(super) fn has_address(&self, email: &str) -> bool {
        self.email.as_ref().is_some_and(|own| own.to_lowercase() == email)
    }

    /// Whether this is who an account id or `{uuid}` names. Usernames name nobody since 2019.
    pub(super) fn is(&self, id: &str) -> bool {
        self.uuid == id || self.account_id == id
    }

    /// The object as Bitbucket shows it.
    pub(super) fn representation(&self, api: &str) -> Value {
        let encoded = percent_encode(&self.uuid);
        json!({
            "type": "user",
            "uuid": self.uuid,
            "account_id": self.account_id,
            "display_name": self.display_name,
            "nickname": self.display_name,
            "links": {
                "self": { "href": format!("{api}/users/{encoded}") },
                "html": { "href": format!("https://bitbucket.org/{encoded}/") },
                "avatar": { "href": "https://secure.gravatar.com/avatar/?d=identicon" },
            },
        })
    }
}

/// Everybody.
#[derive(Debug)]
pub(super) struct People {
    accounts: Vec<Person>,
    /// The only groups there are; `None` lets every slug be one.
    groups: Option<Vec<String>>,
}

impl People {
    /// Those of the credentials file, or the four, and whoever else has one of these addresses.
    pub(super) fn new(credentials: Option<&Credentials>, more: &[String]) -> Self {
        let (mut accounts, groups) = match credentials {
            None => {
                let owner = Person { owner: true, ..Person::called(OWNER) };
                let members = MEMBERS.iter().map(|email| Person::called(email));
                (std::iter::once(owner).chain(members).collect(), None)
            }
            Some(credentials) => {
                let accounts: Vec<_> = credentials.users.iter().map(Person::known).collect();
                (accounts, credentials.groups.clone())
            }
        };
        for email in more.iter().map(|email| email.to_lowercase()) {
            if !accounts.iter().any(|account| account.has_address(&email)) {
                accounts.push(Person::called(&email));
            }
        }
        Self { accounts, groups }
    }

    /// The members of a workspace.
    pub(super) fn members(&self, workspace: &str) -> impl Iterator<Item = &Person> {
        self.accounts.iter().filter(move |account| account.is_member(workspace))
    }

    /// Those who are in a group.
    pub(super) fn in_group(&self, slug: &str) -> impl Iterator<Item = &Person> {
        self.accounts.iter().filter(move |account| account.groups.iter().any(|group| group == slug))
    }

    /// Everybody's own public keys.
    pub(super) fn ssh_keys(&self) -> impl Iterator<Item = &str> {
        self.accounts.iter().flat_map(|account| &account.ssh_keys).map(String::as_str)
    }

    /// The person that a caller is, or would be.
    pub(super) fn of(&self, principal: &Principal) -> Person {
        let known = self.accounts.iter().find(|account| account.names.contains(&principal.account));
        known.cloned().unwrap_or_else(|| {
            let account = Person::called(&principal.account);
            // The sandbox knows its callers by what they sent, and that may be a secret.
            let is_secret = principal.kind != Kind::ApiToken;
            Person {
                display_name: if is_secret { "Sandbox".to_owned() } else { account.display_name },
                email: account.email.filter(|_| !is_secret),
                ..account
            }
        })
    }

    /// The person that an account id or `{uuid}` names. The caller is somebody, listed or not.
    pub(super) fn named(&self, id: &str, caller: Option<&Principal>) -> Option<Person> {
        let known = self.accounts.iter().find(|account| account.is(id)).cloned();
        let person = |caller: &&Principal| matches!(caller.kind, Kind::ApiToken | Kind::OAuth);
        known.or_else(|| caller.filter(person).map(|caller| self.of(caller)).filter(|account| account.is(id)))
    }

    pub(super) fn has_group(&self, slug: &str) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.iter().any(|group| group == slug))
    }
}

/// A group as Bitbucket shows it: of what it is like, only its slug is known.
pub(super) fn group(workspace: &str, slug: &str) -> Value {
    json!({ "type": "group", "name": slug, "slug": slug, "full_slug": format!("{workspace}:{slug}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_by_uuid_and_account_id_only() {
        let people = People::new(None, &[]);
        let ada = people.accounts[1].clone();
        assert!(people.named(&ada.uuid, None).is_some_and(|found| found.display_name == "ada@example.com"));
        assert!(people.named(&ada.account_id, None).is_some());
        assert!(people.named("ada@example.com", None).is_none());
        assert_eq!(people.members("acme").filter(|account| account.owner).count(), 1);
    }

    #[test]
    fn credentials_say_who_there_is() -> serde_json::Result<()> {
        let file = r#"{"groups": ["developers"], "users": [
            {"email": "ana@example.com", "uuid": "{1}", "account_id": "712020:1", "workspaces": ["acme"]},
            {"username": "bo", "owner": true}
        ]}"#;
        let people = People::new(Some(&serde_json::from_str(file)?), &[]);
        assert_eq!(people.members("acme").count(), 2);
        assert_eq!(people.members("other").map(|account| account.owner).collect::<Vec<_>>(), [true]);
        assert!(people.named("712020:1", None).is_some_and(|ana| ana.uuid == "{1}"));
        assert!(people.has_group("developers") && !people.has_group("others"));
        Ok(())
    }
}
