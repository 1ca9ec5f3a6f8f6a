//! Vectors that hold their first elements on the stack.

use smallvec::SmallVec;

/// A vector for what mostly has one element. It allocates from the second element on.
pub(crate) type InlineVec1<T> = SmallVec<[T; 1]>;

/// A vector with as many elements as a set of throttles mostly has. It allocates from the fifth on.
pub(crate) type InlineVec4<T> = SmallVec<[T; 4]>;
