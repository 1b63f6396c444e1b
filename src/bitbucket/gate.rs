//! The gate every request passes: at most N at once, and everybody waits together when Bitbucket asks for patience.
//!
//! When that is over a single request goes ahead and tries; the others follow, first few and then all. How long it lasts and
//! how much may be sent is for what it has learned (`allowance.rs`) to say. Nobody holds a place while waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Duration, Instant};

use super::allowance::{Allowance, Role, Turn};

/// See the module.
#[derive(Debug)]
pub struct Gate {
    places: Semaphore,
    allowances: [Mutex<Allowance>; 2],
    changed: Notify,
}

/// What Bitbucket counts apart from each other (api.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Repositories and most other things.
    Data,
    /// Webhooks.
    Webhooks,
}

impl Counted {
    /// As what a request counts, by the path it goes to.
    #[must_use]
    pub fn by_path(path: &str) -> Self {
        let mut segments = path.split('/').skip_while(|segment| !matches!(*segment, "repositories" | "workspaces"));
        let depth = if segments.next() == Some("repositories") { 2 } else { 1 };
        if segments.nth(depth) == Some("hooks") { Self::Webhooks } else { Self::Data }
    }
}

/// The right to send one request. It is given back with what became of it.
#[derive(Debug)]
pub struct Pass<'a> {
    gate: &'a Gate,
    counted: Counted,
    role: Role,
    sent: Instant,
    back: bool,
    _place: SemaphorePermit<'a>,
}

/// What everybody is in for after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Since when nobody has got through.
    pub since: Instant,
    /// Until when nobody is sent.
    pub until: Instant,
}

impl Gate {
    /// A gate with so many places. `unit` is the shortest window that a rate limit is thought to have.
    #[must_use]
    pub fn new(places: usize, unit: Duration) -> Self {
        let places = places.max(1);
        let allowance = || Mutex::new(Allowance::new(places, unit));
        Self { places: Semaphore::new(places), allowances: [allowance(), allowance()], changed: Notify::new() }
    }

