//! The groups of plans in a call of the script that decides, read from its arguments.

/// A plan: the place of its first law, and its cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlanArguments {
    pub(super) law: u32,
    pub(super) cost: u64,
}

/// A group: plans that are decided together, or the refund of a part of an earlier hit.
#[derive(Clone, Debug)]
pub(super) enum Group {
    Decide(Vec<PlanArguments>),
    /// The units of the refund, and the time at which they were counted.
    Refund(u64, u64),
}

/// Reads the groups of a call.
pub(super) fn read(bytes: &[u8]) -> Vec<Group> {
    let mut rest = bytes;
    let mut groups = Vec::new();
    while !rest.is_empty() {
        let plans = u16::from_be_bytes(take(&mut rest));
        groups.push(if plans == 0 {
            read_refund(&mut rest)
        } else {
            Group::Decide((0..plans).map(|_| read_plan(&mut rest)).collect())
        });
    }
    groups
}

fn read_refund(rest: &mut &[u8]) -> Group {
    let rates = u16::from_be_bytes(take(rest));
    let [units, at] = [take(rest), take(rest)].map(whole);
    for _ in 0..rates {
        let _: [u8; 24] = take(rest);
    }
    Group::Refund(units, at)
}

/// Reads a number that is whole and not negative.
#[expect(
    clippy::cast_sign_loss,
    reason = "times, costs and counts are not negative"
)]
const fn whole(bytes: [u8; 8]) -> u64 {
    f64::from_be_bytes(bytes) as u64
}

fn read_plan(rest: &mut &[u8]) -> PlanArguments {
    let laws = u16::from_be_bytes(take(rest));
    let cost = whole(take(rest));
    let law = u32::from_be_bytes(take(rest));
    for _ in 1..laws {
        let _: [u8; 4] = take(rest);
    }
    PlanArguments { law, cost }
}

/// Writes a group of one plan under one law.
pub(super) fn write(law: u32, cost: u64) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 1];
    bytes.extend((cost as f64).to_be_bytes());
    bytes.extend(law.to_be_bytes());
    bytes
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (first, others) = rest.split_at(N);
    *rest = others;
    first.try_into().expect("the length is right")
}

/// A window in the encoding of states: its start and its count.
pub(super) fn window(state: &[u8]) -> Option<(u64, u64)> {
    // The version, the kind, the power of ten of the tick, the limit and the period come first.
    let double = |place: usize| {
        let bytes = state.get(place..place + 8)?;
        Some(whole(bytes.try_into().ok()?))
    };
    (state.get(1) == Some(&1)).then_some(())?;
    let start = double(19)?;
    // A state with a number has it behind the count.
    Some((start, double(27)?))
}
