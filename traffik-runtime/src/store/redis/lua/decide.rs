//! The script that decides.

use std::sync::LazyLock;

use crate::store::redis::lua::script::Script;

/// The lines of a kernel, whose arguments and results are local variables.
macro_rules! kernel {
    ($name:literal) => {
        include_str!(concat!("../../../strategy/kernel/", $name, ".lua"))
    };
}

/// The lines that run the kernel of a law, by its number.
macro_rules! kernels {
    () => {
        concat!(
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
            "end\n",
        )
    };
}

/// The script that decides groups of plans, and refunds hits. A group of one plan under one law has
/// lines of its own, because most are like that.
pub(crate) const DECIDE_SOURCE: &str = concat!(
    kernel!("state"),
    kernel!("tick"),
    include_str!("groups.lua"),
    include_str!("one.lua"),
    kernels!(),
    include_str!("one_end.lua"),
    include_str!("refund.lua"),
    include_str!("set.lua"),
    kernels!(),
    include_str!("set_end.lua"),
);

pub(crate) static DECIDE: LazyLock<Script> = LazyLock::new(|| Script::new(DECIDE_SOURCE));
