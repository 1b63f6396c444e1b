//! The schema in an editor: a real YAML language server completes and explains the examples, and underlines what is wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A language server at work, spoken to as an editor would.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u64,
    /// What it last published of each document.
    published: Vec<(String, Vec<Value>)>,
}

impl Server {
    /// The server that `YAML_LANGUAGE_SERVER` names, if it names one: nothing in Rust's world installs it.
    #[expect(clippy::print_stderr, reason = "says that a test was skipped")]
    fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("YAML_LANGUAGE_SERVER").map(PathBuf::from) else {
            eprintln!("skipped: YAML_LANGUAGE_SERVER does not name the program yaml-language-server");
            return None;
        };
        let mut child = Command::new(&program)
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut server = Self { child, input, output, asked: 0, published: Vec::new() };
        server.ask("initialize", &json!({"processId": null, "rootUri": uri(&root()), "capabilities": {}}));
        server.send(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
        // No schema is fetched from anywhere: the files name theirs.
        let settings =
            json!({"yaml": {"validate": true, "hover": true, "completion": true, "schemaStore": {"enable": false}}});
        let params = json!({"settings": settings});
        server.send(&json!({"jsonrpc": "2.0", "method": "workspace/didChangeConfiguration", "params": params}));
        Some(server)
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the language server has gone");
            match line.trim() {
                "" => break,
                header => {
                    if let Some(value) = header.strip_prefix("Content-Length: ") {
                        length = value.parse().unwrap();
                    }
                }
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Reads one message, and answers it if it is a question: there is nothing to configure.
    fn step(&mut self) -> Value {
        let message = self.receive();
        if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
            let items = message["params"]["items"].as_array().map_or(0, Vec::len);
            self.send(&json!({"jsonrpc": "2.0", "id": id, "result": vec![Value::Null; items]}));
        }
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().unwrap().to_owned();
            self.published.push((uri, message["params"]["diagnostics"].as_array().unwrap().clone()));
        }
        message
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.step();
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "{message}");
                return message["result"].clone();
            }
        }
    }

    /// Opens a text as if it were this file, and gives what is underlined: line, underlined text, and message.
    fn open(&mut self, file: &Path, text: &str) -> Vec<String> {
        let uri = uri(file);
        self.published.clear();
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        let params = json!({"textDocument": document});
        self.send(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": params}));
        while !self.published.iter().any(|(of, _)| *of == uri) {
            self.step();
        }
        let (_, diagnostics) = self.published.iter().find(|(of, _)| *of == uri).unwrap();
        let shown = |diagnostic: &Value| {
            let at = |end: &str, part: &str| usize::try_from(diagnostic["range"][end][part].as_u64().unwrap()).unwrap();
            let line = text.lines().nth(at("start", "line")).unwrap_or_default();
            let marked: String = line
                .chars()
                .enumerate()
                .filter(|(column, _)| (at("start", "character")..at("end", "character")).contains(column))
                .map(|(_, character)| character)
                .collect();
            format!("{}: {marked}: {}", at("start", "line") + 1, diagnostic["message"].as_str().unwrap())
        };
        diagnostics.iter().map(shown).collect()
    }

    /// What it offers behind these words, the first time that they stand there.
    fn completions(&mut self, file: &Path, text: &str, behind: &str) -> Vec<String> {
        let answer = self.ask("textDocument/completion", &position(file, text, behind));
        let items = answer.get("items").unwrap_or(&answer).as_array().unwrap();
        items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }

    /// What it says of the first key that is called like this.
    fn hover(&mut self, file: &Path, text: &str, key: &str) -> String {
        let answer = self.ask("textDocument/hover", &position(file, text, &format!("{key}:")));
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The end of these words in a file.
fn position(file: &Path, text: &str, words: &str) -> Value {
    let at = text.find(words).unwrap_or_else(|| panic!("{words} stands nowhere")) + words.trim_end_matches(':').len();
    let (before, line) = (&text[..at], text[..at].matches('\n').count());
    let character = before.rsplit('\n').next().unwrap_or_default().chars().count();
    json!({"textDocument": {"uri": uri(file)}, "position": {"line": line, "character": character}})
}

#[test]
fn an_editor_accepts_the_examples_and_underlines_a_typo() {
    let Some(mut server) = Server::start() else { return };
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(server.open(&file, &text), [""; 0], "{}", file.display());
        // The same with a slip of the pen, each a file of its own beside it.
        let slips = [("slug:", "slog:"), ("is_private: true", "is_private: yes"), ("version: 1", "version: 2")];
        for (at, (right, slip)) in slips.into_iter().enumerate() {
            let broken = text.replacen(right, slip, 1);
            assert_ne!(broken, text, "{} has no {right}", file.display());
            let line = text.lines().position(|line| line.contains(right)).unwrap() + 1;
            let found = server.open(&file.with_extension(format!("{at}.yaml")), &broken);
            let underlined = |one: &String| one.starts_with(&format!("{line}: "));
            assert!(found.iter().any(underlined), "{} {slip}: {found:?}", file.display());
        }
    }
}

#[test]
fn an_editor_completes_and_explains() {
    let Some(mut server) = Server::start() else { return };
    let file = root().join("examples/unsaved.yaml");
    let text = "# yaml-language-server: $schema=../schemas/manifest.schema.json
version: 1
workspaces:
  - workspace: acme
    repositories:
      - slug: ledger
        project: PAY
        fork_policy: ?
        branch_restrictions:
          - kind: ?
        webhooks: []
        ?";
    let text = &text.replace('?', "");
    server.open(&file, text);
    for (at, offered) in [
        ("fork_policy: ", vec!["allow_forks", "no_public_forks", "no_forks"]),
        ("kind: ", vec!["push", "require_approvals_to_merge"]),
        ("webhooks: []\n        ", vec!["permissions", "default_reviewers", "pipelines", "is_private", "exclusive"]),
    ] {
        let completions = server.completions(&file, text, at);
        for word in offered {
            assert!(completions.iter().any(|one| one == word), "{at}: {word} is not in {completions:?}");
        }
    }
    for (word, explained) in [
        ("webhooks", "The webhooks. Others stay as they are."),
        ("project", "The key of the project it belongs to"),
        ("- workspace", "The workspace's slug"),
    ] {
        let hover = server.hover(&file, text, word);
        assert!(hover.contains(explained), "{word}: {hover:?}");
    }
}
