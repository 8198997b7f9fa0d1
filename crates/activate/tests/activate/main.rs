//! Activation on a tiny network.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests may panic, and their transfers are not counted"
)]

mod budgeted;
mod codes;
mod gradient;
mod stopping;
mod tiny;
