//! The cache of a request's identities: identifiers may ask a database.

use std::ptr;
use std::sync::Arc;

use http::request::Parts;
use parking_lot::Mutex;

use crate::definition::Definition;
use crate::identity::Identity;
use crate::inline_vec::InlineVec1;

/// The identities that throttles have found for a request, in its extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityCache(Arc<Mutex<InlineVec1<(&'static Definition, Identity)>>>);

impl IdentityCache {
    /// Caches the identities that throttles find for this request from now on. Returns `false` if
    /// it does so already.
    pub(crate) fn enable(parts: &mut Parts) -> bool {
        let is_new = Self::from_parts(parts).is_none();
        parts.extensions.get_or_insert_default::<Self>();
        is_new
    }

    fn from_parts(parts: &Parts) -> Option<&Self> {
        parts.extensions.get()
    }

    fn find(&self, throttle: &'static Definition) -> Option<Identity> {
        let cached = self.0.lock();
        let mut cached = cached.iter();
        let (_, identity) = cached.find(|(owner, _)| ptr::eq(*owner, throttle))?;
        Some(identity.clone())
    }
}

/// Returns the identity that a closure computed, which is cached, or else the cached one.
pub(crate) fn computed_or_cached(
    computed: Option<Identity>,
    throttle: &'static Definition,
    parts: &Parts,
) -> Option<Identity> {
    match computed {
        Some(identity) => Some(insert(throttle, parts, identity)),
        None => IdentityCache::from_parts(parts).and_then(|cache| cache.find(throttle)),
    }
}

/// Caches an identity, if the request has a cache, and returns it.
pub(crate) fn insert(throttle: &'static Definition, parts: &Parts, identity: Identity) -> Identity {
    if let Some(cache) = IdentityCache::from_parts(parts) {
        cache.0.lock().push((throttle, identity.clone()));
    }
    identity
}

/// Returns the identity that is cached for a throttle, or computes and caches it.
pub(crate) fn get_or_insert_with(
    throttle: &'static Definition,
    parts: &Parts,
    identify: impl FnOnce() -> Identity,
) -> Identity {
    let Some(cache) = IdentityCache::from_parts(parts) else {
        return identify();
    };
    cache
        .find(throttle)
        .unwrap_or_else(|| insert(throttle, parts, identify()))
}
