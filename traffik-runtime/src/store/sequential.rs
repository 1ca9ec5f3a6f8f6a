//! Decides members that no store decides as a whole: one after the other, refunded if one stops it.
//!
//! Until the refund, others may be refused that would not have been; this never over-admits. If the caller goes away, what
//! the members took is refunded too: a guard in `Taken` does that where the future itself is dropped, and in a store the
//! future goes on in the background.

/// Members that are decided in turn.
pub(crate) trait InTurn: Sync {
    /// What an admitted member took.
    type Taken: Send;

    /// Why a member stops the others: a refusal, or an error.
    type Stop: Send;

    fn decide(&self, member: usize)
    -> impl Future<Output = Result<Self::Taken, Self::Stop>> + Send;

    /// Refunds what a member took. A failure is reported, and changes nothing of the decision.
    fn refund(&self, member: usize, taken: Self::Taken) -> impl Future<Output = ()> + Send;
}

/// Decides so many members in turn. Where one stops it, every earlier member is refunded.
///
/// # Errors
///
/// The member that stopped it, and why.
pub(crate) async fn decide_in_turn<T: InTurn>(
    turns: &T,
    members: usize,
) -> Result<Vec<T::Taken>, (usize, T::Stop)> {
    let mut taken = Vec::with_capacity(members);
    for member in 0..members {
        match turns.decide(member).await {
            Ok(one) => taken.push(one),
            Err(stop) => {
                for (earlier, taken) in taken.into_iter().enumerate() {
                    turns.refund(earlier, taken).await;
                }
                return Err((member, stop));
            }
        }
    }
    Ok(taken)
}
