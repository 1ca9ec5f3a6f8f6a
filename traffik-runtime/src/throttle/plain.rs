//! What a throttle asks of a request without asking anybody: most ask no function of the application's.

use http::request::Parts;

use super::asked::{Asking, Member};
use super::define::{known, remembered};
use super::definition::Definition;
use super::scope::Scope;
use crate::error::Error;
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

    /// Asks those that were added.
    pub(crate) async fn ask_plain(mut self, parts: &Parts) -> Result<Self, Error> {
        for definition in std::mem::take(&mut self.plain) {
            let identity = match known(definition, parts) {
                Some(identity) => identity,
                None => remembered(definition, parts, definition.identify(parts).await?),
            };
            self.push(Member {
                definition,
                identity,
                cost: definition.cost,
                rate: None,
                scope: definition.scoped.scope(),
                applies: true,
            });
        }
        Ok(self)
    }
}

impl Definition {
    /// Who is asking where no function says so.
    pub(super) async fn identify(&self, parts: &Parts) -> Result<Identity, Error> {
        match self.identified {
            Identified::ByIp => Ok(Identity::ip()),
            Identified::AsEveryone => Ok(Identity::everyone()),
            Identified::ByHeader(name) => {
                let value = parts.headers.get(name).map(http::HeaderValue::as_bytes);
                Ok(Identity::of_header(value))
            }
            Identified::ByBackend => {
                let identifier = self.chosen_backend(Some(parts)).identifier().cloned();
                match identifier {
                    Some(identifier) => identifier.ask(parts).await,
                    None => Ok(Identity::ip()),
                }
            }
        }
    }
}
