//! The codes of all diagnostics, in one table. A code keeps its number and its meaning for ever: scripts, searches and
//! suppressed alerts rely on it. A number that is no longer used is not used again.

/// Makes the table: `Name = "number", "title";`, in the order of the numbers. What there is to say of each beyond that stands
/// in the folder `explained`.
macro_rules! codes {
    ($($name:ident = $number:literal, $title:literal;)*) => {
        /// What kind of thing a diagnostic is about. `BB00` is about files and YAML, `BB01` about keys and values, `BB02`
        /// about what several places say together, `BB03` about the rules of each kind, `BB04` about what exists, and
        /// `BB05` about credentials and secrets.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How it is written: `BB0101`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("BB", $number),)*
                }
            }

            /// What it means, why it is so, an example that is wrong and one that is right: Markdown in lines of 80 columns.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("explained/BB", $number, ".md")),)*
                }
            }

            /// A few words about it.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }
        }
    };
}

codes! {
    // Files and YAML.
    Unreadable = "0001", "a file or folder that cannot be read";
    TooLarge = "0002", "more text than a manifest can be";
    NotUtf8 = "0003", "a file that is not UTF-8";
    Empty = "0004", "a file without a manifest in it";
    InvalidYaml = "0005", "text that is not YAML";
    TooDeep = "0006", "brackets or indentation without end";
    TooManyAliases = "0007", "aliases that stand for too much";
    SecondDocument = "0008", "a second document in one file";
    UnknownAnchor = "0009", "an alias without its anchor";
    KeyNotText = "0010", "a key that is not text";

    // Keys and values.
    UnknownKey = "0101", "a key that is not known here";
    MissingKey = "0102", "a key that must be there";
    WrongType = "0103", "a value of another type";
    UnknownWord = "0104", "a value that is none of the possible ones";
    DoubleKey = "0105", "a key that stands twice";
    Impossible = "0106", "a setting that Bitbucket has no API for";

    // What several places say together.
    ConflictingDefaults = "0201", "two files with different defaults";
    ListedTwice = "0202", "an object that is listed twice";
    FormerName = "0203", "a former name that cannot be one";
    ExclusiveNothing = "0204", "an exclusive section that is not there";
    ItemTwice = "0205", "two items for one thing";
    ConflictingTemplates = "0206", "two templates of one name";
    UnknownTemplate = "0207", "a template that is not there";
    UsedTwice = "0208", "a template that is used twice";
    TemplateCircle = "0209", "a template that stands on itself";
    RemovesNothing = "0210", "a `~` with nothing to remove";
    TooManyObjects = "0211", "settings that stand for too much";
    WithoutEffect = "0212", "a section that another one makes void";

    // The rules of each kind.
    WorkspaceSlug = "0301", "a workspace's slug that cannot be";
    ProjectKey = "0302", "a project's key that cannot be";
    RepositorySlug = "0303", "a repository's slug that cannot be";
    NoProject = "0304", "a repository without a project";
    ForkPolicy = "0305", "a fork policy that does not go with a public repository";
    PublicInPrivate = "0306", "a public repository in a private project";
    ShutDown = "0307", "something that Bitbucket has shut down";
    Account = "0311", "text that names no account";
    Group = "0312", "text that names no group";
    SameForEverybody = "0321", "exceptions where there can be none";
    RestrictionValue = "0322", "a number that a branch restriction lacks or cannot have";
    NobodyExempt = "0323", "a restriction that does not say whom it lets through";
    BranchPattern = "0324", "a pattern that no branch can match";
    ModelBranch = "0331", "a branch of the branching model that is not one thing";
    BranchName = "0332", "a name that no branch can have";
    BranchPrefix = "0333", "prefixes that do not tell branches apart";
    WebhookUrl = "0341", "a webhook without a URL";
    WebhookEvents = "0342", "a webhook that hears of nothing";
    WebhookEvent = "0343", "an event that no webhook hears of";
    WebhookHost = "0344", "a webhook whose URL leads nowhere that Bitbucket can reach";
    PublicKey = "0351", "text that is no public SSH key";
    HostName = "0352", "text that names no host";
    OwnHost = "0353", "a host that Bitbucket knows by itself";
    VariableKey = "0361", "a key that no variable can have";
    NotSecured = "0362", "a secret for a variable that is not secured";
    EnvironmentType = "0363", "an environment without a type";
    Cron = "0364", "a schedule whose times cannot be read";

    // What exists, and what it refers to.
    DoomedReference = "0401", "something that needs what shall be deleted";
    UnknownReference = "0402", "something that needs what is not there";
    StillHeld = "0403", "a deletion that others stand in the way of";
    LikelyRename = "0404", "a deletion and a creation that may be a rename";
    MovingName = "0405", "a name that would move the repository";
    UnknownWorkspace = "0406", "a workspace that is not there";
    NoMember = "0407", "a person who is no member of the workspace";
    SamePerson = "0408", "a person who is named twice";

    // Credentials and secrets.
    WrittenSecret = "0501", "a secret in the manifest itself";
    SecretSource = "0502", "a secret that does not come from one place";
    VariableName = "0503", "text that names no environment variable";
    CredentialParts = "0504", "parts that make no credential";
    ConflictingCredentials = "0505", "two credentials for one workspace";
    MissingSecret = "0506", "a secret that cannot be had";
    UnusableCredential = "0507", "a credential that is of no use";
    LooksSecret = "0508", "text that looks like a secret";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_four_digits_in_order_and_have_titles() {
        let ids: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        for code in Code::ALL {
            let digits = code.id().strip_prefix("BB").unwrap();
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{code}");
        }
    }
}
