//! The groups of plans in a call of the script that decides, read from its arguments.

/// A plan: the place of its first law, and its cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlanArguments {
    pub(super) law: u32,
    pub(super) cost: u64,
}

/// Reads the groups of a call.
pub(super) fn read(bytes: &[u8]) -> Vec<Vec<PlanArguments>> {
    let mut rest = bytes;
    let mut groups = Vec::new();
    while !rest.is_empty() {
        let plans = u16::from_be_bytes(take(&mut rest));
        groups.push((0..plans).map(|_| read_plan(&mut rest)).collect());
    }
    groups
}

fn read_plan(rest: &mut &[u8]) -> PlanArguments {
    let laws = u16::from_be_bytes(take(rest));
    #[expect(clippy::cast_sign_loss, reason = "costs are not negative")]
    let cost = f64::from_be_bytes(take(rest)) as u64;
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
        #[expect(clippy::cast_sign_loss, reason = "times and counts are not negative")]
        let number = f64::from_be_bytes(bytes.try_into().ok()?) as u64;
        Some(number)
    };
    (state.get(1) == Some(&1)).then_some(())?;
    let start = double(19)?;
    // A state with a number has it behind the count.
    Some((start, double(27)?))
}
