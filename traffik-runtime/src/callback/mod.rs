//! Functions that an application hands in: sync or async, fallible or not.
//!
//! A builder takes a function through one of three traits ([`Identifier`], [`Predicate`],
//! [`OnThrottled`]) and stores it as a [`Callback`], which has forgotten its type. Generated code
//! calls functions by name, through the macros of [`dispatch`].

pub(crate) mod asyncness;
pub(crate) mod const_or_fn;
#[doc(hidden)]
pub mod dispatch;
pub(crate) mod error_kind;
pub(crate) mod output;

/// Declares a trait for the functions that a builder takes: `fn(&In) -> impl IntoOutput<Out>`, sync
/// or async. The type parameter `M` tells the two apart, so that both have a blanket
/// implementation.
macro_rules! callback_trait {
    ($(#[$attribute:meta])* $name:ident: $input:ty => $output:ty) => {
        $(#[$attribute])*
        pub trait $name<M>: Send + Sync + 'static {
            #[doc(hidden)]
            fn into_callback(self) -> $crate::callback::Callback<$input, $output>;
        }

        impl<F> $name<$crate::callback::asyncness::IsSync> for F
        where
            F: for<'a> $crate::callback::SyncFunction<'a, $input, $output> + 'static,
        {
            fn into_callback(self) -> $crate::callback::Callback<$input, $output> {
                $crate::callback::Callback::from_sync(self)
            }
        }

        impl<F> $name<$crate::callback::asyncness::IsAsync> for F
        where
            F: for<'a> $crate::callback::AsyncFunction<'a, $input, $output> + 'static,
        {
            fn into_callback(self) -> $crate::callback::Callback<$input, $output> {
                $crate::callback::Callback::from_async(self)
            }
        }
    };
}

pub(crate) mod identifier;
pub(crate) mod on_throttled;
pub(crate) mod predicate;

pub use asyncness::{AsyncKind, CallbackValue, IsAsync, IsSync, Probe, SyncKind, call_closure};
pub use const_or_fn::{
    ConstantRate, ConstantScope, DerefsTo, Function, FunctionKind, PartsFunction, RateKind,
    ScopeKind,
};
pub use dispatch::{applies, cost_by, cost_of, identity_by, identity_of, rate_of, scope_of};
pub use error_kind::{HasResponse, NoResponse, NoResponseKind, ResponseKind, TextKind};
pub use identifier::Identifier;
pub use on_throttled::{OnThrottled, Responder};
pub use output::{
    IntoBool, IntoCost, IntoIdentityResult, IntoOutput, IntoRate, IntoScope, parse_bool,
    parse_cost, parse_identity, parse_rate, parse_scope,
};
pub use predicate::Predicate;

use std::fmt;
use std::sync::Arc;

use crate::flow::Flow;

/// A function of the application's, of any type, that takes an `&I` and returns an `Out`.
///
/// A sync function returns its value without a future.
#[doc(hidden)]
pub struct Callback<I: ?Sized, Out>(Arc<dyn Call<I, Out>>);

impl<I: ?Sized + 'static, Out: 'static> Callback<I, Out> {
    /// Forgets the type of a function that returns its value.
    pub(crate) fn from_sync<F>(function: F) -> Self
    where
        F: for<'a> SyncFunction<'a, I, Out> + 'static,
    {
        Self(Arc::new(SyncCall(function)))
    }

    /// Forgets the type of a function that returns a future of its value.
    pub(crate) fn from_async<F>(function: F) -> Self
    where
        F: for<'a> AsyncFunction<'a, I, Out> + 'static,
    {
        Self(Arc::new(AsyncCall(function)))
    }

    /// Calls the function. The flow may borrow from the input.
    pub(crate) fn call<'a>(&'a self, input: &'a I) -> Flow<'a, Out> {
        self.0.call(input)
    }
}

impl<I: ?Sized, Out> Clone for Callback<I, Out> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I: ?Sized, Out> fmt::Debug for Callback<I, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

trait Call<I: ?Sized, Out>: Send + Sync {
    fn call<'a>(&'a self, input: &'a I) -> Flow<'a, Out>;
}

/// A function of a reference of any lifetime that returns its value.
#[doc(hidden)]
pub trait SyncFunction<'a, I: ?Sized, Out>: Send + Sync {
    /// The returned type.
    type Value: IntoOutput<Out>;

    /// Calls the function.
    fn call(&self, input: &'a I) -> Self::Value;
}

impl<'a, I, Out, F, A> SyncFunction<'a, I, Out> for F
where
    I: ?Sized + 'static,
    F: Fn(&'a I) -> A + Send + Sync,
    A: IntoOutput<Out>,
{
    type Value = A;

    fn call(&self, input: &'a I) -> A {
        self(input)
    }
}

struct SyncCall<F>(F);

impl<I: ?Sized, Out, F: for<'a> SyncFunction<'a, I, Out>> Call<I, Out> for SyncCall<F> {
    fn call<'a>(&'a self, input: &'a I) -> Flow<'a, Out> {
        Flow::Ready(self.0.call(input).into_output())
    }
}

/// A function of a reference of any lifetime that returns a future of its value.
#[doc(hidden)]
pub trait AsyncFunction<'a, I: ?Sized, Out>: Send + Sync {
    /// The returned type.
    type Future: Future<Output: IntoOutput<Out>> + Send + 'a;

    /// Calls the function.
    fn call(&self, input: &'a I) -> Self::Future;
}

impl<'a, I, Out, F, A> AsyncFunction<'a, I, Out> for F
where
    I: ?Sized + 'static,
    F: Fn(&'a I) -> A + Send + Sync,
    A: Future<Output: IntoOutput<Out>> + Send + 'a,
{
    type Future = A;

    fn call(&self, input: &'a I) -> A {
        self(input)
    }
}

struct AsyncCall<F>(F);

impl<I: ?Sized, Out, F: for<'a> AsyncFunction<'a, I, Out>> Call<I, Out> for AsyncCall<F> {
    fn call<'a>(&'a self, input: &'a I) -> Flow<'a, Out> {
        let future = self.0.call(input);
        Flow::pending(async { future.await.into_output() })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;

    use crate::callback::Callback;
    use crate::callback::predicate::Predicate;
    use crate::error::Error;
    use crate::flow::Flow;

    fn callback<M>(predicate: impl Predicate<M>) -> Callback<Parts, Result<bool, Error>> {
        predicate.into_callback()
    }

    fn is_root(parts: &Parts) -> bool {
        parts.uri.path() == "/"
    }

    async fn is_root_later(parts: &Parts) -> Result<bool, std::io::Error> {
        Ok(is_root(parts))
    }

    #[tokio::test]
    async fn only_async_functions_need_a_future() {
        let (parts, ()) = Request::new(()).into_parts();
        let ready = callback(is_root);
        assert!(matches!(ready.call(&parts), Flow::Ready(Ok(true))));
        let pending = callback(is_root_later);
        let flow = pending.call(&parts);
        assert!(matches!(flow, Flow::Pending(_)));
        assert!(flow.await.unwrap());
    }
}
