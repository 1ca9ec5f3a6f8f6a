//! The life of leases as a text, in the form in which overrides files have it.

use std::time::Duration;

use serde::Serializer;

use crate::rate::duration_text;
use crate::store::lifetime::micros;

/// Serializes a life that is set at run time, such as `200ms`.
#[expect(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
pub(crate) fn serialize<S: Serializer>(
    life: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match life {
        None => serializer.serialize_none(),
        Some(life) => serializer.serialize_str(&duration_text(micros(*life))),
    }
}