    /// Waits for a place and for what the limit allows, at most until `last`: nothing, if that is known to be too late.
    /// `told` hears of every instant that is waited for.
    pub async fn enter(&self, counted: Counted, last: Option<Instant>, told: impl Fn(Instant)) -> Option<Pass<'_>> {
        loop {
            // Asked for before the state is looked at: a change in between is not missed.
            let changed = self.changed.notified();
            let turn = self.allowance(counted).turn(Instant::now());
            if let Turn::Wait(until) = turn {
                until.into_iter().for_each(&told);
                let over = [until, last].into_iter().flatten().min();
                if until.is_some_and(|until| last.is_some_and(|last| last <= until)) {
                    return None;
                }
                match over {
                    Some(over) => drop(tokio::time::timeout_at(over, changed).await),
                    None => changed.await,
                }
            } else if let Some(pass) = self.place(counted, last).await {
                return Some(pass);
            }
            if last.is_some_and(|last| last <= Instant::now()) {
                return None;
            }
        }
    }

    /// A place, if there is still room when it is got.
    async fn place(&self, counted: Counted, last: Option<Instant>) -> Option<Pass<'_>> {
        let place = match last {
            Some(last) => tokio::time::timeout_at(last, self.places.acquire()).await.ok()?,
            None => self.places.acquire().await,
        };
        // The places are never closed.
        let place = place.ok()?;
        let mut allowance = self.allowance(counted);
        let sent = Instant::now();
        let Turn::Go(role) = allowance.turn(sent) else { return None };
        allowance.sent(role);
        Some(Pass { gate: self, counted, role, sent, back: false, _place: place })
    }

    fn allowance(&self, counted: Counted) -> MutexGuard<'_, Allowance> {
        self.allowances[counted as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Says that the request was let through, and whether the answer calls the limit near.
    pub fn accepted(&mut self, near: bool) {
        self.back = true;
        self.gate.allowance(self.counted).accepted(self.role, self.sent, Instant::now(), near);
    }

    /// Says that the limit refused the request, and for how long the server asked to be left alone.
    pub fn refused(&mut self, asked: Option<Duration>) -> Refused {
        self.back = true;
        self.gate.allowance(self.counted).refused(self.role, self.sent, Instant::now(), asked)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.back {
            self.gate.allowance(self.counted).lost(self.role, self.sent, Instant::now());
        }
        self.gate.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LATENCY: Duration = Duration::from_millis(50);

    async fn entered(gate: &Gate) -> Pass<'_> {
        gate.enter(Counted::Data, None, |_| {}).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_places() {
        let gate = Gate::new(3, SECOND);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        join_all((0..20).map(|_| async {
            let mut pass = entered(&gate).await;
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            pass.accepted(false);
        }))
        .await;
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_one_tries_and_the_others_follow_gently() {
        let gate = Gate::new(8, SECOND);
        let start = Instant::now();
        let refused = entered(&gate).await.refused(Some(5 * SECOND));
        assert_eq!((refused.since, refused.until), (start, start + 5 * SECOND));
        let refusals = AtomicUsize::new(1);
        let sent = Mutex::new(Vec::new());
        join_all((0..7).map(|_| async {
            loop {
                let mut pass = entered(&gate).await;
                sent.lock().unwrap().push(start.elapsed().as_secs());
                tokio::time::sleep(SECOND).await;
                // The first to try is refused again: still nobody else may go.
                if refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    pass.refused(Some(10 * SECOND));
                    continue;
                }
                pass.accepted(false);
                break;
            }
        }))
        .await;
        assert_eq!(*sent.lock().unwrap(), [5, 16, 17, 17, 18, 18, 18, 18]);
    }

    #[tokio::test(start_paused = true)]
    async fn webhooks_do_not_wait_for_repositories() {
        let gate = Gate::new(2, SECOND);
        entered(&gate).await.refused(Some(60 * SECOND));
        let path = "/2.0/repositories/acme/ledger/hooks";
        let soon = tokio::time::timeout(SECOND, gate.enter(Counted::by_path(path), None, |_| {})).await;
        assert!(soon.is_ok_and(|pass| pass.is_some()));
        assert!(tokio::time::timeout(SECOND, entered(&gate)).await.is_err());
    }

    #[test]
    fn only_webhooks_count_as_such() {
        for (path, counted) in [
            ("/2.0/repositories/acme/ledger/hooks/1", Counted::Webhooks),
            ("/2.0/workspaces/acme/hooks", Counted::Webhooks),
            ("/2.0/repositories/acme/hooks", Counted::Data),
            ("/2.0/repositories/hooks/hooks/deploy-keys", Counted::Data),
            ("/2.0/workspaces/hooks/projects", Counted::Data),
        ] {
            assert_eq!(Counted::by_path(path), counted, "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_get_in_before_the_end_does_not_wait_for_it() {
        let (gate, start) = (Gate::new(2, SECOND), Instant::now());
        entered(&gate).await.refused(Some(60 * SECOND));
        let heard = Mutex::new(Vec::new());
        let last = Some(start + 30 * SECOND);
        assert!(gate.enter(Counted::Data, last, |until| heard.lock().unwrap().push(until)).await.is_none());
        assert_eq!((start.elapsed(), heard.into_inner().unwrap()), (Duration::ZERO, vec![start + 60 * SECOND]));
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_tries_and_is_cancelled_leaves_the_gate_open_for_another() {
        let gate = Gate::new(2, SECOND);
        entered(&gate).await.refused(Some(SECOND));
        drop(entered(&gate).await);
        assert!(tokio::time::timeout(SECOND, entered(&gate)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn near_the_limit_few_are_on_their_way() {
        let gate = Gate::new(8, SECOND);
        entered(&gate).await.accepted(true);
        let inside = [entered(&gate).await, entered(&gate).await];
        assert!(tokio::time::timeout(SECOND, entered(&gate)).await.is_err());
        let [mut first, _second] = inside;
        first.accepted(false);
        drop(first);
        assert!(tokio::time::timeout(SECOND, entered(&gate)).await.is_ok());
    }

    /// A server with a rolling limit, which somebody else may use as well.
    struct Server {
        limit: usize,
        window: Duration,
        answered: Mutex<VecDeque<Instant>>,
        refused: AtomicUsize,
    }

    impl Server {
        fn new(limit: usize, window: Duration) -> Self {
            Self { limit, window, answered: Mutex::default(), refused: AtomicUsize::new(0) }
        }

        fn admits(&self) -> bool {
            let (now, mut answered) = (Instant::now(), self.answered.lock().unwrap());
            while answered.front().is_some_and(|first| *first + self.window <= now) {
                answered.pop_front();
            }
            let admitted = answered.len() < self.limit;
            if admitted {
                answered.push_back(now);
            }
            admitted
        }

        /// Sends so many through a gate, each until it is let through, and says how long that takes.
        async fn serve(&self, gate: &Gate, requests: usize, latency: Duration) -> Duration {
            let start = Instant::now();
            let left = AtomicUsize::new(requests);
            let take = || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            join_all((0..16).map(|_| async {
                while take() {
                    loop {
                        let mut pass = entered(gate).await;
                        tokio::time::sleep(latency / 2).await;
                        let admitted = self.admits();
                        tokio::time::sleep(latency / 2).await;
                        if admitted {
                            pass.accepted(false);
                            break;
                        }
                        self.refused.fetch_add(1, Ordering::SeqCst);
                        pass.refused(None);
                    }
                }
            }))
            .await;
            start.elapsed()
        }
    }

    /// How much of the allowance was used, and how many requests in a hundred were wasted after the limit was first met.
    async fn against(limit: usize, window: Duration, places: usize, requests: usize) -> (f64, f64) {
        let server = Server::new(limit, window);
        let took = server.serve(&Gate::new(places, SECOND), requests, LATENCY).await;
        // The last window need not be waited for. Without a limit, it would take as long as the answers.
        let limited = window * u32::try_from((requests - 1) / limit).unwrap();
        let unlimited = LATENCY * u32::try_from(requests.div_ceil(places.min(16))).unwrap();
        let ideal = limited.max(unlimited);
        let wasted = server.refused.load(Ordering::SeqCst).saturating_sub(places);
        let percent = |part: f64, whole: f64| 100.0 * part / whole;
        let wasted = percent(f64::from(u32::try_from(wasted).unwrap()), f64::from(u32::try_from(requests).unwrap()));
        (percent(ideal.as_secs_f64(), took.as_secs_f64()), wasted)
    }

    #[tokio::test(start_paused = true)]
    async fn a_rolling_limit_is_used_up_and_hardly_ever_met() {
        let cases = [
            (1_000, 3600, 8, 2_000),
            (1_000, 3600, 8, 5_000),
            (1_000, 3600, 1, 3_000),
            (100, 10, 8, 300),
            (100, 10, 8, 1_000),
            (100, 10, 16, 2_000),
            (60, 60, 8, 600),
            (100, 60, 4, 1_000),
            (10_000, 3600, 16, 50_000),
            (500, 300, 8, 3_000),
            // No usual window, so that it must be found between two of them.
            (50, 7, 8, 2_000),
        ];
        for (limit, seconds, places, requests) in cases {
            let (used, wasted) = against(limit, Duration::from_secs(seconds), places, requests).await;
            let what = format!(
                "{requests} with -j {places} against {limit}/{seconds}s: used {used:.1} %, wasted {wasted:.1} %"
            );
            assert!(used >= 95.0 && wasted <= 2.0, "{what}");
        }
        // In so short a window the way of a request and its answer, a twentieth of it, counts.
        let (used, wasted) = against(50, SECOND, 8, 2_000).await;
        assert!(used >= 90.0 && wasted <= 2.0, "used {used:.1} %, wasted {wasted:.1} %");
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_changes_is_learned_anew() {
        for (first, then) in [(400, 100), (100, 400)] {
            let gate = Gate::new(8, SECOND);
            Server::new(first, 10 * SECOND).serve(&gate, 4_000, LATENCY).await;
            let server = Server::new(then, 10 * SECOND);
            let took = server.serve(&gate, 4_000, LATENCY).await;
            let ideal = 10 * SECOND * u32::try_from(3_999 / then).unwrap();
            assert!(took < ideal + 5 * 10 * SECOND, "{took:?} rather than {ideal:?}");
            assert!(server.refused.into_inner() < 80);
        }
    }

    /// The allowance belongs to a person, who may use it elsewhere at the same time, or have used it before.
    #[tokio::test(start_paused = true)]
    async fn others_with_the_same_credential_cost_little() {
        let server = Server::new(1_000, 60 * SECOND);
        let (one, other) = (Gate::new(8, SECOND), Gate::new(8, SECOND));
        let (took, _) = tokio::join!(server.serve(&one, 20_000, LATENCY), server.serve(&other, 20_000, LATENCY));
        assert!(took < 39 * 60 * SECOND * 110 / 100, "{took:?}");
        assert!(server.refused.load(Ordering::SeqCst) < 40_000 / 100);

        let server = Server::new(1_000, 3600 * SECOND);
        for _ in 0..800 {
            server.admits();
            tokio::time::sleep(SECOND).await;
        }
        tokio::time::sleep(600 * SECOND).await;
        let took = server.serve(&Gate::new(8, SECOND), 2_000, LATENCY).await;
        // 200 are left, 800 trickle in an hour after they were taken, and again an hour later: 6,600 seconds at least.
        assert!(took < 10_800 * SECOND, "{took:?}");
        assert!(server.refused.into_inner() < 2_000 * 8 / 100);
    }

    /// A 429 that is no limit, such as a proxy's, must not be taken for one.
    #[tokio::test(start_paused = true)]
    async fn a_refusal_now_and_then_is_no_limit() {
        for (every, slower) in [(50, 2), (20, 4)] {
            let (gate, start) = (Gate::new(8, SECOND), Instant::now());
            let (left, sent) = (AtomicUsize::new(4_000), AtomicUsize::new(0));
            let take = || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            join_all((0..16).map(|_| async {
                while take() {
                    loop {
                        let mut pass = entered(&gate).await;
                        tokio::time::sleep(LATENCY).await;
                        // Spread by a prime, so that it is not always the same place's turn.
                        if sent.fetch_add(7919, Ordering::SeqCst) % 104_729 % every != 0 {
                            pass.accepted(false);
                            break;
                        }
                        pass.refused(None);
                    }
                }
            }))
            .await;
            assert!(start.elapsed() < LATENCY * 4_000 / 8 * slower, "{:?}", start.elapsed());
        }
    }
}
