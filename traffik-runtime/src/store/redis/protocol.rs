//! The arguments and the replies of the scripts that decide.

use redis::{Cmd, ErrorKind, RedisError, RedisResult, make_extension_error};

use crate::inline_vec::InlineVec4;
use crate::store::codec::{decode, decode_whole};
use crate::store::plan::Plan;
use crate::store::settlement::{Adjustment, Settlement};
use crate::strategy::kernel::Law;
use crate::strategy::kernel::state::State;
use crate::strategy::kernel::tick::EXACT;

/// The numbers of parameters that the script reads. A law has the first of these that suffices.
const PARAMETERS: [usize; 3] = [3, 5, 9];

/// A group of a call.
#[derive(Clone, Copy)]
pub(crate) enum ScriptGroup<'g> {
    /// Plans that are all admitted, or none.
    Decide(&'g [Plan<'g>]),
    /// Plans whose states are only read.
    Read(&'g [Plan<'g>]),
    /// A refund on one key.
    Refund(&'g Settlement<'g>),
}

impl ScriptGroup<'_> {
    /// Returns the number of its keys, which is that of its values in a reply.
    pub(crate) const fn keys(&self) -> usize {
        match self {
            Self::Decide(plans) | Self::Read(plans) => plans.len(),
            Self::Refund(_) => 1,
        }
    }

    /// Returns the plans.
    pub(crate) const fn plans(&self) -> &[Plan<'_>] {
        match self {
            Self::Decide(plans) | Self::Read(plans) => plans,
            Self::Refund(settlement) => std::slice::from_ref(&settlement.plan),
        }
    }
}

/// Groups of plans in the form in which the script gets them. Numbers are doubles, and a law of
/// several plans is there once.
#[derive(Default)]
pub(crate) struct ScriptArgs {
    /// The names of all keys, one behind the other.
    names: String,
    /// The end of each name.
    name_ends: Vec<usize>,
    laws: Vec<u8>,
    /// The place of each law.
    places: Vec<usize>,
    groups: Vec<u8>,
}

impl ScriptArgs {
    /// Appends a group.
    pub(crate) fn push(&mut self, group: ScriptGroup<'_>) {
        match group {
            ScriptGroup::Decide(plans) => self.push_plans(plans, |plan| plan.cost),
            ScriptGroup::Read(plans) => self.push_plans(plans, |_| 0),
            ScriptGroup::Refund(settlement) => self.push_refund(settlement),
        }
    }

    fn push_plans(&mut self, plans: &[Plan<'_>], cost: impl Fn(&Plan<'_>) -> u64) {
        self.write_count(plans.len());
        for plan in plans {
            self.push_name(&plan.name);
            self.write_count(plan.limits.len());
            write(&mut self.groups, exact_cost(cost(plan)));
            for limit in &*plan.limits {
                let place = self.place_of(&limit.law);
                self.write_place(place);
            }
            if plan.limits.is_empty() {
                self.write_place(0);
            }
        }
    }

    fn push_refund(&mut self, settlement: &Settlement<'_>) {
        let (units, at) = match settlement.adjustment {
            Adjustment::Refund(refund) => (refund.cost, refund.at),
            // The script cannot charge.
            Adjustment::Charge(_) => (0, 0),
        };
        self.write_count(0);
        self.push_name(&settlement.plan.name);
        let counted = settlement.rates.iter().zip(&settlement.incarnations);
        self.write_count(counted.len());
        write(&mut self.groups, exact_cost(units));
        write(&mut self.groups, at);
        for (rate, incarnation) in counted {
            write(&mut self.groups, rate.limit());
            write(&mut self.groups, rate.period_micros());
            self.groups.extend(incarnation.to_be_bytes());
        }
    }

    fn push_name(&mut self, name: &str) {
        self.names.push_str(name);
        self.name_ends.push(self.names.len());
    }

    /// Returns the number of keys, which is that of the values in a reply.
    pub(crate) const fn keys(&self) -> usize {
        self.name_ends.len()
    }

    /// Adds the arguments to a command.
    pub(crate) fn add_to(&self, cmd: &mut Cmd, at: Option<u64>) {
        cmd.arg(self.keys());
        let mut start = 0;
        for end in &self.name_ends {
            cmd.arg(&self.names[start..*end]);
            start = *end;
        }
        cmd.arg(&self.laws).arg(&self.groups);
        if let Some(at) = at {
            cmd.arg(at);
        }
    }

