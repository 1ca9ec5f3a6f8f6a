//! The demand of a client: the units that this process has admitted over the time of a lease.

/// The least number of hits in the time of a lease for which one is taken.
const MIN_HITS: u64 = 4;

/// The hits of a client that this process has admitted, in steps of the life of a lease.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Demand {
    /// The first moment of the present step.
    since: u64,
    present: Step,
    previous: Step,
}

/// The hits in one step.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    hits: u64,
    units: u64,
}

impl Demand {
    /// Adds an admitted hit.
    pub(crate) fn add(&mut self, cost: u64, now: u64, life: u64) {
        self.advance(now, life);
        self.present.hits += 1;
        self.present.units = self.present.units.saturating_add(cost);
    }

    /// Returns the units that the client is expected to use over the life of a lease: as many as
    /// over the last one, or more if it has used more since. Returns 0 for a client that hits
    /// rarely.
    pub(crate) fn expected(&mut self, now: u64, life: u64) -> u64 {
        self.advance(now, life);
        let steps = [self.present, self.previous];
        let frequent = steps.iter().filter(|step| step.hits >= MIN_HITS);
        frequent.map(|step| step.units).max().unwrap_or(0)
    }

    /// Begins a new step, if the present one is over.
    fn advance(&mut self, now: u64, life: u64) {
        match now.checked_sub(self.since) {
            Some(elapsed) if elapsed < life => {}
            Some(elapsed) if elapsed < life.saturating_mul(2) => {
                self.since += life;
                self.previous = std::mem::take(&mut self.present);
            }
            // A hit that was sent to the store before the step began.
            None if self.since - now < life => {}
            // Nothing in the last step, or a clock that was set back.
            _ => {
                *self = Self {
                    since: now,
                    ..Self::default()
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Demand;

    const LIFE: u64 = 200;

    #[test]
    fn expects_nothing_of_a_client_that_hits_rarely() {
        let mut demand = Demand::default();
        for now in [0, 1, 2] {
            demand.add(100, now, LIFE);
        }
        assert_eq!(demand.expected(3, LIFE), 0);
        demand.add(100, 4, LIFE);
        assert_eq!(demand.expected(5, LIFE), 400);
    }

    #[test]
    fn expects_the_use_of_the_last_life_until_the_next_one_is_over() {
        let mut demand = Demand::default();
        for now in 1_000..1_050 {
            demand.add(1, now, LIFE);
        }
        assert_eq!(demand.expected(1_199, LIFE), 50);
        assert_eq!(demand.expected(1_200, LIFE), 50);
        for now in 1_200..1_260 {
            demand.add(1, now, LIFE);
        }
        assert_eq!(demand.expected(1_300, LIFE), 60);
        assert_eq!(demand.expected(1_599, LIFE), 60);
        assert_eq!(demand.expected(1_800, LIFE), 0);
    }

    #[test]
    fn starts_over_when_the_clock_is_set_back() {
        let mut demand = Demand::default();
        for _ in 0..9 {
            demand.add(1, 5_000, LIFE);
        }
        assert_eq!(demand.expected(4_801, LIFE), 9);
        assert_eq!(demand.expected(4_800, LIFE), 0);
        for _ in 0..4 {
            demand.add(u64::MAX, 4_800, LIFE);
        }
        assert_eq!(demand.expected(4_800, LIFE), u64::MAX);
    }
}
