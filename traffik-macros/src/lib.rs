//! The macros of `traffik`: `#[throttled]` for a handler, `throttles!` for throttles that several
//! handlers share.
//!
//! Depend on `traffik`, which re-exports both. The macros work in three steps, each in a folder:
//! `parse` turns tokens into syntax, `model` checks its meaning and reports every error, and
//! `expand` generates the code.

mod diagnostics;
mod expand;
mod model;
mod parse;
#[cfg(test)]
mod tests;

use diagnostics::Errors;
use model::{Block, ThrottledAttribute};
use parse::{Args, Handler, ParsedBlock};
use proc_macro2::TokenStream;

/// Limits an axum handler.
///
/// ```
/// use axum::http::request::Parts;
/// use traffik::{Identity, throttled, throttles};
///
/// #[throttled(rate = "100/minute")]
/// async fn hello() -> &'static str {
///     "hello\n"
/// }
///
/// #[throttled(rate = ["10/second", "1000/hour"], strategy = sliding_counter, identifier = user_id, cost = 5)]
/// async fn search(terms: String) -> String {
///     format!("nothing was found for {terms}\n")
/// }
///
/// fn user_id(parts: &Parts) -> Identity {
///     match parts.headers.get("x-user") {
///         Some(user) => Identity::new(user),
///         None => Identity::ip(),
///     }
/// }
///
/// throttles! {
///     pub throttle Burst(rate = "10/minute");
///     pub throttle Sustained(rate = "1000/hour");
/// }
///
/// #[throttled(Burst, Sustained)] // both or neither
/// async fn data() -> &'static str {
///     "data\n"
/// }
/// # fn main() {}
/// ```
///
/// The handler stays a handler: any state, any arguments axum takes (a generic one, or one with further attributes below, 15
/// at most, for one is needed), any return type. Its name is the name of a type too, which implements `Throttle`:
/// `hello::stat(&parts)`.
///
/// All arguments but the last are extracted; the identifier and the cost are asked; the decision is made; only then is the
/// last argument, which may read the body, extracted and the handler run. A refused client gets 429 and its body is not
/// read.
///
/// # Keys
///
/// | key | value | default |
/// |---|---|---|
/// | (paths in front) | throttles defined elsewhere, decided as one | – |
/// | `rate` | `"100/minute"`; several: `["10/second", "1000/hour"]`; the path of a `const` or `static` `Rate` (or of what dereferences to one, such as a `LazyLock<Rate>`), or of a `fn(&Parts) -> Rate` | required unless throttles are named |
/// | `strategy` | `sliding_counter`, `"sliding_counter"`, `token_bucket(burst = 150)`, `custom(MyStrategy::new())` | `fixed_window` |
/// | `identifier` | `ip`, `ip(trusted = ["10.0.0.0/8"], header = forwarded, prefix = 64)`, `header("x-api-key")`, `everyone`, the path of a `fn(&Parts) -> impl Into<Identity>`, or [a closure](#closures) | the backend's, else `ip` |
/// | `cost` | a whole number, the path of a `fn(&Parts) -> u64`, or [a closure](#closures) | `1` |
/// | `backend` | an expression giving a `Backend`, evaluated once | the provided one, else the process's |
/// | `on_error` | `allow`, `throttle`, `raise`, `retry(…)`, `fallback(…)`, `failover(…)`, the path of an `async fn(&Failure<'_>) -> Verdict`; see [below](#when-the-backend-fails) | the backend's, else `throttle` |
/// | `timeout` | how long one decision may take, retries included: `"100ms"` | the backend's, else 250 ms |
/// | `headers` | `ietf`, `legacy`, `both`, `none` | `ietf` |
/// | `scope` | `throttle`, `route`, a text, the path of a text or of a `fn(&Parts) -> String` | `throttle` |
/// | `only_if`, `skip_if` | the path of a `fn(&Parts) -> bool`: of which requests it is asked at all | every one |
/// | `on_throttled` | the path of a `fn(&Rejection) -> impl IntoResponse`: the response to those who are refused | the backend's, else 429 with a problem |
/// | `shadow` | no value: refuse nobody, only count, log and measure | off |
/// | `min_wait` | what a *refused* client is told to wait at least: `"500ms"` | as long as it is |
/// | `spread` | up to so much more, at random, that a *refused* client is told to wait, so that not all come back at once: `"5s"` | nothing |
/// | `uid` | a text | `module::path::function`, with the enclosing function where there is one |
/// | `policy` | a text: the name in header fields and problems | the throttle's name |
/// | `name` | the type's name | the function's |
/// | `crate` | the absolute path of a re-exported `traffik` | `::traffik` |
/// | `allow(…)` | names of [warnings](#warnings) to switch off | – |
///
/// Functions may be async and may fail.
///
/// Behind throttles defined elsewhere and without a `rate`, `cost`, `headers`, `on_throttled`, `only_if` and `skip_if` hold for all of them
/// on this handler; the other keys belong to their definitions.
///
/// # Closures
///
/// The identifier and the cost may be closures over the handler's arguments. Their parameters are names that the arguments'
/// patterns bind, without types; what they name is lent to them, and nothing is cloned. They may be async and may fail, as
/// functions may.
///
/// ```
/// use axum::Json;
/// use axum::extract::{Path, State};
/// use traffik::throttled;
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     items: Vec<String>,
/// }
///
/// #[throttled(rate = "100/minute", identifier = |shop, tenant| format!("{tenant}:{shop}"), cost = |order| order.items.len())]
/// async fn create(State(tenant): State<String>, Path(shop): Path<u64>, Json(order): Json<Order>) -> String {
///     format!("{} things from {shop} of {tenant}\n", order.items.len())
/// }
/// # fn main() {}
/// ```
///
/// A closure that names the last argument has to wait for it: then, and only then, the body is read before the decision,
/// and a refused client's body too. Nothing but the handler knows its arguments, so `create::hit(&parts)` of such a
/// throttle is an error; where the cost alone is a closure, `hit_cost` and `stat` work.
///
/// # When the backend fails
///
/// | `on_error` | what becomes of a hit that cannot be decided |
/// |---|---|
/// | `allow` | it is admitted, uncounted |
/// | `throttle` | it is refused: 429 |
/// | `raise` | it is an error: 503 |
/// | `retry(max_retries = 3, delay = "20ms", multiplier = 2.0, jitter = full, on = [connection], then = throttle)` | the backend is asked again, where it certainly has not counted; with the word `even_if_it_may_have_counted` also where it may have |
/// | `fallback(backend = …, on = […], instances = 4, then = …)` | another backend decides, for the share of one of so many processes |
/// | `failover(backend = …, breaker = BREAKER, max_retries = 2, delay = "10ms", …)` | the same behind a circuit breaker: a `static` one, or `breaker(failures = 10, recovery = "60s", successes = 3)` |
///
/// All parameters but a `backend` may be left out; `jitter` is `none`, `full` or `equal`, `on` lists `connection`, `timeout` and
/// `contention`, `then` is what `on_error` is.
///
/// ```
/// use std::time::Duration;
/// use traffik::{Backend, CircuitBreaker, Failure, Verdict, throttled};
///
/// static BREAKER: CircuitBreaker = CircuitBreaker::new().failures(10);
///
/// #[throttled(rate = "100/minute", on_error = failover(backend = Backend::memory(), breaker = BREAKER, then = last_resort))]
/// async fn search() {}
///
/// async fn last_resort(failure: &Failure<'_>) -> Verdict {
///     Verdict::Throttle(Duration::from_secs(failure.cost))
/// }
/// # fn main() {}
/// ```
///
/// # Warnings
///
/// What is wrong is an error at the token to change. What is legal but was hardly meant is a warning there, which the
/// compiler words as the use of a deprecated constant of the throttle's; `allow(…)` with its name switches it off, for one
/// throttle or in `defaults(…)` for a block.
///
/// | name | warns of |
/// |---|---|
/// | `boundary_burst` | `strategy = fixed_window`, written out, with a limit under 10: where a window ends, twice as many are admitted at once |
/// | `unreachable_rate` | a rate in a list that never refuses what another one admits, or that stands there twice |
/// | `unlimited_rate` | `0/0` in a list |
/// | `zero_cost` | `cost = 0` |
/// | `misspelt_scope` | a text as `scope` that is nearly `route` or `throttle` |
/// | `coarse_rate` | `time_of_day` at a rate longer than a day |
/// | `idle_retry` | `retry(on = [timeout])`, which repeats nothing without `even_if_it_may_have_counted` |
/// | `short_window` | a part of the day that is no longer than the rate's period |
///
/// ```
/// use traffik::throttled;
///
/// // In each minute no more than 600 get past the first, so the second could be left out.
/// #[throttled(rate = ["10/second", "1000/minute"], allow(unreachable_rate))]
/// async fn search() -> &'static str {
///     "found\n"
/// }
/// # fn main() {}
/// ```
///
/// # Several attributes
///
/// They are decided from the top down, those that look at the body last. The first that has a `rate` names its throttle after the function, every further one
/// needs a `name`. `#[throttled]` stands above `#[debug_handler]`, and above or below anything else. It cannot stand on a
/// function in an `impl` or a trait, where no type can be defined.
///
/// `TRAFFIK_MACROS_DEBUG=1` prints what is generated.
#[proc_macro_attribute]
pub fn throttled(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    print_expansion(attribute(args.into(), &item.into())).into()
}