    /// Returns the place of a law, which is appended if it is not there yet.
    fn place_of(&mut self, law: &Law) -> usize {
        let start = self.laws.len();
        let (numbers, pairs) = law.numbers();
        let enough = PARAMETERS.into_iter().find(|count| numbers.len() <= *count);
        let count = enough.unwrap_or(numbers.len());
        self.laws.extend([law.script_number(), count as u8]);
        for index in 0..count {
            write(&mut self.laws, numbers.get(index).copied().unwrap_or(0));
        }
        for (from, limit) in pairs {
            write(&mut self.laws, from);
            write(&mut self.laws, limit);
        }
        let (earlier, new) = self.laws.split_at(start);
        let mut places = self.places.iter();
        if let Some(place) = places.find(|place| earlier[**place..].starts_with(new)) {
            self.laws.truncate(start);
            return *place;
        }
        self.places.push(start);
        start
    }

    fn write_count(&mut self, count: usize) {
        // A set of more plans is far beyond what a call can have.
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        self.groups.extend(count.to_be_bytes());
    }

    /// Writes the place of a law as the script counts places, from 1.
    fn write_place(&mut self, place: usize) {
        let place = u32::try_from(place + 1).unwrap_or(u32::MAX);
        self.groups.extend(place.to_be_bytes());
    }
}

/// Returns a cost that a double holds. A cost above 2^53, which is the largest limit, stays above
/// it.
fn exact_cost(cost: u64) -> u64 {
    if cost > EXACT { 2 * EXACT } else { cost }
}

fn write(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend((number as f64).to_be_bytes());
}

/// The values of a reply that belong to one group.
pub(crate) type GroupValues = InlineVec4<Vec<u8>>;

/// The reply to a group: if all its plans were admitted, when, and their states.
pub(crate) struct ScriptReply {
    pub(crate) now: u64,
    pub(crate) admitted: bool,
    pub(crate) values: GroupValues,
}

impl ScriptReply {
    /// Parses the values of a group. The first of them has a head.
    pub(crate) fn parse(mut values: GroupValues) -> Option<Self> {
        let first = values.first_mut()?;
        let (admitted, now) = head(first)?;
        first.drain(..HEAD);
        Some(Self {
            now,
            admitted,
            values,
        })
    }

