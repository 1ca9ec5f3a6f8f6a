//! Batches: groups of plans that wait to be written to one connection at the same moment travel as
//! one call of the script.
//!
//! A group that finds no other on its connection is sent at once, by its caller. While others are
//! under way, a group is appended to the batch that is still open, or opens one. A batch is sent by
//! a task of its own, as soon as the callers that can run at this moment have run. Nothing waits
//! for a reply or for a timer.
//!
//! Callers come and go without an effect on a batch. An error of the whole call is the error of
//! each of its groups, and no call is sent again, unless the server has answered that it does not
//! have the script.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use parking_lot::Mutex;
use redis::{ErrorKind, RedisError, RedisResult, Value};
use tokio::sync::oneshot;

use crate::inline_vec::InlineVec1;
use crate::store::redis::connection::Connection;
use crate::store::redis::error::Failed;
use crate::store::redis::lua::decide::DECIDE;
use crate::store::redis::protocol::{GroupValues, ScriptArgs, ScriptGroup, split};

/// The weight from which on a batch takes no more groups, so that the server is never held for
/// much longer than 100 µs. A law has a weight of one.
const MAX_WEIGHT: u64 = 32;

/// The number of records of a log or a mean that weigh as much as a law.
const RECORDS: u64 = 32;

/// The groups on one connection.
#[derive(Default)]
pub(crate) struct Batches {
    /// The number of groups that are under way.
    running: AtomicUsize,
    /// The batches that were not sent yet, each with a task. Only the last one is open.
    waiting: Mutex<VecDeque<Batch>>,
}

/// The values of the groups of one caller.
pub(crate) type Answers = InlineVec1<RedisResult<GroupValues>>;

/// Groups that are decided at the time of one clock.
struct Batch {
    at: Option<u64>,
    args: ScriptArgs,
    weight: u64,
    callers: Vec<BatchCaller>,
}

/// The groups of one caller in a batch, as its answer needs them.
struct BatchCaller {
    /// The number of keys of each group.
    groups: InlineVec1<usize>,
    answer: oneshot::Sender<RedisResult<Answers>>,
}

/// Counts a group as under way for as long as this lives.
struct Running<'a>(&'a AtomicUsize);

impl Batches {
    /// Runs groups one after the other, on the connection of these batches.
    pub(crate) async fn run(
        self: Arc<Self>,
        connection: Connection,
        groups: &[ScriptGroup<'_>],
        at: Option<u64>,
    ) -> RedisResult<Answers> {
        let is_idle = self.running.fetch_add(1, Ordering::Relaxed) == 0;
        let _running = Running(&self.running);
        // The keys of a batch are on one server.
        if is_idle || !connection.can_break() {
            let mut args = ScriptArgs::default();
            for group in groups {
                args.push(*group);
            }
            let values = run(connection, &args, at).await?;
            let answers = split(values, groups.iter().map(ScriptGroup::keys))?;
            return Ok(answers.into());
        }
        let answer = self.push(connection, groups, at);
        // Without an answer, the task has ended with its runtime.
        answer.await.unwrap_or_else(|_| Err(aborted()))
    }

    /// Appends groups to the open batch.
    fn push(
        self: &Arc<Self>,
        connection: Connection,
        groups: &[ScriptGroup<'_>],
        at: Option<u64>,
    ) -> oneshot::Receiver<RedisResult<Answers>> {
        let weight = groups.iter().map(weight).sum();
        let (sender, answer) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        let open = waiting.back().is_some_and(|batch| batch.takes(at, weight));
        if !open {
            waiting.push_back(Batch::new(at));
        }
        if let Some(batch) = waiting.back_mut() {
            for group in groups {
                batch.args.push(*group);
            }
            batch.weight += weight;
            batch.callers.push(BatchCaller {
                groups: groups.iter().map(ScriptGroup::keys).collect(),
                answer: sender,
            });
        }
        drop(waiting);
        if !open {
            tokio::spawn(self.clone().send(connection));
        }
        answer
    }

    /// Sends the first batch, and answers its callers.
    async fn send(self: Arc<Self>, connection: Connection) {
        let_others_run().await;
        let Some(mut batch) = self.waiting.lock().pop_front() else {
            return;
        };
        let mut values = pin!(run(connection, &batch.args, batch.at));
        let answered = poll_fn(|context| {
            if let Poll::Ready(values) = values.as_mut().poll(context) {
                return Poll::Ready(Some(values));
            }
            // Without callers, nobody needs the reply.
            for caller in &mut batch.callers {
                if caller.answer.poll_closed(context).is_pending() {
                    return Poll::Pending;
                }
            }
            Poll::Ready(None)
        });
        let Some(values) = answered.await else {
            return;
        };
        let sizes = batch.callers.iter().flat_map(|caller| &caller.groups);
        match values.and_then(|values| split(values, sizes.copied())) {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for caller in batch.callers {
                    let own = answers.by_ref().take(caller.groups.len()).collect();
                    let _ = caller.answer.send(Ok(own));
                }
            }
            Err(error) => {
                for caller in batch.callers {
                    let _ = caller.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

impl Batch {
    fn new(at: Option<u64>) -> Self {
        Self {
            at,
            args: ScriptArgs::default(),
            weight: 0,
            callers: Vec::new(),
        }
    }

    fn takes(&self, at: Option<u64>, weight: u64) -> bool {
        self.at == at && self.weight + weight <= MAX_WEIGHT
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the effort that a group is for the server, in units of the least.
fn weight(group: &ScriptGroup<'_>) -> u64 {
    let limits = group.plans().iter().flat_map(|plan| &*plan.limits);
    let weights = limits.map(|limit| 1 + limit.law.max_records() / RECORDS);
    weights.sum::<u64>().max(1)
}

/// Runs the script: by its hash, or by its source if the server does not have it.
async fn run(
    mut connection: Connection,
    args: &ScriptArgs,
    at: Option<u64>,
) -> RedisResult<Vec<Vec<u8>>> {
    let call = |name, script: &str| {
        let mut cmd = redis::cmd(name);
        cmd.arg(script);
        args.add_to(&mut cmd, at);
        cmd
    };
    let by_hash = call("EVALSHA", &DECIDE.hash);
    let reply = match by_hash.query_async(&mut connection).await {
        Err(error) if Failed::Server(error.clone()).needs_source() => {
            let by_source = call("EVAL", DECIDE.source);
            by_source.query_async(&mut connection).await
        }
        result => result,
    };
    match reply? {
        Value::BulkString(only) => Ok(vec![only]),
        several => Ok(redis::from_redis_value(several)?),
    }
}

/// Lets the tasks that can run at this moment run first.
async fn let_others_run() {
    let mut is_first = true;
    let yielded = poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    });
    yielded.await;
}

fn aborted() -> RedisError {
    (ErrorKind::Io, "the runtime is shutting down").into()
}
