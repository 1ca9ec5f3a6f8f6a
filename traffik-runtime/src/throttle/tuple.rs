//! Sets of throttles: the implementation of `Throttle` for tuples.

use http::request::Parts;

use crate::definition::Definition;
use crate::engine::hit_set::HitSet;
use crate::error::Error;
use crate::inline_vec::InlineVec4;
use crate::throttle::Throttle;
use crate::throttle::stat::Readings;

const fn min(costs: &[u64]) -> u64 {
    let mut min = u64::MAX;
    let mut index = 0;
    while index < costs.len() {
        if costs[index] < min {
            min = costs[index];
        }
        index += 1;
    }
    min
}

macro_rules! set {
    ($($member:ident)+) => {
        impl<$($member: Throttle),+> Throttle for ($($member,)+) {
            type Stat = ($($member::Stat,)+);

            const MAX_COST: u64 = min(&[$($member::MAX_COST),+]);

            const HAS_CALLBACKS: bool = $($member::HAS_CALLBACKS)||+;

            fn definitions(definitions: &mut InlineVec4<&'static Definition>) {
                $($member::definitions(definitions);)+
            }

            async fn add_hits(parts: &Parts, cost: Option<u64>, hits: &mut HitSet) -> Result<(), Error> {
                hits.reserve([$(stringify!($member)),+].len());
                $($member::add_hits(parts, cost, hits).await?;)+
                Ok(())
            }

            fn read(readings: &mut Readings<'_>) -> Self::Stat {
                ($($member::read(readings),)+)
            }
        }
    };
}

set!(A);
set!(A B);
set!(A B C);
set!(A B C D);
set!(A B C D E);
set!(A B C D E F);
set!(A B C D E F G);
set!(A B C D E F G H);
set!(A B C D E F G H I);
set!(A B C D E F G H I J);
set!(A B C D E F G H I J K);
set!(A B C D E F G H I J K L);
