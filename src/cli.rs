//! The command line: what can be typed, and nothing of what it does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::{bitbucket, inventory, progress, report, sandbox};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// Provisions Bitbucket Cloud from manifests: workspaces, projects and repositories as YAML says they shall be.
#[derive(Debug, Parser)]
#[command(name = "bbprov", version, styles = STYLES, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How much to say, and how.
    #[command(flatten)]
    pub output: OutputArgs,
}

const EXAMPLES: &str = "\
Examples:
  bbprov apply --sandbox examples/repos.yaml   try it: no credential, no network
  bbprov plan                                  what repos.yaml would change
  bbprov apply -j 16 teams/ shared.yaml        carry it out
  bbprov validate 'teams/*.yaml'               check manifests offline

Exit codes:
  0 done or nothing to do      1 unexpected error            2 changes wait (--detailed-exitcode)
  3 manifest not valid         4 credential missing/refused  5 applied, with failures
  6 stopped by a limit         7 refused by a guard         64 wrong usage
130 interrupted";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would change; sends nothing but GET.
    #[command(after_help = "\
Examples:
  bbprov plan                              repos.yaml in this folder
  bbprov plan teams/ --detailed-exitcode   exit 2 if anything differs, for a pipeline
  bbprov plan --format json | jq .summary
  cat repos.yaml | bbprov plan -")]
    Plan(PlanArgs),
    /// Create and change what the manifest says; shows the plan and asks first.
    #[command(after_help = "\
Examples:
  bbprov apply                     repos.yaml in this folder, after a question
  bbprov apply --yes -j 16         no question, sixteen requests at once
  bbprov apply --only 'acme/pay-*'
  bbprov apply --allow-delete 1    for a manifest with `state: absent`")]
    Apply(ApplyArgs),
    /// Check manifests offline: no credential, no network.
    #[command(after_help = "\
Examples:
  bbprov validate 'teams/*.yaml'
  bbprov validate --format github            annotate the lines, in a workflow
  bbprov validate --format sarif > out.sarif   for code scanning
  bbprov explain BB0101                      what an error's code means")]
    Validate(ValidateArgs),
    /// Explain where each value of an object comes from, or what the code of an error means.
    #[command(after_help = "\
Examples:
  bbprov explain acme/ledger               every value, and which file, template or default says it
  bbprov explain acme/ledger/permissions   a part of it
  bbprov explain acme/PAY teams/           a project of a manifest in several files
  bbprov explain acme --format json        what is said of the workspace itself
  bbprov explain BB0101                    what error[BB0101] means, with an example
  bbprov explain                           all codes")]
    Explain {
        /// An address such as acme/ledger, or a code such as BB0101 [default: lists all codes]
        #[arg(value_name = "ADDRESS|CODE")]
        about: Option<String>,
        /// Files, folders, patterns, or - for standard input [default: repos.yaml]
        #[arg(value_name = "MANIFEST", value_hint = ValueHint::AnyPath)]
        manifests: Vec<String>,
        /// What to print
        #[arg(long, value_enum, default_value_t)]
        format: ExplainFormat,
    },
    /// Write a manifest of everything that exists; sends nothing but GET.
    #[command(after_help = "\
Examples:
  bbprov export acme > repos.yaml               projects and repositories
  bbprov export acme --sections webhooks        their webhooks as well
  bbprov export acme --sections all --split teams/   a file for each project
  bbprov export acme --check > repos.yaml       and a proof: it plans to nothing
  bbprov export --unmanaged repos.yaml          what repos.yaml does not know

Costs a request for every 100 repositories and projects, and with --sections
one for each section of each of them. What may not be read is left out and
told, and the exit code is 4. With --check it is 2 if what was written does
not plan to nothing, with --detailed-exitcode if something is unmanaged.")]
    Export(ExportArgs),
    /// Begin a manifest: a small one with comments, or one of a workspace that exists.
    #[command(after_help = "\
Examples:
  bbprov init && bbprov apply --sandbox    a manifest to begin with, tried
  bbprov init --from acme                  what exists, as export writes it")]
    Init(InitArgs),
    /// Write a manifest of what Terraform manages, from its state; offline.
    #[command(after_help = "\
Examples:
  terraform state pull | bbprov import-terraform - > repos.yaml
  bbprov import-terraform --split teams/ a.tfstate b.tfstate
  bbprov plan                              adopts what exists

