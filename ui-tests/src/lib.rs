//! Compiler messages, pinned: see `fail/` and `pass/`.
