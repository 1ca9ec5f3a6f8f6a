//! Every option of a throttle, with its default and its setter.

use std::any::type_name;
use std::borrow::Cow;
use std::mem;
use std::panic;
use std::time::Duration;

use crate::backend::Backend;
use crate::callback::on_throttled::Responder;
use crate::client_ip::resolve::ClientIp;
use crate::definition::lazy::Lazy;
use crate::definition::location::Location;
use crate::definition::registry::registration::Registration;
use crate::definition::shared_strategy::SharedStrategy;
use crate::definition::source::{IdentitySource, ScopeSource};
use crate::header_style::HeaderStyle;
use crate::on_error::policy::Policy;
use crate::rate::Rate;
use crate::scope::Scope;
use crate::strategy::erased::ErasedStrategy;
use crate::strategy::fixed_window::FixedWindow;
use crate::strategy::kernel::Law;

/// Every option of a throttle, those that are not set with their defaults.
///
/// The macros write it into a `static`, so that all setters for them are `const`; the builder of
/// throttles at run time sets the fields.
#[doc(hidden)]
#[derive(Clone, Debug)]
#[must_use]
pub struct Settings {
    /// The options by which the registry lists a throttle and compares it with others.
    pub(crate) registration: Registration,
    /// The law of the only rate, where the macros make it a constant.
    pub(crate) law: Option<&'static Law>,
    /// Returns the path of the throttle's type. `None` if the uid is written, or the throttle has
    /// no type.
    type_path: Option<fn() -> &'static str>,
    /// The identity of a request for which no callback returns one.
    pub(crate) identity: IdentitySource,
    /// The cost of a request for which no callback returns one; default: 1.
    pub(crate) cost: u64,
    /// Set if the cost is a closure over the arguments of the throttle's handler.
    pub(crate) cost_from_arguments: bool,
    /// The header fields in responses; default: those of the IETF draft.
    pub(crate) headers: HeaderStyle,
    /// The throttle's own backend.
    pub(crate) backend: Lazy<Backend>,
    /// The policy for a backend that fails; default: that of the backend.
    pub(crate) on_error: Lazy<Policy>,
    /// The time that a decision may take; default: that of the backend.
    pub(crate) timeout: Option<Duration>,
    /// The life of leases; default: that of the backend.
    pub(crate) lease: Option<Duration>,
    /// The response to refused requests; default: that of the backend.
    pub(crate) on_throttled: Lazy<Responder>,
    /// The minimum of the wait that a refused client is told.
    pub(crate) min_wait: Option<Duration>,
    /// The maximum of the random time that is added to this wait; default: none.
    pub(crate) spread: Option<Duration>,
    /// Set if the throttle only counts, logs and measures, and refuses no request.
    pub(crate) shadow: bool,
    /// The method of finding a client's address; default: that of the backend.
    pub(crate) client_ip: Lazy<ClientIp>,
    /// The label in metrics; default: the uid, or a part of it at run time.
    pub(crate) label: Option<String>,
}

/// The minimum of the wait that a client is told if a policy refuses it, and neither the policy nor
/// the throttle sets one.
const DEFAULT_POLICY_WAIT: Duration = Duration::from_secs(1);

impl Settings {
    /// The settings of a throttle of the macros. If there are no rates, each request brings its
    /// own.
    pub const fn new(
        uid: &'static str,
        name: &'static str,
        rates: &'static [Rate],
        strategy: &'static dyn ErasedStrategy,
    ) -> Self {
        Self::with_defaults(Registration {
            uid: Cow::Borrowed(uid),
            name: Cow::Borrowed(name),
            policy: None,
            rates: Cow::Borrowed(rates),
            strategy: SharedStrategy::Static(strategy),
            scope: ScopeSource::Constant(Scope::Throttle),
            location: Location::Unknown,
            is_local: false,
        })
    }

    /// The settings of a throttle that is built at run time.
    pub(crate) fn at_run_time(uid: String, call: &'static panic::Location<'static>) -> Self {
        Self::with_defaults(Registration {
            name: Cow::Owned(uid.clone()),
            uid: Cow::Owned(uid),
            policy: None,
            rates: Cow::Borrowed(&[]),
            strategy: SharedStrategy::Static(FixedWindow::DEFAULT),
            scope: ScopeSource::Constant(Scope::Throttle),
            location: Location::Call(call),
            is_local: false,
        })
    }

    const fn with_defaults(registration: Registration) -> Self {
        Self {
            registration,
            law: None,
            type_path: None,
            identity: IdentitySource::Backend,
            cost: 1,
            cost_from_arguments: false,
            headers: HeaderStyle::Ietf,
            backend: Lazy::unset(),
            on_error: Lazy::unset(),
            timeout: None,
            lease: None,
            on_throttled: Lazy::unset(),
            min_wait: None,
            spread: None,
            shadow: false,
            client_ip: Lazy::unset(),
            label: None,
        }
    }

    /// Sets the law of the only rate; default: that which the strategy computes at the first hit.
    pub const fn law(mut self, law: &'static Law) -> Self {
        self.law = Some(law);
        self
    }

    /// Sets the name of the policy in header fields and problems; default: the throttle's name.
    pub const fn policy(mut self, policy: &'static str) -> Self {
        let policy = Some(Cow::Borrowed(policy));
        replace_default(&mut self.registration.policy, policy);
        self
    }

