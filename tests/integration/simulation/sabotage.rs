//! Broken variants of the simulated world. Each must make one checker fail, so that none is blind.

use super::keyspace::{Entry, Keyspace};
use super::scripts::ScriptReply;

/// A fault that no promise covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// The server executes some commands twice.
    ExecutesTwice,
    /// The server loses what it has written.
    LosesWrites,
    /// The server exchanges the answers in a batch.
    ExchangesAnswers,
    /// The server changes the states of refused clients.
    WritesRefusals,
    /// The server writes keys that never end.
    LosesTimesToLive,
    /// The server gives back twice as much.
    RefundsTwice,
    /// The network reports a refused connection after it has delivered a request.
    DeniesDelivery,
    /// Local refusals ignore that time passes.
    StopsSteadyClocks,
    /// Timers of processes are late.
    SlowsTimers,
    /// Nothing is given back.
    LosesRefunds,
}

impl Sabotage {
    /// Changes the keys after a decision.
    pub(super) fn after_decision(
        self,
        keyspace: &mut Keyspace,
        keys: &[Vec<u8>],
        before: &[Option<Entry>],
    ) {
        match self {
            Self::LosesWrites => keyspace.restore(&keys[0], before[0].clone()),
            Self::WritesRefusals => {
                if let Some(entry) = before[0].clone()
                    && keyspace.get(&keys[0]) == Some(&entry)
                {
                    let value = entry.value;
                    let words = [b"SET".as_slice(), &keys[0], &value, b"PX", b"77"];
                    let _ = keyspace.run(&words.map(<[u8]>::to_vec));
                }
            }
            Self::LosesTimesToLive => keyspace.endless.push(keys[0].clone()),
            _ => {}
        }
    }

    /// Changes the reply to a decision.
    pub(super) fn reply(self, reply: ScriptReply) -> ScriptReply {
        match reply {
            ScriptReply::List(mut list) if self == Self::ExchangesAnswers => {
                list.reverse();
                ScriptReply::List(list)
            }
            reply => reply,
        }
    }
}
