//! Keeping the emulated Bitbucket in a file, so that it is there again the next time. The house's own format.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::server::Server;
use super::store::Store;

/// How long a change may wait for being saved while the sandbox runs.
const INTERVAL: Duration = Duration::from_secs(2);

/// A file that follows a store.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    /// The store's count of changes when it was saved last.
    saved: AtomicU64,
    /// One save at a time, so that an older one cannot overtake a newer one.
    turn: Mutex<()>,
}

impl StateFile {
    /// Loads the file into the store, if it exists.
    pub(super) fn open(path: PathBuf, store: &mut Store) -> io::Result<Self> {
        match fs::read(&path) {
            Ok(saved) => store.load(&saved).map_err(|error| {
                let message = format!("{} is not a state of the sandbox: {error}", path.display());
                io::Error::new(io::ErrorKind::InvalidData, message)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self { path, saved: AtomicU64::new(store.changes()), turn: Mutex::new(()) })
    }

    /// Saves the store if it has changed.
    pub(super) fn save(&self, server: &Server) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (changes, bytes) = {
            let store = server.service.store();
            if store.changes() == self.saved.load(Ordering::Relaxed) {
                return Ok(());
            }
            (store.changes(), store.save().map_err(io::Error::other)?)
        };
        replace(&self.path, &bytes)?;
        self.saved.store(changes, Ordering::Relaxed);
        Ok(())
    }

    /// Saves for ever, every now and then. What fails is tried again, and told by the last save.
    pub(super) async fn follow(self: Arc<Self>, server: Arc<Server>) {
        loop {
            sleep(INTERVAL).await;
            let (file, server) = (Arc::clone(&self), Arc::clone(&server));
            let _ = tokio::task::spawn_blocking(move || file.save(&server)).await;
        }
    }
}

/// Writes a file whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}
