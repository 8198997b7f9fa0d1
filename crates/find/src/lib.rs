//! Looks pictures up in collections until a match is confirmed, and tells how sure it is.
//!
//! - [`Finder`]: the cascade. A query is searched for in its cell, then in more cells, then further views of it are described
//!   and searched for; candidates are laid over the query by their witnesses. It ends at the first match.
//! - [`Calibration`]: the laws that E-values follow from, fitted to queries without a match by a [`Calibrator`].
//! - [`Answer`], [`Match`], [`Verdict`]: entries with their E-values.
//! - [`binomial`]: exact intervals of shares, such as that of false matches.
//! - [`report`]: answers as JSON and in words, with the names and fields of their entries.
//!
//! # E-values
//!
//! The E-value of an entry is the expected number of unrelated entries that show as much evidence to a query without a
//! match, as in the search of sequences (Karlin & Altschul 1990). It counts all entries that the search may compare within
//! its bounds, so that of many queries without a match the share `1 - exp(-e)` shows a result with an E-value of at most `e`
//! ([`promised_share`]). Evidence of the cosine and of the witness is combined under the assumption that both are independent
//! among unrelated entries that are near enough to be compared.
//!
//! The crate prints nothing and picks no device. It knows networks and images through [`Describe`] and [`Witnesses`] alone.

#![deny(missing_docs)]

mod answer;
pub mod binomial;
mod calibration;
mod e_values;
mod error;
mod finder;
mod law;
mod learned;
mod open_query;
mod query;
pub mod report;
mod settings;
mod source;
mod views;
mod witnesses;

pub use answer::{Answer, Match, Times, Verdict};
pub use calibration::{Background, Calibration, Calibrator, Facts, refit, refit_if_due};
pub use error::{Error, Result};
pub use finder::Finder;
pub use law::promised_share;
pub use query::Query;
pub use settings::{Effort, Settings};
pub use source::Source;
pub use views::{Describe, Described};
pub use witnesses::Witnesses;