It takes what the providers DrFaust92/bitbucket and zahiar/bitbucket manage.
Secrets stay behind: the manifest names environment variables in their place.
What it cannot say is told on stderr, by its address in Terraform.")]
    ImportTerraform(ImportTerraformArgs),
    /// Print the JSON Schema of a format.
    #[command(after_help = "\
Example:
  bbprov schema > manifest.schema.json     and in repos.yaml:
  # yaml-language-server: $schema=manifest.schema.json")]
    Schema {
        /// Which format.
        #[arg(value_enum, default_value_t)]
        which: SchemaName,
    },
    /// Run an in-memory Bitbucket on this machine and print the environment that leads to it.
    #[command(after_help = "\
Example:
  bbprov sandbox --latency 50ms > sandbox.env &
  . ./sandbox.env
  bbprov apply examples/repos.yaml

A file for --credentials, all of it optional:
  {\"clients\": [{\"id\": \"app\", \"secret\": \"s\", \"private\": true, \"callback\": true,
                \"grants\": [\"client_credentials\", \"password\"], \"scopes\": [\"repository:admin\"]}],
   \"users\": [{\"username\": \"ana\", \"email\": \"ana@example.com\", \"password\": \"p\", \"api_token\": \"t\"}],
   \"access_tokens\": [{\"token\": \"t\", \"scopes\": [\"project\", \"repository\"]}]}")]
    Sandbox(SandboxArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "\
Example:
  bbprov completions bash > ~/.local/share/bash-completion/completions/bbprov")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or that of a command.
    #[command(after_help = "\
Example:
  bbprov man apply | man -l -")]
    Man {
        /// The command.
        command: Option<String>,
    },
}

/// What `plan` and `apply` both take.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The manifest.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// The way to Bitbucket.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The report.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// What `plan` takes.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What it shares with the other.
    #[command(flatten)]
    pub run: RunArgs,
    /// Exit 2 if changes wait, 0 if there is nothing to do
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// What `apply` takes.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// What it shares with the other.
    #[command(flatten)]
    pub run: RunArgs,
    /// Do not ask. Without a terminal there is no question either; deletions still need --allow-delete
    #[arg(short, long)]
    pub yes: bool,
    /// At most so many repositories and projects may be deleted
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub allow_delete: usize,
    /// At most so much may be removed from exclusive sections [default: a quarter of what each holds]
    #[arg(long, value_name = "N")]
    pub allow_remove: Option<usize>,
    /// Private repositories and projects may be made public
    #[arg(long)]
    pub allow_public: bool,
}

/// What `validate` takes.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Files, folders, patterns, or - for standard input [default: repos.yaml]
    #[arg(value_name = "MANIFEST", value_hint = ValueHint::AnyPath)]
    pub manifests: Vec<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub format: FindingsFormat,
}

/// The formats of what is wrong with a manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum FindingsFormat {
    /// For a person: what is wrong on stderr
    #[default]
    Human,
    /// For a program; see `bbprov schema diagnostics`
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanning and editors
    Sarif,
}

/// What `import-terraform` takes.
#[derive(Debug, Args)]
pub struct ImportTerraformArgs {
    /// State files of version 4, or - for standard input; several make one manifest
    #[arg(value_name = "STATE", value_hint = ValueHint::FilePath, required = true)]
    pub states: Vec<String>,
    /// Write a file for each project into this folder, and nothing to stdout
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub split: Option<PathBuf>,
    /// The slug of a workspace that a state knows by its UUID alone. Repeatable
    #[arg(long = "workspace", value_name = "UUID=SLUG", value_parser = parse_workspace)]
    pub workspaces: Vec<(String, String)>,
}

fn parse_workspace(text: &str) -> Result<(String, String), String> {
    let (uuid, slug) = text.split_once('=').ok_or("write UUID=SLUG, such as '{0b5c4f1e-…}=acme'")?;
    let uuid = crate::terraform::uuid(uuid).ok_or_else(|| format!("{uuid} is no UUID"))?;
    Ok((uuid, slug.to_owned()))
}

/// The formats of an explanation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ExplainFormat {
    /// For a person
    #[default]
    Human,
    /// For a program
    Json,
}

