//! Instructions of the operations that users pay for, counted by valgrind. Unlike times, counts
//! hardly vary, so a test can compare them with recorded ones.

pub mod baseline;
pub mod callgrind;
pub mod operations;
