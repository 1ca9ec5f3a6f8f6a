//! `on_error`: what happens when the backend fails.

use std::time::Duration;

use syn::{Expr, ExprCall, ExprLit, Lit, Path};
use traffik_runtime::strategy::catalog::Warning;

use super::keywords::{Value, Words};
use super::params::{Param, Params, number};
use super::timeout::duration;
use super::{Doubt, expr};
use crate::diagnostics::{Error, Result, all, error, listed};

/// What happens when the backend fails.
#[derive(Clone)]
pub(crate) enum OnError {
    Allow,
    Throttle,
    Raise,
    Retry(Box<Retry>),
    Fallback(Box<Fallback>),
    Failover(Box<Failover>),
    /// What a function of the user's says.
    Handler(Path),
}

/// `retry(…)`.
#[derive(Clone)]
pub(crate) struct Retry {
    pub(crate) max_retries: Option<u32>,
    pub(crate) delay: Option<Duration>,
    pub(crate) multiplier: Option<f64>,
    pub(crate) jitter: Option<&'static str>,
    pub(crate) on: Option<Vec<Kind>>,
    pub(crate) twice: bool,
    pub(crate) then: Option<OnError>,
    doubt: Option<Doubt>,
}

/// `fallback(…)`.
#[derive(Clone)]
pub(crate) struct Fallback {
    pub(crate) backend: Expr,
    pub(crate) on: Option<Vec<Kind>>,
    pub(crate) instances: Option<u32>,
    pub(crate) then: Option<OnError>,
}

/// `failover(…)`.
#[derive(Clone)]
pub(crate) struct Failover {
    pub(crate) fallback: Fallback,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) delay: Option<Duration>,
}

/// A circuit breaker.
#[derive(Clone)]
pub(crate) enum Breaker {
    /// A `static`, which others may name too.
    Static(Path),
    /// What an expression gives.
    Given(Expr),
    /// `breaker(…)`: one of its own.
    Own {
        failures: Option<u32>,
        recovery: Option<Duration>,
        successes: Option<u32>,
    },
}

/// A kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Connection,
    Timeout,
    Contention,
}

const WORDS: Words = Words {
    key: "on_error",
    list: &[
        "allow", "throttle", "raise", "retry", "fallback", "failover",
    ],
    open: true,
};

const JITTERS: Words = Words {
    key: "jitter",
    list: &["none", "full", "equal"],
    open: false,
};

const KINDS: Words = Words {
    key: "on",
    list: &["connection", "timeout", "contention"],
    open: false,
};

const MAX_RETRIES: Param = ("max_retries", "max_retries = 3");
const DELAY: Param = ("delay", "delay = \"100ms\"");
const MULTIPLIER: Param = ("multiplier", "multiplier = 2.0");
const JITTER: Param = ("jitter", "jitter = full");
const ON: Param = ("on", "on = [connection, timeout]");
const TWICE: Param = ("even_if_it_may_have_counted", "even_if_it_may_have_counted");
const THEN: Param = ("then", "then = throttle");
const BACKEND: Param = ("backend", "backend = Backend::memory()");
const INSTANCES: Param = ("instances", "instances = 4");
const BREAKER: Param = ("breaker", "breaker = BREAKER");
const FAILURES: Param = ("failures", "failures = 10");
const RECOVERY: Param = ("recovery", "recovery = \"60s\"");
const SUCCESSES: Param = ("successes", "successes = 3");

impl OnError {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        match WORDS.read(value)? {
            Value::Word("allow") => Ok(Self::Allow),
            Value::Word("throttle") => Ok(Self::Throttle),
            Value::Word("raise") => Ok(Self::Raise),
            Value::Word(word) => Err(error(
                value,
                format!("`{word}` has parameters; write `{}`", example(word)),
            )),
            Value::Call("retry", call) => retry(call).map(Box::new).map(Self::Retry),
            Value::Call("fallback", call) => fallback(call).map(Box::new).map(Self::Fallback),
            Value::Call("failover", call) => failover(call).map(Box::new).map(Self::Failover),
            Value::Call(word, call) => Err(error(
                call,
                format!("`{word}` takes nothing; write `on_error = {word}`"),
            )),
            Value::Path(path) => Ok(Self::Handler(path.clone())),
            Value::Text(text) => Err(WORDS.no_text(text)),
            Value::Other(value) => Err(other(value)),
        }
    }

    /// What is doubtful about it by itself.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let (own, then) = match self {
            Self::Allow | Self::Throttle | Self::Raise | Self::Handler(_) => (None, None),
            Self::Retry(retry) => (retry.doubt.clone(), retry.then.as_ref()),
            Self::Fallback(fallback) => (None, fallback.then.as_ref()),
            Self::Failover(failover) => (None, failover.fallback.then.as_ref()),
        };
        let then = then.into_iter().flat_map(Self::doubts);
        own.into_iter().chain(then).collect()
    }
}

fn retry(call: &ExprCall) -> Result<Retry> {
    let known = [MAX_RETRIES, DELAY, MULTIPLIER, JITTER, ON, TWICE, THEN];
    let mut params = Params::of("retry", call, &known);
    let on = params.read(ON.0, kinds);
    let twice = params.read(TWICE.0, flag).is_some();
    let idle = !twice && on.as_deref() == Some(&[Kind::Timeout]);
    let retry = Retry {
        max_retries: params.read(MAX_RETRIES.0, |value| number(value, MAX_RETRIES, 1)),
        delay: params.read(DELAY.0, |value| duration(value, DELAY.1)),
        multiplier: params.read(MULTIPLIER.0, multiplier),
        jitter: params.read(JITTER.0, jitter),
        doubt: params.value(ON.0).filter(|_| idle).map(idle_retry),
        on,
        twice,
        then: params.read(THEN.0, OnError::read),
    };
    params.finish(Some(retry))
}

