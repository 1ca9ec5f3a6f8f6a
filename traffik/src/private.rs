//! Every item that generated code names, and nothing else. This is not public API and changes
//! without notice.

pub use core;
pub use core::option::Option;
pub use core::primitive::{bool, u64};
pub use core::result::Result;
pub use core::time::Duration;
pub use std::borrow::Cow;
pub use std::marker::PhantomData;

pub use traffik_runtime::callback::{
    Responder, applies, cost_by, cost_of, identity_by, identity_of, rate_of, scope_of,
};
pub use traffik_runtime::definition::{Declaration, Definition, IdentitySource, Settings};
pub use traffik_runtime::engine::ClosureValues;
pub use traffik_runtime::http::{
    AllArgs, ArgClosures, HandlerThrottle, HeadArgs, HitSource, LastArgument, NoArgument, Parts,
    Response, ThrottleExtractor, ThrottledArgs, ThrottledFuture, WithFields, add_fields,
    run_handler,
};
pub use traffik_runtime::scope::Scope;
pub use traffik_runtime::strategy::kernel::{Law, Rule, Tuning};
pub use traffik_runtime::strategy::{
    Adaptive, CostBasedTokenBucket, Factor, FixedWindow, Gcra, LeakyBucket, LeakyBucketWithQueue,
    Priority, QuotaWithRollover, SlidingCounter, SlidingLog, Strategy, Tiered, TimeOfDay,
    TokenBucket,
};
pub use traffik_runtime::throttle::{Define, Exclude, Throttle, erased_strategy, exclude};

pub use crate::{
    Backend, ClientIp, Error, ErrorKind, ForwardingHeader, HeaderStyle, Identity, Rate, failure,
};