/// What `export` takes.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The workspaces' slugs [default: those of the manifest of --unmanaged]
    #[arg(value_name = "WORKSPACE", required_unless_present = "unmanaged")]
    pub workspaces: Vec<String>,
    /// The sections.
    #[command(flatten)]
    pub sections: SectionsArgs,
    /// Write a file for each project into this folder, and nothing to stdout
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub split: Option<PathBuf>,
    /// Plan what was written, and say that there is nothing to do, or what. As many requests again
    #[arg(long)]
    pub check: bool,
    /// Write only what this manifest does not know yet: a file, a folder or a pattern. Repeatable
    #[arg(long, value_name = "MANIFEST", value_hint = ValueHint::AnyPath, conflicts_with = "split")]
    pub unmanaged: Vec<String>,
    /// Exit 2 if something is unmanaged, 0 if not
    #[arg(long, requires = "unmanaged")]
    pub detailed_exitcode: bool,
    /// The way to Bitbucket.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Which sections to read.
#[derive(Debug, Args)]
pub struct SectionsArgs {
    /// What else to read of each project and repository: names with commas between, or all
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = PossibleValuesParser::new(section_names()))]
    pub sections: Vec<String>,
}

/// What `init` takes.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The file to write, which must not exist yet
    #[arg(value_name = "FILE", default_value = crate::manifest::files::DEFAULT, value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Write what exists in this workspace, as `bbprov export` does. Repeatable
    #[arg(long, value_name = "WORKSPACE")]
    pub from: Vec<String>,
    /// What to read there.
    #[command(flatten)]
    pub sections: SectionsArgs,
    /// The way to Bitbucket.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// All that `--sections` can name.
fn section_names() -> impl Iterator<Item = &'static str> {
    ["all"].into_iter().chain(inventory::section_names())
}

/// Which manifests, and which part of them.
#[derive(Debug, Args)]
pub struct ManifestArgs {
    /// Files, folders, patterns, or - for standard input [default: repos.yaml]
    #[arg(value_name = "MANIFEST", value_hint = ValueHint::AnyPath)]
    pub manifests: Vec<String>,
    /// Only objects whose address fits, and what those need; `*` stands for anything. Repeatable
    #[arg(long, value_name = "PATTERN")]
    pub only: Vec<String>,
    /// Write the secrets again of what fits: nobody can see whether they are still the same. Repeatable
    #[arg(long, value_name = "PATTERN")]
    pub rewrite_secrets: Vec<String>,
}

/// How to reach Bitbucket, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Run against a fresh in-memory Bitbucket in which the manifest's workspaces exist; needs no credential
    #[arg(long)]
    pub sandbox: bool,
    /// Which credential to use, if the environment holds several
    #[arg(long, value_enum, value_name = "KIND")]
    pub auth: Option<AuthKind>,
    /// A file that holds the secret which the environment lacks
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "token_command")]
    pub token_file: Option<PathBuf>,
    /// A command that prints it, such as 'pass show bitbucket'
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub token_command: Option<String>,
    /// Requests on their way at once
    #[arg(short = 'j', long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// How long one request may take
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = some_time)]
    pub timeout: Duration,
    /// Send so many requests to the API and not one more; exit 6, running again continues
    #[arg(long, value_name = "N")]
    pub max_requests: Option<usize>,
    /// End by then, such as 110m in a CI step of two hours; exit 6, running again continues
    #[arg(long, value_name = "DURATION", value_parser = some_time)]
    pub deadline: Option<Duration>,
    /// Where the API is; plain http only to this machine
    #[arg(long, value_name = "URL", env = "BITBUCKET_API_URL", default_value = bitbucket::API_URL, hide_env_values = true)]
    pub api_url: String,
    /// Where tokens are fetched
    #[arg(long, value_name = "URL", env = "BITBUCKET_TOKEN_URL", default_value = bitbucket::TOKEN_URL, hide_env_values = true)]
    pub token_url: String,
}

/// The kinds of credential.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AuthKind {
    /// BITBUCKET_ACCESS_TOKEN
    AccessToken,
    /// BITBUCKET_EMAIL and BITBUCKET_API_TOKEN
    ApiToken,
    /// BITBUCKET_OAUTH_CLIENT_ID and BITBUCKET_OAUTH_CLIENT_SECRET
    ClientCredentials,
    /// The two, BITBUCKET_USERNAME and BITBUCKET_PASSWORD
    Password,
    /// The two and BITBUCKET_REFRESH_TOKEN
    RefreshToken,
}

impl From<AuthKind> for bitbucket::credential::Kind {
    fn from(kind: AuthKind) -> Self {
        match kind {
            AuthKind::AccessToken => Self::AccessToken,
            AuthKind::ApiToken => Self::ApiToken,
            AuthKind::ClientCredentials => Self::ClientCredentials,
            AuthKind::Password => Self::Password,
            AuthKind::RefreshToken => Self::RefreshToken,
        }
    }
}

