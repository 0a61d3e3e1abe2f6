//! Threads on one disk that perform one operation at a time, in an order derived from a seed.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Random;

/// Which thread may perform the next operation. None is chosen before all others are waiting, so that a seed repeats a
/// run.
#[derive(Debug)]
pub(super) struct Turns {
    state: Mutex<State>,
    chosen: Condvar,
}

#[derive(Debug)]
struct State {
    random: Random,
    running: BTreeSet<usize>,
    waiting: BTreeSet<usize>,
    turn: Option<usize>,
}

impl Turns {
    pub(super) fn new(seed: u64, count: usize) -> Self {
        let (running, waiting) = ((0..count).collect(), BTreeSet::new());
        Self { state: Mutex::new(State { random: Random(seed), running, waiting, turn: None }), chosen: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends this thread's turn and waits for the next one.
    pub(super) fn take(&self, who: usize) {
        let mut state = self.state();
        state.waiting.insert(who);
        self.go_on(&mut state, who);
        while state.turn != Some(who) {
            state = self.chosen.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.remove(&who);
    }

    /// Takes no more turns.
    pub(super) fn leave(&self, who: usize) {
        let mut state = self.state();
        state.running.remove(&who);
        self.go_on(&mut state, who);
    }

    fn go_on(&self, state: &mut State, who: usize) {
        state.turn.take_if(|turn| *turn == who);
        if state.turn.is_none() && !state.waiting.is_empty() && state.waiting == state.running {
            let chosen = state.random.index(state.waiting.len());
            state.turn = state.waiting.iter().nth(chosen).copied();
            self.chosen.notify_all();
        }
    }
}
