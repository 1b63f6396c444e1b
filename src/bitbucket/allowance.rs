//! What the rate limit allows, learned from what it let through and what it refused.
//!
//! Bitbucket does not say how much is left (api.md §6): it counts what it answered in a rolling window and refuses the rest.
//! So does this: it remembers when requests were let through, finds the window by trying again at those moments at which
//! the usual windows would have room, and from then on sends no more than what went well before. Pure: told the time, it
//! waits for nothing.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::gate::Refused;

/// The usual windows, in units of the shortest: a second up to an hour. The last step repeats.
const WINDOWS: [u32; 18] = [1, 5, 10, 30, 60, 120, 300, 600, 900, 1200, 1500, 1800, 2100, 2400, 2700, 3000, 3300, 3600];
const LAST_STEP: u32 = 300;

/// Nobody is asked to wait longer; who would wait so long is not for this to decide.
const A_DAY: u32 = 24 * 3600;

/// More requests than any allowance holds (api.md §6): the scaled ones end at 10,000.
const REMEMBERED: usize = 20_000;

/// After so many refusals of late the shortest wait grows no more: 2^12 fiftieths of a unit, some 80 seconds.
const WARIEST: u32 = 12;

/// So many that get through in a row make up for one time that the limit was met.
const OFTEN: u32 = 32;

/// So many at once while the server says that the limit is near: that few are refused when it is met.
const NEAR: usize = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct Allowance {
    /// The shortest window that is thought of.
    unit: Duration,
    /// How many may be on their way at once.
    places: usize,
    /// What was let through, in the order of the answers.
    passed: VecDeque<Passed>,
    /// How many are on their way.
    out: usize,
    /// How many may be at the moment: after a refusal one, and twice as many after each answer.
    room: usize,
    near: bool,
    /// One of those on their way finds something out; nobody else may at the same time.
    trying: bool,
    met: Option<Met>,
    model: Option<Model>,
    /// How often the limit was met of late: what trickles is better waited for than tried for drop by drop.
    wary: u32,
    /// How many were let through since that was last less.
    in_a_row: u32,
}

/// A request that was let through. Somewhere between the two the server counted it.
#[derive(Debug, Clone, Copy)]
struct Passed {
    sent: Instant,
    answered: Instant,
}

/// The limit was met, and nobody has got through since.
#[derive(Debug)]
struct Met {
    /// When the first that was refused was sent, and the last.
    first: Instant,
    last: Instant,
    until: Instant,
    refused: usize,
    /// How many were let through although they were sent later than the first that was refused.
    later: usize,
    tries: u32,
}

/// So many requests in a rolling window.
#[derive(Debug)]
struct Model {
    count: usize,
    window: Duration,
    /// The window is longer than this.
    floor: Duration,
    /// No try before the window is over until then.
    quiet: Instant,
    /// For how many windows the next refused try will silence further ones.
    calm: u32,
}

/// Why a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Because there is room.
    Plain,
    /// To see whether the limit has gone.
    Try,
    /// To see whether the window is as short as this.
    Early(Duration),
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Send.
    Go(Role),
    /// Wait until then, or until something changes.
    Wait(Option<Instant>),
}

impl Allowance {
    pub(super) fn new(places: usize, unit: Duration) -> Self {
        Self {
            unit,
            places,
            passed: VecDeque::new(),
            out: 0,
            room: places,
            near: false,
            trying: false,
            met: None,
            model: None,
            wary: 0,
            in_a_row: 0,
        }
    }

    /// Whether one more may go.
    pub(super) fn turn(&self, now: Instant) -> Turn {
        if let Some(met) = &self.met {
            return match () {
                () if now < met.until => Turn::Wait(Some(met.until)),
                () if self.trying => Turn::Wait(None),
                () => Turn::Go(Role::Try),
            };
        }
        let room = if self.near { self.room.min(NEAR) } else { self.room };
        if self.out >= room {
            return Turn::Wait(None);
        }
        self.model.as_ref().map_or(Turn::Go(Role::Plain), |model| self.by(model, now))
    }

    fn by(&self, model: &Model, now: Instant) -> Turn {
        let first = self.passed.partition_point(|passed| passed.answered + model.window <= now);
        let held = self.passed.len() - first;
        let Some(over) = (held + self.out).checked_sub(model.count) else { return Turn::Go(Role::Plain) };
        // Where those on their way alone are the allowance, their answers tell how it goes on.
        let Some(blocking) = self.passed.get(first + over).filter(|_| over < held) else { return Turn::Wait(None) };
        let release = blocking.answered + model.window;
        // A try tells something only while a window of the known length would surely be full.
        let full = || self.within(now, model.window).nth(model.count.saturating_sub(1)).is_some();
        if self.trying || now < model.quiet || !full() {
            return Turn::Wait(Some(release));
        }
        let window = model.tried();
        let early = blocking.answered + window;
        if early <= now { Turn::Go(Role::Early(window)) } else { Turn::Wait(Some(early.min(release))) }
    }