fn fallback(call: &ExprCall) -> Result<Fallback> {
    let known = [BACKEND, ON, INSTANCES, THEN];
    let mut params = Params::of("fallback", call, &known);
    let fallback = fallback_of(&mut params);
    params.finish(fallback)
}

fn fallback_of(params: &mut Params<'_>) -> Option<Fallback> {
    let backend = params.need(BACKEND, |value| Ok(value.clone()));
    let on = params.read(ON.0, kinds);
    let instances = params.read(INSTANCES.0, |value| number(value, INSTANCES, 1));
    let then = params.read(THEN.0, OnError::read);
    Some(Fallback {
        backend: backend?,
        on,
        instances,
        then,
    })
}

fn failover(call: &ExprCall) -> Result<Failover> {
    let known = [BACKEND, BREAKER, MAX_RETRIES, DELAY, ON, INSTANCES, THEN];
    let mut params = Params::of("failover", call, &known);
    let breaker = params.read(BREAKER.0, breaker);
    let max_retries = params.read(MAX_RETRIES.0, |value| number(value, MAX_RETRIES, 0));
    let delay = params.read(DELAY.0, |value| duration(value, DELAY.1));
    let failover = fallback_of(&mut params).map(|fallback| Failover {
        fallback,
        breaker,
        max_retries,
        delay,
    });
    params.finish(failover)
}

/// `BREAKER`, `breaker(failures = 10)`, or an expression that gives one.
fn breaker(value: &Expr) -> Result<Breaker> {
    if let Some(path) = expr::path(value) {
        return Ok(Breaker::Static(path.clone()));
    }
    let own = expr::call(value).filter(|(path, _)| path.is_ident("breaker"));
    let Some((_, call)) = own else {
        return Ok(Breaker::Given(value.clone()));
    };
    let mut params = Params::of("breaker", call, &[FAILURES, RECOVERY, SUCCESSES]);
    let breaker = Breaker::Own {
        failures: params.read(FAILURES.0, |value| number(value, FAILURES, 1)),
        recovery: params.read(RECOVERY.0, |value| duration(value, RECOVERY.1)),
        successes: params.read(SUCCESSES.0, |value| number(value, SUCCESSES, 1)),
    };
    params.finish(Some(breaker))
}

fn kinds(value: &Expr) -> Result<Vec<Kind>> {
    let Expr::Array(array) = expr::bare(value) else {
        let message = format!("`on` is a list; write `{}`", ON.1);
        return Err(error(value, message));
    };
    if array.elems.is_empty() {
        let message = "an empty `on` is about nothing; leave it out for every failure";
        return Err(error(value, message));
    }
    all(array.elems.iter().map(kind))
}

fn kind(value: &Expr) -> Result<Kind> {
    Ok(match word(&KINDS, value)? {
        "timeout" => Kind::Timeout,
        "contention" => Kind::Contention,
        _ => Kind::Connection,
    })
}

fn jitter(value: &Expr) -> Result<&'static str> {
    word(&JITTERS, value)
}

/// A word of a closed list.
fn word(words: &Words, value: &Expr) -> Result<&'static str> {
    match words.read(value)? {
        Value::Word(word) => Ok(word),
        Value::Text(text) => Err(words.no_text(text)),
        _ => {
            let message = format!("`{}` takes {}", words.key, listed(words.list));
            Err(error(value, message))
        }
    }
}

fn multiplier(value: &Expr) -> Result<f64> {
    let number = match expr::bare(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) if number.suffix().is_empty() => number.base10_parse().ok(),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) if number.suffix().is_empty() => number.base10_parse().ok(),
        _ => None,
    };
    let number = number.filter(|number: &f64| *number >= 1.0 && number.is_finite());
    number.ok_or_else(|| {
        let message = format!(
            "`multiplier` is a number of at least 1; write `{}`",
            MULTIPLIER.1
        );
        error(value, message)
    })
}

fn flag(value: &Expr) -> Result<()> {
    let alone = expr::word(value).is_some_and(|word| word == TWICE.0);
    alone
        .then_some(())
        .ok_or_else(|| error(value, format!("`{0}` takes no `=`; write `{0}`", TWICE.0)))
}

fn idle_retry(on: &Expr) -> Doubt {
    let message = "what timed out may have counted, so nothing is asked again; add `even_if_it_may_have_counted`, or `connection` to the list";
    Doubt::at(on, Warning::IdleRetry, message.to_owned())
}

fn example(word: &str) -> String {
    let (_, param) = if word == "retry" {
        MAX_RETRIES
    } else {
        BACKEND
    };
    format!("{word}({param})")
}

fn other(value: &Expr) -> Error {
    let message = match (value, expr::call(value)) {
        (Expr::Closure(_), _) => {
            "closures are not taken here; write the path of an `async fn(&Failure<'_>) -> Verdict`"
                .to_owned()
        }
        (_, Some((function, _))) => format!(
            "the function is named, not called; write `on_error = {}`",
            expr::text(function)
        ),
        _ => format!(
            "`on_error` is {}, or the path of an `async fn(&Failure<'_>) -> Verdict`",
            listed(WORDS.list)
        ),
    };
    error(value, message)
}
