//! The scripts that decide: one for each kernel, and one that contains every kernel.

use std::sync::LazyLock;

use crate::store::redis::lua::script::Script;
use crate::strategy::kernel::Law;

/// The lines of a kernel, whose arguments and results are local variables.
macro_rules! kernel {
    ($name:literal) => {
        include_str!(concat!("../../../strategy/kernel/", $name, ".lua"))
    };
}

/// A script that decides one plan under one law of this kernel.
macro_rules! one {
    ($name:literal) => {
        concat!(
            kernel!("state"),
            kernel!("tick"),
            include_str!("one.lua"),
            kernel!($name),
            include_str!("one_end.lua")
        )
    };
}

/// The script that decides any plans.
pub(crate) const MANY_SOURCE: &str = concat!(
    kernel!("state"),
    kernel!("tick"),
    include_str!("many.lua"),
    "if kernel == 1 then\n",
    kernel!("window"),
    "elseif kernel == 2 then\n",
    kernel!("counter"),
    "elseif kernel == 3 then\n",
    kernel!("meter"),
    "elseif kernel == 4 then\n",
    kernel!("rollover"),
    "elseif kernel == 5 then\n",
    kernel!("adaptive"),
    "elseif kernel == 6 then\n",
    kernel!("log"),
    "elseif kernel == 7 then\n",
    kernel!("mean_cost"),
    "else\n",
    kernel!("schedule"),
    include_str!("many_end.lua"),
);

/// The scripts of the kernels, in the order of their numbers, which begin at 1.
pub(crate) const ONE_SOURCES: [&str; 8] = [
    one!("window"),
    one!("counter"),
    one!("meter"),
    one!("rollover"),
    one!("adaptive"),
    one!("log"),
    one!("mean_cost"),
    one!("schedule"),
];

pub(crate) static MANY: LazyLock<Script> = LazyLock::new(|| Script::new(MANY_SOURCE));

static ONE: LazyLock<[Script; 8]> = LazyLock::new(|| ONE_SOURCES.map(Script::new));

/// Returns the script for one plan under a law; `None` for a law of the user's own.
pub(crate) fn one(law: &Law) -> Option<&'static Script> {
    let kernel = usize::from(law.script_number()).checked_sub(1)?;
    ONE.get(kernel)
}