    /// One more is on its way.
    pub(super) fn sent(&mut self, role: Role) {
        self.out += 1;
        self.trying |= role != Role::Plain;
    }

    /// It was let through, and the answer says whether the limit is near.
    pub(super) fn accepted(&mut self, role: Role, sent: Instant, now: Instant, near: bool) {
        self.back(role);
        self.near = near;
        match (&mut self.met, role) {
            (Some(met), Role::Plain | Role::Early(_)) => met.later += usize::from(sent >= met.first),
            (Some(_), Role::Try) => {
                if self.met.take_if(|met| met.is_real()).map(|met| self.learn(&met, sent, now)).is_some() {
                    self.wary = (self.wary + 1).min(WARIEST);
                }
                self.met = None;
                self.room = 2.min(self.places);
            }
            (None, Role::Early(window)) => self.shorter(window),
            (None, _) => self.room = (self.room + 1).min(self.places),
        }
        self.in_a_row += 1;
        if self.in_a_row >= OFTEN {
            (self.in_a_row, self.wary) = (0, self.wary.saturating_sub(1));
        }
        self.remember(sent, now);
    }

    /// Nobody knows what became of it, so that it may have been counted.
    pub(super) fn lost(&mut self, role: Role, sent: Instant, now: Instant) {
        self.back(role);
        self.remember(sent, now);
    }

    /// It was refused, and perhaps told how long to wait. Says since when nobody gets through, and until when everybody
    /// waits.
    pub(super) fn refused(&mut self, role: Role, sent: Instant, now: Instant, asked: Option<Duration>) -> Refused {
        self.back(role);
        if let (Role::Early(window), None, None) = (role, asked, &self.met) {
            self.not_shorter(window, now);
            return Refused { since: now, until: now };
        }
        (self.room, self.in_a_row) = (1, 0);
        let old = self.met.take();
        let first = old.as_ref().map_or(sent, |met| met.first.min(sent));
        let tries = old.as_ref().map_or(0, |met| met.tries) + u32::from(role == Role::Try);
        let until = match asked {
            Some(asked) => now + asked.min(self.unit * A_DAY).max(self.least(tries)),
            None if old.is_some() && role != Role::Try => now,
            None => self.next_try(first, now + self.least(tries)),
        };
        let met = Met {
            first,
            last: old.as_ref().map_or(sent, |met| met.last.max(sent)),
            until: old.as_ref().map_or(until, |met| met.until.max(until)),
            refused: old.as_ref().map_or(0, |met| met.refused) + 1,
            later: old.as_ref().map_or(0, |met| met.later),
            tries,
        };
        let refused = Refused { since: met.first, until: met.until };
        self.met = Some(met);
        refused
    }

    fn back(&mut self, role: Role) {
        self.out = self.out.saturating_sub(1);
        self.trying &= role == Role::Plain;
    }

    fn remember(&mut self, sent: Instant, answered: Instant) {
        self.passed.push_back(Passed { sent, answered });
        if self.passed.len() > REMEMBERED {
            self.passed.pop_front();
        }
    }

    /// Whoever is told to come back at once time and again takes a little longer each time.
    fn least(&self, tries: u32) -> Duration {
        self.unit / 50 * (1 << (self.wary + tries).min(WARIEST))
    }

    /// When to try again: at the next moment at which one of the usual windows would have room.
    fn next_try(&self, met: Instant, least: Instant) -> Instant {
        let windows =
            WINDOWS.iter().map(|units| self.unit * *units).chain(self.model.as_ref().map(|model| model.window));
        let free = windows.map(|window| self.within(met, window).next().map_or(met, |front| front.answered) + window);
        // An hour is over, and there is still no room: somebody else uses it up. Now and then is often enough.
        free.filter(|free| *free >= least).min().unwrap_or(least + self.unit * LAST_STEP)
    }

    /// What was let through in a window that ends then, and since.
    fn within(&self, end: Instant, window: Duration) -> impl Iterator<Item = &Passed> {
        let first = self.passed.partition_point(|passed| passed.answered + window <= end);
        // Counted when it was sent rather than when it was answered, it may be out of the window already.
        self.passed.range(first..).skip_while(move |passed| passed.sent + window <= end)
    }