    /// Returns `true` if a value that the script read is no state.
    pub(crate) fn has_malformed_state(&self, plans: &[Plan<'_>]) -> bool {
        let mut pairs = plans.iter().zip(&self.values);
        pairs.any(|(plan, value)| !value.is_empty() && decode_whole(plan, value).is_none())
    }

    /// Decodes the states of the plans.
    pub(crate) fn states(&self, plans: &[Plan<'_>]) -> InlineVec4<State> {
        let pairs = plans.iter().zip(&self.values);
        let states = pairs.map(|(plan, value)| decode(plan, value, self.now));
        states.collect()
    }
}

/// The length of the head of a reply, in bytes.
const HEAD: usize = 9;

/// The first byte of a group that failed. Its error follows.
const FAILED: u8 = 2;

/// Distributes the values of a reply over groups of these numbers of plans. The script reports the
/// error of each group that failed.
///
/// # Errors
///
/// A reply with another number of values.
pub(crate) fn split(
    values: Vec<Vec<u8>>,
    groups: impl Iterator<Item = usize> + Clone,
) -> RedisResult<Vec<RedisResult<GroupValues>>> {
    if values.len() != groups.clone().sum::<usize>() {
        return Err(malformed());
    }
    let mut values = values.into_iter();
    let group = |plans| {
        let group: GroupValues = values.by_ref().take(plans).collect();
        match group.first().map(Vec::as_slice) {
            Some([FAILED, error @ ..]) => Err(server_error(error)),
            _ => Ok(group),
        }
    };
    Ok(groups.map(group).collect())
}

/// Returns the error that a command of the script met.
fn server_error(text: &[u8]) -> RedisError {
    let text = String::from_utf8_lossy(text);
    // Servers before version 7 name the line of the script first.
    let reply = match text.strip_prefix("@user_script") {
        Some(rest) => rest.rsplit_once(": -").map_or(&*text, |(_, reply)| reply),
        None => text.trim_start_matches('-'),
    };
    let (code, text) = reply.trim_end().split_once(' ').unwrap_or((reply, ""));
    make_extension_error(code.to_owned(), Some(text.to_owned()))
}

/// Returns the error of a reply that this client does not understand.
pub(crate) fn malformed() -> RedisError {
    let kind = ErrorKind::UnexpectedReturnType;
    (kind, "the reply of a script is malformed").into()
}

/// Parses the head of a reply: if all plans were admitted, and the time.
fn head(bytes: &[u8]) -> Option<(bool, u64)> {
    let (admitted, now) = bytes.get(..HEAD)?.split_first()?;
    let now = f64::from_be_bytes(now.try_into().ok()?);
    #[expect(clippy::cast_sign_loss, reason = "times are after 1970")]
    let now = now as u64;
    Some((*admitted == 1, now.min(EXACT)))
}

#[cfg(test)]
mod tests {
    use redis::cmd;

    use super::{GroupValues, ScriptArgs, ScriptGroup, ScriptReply, split};
    use crate::error::Error;
    use crate::inline_vec::InlineVec1;
    use crate::rate::Rate;
    use crate::store::key::Key;
    use crate::store::plan::{Limit, Plan, PlanLimits};
    use crate::store::redis::error::Failed;
    use crate::strategy::Who;
    use crate::strategy::fixed_window::FixedWindow;
    use crate::strategy::kernel::Law;
    use crate::strategy::kernel::tick::EXACT;
    use crate::strategy::kernel::window::Window;

    fn head(now: f64) -> Vec<u8> {
        [&[1][..], &now.to_be_bytes()].concat()
    }

    fn parse(first: Vec<u8>) -> Option<ScriptReply> {
        ScriptReply::parse(GroupValues::from_elem(first, 1))
    }

    fn plan(name: &str, rate: Rate) -> Plan<'static> {
        let law = Law::Window(Window::new(rate));
        Plan {
            key: Key::root(),
            name: name.to_owned(),
            strategy: &FixedWindow,
            limits: PlanLimits::Own(InlineVec1::from_iter([Limit { rate, law }])),
            cost: 1,
            who: Who::default(),
            lease: 0,
        }
    }

    #[test]
    fn refuses_a_reply_with_another_number_of_values() {
        let values = |count| std::iter::repeat_n(head(5.0), count).collect();
        let groups = [2, 1].into_iter();
        let whole = split(values(3), groups.clone()).unwrap();
        let sizes = whole.into_iter().map(|group| group.unwrap().len());
        assert_eq!(sizes.collect::<Vec<_>>(), [2, 1]);
        for count in [0, 1, 2, 4, 1_000_000] {
            assert!(split(values(count), groups.clone()).is_err(), "{count}");
        }
        assert!(parse(vec![1]).is_none(), "a truncated head");
        assert!(ScriptReply::parse(GroupValues::new()).is_none());
    }

    #[test]
    fn gives_each_group_its_own_error() {
        let texts = [
            "OOM command not allowed when used memory > 'maxmemory'.",
            "@user_script: 9: -OOM command not allowed when used memory > 'maxmemory'.\r\n",
            "-OOM command not allowed when used memory > 'maxmemory'.",
        ];
        for text in texts {
            let failed = [&[2], text.as_bytes()].concat();
            let values = vec![head(5.0), failed, head(5.0)];
            let mut groups = split(values, [1; 3].into_iter()).unwrap();
            let last = groups.pop();
            let error = groups.pop().and_then(Result::err).unwrap();
            assert!(groups.pop().is_some_and(|group| group.is_ok()));
            assert!(last.is_some_and(|group| group.is_ok()));
            assert_eq!(error.code(), Some("OOM"));
            let error = Error::from(Failed::Server(error));
            assert!(!error.may_have_counted());
        }
    }

    #[test]
    fn writes_a_law_of_several_groups_once() {
        let mut args = ScriptArgs::default();
        let (one, other) = (Rate::per_hour(5), Rate::per_hour(6));
        args.push(ScriptGroup::Decide(&[plan("a", one)]));
        let law = args.laws.len();
        args.push(ScriptGroup::Decide(&[plan("b", one), plan("c", other)]));
        args.push(ScriptGroup::Decide(&[plan("b", other)]));
        assert_eq!(args.laws.len(), 2 * law);
        assert_eq!(args.keys(), 4);
        let mut command = cmd("EVALSHA");
        args.add_to(&mut command, Some(7));
        let numbers = command.args_iter().count();
        // The name, the number of keys, the keys, the laws, the groups and the time.
        assert_eq!(numbers, 1 + 1 + 4 + 2 + 1);
    }

    #[test]
    fn clamps_a_time_to_the_exact_ones() {
        for (now, clamped) in [
            (7.5, 7),
            (-1.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, EXACT),
            (1e300, EXACT),
        ] {
            assert_eq!(parse(head(now)).map(|reply| reply.now), Some(clamped));
        }
    }
}
