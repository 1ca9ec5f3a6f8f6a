//! Decides members that no store decides as a whole: one after the other, refunded if one stops the
//! others.
//!
//! Before the refund, other hits may be refused that would have been admitted; this never
//! over-admits. If the caller goes away, the members are refunded too: a guard in
//! [`Admitted`](Sequence::Admitted) does that where the future itself is dropped, and in a store
//! the future continues in the background.

use crate::error::Error;
use crate::observe;

/// Members that are decided one after the other.
pub(crate) trait Sequence: Sync {
    /// The units that an admitted member counted.
    type Admitted: Send;

    /// The reason for which a member stops the others: a refusal, or an error.
    type Stop: Send;

    /// Returns the number of members.
    fn len(&self) -> usize;

    /// Returns the kind of the store of a member, in one word for logs and metrics.
    fn kind(&self, member: usize) -> &'static str;

    /// Decides a member.
    fn decide(
        &self,
        member: usize,
    ) -> impl Future<Output = Result<Self::Admitted, Self::Stop>> + Send;

    /// Refunds a member. Returns `None` if there is nothing to refund, or if the refund continues
    /// in the background, which reports its result.
    fn refund(
        &self,
        member: usize,
        admitted: Self::Admitted,
    ) -> impl Future<Output = Option<Result<(), Error>>> + Send;
}

/// Decides members one after the other. If one of them stops the others, every earlier member is
/// refunded. A refund that fails is logged and counted; it never takes the place of the decision,
/// and the other refunds are still made.
///
/// # Errors
///
/// The member that stopped the others, and its reason.
pub(crate) async fn decide_in_sequence<S: Sequence>(
    sequence: &S,
) -> Result<Vec<S::Admitted>, (usize, S::Stop)> {
    let mut admitted = Vec::with_capacity(sequence.len());
    for member in 0..sequence.len() {
        match sequence.decide(member).await {
            Ok(one) => admitted.push(one),
            Err(stop) => {
                for (earlier, admitted) in admitted.into_iter().enumerate() {
                    if let Some(refunded) = sequence.refund(earlier, admitted).await {
                        observe::refunded(sequence.kind(earlier), refunded);
                    }
                }
                return Err((member, stop));
            }
        }
    }
    Ok(admitted)
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::{Sequence, decide_in_sequence};
    use crate::error::Error;

    /// Members of which the last refuses, and whose refunds fail.
    struct Refusing {
        members: usize,
        refunded: Mutex<Vec<usize>>,
    }

    impl Sequence for Refusing {
        type Admitted = usize;
        type Stop = &'static str;

        fn len(&self) -> usize {
            self.members
        }

        fn kind(&self, _: usize) -> &'static str {
            "custom"
        }

        async fn decide(&self, member: usize) -> Result<usize, &'static str> {
            if member + 1 == self.members {
                return Err("refused");
            }
            Ok(member)
        }

        async fn refund(&self, member: usize, admitted: usize) -> Option<Result<(), Error>> {
            assert_eq!(member, admitted);
            self.refunded.lock().push(member);
            Some(Err(Error::closed()))
        }
    }

    #[tokio::test]
    async fn refunds_every_earlier_member_even_if_refunds_fail() {
        let sequence = Refusing {
            members: 4,
            refunded: Mutex::default(),
        };
        let decided = decide_in_sequence(&sequence).await;
        assert_eq!(decided, Err((3, "refused")));
        assert_eq!(*sequence.refunded.lock(), [0, 1, 2]);
    }
}
