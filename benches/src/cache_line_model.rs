//! A model of decisions on more cores than this machine has.
//!
//! A core works for the time of a decision that one thread alone takes, and writes cache lines on
//! the way. A line that another core wrote last has to move first, which takes a constant time, and
//! cores that want one line get it one after the other. The model knows neither the distance of
//! cores nor a limit of the memory, and compare-and-swap never fails in it, so it is kind to both
//! sides.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use crate::keys::Random;

/// Decisions of each core in a simulation.
const DECISIONS: usize = 2_000;

/// The cache line that a decision writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One line for every decision.
    One,
    /// One of so many lines, each equally often.
    Of(usize),
}

/// The work of a decision.
#[derive(Clone, Debug)]
pub struct Load {
    nanoseconds: f64,
    lines: Vec<Place>,
}

impl Load {
    /// Creates the work of a decision, which takes so many nanoseconds on one core and writes these
    /// lines, in this order. Equal places are one line.
    pub fn new(nanoseconds: f64, lines: Vec<Place>) -> Self {
        Self { nanoseconds, lines }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    owner: Option<usize>,
    /// The picosecond in which the line can move again.
    free: u64,
}

/// Simulates cores that decide all the time, and returns millions of decisions a second.
pub fn throughput(cores: usize, transfer: f64, load: &Load) -> f64 {
    // A duration of as many microseconds as there are nanoseconds, in its nanoseconds.
    let picoseconds = |nanoseconds: f64| {
        let scaled = Duration::from_secs_f64(nanoseconds / 1e6);
        scaled.as_nanos() as u64
    };
    let work = picoseconds(load.nanoseconds / load.lines.len() as f64);
    let transfer = picoseconds(transfer);
    let mut random = Random::default();
    let mut lines: HashMap<(usize, usize), Line> = HashMap::new();
    // The times at which the cores can go on, with the writes of their decision that are done.
    let mut cores: BinaryHeap<_> = (0..cores).map(|core| Reverse((0, core, 0_usize))).collect();
    let mut picks = vec![Vec::new(); cores.len()];
    let total = DECISIONS * cores.len();
    let (mut done, mut end) = (0, 0);
    while let Some(Reverse((now, core, step))) = cores.pop() {
        if step == load.lines.len() {
            done += 1;
            end = now;
            if done >= total {
                break;
            }
        }
        let step = step % load.lines.len();
        if step == 0 {
            picks[core] = pick(load, &mut random);
        }
        let line = lines.entry(picks[core][step]).or_default();
        let moved = if line.owner.is_none_or(|owner| owner == core) {
            now
        } else {
            now.max(line.free) + transfer
        };
        line.owner = Some(core);
        line.free = moved;
        cores.push(Reverse((moved + work, core, step + 1)));
    }
    done as f64 / end as f64 * 1e6
}

/// Returns the lines of one decision.
fn pick(load: &Load, random: &mut Random) -> Vec<(usize, usize)> {
    let mut picked: Vec<(usize, usize)> = Vec::new();
    for (place, line) in load.lines.iter().enumerate() {
        let earlier = load.lines[..place].iter().position(|other| other == line);
        let next = match (earlier, *line) {
            (Some(earlier), _) => picked[earlier],
            (None, Place::One) => (place, 0),
            (None, Place::Of(count)) => (place, random.below(count as u64) as usize),
        };
        picked.push(next);
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::{Load, Place, throughput};

    fn assert_near(figure: f64, expected: f64) {
        assert!((figure / expected - 1.0).abs() < 0.02, "{figure}");
    }

    #[test]
    fn one_core_moves_no_lines() {
        let load = Load::new(50.0, vec![Place::One, Place::Of(100)]);
        assert_near(throughput(1, 1_000.0, &load), 20.0);
    }

    #[test]
    fn cores_without_a_common_line_do_not_wait() {
        let load = Load::new(50.0, vec![Place::Of(1 << 40)]);
        assert_near(throughput(64, 1_000.0, &load), 64.0 * 20.0);
    }

    #[test]
    fn a_line_of_all_cores_moves_once_a_decision() {
        let load = Load::new(50.0, vec![Place::One]);
        assert_near(throughput(64, 100.0, &load), 10.0);
    }
}
