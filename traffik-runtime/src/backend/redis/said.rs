//! What the script that decides is told, and what it answers.

use redis::{Value, from_redis_value_ref};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::backend::outcome::Several;
use crate::backend::plan::Plan;
use crate::backend::wire::decode;
use crate::strategy::State;
use crate::strategy::kernel::EXACT;

/// A plan as the script is told of it: its cost, then its laws.
pub(super) struct Asked(u64, Vec<Vec<u64>>);

impl Asked {
    pub(super) fn new(plan: &Plan<'_>, cost: u64) -> Self {
        let laws = plan.terms.iter().map(|term| term.law.numbers());
        Self(cost.min(EXACT), laws.collect())
    }
}

impl Serialize for Asked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(1 + self.1.len()))?;
        list.serialize_element(&self.0)?;
        for law in &self.1 {
            list.serialize_element(law)?;
        }
        list.end()
    }
}

/// What the script answered.
pub(super) struct Said {
    pub(super) now: u64,
    pub(super) admitted: bool,
    pub(super) values: Vec<Vec<u8>>,
}

impl Said {
    pub(super) fn read(answer: &[Value], plans: usize) -> Option<Self> {
        let [Value::Int(now), Value::Int(admitted), values @ ..] = answer else {
            return None;
        };
        let values = values.iter().map(from_redis_value_ref::<Vec<u8>>);
        let values: Vec<_> = values.collect::<Result<_, _>>().ok()?;
        (values.len() == plans).then_some(Self {
            now: u64::try_from(*now).ok()?,
            admitted: *admitted == 1,
            values,
        })
    }

    pub(super) fn states(&self, plans: &[Plan<'_>]) -> Several<State> {
        let lines = plans.iter().zip(&self.values);
        let states = lines.map(|(plan, value)| decode(plan, value).unwrap_or_default());
        states.collect()
    }
}
