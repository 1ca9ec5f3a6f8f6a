//! What a throttle asks of a request without asking anybody: most ask no function of the application's.

use std::mem;

use http::request::Parts;

use crate::callback::Callback;
use crate::definition::Definition;
use crate::definition::cost_source::CostSource;
use crate::definition::source::IdentitySource;
use crate::engine::hit::{Asking, Member};
use crate::error::Error;
use crate::identity::Identity;
use crate::throttle::define::{known, recalled, remembered};

impl Asking {
    /// Adds a throttle that asks no function.
    pub fn add_plain(&mut self, definition: &'static Definition) {
        self.plain.push(definition);
    }

    /// Asks those that were added, unless the backend of one has a function of the application's to ask: then none.
    #[must_use]
    pub(crate) fn ask_plain(&mut self, parts: &Parts) -> bool {
        let mut plain = self.plain.iter();
        if plain.any(|definition| definition.asked_backend(parts).is_some()) {
            return false;
        }
        for definition in mem::take(&mut self.plain) {
            let identity = recalled(definition, parts, || definition.identity(parts));
            self.push_plain(definition, identity);
        }
        true
    }

    /// Asks them all the same, and their backends.
    pub(crate) async fn ask_backends(mut self, parts: &Parts) -> Result<Self, Error> {
        for definition in mem::take(&mut self.plain) {
            let identity = match (known(definition, parts), definition.asked_backend(parts)) {
                (Some(identity), _) => identity,
                (None, Some(asked)) => remembered(definition, parts, asked.call(parts).await?),
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
            cost: definition.settings.cost,
            cost_source: CostSource::Constant,
            rate: None,
            scope: definition.settings.constant_scope(),
            applies: true,
        });
    }
}

impl Definition {
    /// Who is asking where no function says so.
    pub(crate) async fn identify(&self, parts: &Parts) -> Result<Identity, Error> {
        match self.asked_backend(parts) {
            Some(identifier) => identifier.call(parts).await,
            None => Ok(self.identity(parts)),
        }
    }

    /// The function that its backend asks who it is.
    fn asked_backend(&self, parts: &Parts) -> Option<Callback<Parts, Result<Identity, Error>>> {
        match self.settings.identity {
            IdentitySource::Backend => self.chosen_backend(Some(parts)).identifier().cloned(),
            IdentitySource::Ip | IdentitySource::Everyone | IdentitySource::Header(_) => None,
        }
    }

    /// Who is asking where nobody is asked.
    fn identity(&self, parts: &Parts) -> Identity {
        match self.settings.identity {
            IdentitySource::Backend | IdentitySource::Ip => Identity::ip(),
            IdentitySource::Everyone => Identity::everyone(),
            IdentitySource::Header(name) => {
                let value = parts.headers.get(name).map(http::HeaderValue::as_bytes);
                Identity::of_header(value)
            }
        }
    }
}
