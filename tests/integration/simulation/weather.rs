//! The conditions of one run, all drawn from its seed.

use crate::chance::Chance;

/// The conditions of one run. Times are in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) processes: usize,
    /// The number of tasks of a process.
    pub(super) tasks: usize,
    /// The number of clients of each limit.
    pub(super) clients: u64,
    /// The length of the run.
    pub(super) length: u64,
    /// The longest pause of a task.
    pub(super) pause: u64,
    /// The least time that a message takes, and how much longer it may take.
    pub(super) latency: (u64, u64),
    /// The number of very late messages among a thousand.
    pub(super) stragglers: u64,
    /// The sockets of a process.
    pub(super) connections: usize,
    /// The time for which refusals are remembered.
    pub(super) local_refusals: u64,
    /// The life of leases; 0 for none.
    pub(super) lease: u64,
    /// The mean time between two faults; 0 for none.
    pub(super) calm: u64,
    /// The faults that happen, each as often as it is listed.
    pub(super) faults: Vec<Fault>,
}

/// A thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A connection breaks, perhaps in the middle of a reply.
    Cut,
    /// A connection delivers nothing for a while, and then all at once.
    Stall,
    /// A connection loses all replies from then on, perhaps all requests too, and nobody notices.
    Vanish,
    /// The server executes nothing for a while.
    ServerStall,
    /// The server restarts: all connections break, scripts are forgotten, keys are not.
    ServerRestart,
    /// The server forgets its scripts.
    FlushScripts,
    /// A process ends without giving anything back, and starts again.
    Crash,
    /// A process does not run for a while.
    Pause,
}

const ALL: [Fault; 8] = [
    Fault::Cut,
    Fault::Stall,
    Fault::Vanish,
    Fault::ServerStall,
    Fault::ServerRestart,
    Fault::FlushScripts,
    Fault::Crash,
    Fault::Pause,
];

impl Weather {
    pub(super) fn draw(chance: &mut Chance) -> Self {
        let is_fine = chance.per_mille(200);
        let faults: Vec<Fault> = match chance.below(3) {
            0 => ALL.into(),
            1 => vec![ALL[chance.below(8) as usize]],
            _ => ALL.into_iter().filter(|_| chance.per_mille(500)).collect(),
        };
        let calm = if is_fine || faults.is_empty() {
            0
        } else {
            chance.between(20_000, 400_000)
        };
        Self {
            processes: chance.between(1, 4) as usize,
            tasks: chance.between(2, 12) as usize,
            clients: chance.between(1, 3),
            length: chance.between(1_500_000, 3_500_000),
            pause: chance.between(4_000, 40_000),
            latency: (chance.between(30, 2_000), chance.between(0, 5_000)),
            stragglers: if is_fine { 0 } else { chance.between(0, 8) },
            connections: chance.between(1, 2) as usize,
            local_refusals: if chance.per_mille(150) { 0 } else { 1_000_000 },
            lease: if chance.per_mille(500) {
                0
            } else {
                chance.between(20_000, 300_000)
            },
            calm,
            faults,
        }
    }

    /// Returns `true` if nothing goes wrong.
    pub(super) const fn is_fine(&self) -> bool {
        self.calm == 0 && self.stragglers == 0
    }
}
