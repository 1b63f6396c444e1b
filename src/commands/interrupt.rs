//! Ctrl-C and SIGTERM: how somebody outside ends a run.

use tokio::sync::watch;

use crate::apply::{Ended, Stop};

/// Holds a reason from the first Ctrl-C or SIGTERM on; the second one ends the process where it stands.
pub(super) fn interrupts() -> Stop {
    let (stop, stopped) = watch::channel(None);
    tokio::spawn(async move {
        let _ = stop.send(Some(interrupt().await));
        interrupt().await;
        std::process::exit(130);
    });
    stopped
}

/// Waits for Ctrl-C, or for the SIGTERM that CI systems send before they end a step.
#[cfg(unix)]
pub(super) async fn interrupt() -> Ended {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return Ended::Interrupted;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ended::Interrupted,
        _ = terminate.recv() => Ended::Stopped("SIGTERM".to_owned()),
    }
}

#[cfg(not(unix))]
pub(super) async fn interrupt() -> Ended {
    let _ = tokio::signal::ctrl_c().await;
    Ended::Interrupted
}