/// Defines throttles that handlers share.
///
/// ```
/// traffik::throttles! {
///     defaults(headers = both, strategy = sliding_counter); // optional: for every throttle of this block
///
///     /// Short bursts.
///     pub throttle Burst(rate = "10/minute");
///     /// Steady use.
///     pub throttle Sustained(rate = "1000/hour", identifier = header("x-api-key"));
/// }
///
/// /// Both or neither.
/// pub type Api = (Burst, Sustained);
/// # fn main() {}
/// ```
///
/// Each throttle becomes a type that implements `Throttle`. The keys are those of
/// [`#[throttled]`](macro@throttled) without `name`; `defaults` takes none of `rate`, `cost`, `uid`, `policy` and `name`.
#[proc_macro]
pub fn throttles(block: proc_macro::TokenStream) -> proc_macro::TokenStream {
    print_expansion(self::block(block.into())).into()
}

fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let Some(handler) = errors.handle(syn::parse2::<Handler>(item.clone())) else {
        return quote::quote!(#errors #item);
    };
    let attribute = ThrottledAttribute::read(args, &handler, &mut errors);
    if errors.is_empty() {
        expand::attribute(&attribute, handler)
    } else {
        expand::attribute_with_errors(&errors, &attribute, &handler)
    }
}

fn block(block: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let block = ParsedBlock::parse(block, &mut errors);
    let block = Block::read(block, &mut errors);
    expand::block(&block, &errors)
}

/// Prints an expansion if `TRAFFIK_MACROS_DEBUG` is 1. No other environment variable is read.
fn print_expansion(expansion: TokenStream) -> TokenStream {
    if std::env::var_os("TRAFFIK_MACROS_DEBUG").is_some_and(|value| value == "1") {
        eprintln!("{expansion}");
    }
    expansion
}
