//! Lookups in a collection: the cascade of the crate `find`, of edited copies and of unrelated pictures.
//!
//! Every copy of an image of the collection has right entries; unrelated pictures have none. Figures are of what a user
//! sees: the share of copies that come with the right entry and the verdict `match`, false matches, and E-values that keep
//! their promise.

mod calibration;
mod cost;
mod evaluation;
mod false_matches;
mod figures;
mod kept_views;
mod lookup;
mod photographs;

pub use self::{
    calibration::{Kept, THRESHOLDS},
    cost::Cost,
    evaluation::{Config, Findings},
    false_matches::{Basis, FalseMatches, RecallAtRate},
    figures::{EditFigures, Figures, RecallAtE, Share},
    lookup::{FoundEntry, Lookup},
    photographs::{Photograph, Photographs, Related},
};
