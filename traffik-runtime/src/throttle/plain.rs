//! What a throttle asks of a request without asking anybody: most ask no function of the application's.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;

use super::asked::{Asking, Member};
use super::define::{known, recalled, remembered};
use super::definition::Definition;
use super::scope::Scope;
use crate::error::Error;
use crate::http::Question;
use crate::identity::Identity;

/// Who is asking, where no function says so.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Identified {
    /// Whom the backend says, else the client's address.
    ByBackend,
    /// The client's address.
    ByIp,
    /// Everybody is one.
    AsEveryone,
    /// The value of a header field.
    ByHeader(&'static str),
}

/// Where a budget is one, where no function says so.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Scoped {
    /// Wherever the throttle is used.
    Throttle,
    /// Within a method and a matched route.
    Route,
    /// Within a segment of the application's choice.
    Segment(&'static str),
}

impl Scoped {
    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Throttle => Scope::Throttle,
            Self::Route => Scope::Route,
            Self::Segment(segment) => Scope::Segment(segment.into()),
        }
    }
}

impl Asking {
    /// Adds a throttle that asks no function.
    pub fn add_plain(&mut self, definition: &'static Definition) {
        self.plain.push(definition);
    }

    /// Whether the backend of one of those that were added has a function of the application's to ask.
    pub(crate) fn asks_a_backend(&self, parts: &Parts) -> bool {
        let mut plain = self.plain.iter();
        plain.any(|definition| definition.asked_backend(parts).is_some())
    }

    /// Asks those that were added.
    pub(crate) fn ask_plain(mut self, parts: &Parts) -> Plainly<'_> {
        if self.asks_a_backend(parts) {
            return Plainly::Later(Box::pin(self.ask_backends(parts)));
        }
        for definition in mem::take(&mut self.plain) {
            let identity = recalled(definition, parts, || definition.identity(parts));
            self.push_plain(definition, identity);
        }
        Plainly::Now(self)
    }

    async fn ask_backends(mut self, parts: &Parts) -> Result<Self, Error> {
        for definition in mem::take(&mut self.plain) {
            let identity = match (known(definition, parts), definition.asked_backend(parts)) {
                (Some(identity), _) => identity,
                (None, Some(asked)) => remembered(definition, parts, asked.ask(parts).await?),
                (None, None) => remembered(definition, parts, definition.identity(parts)),
            };
            self.push_plain(definition, identity);
        }
        Ok(self)
    }

    fn push_plain(&mut self, definition: &'static Definition, identity: Identity) {
        self.push(Member {
            definition,
            identity,
            cost: definition.cost,
            rate: None,
            scope: definition.scoped.scope(),
            applies: true,
        });
    }
}

/// What throttles that ask no function ask: it need only be waited for where their backend does.
pub(crate) enum Plainly<'a> {
    Now(Asking),
    Later(Pin<Box<dyn Future<Output = Result<Asking, Error>> + Send + 'a>>),
}

impl Definition {
    /// Who is asking where no function says so.
    pub(super) async fn identify(&self, parts: &Parts) -> Result<Identity, Error> {
        match self.asked_backend(parts) {
            Some(identifier) => identifier.ask(parts).await,
            None => Ok(self.identity(parts)),
        }
    }

    /// The function that its backend asks who it is.
    fn asked_backend(&self, parts: &Parts) -> Option<Arc<dyn Question<Identity>>> {
        match self.identified {
            Identified::ByBackend => self.chosen_backend(Some(parts)).identifier().cloned(),
            Identified::ByIp | Identified::AsEveryone | Identified::ByHeader(_) => None,
        }
    }

    /// Who is asking where nobody is asked.
    fn identity(&self, parts: &Parts) -> Identity {
        match self.identified {
            Identified::ByBackend | Identified::ByIp => Identity::ip(),
            Identified::AsEveryone => Identity::everyone(),
            Identified::ByHeader(name) => {
                let value = parts.headers.get(name).map(http::HeaderValue::as_bytes);
                Identity::of_header(value)
            }
        }
    }
}
