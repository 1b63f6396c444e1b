//! What is measured on: a folder, a sandbox, manifests, and the same said to curl.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::Outcome;

/// This very program, to do something else.
pub fn myself(arguments: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).env_clear();
    Ok(command)
}

/// A folder of our own, gone at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("bbprov-ratios-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    pub fn write(&self, name: &str, text: &str) -> Outcome<String> {
        let path = self.0.join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// A folder in it with manifests.
    pub fn write_all(&self, name: &str, texts: &[String]) -> Outcome<String> {
        let folder = self.0.join(name);
        std::fs::create_dir_all(&folder)?;
        for (number, text) in texts.iter().enumerate() {
            std::fs::write(folder.join(format!("{number}.yaml")), text)?;
        }
        Ok(folder.display().to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A sandbox in a process of its own.
pub struct Sandbox {
    process: Child,
    pub api_url: String,
    token_url: String,
}

impl Sandbox {
    pub fn start(arguments: &[&str]) -> Outcome<Self> {
        let mut command = myself(&["bbprov", "sandbox", "--quiet", "--listen", "127.0.0.1:0"])?;
        let mut process = command.args(arguments).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the sandbox has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut value = || -> Outcome<String> {
            let line = lines.next().ok_or("the sandbox did not start")??;
            Ok(line.split_once('=').ok_or("the sandbox printed no environment")?.1.to_owned())
        };
        let (api_url, token_url) = (value()?, value()?);
        Ok(Self { process, api_url, token_url })
    }

    /// bbprov, led here.
    pub fn bbprov(&self, arguments: &[&str]) -> Outcome<Command> {
        let mut command = myself(&[&["bbprov"], arguments].concat())?;
        command.env("BITBUCKET_API_URL", &self.api_url).env("BITBUCKET_TOKEN_URL", &self.token_url);
        command.env("BITBUCKET_OAUTH_CLIENT_ID", "id").env("BITBUCKET_OAUTH_CLIENT_SECRET", "secret");
        Ok(command)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The name of a repository by its number.
pub fn slug(number: usize) -> String {
    format!("service-{number:06}")
}

/// A manifest of these repositories in one project.
pub fn manifest(workspace: &str, numbers: impl IntoIterator<Item = usize>) -> String {
    let mut text = format!(
        "version: 1\nworkspaces:\n  - workspace: {workspace}\n    projects: [{{key: P}}]\n    repositories: [\n"
    );
    for number in numbers {
        let _ = writeln!(text, "      {{slug: {}, project: P, is_private: true}},", slug(number));
    }
    text + "    ]\n"
}

/// Manifests in so many files that together hold so many repositories, each with what defaults and a template give it: four
/// objects a repository.
pub fn with_templates(count: usize, files: usize) -> Vec<String> {
    const SHARED: &str = "defaults:
  project: {is_private: true}
  repository: {is_private: true, fork_policy: no_public_forks}
templates:
  service:
    pipelines: {enabled: true}
    branch_restrictions:
      - {kind: require_approvals_to_merge, branch: main, value: 2}
      - {kind: push, branch: {type: production}, groups: [release-managers]}
";
    let file = |number: usize| {
        let (shared, projects) =
            if number == 0 { (SHARED, "    projects: [{key: PAY, name: Payments}]\n") } else { ("", "") };
        let mut text = format!("version: 1\n{shared}workspaces:\n  - workspace: acme\n{projects}    repositories:\n");
        for number in number * count / files..(number + 1) * count / files {
            let _ = writeln!(text, "      - {{slug: {}, project: PAY, uses: [service]}}", slug(number));
        }
        text
    };
    (0..files).map(file).collect()
}

/// The body that creates one of them.
pub fn body() -> serde_json::Value {
    serde_json::json!({"scm": "git", "project": {"key": "P"}, "is_private": true})
}

pub fn curl_config(api_url: &str, workspace: &str, count: usize) -> String {
    let data = body().to_string().replace('"', "\\\"");
    let requests: Vec<String> = (0..count)
        .map(|number| {
            format!(
                "url = \"{api_url}/repositories/{workspace}/{}\"\nrequest = \"POST\"\n\
                 header = \"Authorization: Bearer x\"\nheader = \"Content-Type: application/json\"\noutput = \"/dev/null\"\n\
                 data = \"{data}\"\n",
                slug(number)
            )
        })
        .collect();
    requests.join("next\n")
}

/// A program that does nothing, and what it is: compiled here if that can be.
pub fn empty_program(folder: &Folder) -> Outcome<(PathBuf, &'static str)> {
    let source = folder.write("empty.rs", "fn main() {}\n")?;
    let program = folder.0.join(format!("empty{}", std::env::consts::EXE_SUFFIX));
    let compiled = Command::new("rustc").args(["-O", "-o"]).arg(&program).arg(&source).output();
    match compiled {
        Ok(output) if output.status.success() => Ok((program, "fn main() {}")),
        _ => Ok((PathBuf::from("/bin/true"), "/bin/true")),
    }
}