    /// Sets the throttle's type. Its path is the uid if the throttle is defined inside a function.
    pub const fn type_path<T: ?Sized>(mut self) -> Self {
        self.type_path = Some(type_name::<T>);
        self
    }

    /// Sets the file and line of the definition.
    pub const fn location(mut self, location: &'static str) -> Self {
        self.registration.location = Location::Macro(location);
        self
    }

    /// Sets the scope within which requests share a budget; default: the throttle.
    pub const fn scope(mut self, scope: Scope) -> Self {
        let scope = ScopeSource::Constant(scope);
        replace_default(&mut self.registration.scope, scope);
        self
    }

    /// Sets the path of the callback that returns the scope.
    pub const fn scope_function(mut self, path: &'static str) -> Self {
        let scope = ScopeSource::Function(path);
        replace_default(&mut self.registration.scope, scope);
        self
    }

    /// Sets the source of the identity; default: the backend.
    pub const fn identity(mut self, identity: IdentitySource) -> Self {
        self.identity = identity;
        self
    }

    /// Sets the cost of a request.
    pub const fn cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// Makes the cost a closure over the arguments of the throttle's handler.
    pub const fn cost_from_arguments(mut self) -> Self {
        self.cost_from_arguments = true;
        self
    }

    /// Sets the header fields in responses.
    pub const fn headers(mut self, style: HeaderStyle) -> Self {
        self.headers = style;
        self
    }

    /// Sets the function that returns the backend.
    pub const fn backend(mut self, backend: fn() -> Backend) -> Self {
        self.backend.make_with(backend);
        self
    }

    /// Sets the function that returns the policy for a backend that fails.
    pub const fn on_error(mut self, policy: fn() -> Policy) -> Self {
        self.on_error.make_with(policy);
        self
    }

    /// Sets the time that a decision may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the life of leases.
    pub const fn lease(mut self, life: Duration) -> Self {
        self.lease = Some(life);
        self
    }

    /// Sets the function that returns the response to refused requests.
    pub const fn on_throttled(mut self, responder: fn() -> Responder) -> Self {
        self.on_throttled.make_with(responder);
        self
    }

    /// Sets the minimum of the wait that a refused client is told.
    pub const fn min_wait(mut self, wait: Duration) -> Self {
        self.min_wait = Some(wait);
        self
    }

    /// Sets the maximum of the random time that is added to the wait that a refused client is told.
    pub const fn spread(mut self, spread: Duration) -> Self {
        self.spread = Some(spread);
        self
    }

    /// Makes the throttle count, log and measure only, and refuse no request.
    pub const fn shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Sets the function that returns the method of finding a client's address.
    pub const fn client_ip(mut self, client_ip: fn() -> ClientIp) -> Self {
        self.client_ip.make_with(client_ip);
        self
    }

    /// Makes the path of the throttle's type the uid if the throttle is defined inside a function.
    pub(crate) fn with_local_uid(mut self) -> Self {
        let registration = &mut self.registration;
        let path = self.type_path.map(|path| path());
        if let Some(uid) = path.and_then(|path| local_uid(&registration.uid, path)) {
            registration.uid = uid;
            registration.is_local = true;
        }
        self
    }

    /// Returns the scope of requests for which no callback returns one.
    pub(crate) const fn constant_scope(&self) -> &Scope {
        self.registration.scope.constant()
    }

    /// Returns the minimum of the wait that a client is told if a policy refuses it and sets none.
    pub(crate) fn min_policy_wait(&self) -> Duration {
        self.min_wait.unwrap_or(DEFAULT_POLICY_WAIT)
    }
}

/// Replaces a default. To drop it, which a constant function cannot do, would do nothing: a default
/// owns nothing.
const fn replace_default<T>(default: &mut T, value: T) {
    mem::forget(mem::replace(default, value));
}

/// Returns the uid of a throttle that is defined inside a function: the path of its type, because
/// `module_path!()` and its name are those of any other function of the module. Returns `None` if
/// the throttle is an item of a module.
fn local_uid(uid: &str, path: &str) -> Option<Cow<'static, str>> {
    // Module paths keep the `r#` of raw identifiers, and paths of types do not.
    let is_item_of_module = uid == path || uid.replace("r#", "") == path.replace("r#", "");
    (!is_item_of_module).then(|| path.replace("{{closure}}::", "").into())
}

#[cfg(test)]
mod tests {
    use super::local_uid;

    #[test]
    fn an_item_of_a_module_keeps_its_uid() {
        assert_eq!(local_uid("shop::orders::list", "shop::orders::list"), None);
        assert_eq!(local_uid("shop::r#type::list", "shop::type::list"), None);
        assert_eq!(local_uid("shop::r#type::list", "shop::r#type::list"), None);
    }

    #[test]
    fn an_item_of_a_function_is_named_by_the_path_of_its_type() {
        for (path, uid) in [
            ("shop::main::local", "shop::main::local"),
            ("shop::main::{{closure}}::local", "shop::main::local"),
            (
                "shop::main::{{closure}}::{{closure}}::local",
                "shop::main::local",
            ),
            (
                "<shop::Cart as shop::Routes>::routes::local",
                "<shop::Cart as shop::Routes>::routes::local",
            ),
        ] {
            assert_eq!(local_uid("shop::local", path).as_deref(), Some(uid));
        }
    }
}
