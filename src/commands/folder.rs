//! Files that are written all or none, and over nothing that somebody else has written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::plan::unread::some_of;

/// Files that are to be written.
pub(super) struct Folder {
    files: Vec<(PathBuf, String)>,
    /// Those that hold the same already are left as they are.
    same: usize,
}

impl Folder {
    /// Files by their names in a folder. Those that are there may hold the same and nothing else.
    pub(super) fn new(folder: &Path, files: Vec<(String, String)>) -> Result<Self, Error> {
        let mut wanted = Vec::new();
        let mut taken = Vec::new();
        let mut same = 0;
        for (name, text) in files {
            let path = folder.join(name);
            match fs::read(&path) {
                Ok(there) if there == text.as_bytes() => same += 1,
                Ok(_) => taken.push(path.display().to_string()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => wanted.push((path, text)),
                Err(error) => return Err(super::io(&format!("cannot write {}", path.display()))(error)),
            }
        }
        if taken.is_empty() {
            return Ok(Self { files: wanted, same });
        }
        let count = taken.len();
        let some = some_of(&taken);
        let are = if count == 1 { "is there already" } else { "are there already" };
        Err(Error::Usage(format!("{some} {are}: nothing was written; move what is there away, or name another place")))
    }

    /// Writes them: each beside its place first, and all of them moved there in the end.
    pub(super) fn write(self) -> Result<usize, Error> {
        let mut staged: Vec<(PathBuf, PathBuf)> = Vec::new();
        let written = self.files.iter().try_for_each(|(path, text)| {
            let beside = path.with_extension(format!("{}.part", std::process::id()));
            let done = stage(&beside, text);
            staged.push((beside, path.clone()));
            done.map_err(super::io(&format!("cannot write {}", path.display())))
        });
        let mut moved: Vec<&Path> = Vec::new();
        let moving = written.and_then(|()| {
            staged.iter().try_for_each(|(beside, path)| {
                settle(beside, path).map_err(super::io(&format!("cannot write {}", path.display())))?;
                moved.push(path);
                Ok(())
            })
        });
        if moving.is_err() {
            for path in moved {
                let _ = fs::remove_file(path);
            }
        }
        for (beside, _) in &staged {
            let _ = fs::remove_file(beside);
        }
        moving.map(|()| self.files.len() + self.same)
    }
}

/// Gives a file its name. By a link, and not by a rename, which would replace what came to be there meanwhile; where there are
/// no links, there is no better way.
fn settle(beside: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(beside, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => fs::rename(beside, path),
        linked => linked,
    }
}

fn stage(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
