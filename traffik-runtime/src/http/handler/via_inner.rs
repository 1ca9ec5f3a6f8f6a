//! A marker for arguments that are extracted by the extractors inside them.

use std::marker::PhantomData;

/// The marker of arguments whose last is extracted with the marker `M`.
#[doc(hidden)]
#[derive(Debug)]
pub struct ViaInner<M>(PhantomData<fn() -> M>);
