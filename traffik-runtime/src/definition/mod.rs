//! Definitions of throttles: the settings of each, compiled to limits, and the registry of them all.

pub(crate) mod compiled;
pub(crate) mod cost_source;
pub(crate) mod declaration;
pub(crate) mod label;
pub(crate) mod limits;
pub mod registry;

pub use cost_source::CostSource;
pub use declaration::Declaration;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::request::Parts;

use crate::backend::Backend;
use crate::backend::backend_ref::Chosen;
use crate::callback::on_throttled::Responder;
use crate::client_ip::resolve::ClientIp;
use crate::definition::compiled::Prepared;
use crate::definition::declaration::local_uid;
use crate::definition::label::Label;
use crate::definition::registry::overridden::{Change, Live};
use crate::definition::registry::registration::{Place, Record, Shared};
use crate::definition::registry::resolved_client::ResolvedClient;
use crate::engine::static_hits::{IdentitySource, Scoped};
use crate::error::Error;
use crate::header_style::HeaderStyle;
use crate::observe;
use crate::observe::{Counters, Outcome};
use crate::on_error::policy::Policy;
use crate::rate::Rate;
use crate::store::key::Key;
use crate::store::plan::Term;
use crate::strategy::erased::ErasedStrategy;

/// What is the same for all requests of one throttle.
///
/// What can only be worked out at run time is, once, at the first hit.
#[doc(hidden)]
pub struct Definition {
    pub(crate) uid: Cow<'static, str>,
    name: Cow<'static, str>,
    policy: Option<Cow<'static, str>>,
    pub(crate) rates: Cow<'static, [Rate]>,
    strategy: Shared,
    pub(crate) identified: IdentitySource,
    pub(crate) cost: u64,
    pub(crate) scoped: Scoped,
    /// What shares a budget, in a word, and where this stands.
    scope: &'static str,
    place: Place,
    /// `true` if it is defined inside a function, so that its uid is the path to it.
    is_local: bool,
    pub(crate) headers: HeaderStyle,
    backend: Option<fn() -> Backend>,
    own_backend: OnceLock<Backend>,
    on_error: Option<fn() -> Policy>,
    own_policy: OnceLock<Policy>,
    timeout: Option<Duration>,
    shadow: bool,
    on_throttled: Option<fn() -> Responder>,
    own_responder: OnceLock<Responder>,
    min_wait: Option<Duration>,
    spread: Option<Duration>,
    client_ip: Option<fn() -> ClientIp>,
    own_client_ip: OnceLock<ClientIp>,
    counters: Counters,
    /// The label in metrics, if it is not the uid.
    label: Option<Arc<Label>>,
    prepared: OnceLock<Prepared>,
}

/// What a refused client is told to wait where neither a law nor the throttle says.
const LEAST_WAIT: Duration = Duration::from_secs(1);

impl Definition {
    /// What a throttle of the macros says.
    pub(crate) fn of_declaration(declaration: &'static Declaration) -> Self {
        let Declaration {
            uid,
            path,
            name,
            policy,
            rates,
            strategy,
            identified,
            cost,
            scoped,
            scope,
            place,
            headers,
            backend,
            on_error,
            timeout,
            shadow,
            on_throttled,
            min_wait,
            spread,
            client_ip,
            definition: _,
        } = *declaration;
        let local_uid = path.and_then(|path| local_uid(uid, path()));
        Self {
            policy: policy.map(Cow::Borrowed),
            is_local: local_uid.is_some(),
            identified,
            cost,
            scoped,
            scope,
            place: place.map_or(Place::Unknown, Place::Written),
            headers,
            backend,
            on_error,
            timeout,
            shadow,
            on_throttled,
            min_wait,
            spread,
            client_ip,
            ..Self::of(
                local_uid.unwrap_or(uid.into()),
                name.into(),
                rates.into(),
                Shared::Static(strategy),
            )
        }
    }

    pub(crate) fn at_run_time(
        uid: String,
        rates: Vec<Rate>,
        strategy: Arc<dyn ErasedStrategy>,
        place: &'static Location<'static>,
    ) -> Self {
        let name = uid.clone();
        let strategy = Shared::Counted(strategy);
        Self {
            place: Place::Built(place),
            ..Self::of(uid.into(), name.into(), rates.into(), strategy)
        }
    }

    fn of(
        uid: Cow<'static, str>,
        name: Cow<'static, str>,
        rates: Cow<'static, [Rate]>,
        strategy: Shared,
    ) -> Self {
        Self {
            uid,
            name,
            policy: None,
            rates,
            strategy,
            identified: IdentitySource::ByBackend,
            cost: 1,
            scoped: Scoped::Throttle,
            scope: "throttle",
            place: Place::Unknown,
            is_local: false,
            headers: HeaderStyle::Ietf,
            backend: None,
            own_backend: OnceLock::new(),
            on_error: None,
            own_policy: OnceLock::new(),
            timeout: None,
            shadow: false,
            on_throttled: None,
            own_responder: OnceLock::new(),
            min_wait: None,
            spread: None,
            client_ip: None,
            own_client_ip: OnceLock::new(),
            counters: Counters::new(),
            label: None,
            prepared: OnceLock::new(),
        }
    }

