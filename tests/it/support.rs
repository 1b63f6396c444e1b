//! Runs the program as a person would, and serves it a Bitbucket.

use std::fmt;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bbprov::sandbox::{Exchange, Options, Sandbox};
use serde_json::Value;

/// A folder of its own for each test, gone with it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("bbprov-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and gives its name, relative to the folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        name.to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A run of the program: what it printed, and how it ended. Shown the way a snapshot wants it.
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Run {
    /// The document that `--format json` printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Whether it printed these words, wherever a line ends.
    pub fn says(&self, words: &str) -> bool {
        flat(&self.stdout).contains(words) || flat(&self.stderr).contains(words)
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit code {}\n----- stdout -----\n{}----- stderr -----\n{}", self.code, self.stdout, self.stderr)
    }
}

/// A text on one line, however it is broken.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The program, about to run in a folder with an environment that holds nothing but what is given.
pub struct Bbprov {
    command: Command,
    stdin: Vec<u8>,
}

impl Bbprov {
    pub fn new(folder: &Folder, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bbprov"));
        command.args(arguments).current_dir(folder.path()).env_clear();
        Self { command, stdin: Vec::new() }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    pub fn run(mut self) -> Run {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start the program: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(&self.stdin));
        let output = child.wait_with_output().unwrap();
        // A program that does not read its input closes it; that is its right.
        let _ = writer.join().unwrap();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Starts it and does not wait.
    pub fn spawn(mut self) -> std::process::Child {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start the program: {error}"))
    }
}

/// A sandbox with a runtime of its own, a folder, and the environment that leads there.
pub struct Bitbucket {
    pub folder: Folder,
    sandbox: Option<Sandbox>,
    runtime: tokio::runtime::Runtime,
}

impl Bitbucket {
    /// A sandbox that remembers every exchange.
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(Options { record: true, ..options })).unwrap();
        Self { folder: Folder::new(), sandbox: Some(sandbox), runtime }
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    /// The program with these arguments, led here as an OAuth consumer.
    pub fn command(&self, arguments: &[&str]) -> Bbprov {
        self.led_here(arguments).env("BITBUCKET_OAUTH_CLIENT_ID", "id").env("BITBUCKET_OAUTH_CLIENT_SECRET", "secret")
    }

    /// The program with these arguments, led here with the API token of the owner of every workspace, who may grant.
    pub fn as_owner(&self, arguments: &[&str]) -> Bbprov {
        self.led_here(arguments).env("BITBUCKET_EMAIL", "olive@example.com").env("BITBUCKET_API_TOKEN", "token")
    }

    /// The program with these arguments, led here without a credential.
    pub fn led_here(&self, arguments: &[&str]) -> Bbprov {
        Bbprov::new(&self.folder, arguments)
            .env("BITBUCKET_API_URL", &self.sandbox().api_url())
            .env("BITBUCKET_TOKEN_URL", &self.sandbox().token_url())
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).run()
    }

    /// Writes `repos.yaml`, which every command reads when nothing is named.
    pub fn manifest(&self, text: &str) {
        self.folder.write("repos.yaml", text);
    }

    /// What somebody else does by hand: a request of its own, with the status and the JSON of its answer.
    pub fn by_hand(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.by_hand_of("Bearer hand", method, path, body)
    }

    /// The same, by the owner of every workspace, who may grant.
    pub fn by_owner(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        // olive@example.com:token
        self.by_hand_of("Basic b2xpdmVAZXhhbXBsZS5jb206dG9rZW4=", method, path, body)
    }

    /// The same, by whoever this authorisation belongs to.
    pub fn by_hand_of(&self, authorization: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        // What is empty is not JSON either.
        let (kind, body) = match body {
            Value::Null => ("", String::new()),
            body => ("Content-Type: application/json\r\n", body.to_string()),
        };
        let answer = exchange(
            &self.sandbox().address().to_string(),
            &format!(
                "{method} /2.0{path} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: {authorization}\r\nConnection: close\r\n\
                 {kind}Content-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
        let status = answer[9..12].parse().unwrap();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// What a person's first push does: a branch comes to be.
    pub fn push(&self, repository: &str, branch: &str) {
        let body = format!("branch={branch}");
        let answer = exchange(
            &self.sandbox().address().to_string(),
            &format!(
                "POST /2.0/repositories/{repository}/src HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer hand\r\n\
                 Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// The exchanges with the API so far that the program had, those by hand left out.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let exchanges = self.sandbox().exchanges().into_iter();
        exchanges
            .filter(|exchange| {
                exchange
                    .request_headers
                    .iter()
                    .any(|(name, value)| name == "user-agent" && value.starts_with("bbprov/"))
            })
            .collect()
    }

    /// How many requests the program sent to the API with this method.
    pub fn sent(&self, method: &str) -> usize {
        let exchanges = self.exchanges();
        exchanges.iter().filter(|exchange| exchange.method == method && exchange.path.starts_with("/2.0/")).count()
    }
}

impl Drop for Bitbucket {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            let _ = self.runtime.block_on(sandbox.shutdown());
        }
    }
}

/// Lines of a manifest, one for each number.
pub fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, number| text + &line(number))
}

/// Sends bytes and reads until the other side closes.
fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A server that answers every request with what a function makes of its head: for all that a sandbox would not do.
pub struct Fake {
    pub address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Serves on a free port until the test ends. The function gets method, target and headers as they came.
    pub fn new(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), seen, answer) = (stream, Arc::clone(&seen), Arc::clone(&answer)) else { break };
                std::thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { address, requests }
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The program, led here with an access token.
    pub fn command(&self, folder: &Folder, arguments: &[&str]) -> Bbprov {
        Bbprov::new(folder, arguments)
            .env("BITBUCKET_API_URL", &format!("http://{}/2.0", self.address))
            .env("BITBUCKET_TOKEN_URL", &format!("http://{}/token", self.address))
            .env("BITBUCKET_ACCESS_TOKEN", SECRET)
    }
}

/// What no output may hold.
pub const SECRET: &str = "s3cr3t-t0k3n";

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Vec<u8>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = stream.read_exact(&mut body);
    seen.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&body)));
    let _ = stream.write_all(&answer(&head));
}

/// An answer with a status line such as `200 OK`, a content type and a body; the connection closes after it.
pub fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    (head + body).into_bytes()
}
