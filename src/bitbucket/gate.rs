//! The gate every request passes: at most N at once, and everybody waits together when Bitbucket asks for patience.
//!
//! There is one shared "not before" instant (api.md §6). When it has passed, a single request goes ahead and tries; the
//! others follow if it was let through. Nobody holds a place while waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Duration, Instant};

/// See the module.
#[derive(Debug)]
pub struct Gate {
    places: Semaphore,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    not_before: Option<Instant>,
    trying: bool,
    /// How often in a row everybody was told to wait. What was on its way together and refused together counts once.
    refusals: u32,
}

/// The right to send one request.
#[derive(Debug)]
pub struct Pass<'a> {
    gate: &'a Gate,
    tries: bool,
    _place: SemaphorePermit<'a>,
}

enum Next {
    Go { tries: bool },
    Wait(Option<Instant>),
}

impl Gate {
    /// A gate with so many places.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places.max(1)), state: Mutex::default(), changed: Notify::new() }
    }

    /// Waits for a place and for the instant before which nobody may send.
    pub async fn enter(&self) -> Pass<'_> {
        loop {
            // Asked for before the state is looked at: a change in between is not missed.
            let changed = self.changed.notified();
            if let Next::Wait(until) = self.look(false) {
                wait(until, changed).await;
                continue;
            }
            // The places are never closed.
            let Ok(place) = self.places.acquire().await else { return std::future::pending().await };
            if let Next::Go { tries } = self.look(true) {
                return Pass { gate: self, tries, _place: place };
            }
        }
    }

    /// Takes note that this request was refused, and says how often in a row that has happened by now.
    pub fn refused(&self, pass: &Pass<'_>) -> u32 {
        let mut state = self.state();
        // Of those that were on their way together the first one counts; after that, each one who tries.
        if pass.tries || state.not_before.is_none() {
            state.refusals += 1;
        }
        state.refusals
    }

    /// From now on nobody sends for this long. A later instant than the present one wins.
    pub fn pause(&self, delay: Duration) -> Instant {
        let until = Instant::now() + delay;
        let mut state = self.state();
        let until = state.not_before.map_or(until, |before| before.max(until));
        state.not_before = Some(until);
        drop(state);
        self.changed.notify_waiters();
        until
    }

    fn look(&self, take: bool) -> Next {
        let mut state = self.state();
        match state.not_before {
            None => Next::Go { tries: false },
            Some(until) if Instant::now() < until => Next::Wait(Some(until)),
            Some(_) if state.trying => Next::Wait(None),
            Some(_) => {
                state.trying |= take;
                Next::Go { tries: true }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn wait(until: Option<Instant>, changed: impl Future<Output = ()>) {
    match until {
        Some(until) => {
            let _ = tokio::time::timeout_at(until, changed).await;
        }
        None => changed.await,
    }
}

impl Pass<'_> {
    /// Says that the request was let through, so that the others may follow.
    pub fn accepted(&self) {
        if self.tries {
            let mut state = self.gate.state();
            if state.not_before.is_some_and(|until| until <= Instant::now()) {
                state.not_before = None;
                state.refusals = 0;
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.tries {
            self.gate.state().trying = false;
            self.gate.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_places() {
        let gate = Gate::new(3);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        join_all((0..20).map(|_| async {
            let pass = gate.enter().await;
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            pass.accepted();
        }))
        .await;
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_one_tries_and_the_others_follow() {
        let gate = Gate::new(8);
        let start = Instant::now();
        gate.pause(Duration::from_secs(5));
        let refusals = AtomicUsize::new(1);
        let sent = Mutex::new(Vec::new());
        join_all((0..4).map(|_| async {
            loop {
                let pass = gate.enter().await;
                sent.lock().unwrap().push(start.elapsed().as_secs());
                tokio::time::sleep(Duration::from_secs(1)).await;
                // The first to try is refused again: still nobody else may go.
                if refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    gate.pause(Duration::from_secs(10));
                    continue;
                }
                pass.accepted();
                break;
            }
        }))
        .await;
        assert_eq!(*sent.lock().unwrap(), [5, 16, 17, 17, 17]);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_are_refused_together_count_once_and_each_try_once_more() {
        let gate = Gate::new(4);
        let passes = [gate.enter().await, gate.enter().await, gate.enter().await];
        for pass in &passes {
            assert_eq!(gate.refused(pass), 1);
            gate.pause(Duration::from_secs(1));
        }
        drop(passes);
        for times in 2..5 {
            let pass = gate.enter().await;
            assert_eq!(gate.refused(&pass), times);
            gate.pause(Duration::from_secs(1));
        }
        gate.enter().await.accepted();
        assert_eq!(gate.refused(&gate.enter().await), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_tries_and_is_cancelled_leaves_the_gate_open_for_another() {
        let gate = Gate::new(2);
        gate.pause(Duration::from_secs(1));
        drop(gate.enter().await);
        assert!(tokio::time::timeout(Duration::from_secs(1), gate.enter()).await.is_ok());
    }
}
