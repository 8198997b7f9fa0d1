//! Tests of collections: answers, states, damage, kills, and processes side by side.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests say what they skip, and children what was acknowledged"
)]

mod answers;
mod damage;
mod entries;
mod fixtures;
mod kills;
mod lists;
mod processes;
mod reviews;
mod sample;
mod witnesses;