    /// The name of its policy in header fields and problems.
    pub(crate) fn policy(&self) -> &Cow<'static, str> {
        self.policy.as_ref().unwrap_or(&self.name)
    }

    pub(crate) fn with_policy_name(self, policy: Option<String>) -> Self {
        Self {
            policy: policy.map(Cow::Owned),
            ..self
        }
    }

    #[inline]
    pub(crate) fn strategy(&self) -> &dyn ErasedStrategy {
        self.strategy.get()
    }

    /// The same as what it is.
    pub(crate) fn strategy_as<S: 'static>(&self) -> &S {
        let strategy: &dyn Any = self.strategy();
        strategy
            .downcast_ref()
            .unwrap_or_else(|| unreachable!("a throttle names the strategy of its definition"))
    }

    pub(crate) fn shared_strategy(&self) -> Shared {
        self.strategy.clone()
    }

    #[inline]
    pub(crate) fn own_backend(&self) -> Option<&Backend> {
        match self.backend {
            Some(backend) => Some(self.own_backend.get_or_init(backend)),
            None => self.own_backend.get(),
        }
    }

    /// The backend for a request: its own, the one provided, the process's default.
    pub(crate) fn chosen_backend<'a>(&'a self, parts: Option<&'a Parts>) -> Chosen<'a> {
        match self.named_backend(parts) {
            Some(named) => named.choose(),
            None => Chosen::default(),
        }
    }

    /// The same, if it is its own or provided.
    #[inline]
    pub(crate) fn named_backend<'a>(&'a self, parts: Option<&'a Parts>) -> Option<&'a Backend> {
        let provided = || parts.and_then(|parts| parts.extensions.get::<Backend>());
        self.own_backend().or_else(provided)
    }

    /// What happens when its backend fails, if it says so itself.
    #[inline]
    pub(crate) fn own_policy(&self) -> Option<&Policy> {
        match self.on_error {
            Some(policy) => Some(self.own_policy.get_or_init(policy)),
            None => self.own_policy.get(),
        }
    }

    /// Logs and counts what was decided for a client.
    #[inline]
    pub(crate) fn observe<'a>(&self, outcome: Outcome, client: impl Fn() -> ResolvedClient<'a>) {
        let counters = match &self.label {
            Some(label) => &label.counters,
            None => &self.counters,
        };
        observe::decided(&self.uid, self.label(), counters, outcome, client);
    }

    /// Returns what metrics call it.
    #[inline]
    pub(crate) fn label(&self) -> &str {
        match &self.label {
            Some(label) => &label.text,
            None => &self.uid,
        }
    }

    pub(crate) fn with_label(self, label: &str) -> Self {
        let label = Some(Label::find(label));
        Self { label, ..self }
    }

    /// How long a decision may take, if it says so itself.
    pub(crate) const fn own_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// What a client is told to wait at least where a law refuses it.
    pub(crate) const fn own_min_wait(&self) -> Option<Duration> {
        self.min_wait
    }

    /// Returns up to how much longer, at random, a refused client is told to wait.
    pub(crate) fn own_spread(&self) -> Duration {
        self.spread.unwrap_or_default()
    }

    /// What a client is told to wait where it is refused and no law says how long.
    pub(crate) fn least_wait(&self) -> Duration {
        self.min_wait.unwrap_or(LEAST_WAIT)
    }

    /// The response to those it refuses, if it has one of its own.
    pub(crate) fn own_responder(&self) -> Option<&Responder> {
        let responder = self.on_throttled?;
        Some(self.own_responder.get_or_init(responder))
    }

    pub(crate) const fn is_shadow(&self) -> bool {
        self.shadow
    }

    pub(crate) fn in_shadow(self, shadow: bool) -> Self {
        Self { shadow, ..self }
    }

    pub(crate) fn with_policy(self, policy: Option<Policy>, timeout: Option<Duration>) -> Self {
        let own_policy = policy.map_or_else(OnceLock::new, OnceLock::from);
        Self {
            own_policy,
            timeout,
            ..self
        }
    }

    pub(crate) fn with_min_wait(self, min_wait: Option<Duration>) -> Self {
        Self { min_wait, ..self }
    }

    pub(crate) fn with_spread(self, spread: Option<Duration>) -> Self {
        Self { spread, ..self }
    }

    #[inline]
    pub(crate) fn own_client_ip(&self) -> Option<&ClientIp> {
        let client_ip = self.client_ip?;
        Some(self.own_client_ip.get_or_init(client_ip))
    }

    pub(crate) fn with_backend(self, backend: Option<Backend>) -> Self {
        let own_backend = backend.map_or_else(OnceLock::new, OnceLock::from);
        Self {
            own_backend,
            ..self
        }
    }

    /// What holds instead, if the registry says so.
    #[inline]
    pub(crate) fn change(&self) -> Option<Arc<Change>> {
        self.prepared().change()
    }

    /// Returns whether its rates were set at run time.
    pub(crate) fn has_other_rates(&self) -> bool {
        self.change().is_some_and(|change| change.rates.is_some())
    }

    /// What it has in common with others of its uid, if it is one of them.
    pub(crate) fn live(&self) -> Option<Arc<Live>> {
        self.prepared().live.clone()
    }

    /// What this throttle's keys grow from.
    #[inline]
    pub(crate) fn key(&self) -> Key {
        self.prepared().key
    }

    /// The definition's own rates and their laws, in order.
    #[inline]
    pub(crate) fn terms(&self) -> Result<&[Term], Error> {
        match &self.prepared().terms {
            Ok(terms) => Ok(terms),
            Err(message) => Err(Error::configuration(&self.uid, message)),
        }
    }

    #[inline]
    pub(crate) fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::new(self))
    }

    pub(crate) fn record(&self) -> Record {
        Record {
            uid: self.uid.clone(),
            name: self.name.clone(),
            policy: self.policy().clone(),
            rates: self.rates.clone(),
            strategy: self.strategy.clone(),
            scope: self.scope,
            place: self.place,
            is_local: self.is_local,
            backend: self.own_backend.get().cloned(),
        }
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definition")
            .field("uid", &self.uid)
            .field("rates", &self.rates)
            .field("strategy", &self.strategy())
            .finish_non_exhaustive()
    }
}