/// What is written down, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct ReportArgs {
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    pub format: FormatName,
    /// Write it in another format as well, such as json=plan.json. Repeatable
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_report)]
    pub report: Vec<(FormatName, PathBuf)>,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// For a person
    #[default]
    Human,
    /// For a program; see `bbprov schema plan`
    Json,
}

impl From<FormatName> for report::Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Human => Self::Human,
            FormatName::Json => Self::Json,
        }
    }
}

fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("some time is needed, such as 30s".to_owned()),
        Ok(time) => Ok(time),
        Err(error) => Err(format!("{error}; write it as 30s, 5m or 1h30m")),
    }
}

fn parse_report(text: &str) -> Result<(FormatName, PathBuf), String> {
    let (format, file) = text.split_once('=').ok_or("write FORMAT=FILE, such as json=plan.json")?;
    let format = FormatName::from_str(format, false).map_err(|_| format!("{format} is no format: human or json"))?;
    Ok((format, file.into()))
}

/// The schemas.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum SchemaName {
    /// What a person writes
    #[default]
    Manifest,
    /// What `plan` and `apply` print with `--format json`
    Plan,
    /// What `validate` prints with `--format json`
    Diagnostics,
}

/// What `sandbox` takes.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Where to listen, on this machine only; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7990")]
    pub listen: SocketAddr,
    /// The workspaces that exist [default: every one that is named]. Repeatable
    #[arg(long = "workspace", value_name = "SLUG")]
    pub workspaces: Vec<String>,
    /// A manifest whose objects exist from the beginning; whom it names by e-mail address is a member
    #[arg(long, value_name = "MANIFEST", value_hint = ValueHint::AnyPath)]
    pub seed: Vec<String>,
    /// A file to keep the objects in from one run to the next
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub state: Option<PathBuf>,
    /// How long every answer takes
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    pub latency: Duration,
    /// How long changes take to show where Bitbucket was seen to be late, such as 2s
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    pub settling: Duration,
    /// What the workspaces have paid for: what it does not hold is answered 402
    #[arg(long, value_enum, value_name = "PLAN", default_value_t)]
    pub subscription: SubscriptionName,
    /// How many requests each credential may send, such as 1000/1h
    #[arg(long, value_name = "N/DURATION")]
    pub rate_limit: Option<sandbox::RateLimit>,
    /// Which share of the requests goes wrong, such as 0.2, or 0.2:42 to repeat a run
    #[arg(long, value_name = "RATE[:SEED]")]
    pub faults: Option<sandbox::Faults>,
    /// The scopes of every credential, separated by commas or spaces [default: all]
    #[arg(long, value_name = "SCOPES")]
    pub scopes: Vec<String>,
    /// A JSON file with the clients, users and tokens that are let in [default: everybody]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub credentials: Option<PathBuf>,
    /// How long the tokens live that it gives out
    #[arg(long, value_name = "DURATION", default_value = "2h", value_parser = humantime::parse_duration)]
    pub token_lifetime: Duration,
    /// Let `next` links hold a cursor in place of a page number, and lists no `size`
    #[arg(long)]
    pub opaque_next: bool,
}

/// What Bitbucket can be paid for.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum SubscriptionName {
    /// Five users
    Free,
    /// Any number of users
    Standard,
    /// All that there is
    #[default]
    Premium,
}

impl From<SubscriptionName> for sandbox::Subscription {
    fn from(name: SubscriptionName) -> Self {
        match name {
            SubscriptionName::Free => Self::Free,
            SubscriptionName::Standard => Self::Standard,
            SubscriptionName::Premium => Self::Premium,
        }
    }
}

/// How much to say, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Colour: where it helps, always, or never. NO_COLOR and CLICOLOR_FORCE are honoured
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto, global = true)]
    pub color: Color,
    /// Progress on stderr: a bar on a terminal and lines in a CI log, always, or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ShowProgress::Auto, global = true)]
    pub progress: ShowProgress,
    /// Say more: every line of a long plan, every change as it is made
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say less: no progress, no counts, no warnings about the manifest
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Color {
    /// Where it helps
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// When to show progress.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ShowProgress {
    /// A bar on a terminal, lines in a CI log
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<ShowProgress> for progress::When {
    fn from(show: ShowProgress) -> Self {
        match show {
            ShowProgress::Auto => Self::Auto,
            ShowProgress::Always => Self::Always,
            ShowProgress::Never => Self::Never,
        }
    }
}
