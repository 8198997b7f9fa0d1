//! Activation on a tiny network.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod budgeted;
mod codes;
mod gradient;
mod stopping;
mod tiny;