    /// Somebody got through who was sent at this time: which window lets that happen, and none of the refusals?
    fn learn(&mut self, met: &Met, sent: Instant, now: Instant) {
        let explains = |window: &Duration| {
            let front = self.within(met.first, *window).next();
            front.map(|front| front.answered + *window).is_some_and(|free| free > met.last && free <= sent)
        };
        let usual = WINDOWS.iter().rev().map(|units| self.unit * *units).find(explains);
        let longest = self.unit * WINDOWS[WINDOWS.len() - 1];
        let Some(front) = self.within(met.first, usual.unwrap_or(longest)).next() else { return };
        // No window is longer, and none so short that nothing fits in.
        let window = usual.unwrap_or_else(|| sent.saturating_duration_since(front.answered).min(longest));
        let count = self.within(met.first, window).count().max(1);
        let floor = met.last.saturating_duration_since(front.answered).min(window);
        self.model = Some(Model { count, window, floor, quiet: now, calm: 1 });
    }

    fn shorter(&mut self, window: Duration) {
        // What is so short holds nobody up.
        let model = self.model.take().filter(|_| window > self.unit / 64);
        self.model = model.map(|model| Model { floor: Duration::ZERO, window, calm: 1, ..model });
    }

    /// Nothing new until the window is over; once it is well known, for some more of them.
    fn not_shorter(&mut self, window: Duration, now: Instant) {
        let Some(model) = &mut self.model else { return };
        if model.is_vague() {
            model.floor = window;
            model.quiet = now + model.window.saturating_sub(window);
        } else {
            model.quiet = now + model.window * model.calm;
            model.calm = (model.calm * 2).min(64);
        }
    }
}

impl Met {
    /// A single refusal, or one among many that got through, says nothing of what is allowed.
    fn is_real(&self) -> bool {
        self.refused > 1 && self.later < self.refused
    }
}

impl Model {
    /// Whether the window could be shorter by more than a fiftieth.
    fn is_vague(&self) -> bool {
        self.window.saturating_sub(self.floor) > self.window / 50
    }

    /// The window to try next: between what is known, or, once that is settled, far shorter, since things change.
    fn tried(&self) -> Duration {
        if self.is_vague() { (self.floor + self.window) / 2 } else { self.window / 2 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What becomes of a request, and after how long.
    #[derive(Debug, Clone, Copy)]
    enum Fate {
        Accepted { near: bool },
        Refused(Option<Duration>),
        Lost,
    }

    fn fates() -> impl Strategy<Value = Vec<(Fate, Duration)>> {
        let fate = prop_oneof![
            3 => any::<bool>().prop_map(|near| Fate::Accepted { near }),
            3 => proptest::option::weighted(0.2, 0..20_000u64)
                .prop_map(|asked| Fate::Refused(asked.map(Duration::from_millis))),
            1 => Just(Fate::Lost),
        ];
        proptest::collection::vec((fate, (1..30_000u64).prop_map(Duration::from_millis)), 300)
    }

    /// Sends as many as may go, lets each meet its fate, and gives the longest wait with nobody on the way.
    fn longest_wait(places: usize, fates: Vec<(Fate, Duration)>) -> Duration {
        let (mut allowance, mut now, mut longest) = (Allowance::new(places, SECOND), Instant::now(), Duration::ZERO);
        let mut fates = fates.into_iter();
        let mut out: Vec<(Instant, Instant, Role, Fate)> = Vec::new();
        loop {
            while let (true, Turn::Go(role)) = (out.len() < places, allowance.turn(now)) {
                let Some((fate, after)) = fates.next() else { return longest };
                allowance.sent(role);
                out.push((now + after, now, role, fate));
            }
            let back = (0..out.len()).min_by_key(|at| out[*at].0);
            match (allowance.turn(now), back) {
                (Turn::Wait(None), None) => panic!("everybody waits for ever: {allowance:?}"),
                (Turn::Wait(Some(until)), _) if back.is_none_or(|at| until < out[at].0) => {
                    longest = longest.max(until - now);
                    now = until;
                }
                (_, Some(at)) => {
                    let (answered, sent, role, fate) = out.swap_remove(at);
                    now = now.max(answered);
                    match fate {
                        Fate::Accepted { near } => allowance.accepted(role, sent, now, near),
                        Fate::Refused(asked) => drop(allowance.refused(role, sent, now, asked)),
                        Fate::Lost => allowance.lost(role, sent, now),
                    }
                }
                (Turn::Go(_) | Turn::Wait(Some(_)), None) => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whatever happens, somebody may go again, and no later than an hour from then.
        #[test]
        fn nobody_waits_for_ever(places in 1..17usize, fates in fates()) {
            prop_assert!(longest_wait(places, fates) <= 3_600 * SECOND);
        }
    }
}
