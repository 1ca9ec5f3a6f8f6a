//! The constant sources of a request's identity and scope.

use crate::scope::Scope;

/// The source of a request's identity where no callback returns it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub enum IdentitySource {
    /// The identifier of the backend, or else the client's address.
    #[default]
    Backend,
    /// The client's address.
    Ip,
    /// One identity for all requests.
    Everyone,
    /// The value of a header field.
    Header(&'static str),
    /// A closure over the arguments of the throttle's handler.
    Arguments,
}

/// The source of a request's scope.
#[derive(Clone, Debug)]
pub(crate) enum ScopeSource {
    /// One scope for all requests.
    Constant(Scope),
    /// A callback, by its path as the definition writes it.
    Function(&'static str),
}

impl ScopeSource {
    /// Returns the scope of requests for which no callback returns one.
    pub(crate) const fn constant(&self) -> &Scope {
        static THROTTLE: Scope = Scope::Throttle;
        match self {
            Self::Constant(scope) => scope,
            Self::Function(_) => &THROTTLE,
        }
    }

    /// Returns the name of the scope in the registry and in messages: `throttle`, `route`, the
    /// segment, or the path of the callback.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Constant(Scope::Throttle) => "throttle",
            Self::Constant(Scope::Route) => "route",
            Self::Constant(Scope::Segment(segment)) => segment,
            Self::Function(path) => path,
        }
    }
}
