//! Strategies that are less visible than their throttles.

use traffik::{throttled, throttles};

use crate::strategies::{OfTheCrate, Open};

mod strategies {
    use traffik::Report;
    use traffik::strategy::{Hit, Strategy};

    macro_rules! open {
        ($vis:vis $name:ident) => {
            #[derive(Debug)]
            $vis struct $name;

            impl Strategy for $name {
                type State = u64;
                type Metadata = ();

                fn name(&self) -> &'static str {
                    "open"
                }

                fn decide(&self, _: Option<u64>, hit: &Hit<'_>) -> Option<u64> {
                    Some(hit.now)
                }

                fn report(&self, _: Option<&u64>, _: &Hit<'_>) -> Report {
                    Report::default()
                }

                fn metadata(&self, _: Option<&u64>, _: &Hit<'_>) {}
            }
        };
    }

    open!(pub(crate) OfTheCrate);
    open!(pub Open);

    pub mod routes {
        use traffik::Report;
        use traffik::strategy::{Hit, Strategy};

        open!(Hidden);

        #[traffik::throttled(rate = "5/s", strategy = custom(Hidden))]
        pub(crate) async fn of_a_module() {}
    }
}

#[throttled(rate = "5/s", strategy = custom(OfTheCrate))]
pub async fn of_an_attribute() {}

throttles! {
    /// Of a block.
    pub throttle OfABlock(rate = "5/s", strategy = custom(OfTheCrate));
    /// Equally visible as its strategy.
    pub throttle Visible(rate = "5/s", strategy = custom(Open));
    /// No more visible than its strategy.
    pub(crate) throttle Within(rate = "5/s", strategy = custom(OfTheCrate));
}

fn main() {}
