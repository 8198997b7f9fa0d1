//! Activation on a tiny network.
#![allow(clippy::unwrap_used)]

mod budgeted;
mod codes;
mod gradient;
mod stopping;
mod tiny;
