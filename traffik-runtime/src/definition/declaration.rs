use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::backend::Backend;
use crate::callback::on_throttled::Responder;
use crate::client_ip::resolve::ClientIp;
use crate::definition::Definition;
use crate::engine::static_hits::{IdentitySource, Scoped};
use crate::header_style::HeaderStyle;
use crate::on_error::policy::Policy;
use crate::rate::Rate;
use crate::strategy::erased::ErasedStrategy;
use crate::throttle::define::Define;

/// A throttle as the macros write it down, in a `static`.
///
/// There is one for every throttled handler, and the compiler works it out and proves that threads can share it each time,
/// so it is made of little: what a program works with is the [`Definition`] it stands for.
#[doc(hidden)]
#[must_use]
pub struct Declaration {
    pub(crate) uid: &'static str,
    /// Returns the path of the throttle's type, where no uid is given by hand.
    pub(crate) path: Option<fn() -> &'static str>,
    pub(crate) name: &'static str,
    pub(crate) policy: Option<&'static str>,
    pub(crate) rates: &'static [Rate],
    pub(crate) strategy: &'static dyn ErasedStrategy,
    pub(crate) identified: IdentitySource,
    pub(crate) cost: u64,
    pub(crate) scoped: Scoped,
    /// What shares a budget, in a word, and where this stands.
    pub(crate) scope: &'static str,
    pub(crate) place: Option<&'static str>,
    pub(crate) headers: HeaderStyle,
    pub(crate) backend: Option<fn() -> Backend>,
    pub(crate) on_error: Option<fn() -> Policy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) shadow: bool,
    pub(crate) on_throttled: Option<fn() -> Responder>,
    pub(crate) min_wait: Option<Duration>,
    pub(crate) spread: Option<Duration>,
    pub(crate) client_ip: Option<fn() -> ClientIp>,
    pub(crate) definition: OnceLock<Box<dyn Defined>>,
}

/// Something that has a definition.
pub(crate) trait Defined: Send + Sync {
    fn definition(&self) -> &Definition;
}

impl Defined for Definition {
    fn definition(&self) -> &Definition {
        self
    }
}

impl Declaration {
    /// A throttle's name, rates and strategy; without rates, each request brings its own.
    pub const fn new(
        uid: &'static str,
        name: &'static str,
        rates: &'static [Rate],
        strategy: &'static dyn ErasedStrategy,
    ) -> Self {
        Self {
            uid,
            path: None,
            name,
            policy: None,
            rates,
            strategy,
            identified: IdentitySource::ByBackend,
            cost: 1,
            scoped: Scoped::Throttle,
            scope: "throttle",
            place: None,
            headers: HeaderStyle::Ietf,
            backend: None,
            on_error: None,
            timeout: None,
            shadow: false,
            on_throttled: None,
            min_wait: None,
            spread: None,
            client_ip: None,
            definition: OnceLock::new(),
        }
    }

    /// The declaration of a throttle by a strategy of the application's. Whether that is a strategy, the compiler judges
    /// at the throttle's implementation, once.
    pub const fn of_custom<T: Define>(
        uid: &'static str,
        name: &'static str,
        rates: &'static [Rate],
        strategy: &'static T::Strategy,
    ) -> Self {
        Self::new(uid, name, rates, strategy)
    }

    /// What is declared.
    #[inline]
    pub fn definition(&'static self) -> &'static Definition {
        let defined = self
            .definition
            .get_or_init(|| Box::new(Definition::of_declaration(self)));
        defined.definition()
    }

    /// The name of its policy in header fields and problems; default: the throttle's name.
    pub const fn policy(mut self, policy: &'static str) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets the throttle's type, whose path is the uid if the throttle is defined inside a function.
    pub const fn path_of<T: ?Sized>(mut self) -> Self {
        self.path = Some(type_name::<T>);
        self
    }

    /// Where it stands: a file and a line.
    pub const fn place(mut self, place: &'static str) -> Self {
        self.place = Some(place);
        self
    }

    /// What shares a budget, in a word; default: `throttle`.
    pub const fn scope(mut self, scope: &'static str) -> Self {
        self.scope = scope;
        self
    }

    /// Which header fields are sent; default: those of the IETF draft.
    pub const fn headers(mut self, style: HeaderStyle) -> Self {
        self.headers = style;
        self
    }

    /// Who is asking, where no function says so.
    pub const fn identified(mut self, identified: IdentitySource) -> Self {
        self.identified = identified;
        self
    }

    /// What a request costs, where no function says so; default 1.
    pub const fn cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// Where the budget is one, where no function says so.
    pub const fn scoped(mut self, scoped: Scoped) -> Self {
        self.scoped = scoped;
        self
    }

    /// A backend of its own; asked for once.
    pub const fn backend(mut self, backend: fn() -> Backend) -> Self {
        self.backend = Some(backend);
        self
    }

    /// What happens when its backend fails; asked for once.
    pub const fn on_error(mut self, policy: fn() -> Policy) -> Self {
        self.on_error = Some(policy);
        self
    }

    /// How long a decision may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The response to those it refuses; asked for once.
    pub const fn on_throttled(mut self, responder: fn() -> Responder) -> Self {
        self.on_throttled = Some(responder);
        self
    }

    /// What a refused client is told to wait at least.
    pub const fn min_wait(mut self, wait: Duration) -> Self {
        self.min_wait = Some(wait);
        self
    }

    /// Up to how much longer, at random, a refused client is told to wait.
    pub const fn spread(mut self, spread: Duration) -> Self {
        self.spread = Some(spread);
        self
    }

    /// Refuses nobody: only counts, logs and measures.
    pub const fn shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// A way of its own to find the client's address; asked for once.
    pub const fn client_ip(mut self, client_ip: fn() -> ClientIp) -> Self {
        self.client_ip = Some(client_ip);
        self
    }
}

/// Returns the uid of a throttle that is defined inside a function, where `module_path!()` and its name are those of any
/// other function of the module: the path of its type. `None` if the throttle is an item of a module.
pub(crate) fn local_uid(uid: &str, path: &str) -> Option<Cow<'static, str>> {
    // Module paths keep the `r#` of raw identifiers, and paths of types do not.
    let is_item_of_module = uid == path || uid.replace("r#", "") == path.replace("r#", "");
    (!is_item_of_module).then(|| path.replace("{{closure}}::", "").into())
}

impl fmt::Debug for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declaration")
            .field("uid", &self.uid)
            .field("rates", &self.rates)
            .finish_non_exhaustive()
    }
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
