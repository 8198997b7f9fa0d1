//! Activation on a tiny network.
#![allow(clippy::unwrap_used)]

mod codes;
mod gradient;
mod stopping;
mod tiny;
