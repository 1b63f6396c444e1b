//! From what a person names (files, folders, globs, `-`) to texts in memory, within bounds.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Code, Diagnostic, Diagnostics, Sources, Span};

use super::parse::{MAX_BYTES, SMALLEST};

/// What is read when nothing is named.
pub const DEFAULT: &str = "repos.yaml";

/// Reads everything the inputs name, in their order, each file once; a folder's and a glob's files in the order of names.
///
/// # Errors
/// Everything that could not be found or read.
pub fn read(inputs: &[String]) -> Result<Sources, Diagnostics> {
    let mut sources = Sources::default();
    let mut problems = Diagnostics::default();
    let mut seen = HashSet::new();
    let default = [DEFAULT.to_owned()];
    for input in if inputs.is_empty() { &default } else { inputs } {
        if input == "-" {
            if !seen.insert(PathBuf::from("-")) {
                continue;
            }
            match bounded(std::io::stdin().lock(), "<stdin>", &mut sources) {
                Ok(()) => {}
                Err(problem) => problems.push(problem),
            }
            continue;
        }
        match find(input) {
            Err(problem) => problems.push(problem),
            Ok(paths) => {
                for path in paths {
                    if seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
                        read_file(&path, &mut sources).unwrap_or_else(|problem| problems.push(problem));
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}

fn find(input: &str) -> Result<Vec<PathBuf>, Diagnostic> {
    let path = Path::new(input);
    if path.is_dir() {
        let mut files = Vec::new();
        walk(path, &mut files, 0).map_err(|error| cannot("read the folder", input, &error))?;
        if files.is_empty() {
            return Err(Diagnostic::general(Code::Unreadable, format!("the folder {input} holds no manifest"))
                .help("manifests are files that end in .yaml or .yml; hidden ones are passed over"));
        }
        return Ok(files);
    }
    if path.exists() || !input.contains(['*', '?', '[']) {
        return Ok(vec![path.to_owned()]);
    }
    let matches = glob::glob(input).map_err(|error| {
        Diagnostic::general(Code::Unreadable, format!("{input} is neither a file nor a pattern: {error}"))
    })?;
    let mut files = Vec::new();
    for found in matches {
        let found = found.map_err(|error| cannot("read", &error.path().display().to_string(), error.error()))?;
        if is_file(&found) {
            files.push(found);
        }
    }
    if files.is_empty() {
        return Err(Diagnostic::general(Code::Unreadable, format!("no file matches {input}")));
    }
    Ok(files)
}

/// All manifests in a folder, which need not be there.
///
/// # Errors
/// What the system says of a folder that is there and cannot be read.
pub fn manifests_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    match walk(folder, &mut files, 0) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(files),
    }
}

/// All manifests below a folder, in the order of their names.
fn walk(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // Links to folders are not followed further down: they can form a circle.
        if entry.file_type()?.is_dir() {
            if depth < 16 {
                walk(&path, files, depth + 1)?;
            }
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") && is_file(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether to read it. A link that leads nowhere counts: passed over in silence, a part of the manifest would be missing.
fn is_file(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

fn read_file(path: &Path, sources: &mut Sources) -> Result<(), Diagnostic> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| {
        let problem = cannot("read", &name, &error);
        if error.kind() == std::io::ErrorKind::NotFound && name == DEFAULT {
            return problem.help("name a file, a folder, a pattern, or `-` for standard input").help(SMALLEST);
        }
        problem
    })?;
    bounded(file, &name, sources)
}

fn bounded(reader: impl Read, name: &str, sources: &mut Sources) -> Result<(), Diagnostic> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| cannot("read", name, &error))?;
    if bytes.len() > MAX_BYTES || bytes.len() + sources.bytes() > 4 * MAX_BYTES {
        return Err(Diagnostic::general(Code::TooLarge, format!("{name} is larger than a manifest can be"))
            .help(format!("a file may have {} MB, all together {} MB", MAX_BYTES >> 20, (4 * MAX_BYTES) >> 20)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => {
            sources.add(name, text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text));
            Ok(())
        }
        Err(error) => Err(not_utf8(name, &error)),
    }
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let at = error.utf8_error().valid_up_to();
    let sound = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
    let mut sources = Sources::default();
    let end = u32::try_from(sound.len()).unwrap_or(u32::MAX);
    let source = sources.add(name, sound);
    let place = sources.place(Span { source, start: end, end });
    Diagnostic::general(Code::NotUtf8, format!("{place}: this is not UTF-8"))
        .help(format!("save the file as UTF-8; the byte 0x{:02x} is what cannot be read", error.as_bytes()[at]))
}

fn cannot(what: &str, name: &str, error: &std::io::Error) -> Diagnostic {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Diagnostic::general(Code::Unreadable, format!("cannot {what} {name}: {why}"))
}
