//! Retrieval: rank of the right entry for each edited copy, and its measures.

mod answers;
mod evaluation;
mod filled_index;
mod findings;
mod measures;
mod summary;
mod variant;

pub use self::{
    answers::{Answer, Answers, Hit},
    evaluation::{Config, Stored},
    findings::{Findings, Side},
    measures::{Measures, measure, rank, ranks},
    summary::{Compared, Estimate, Ranks, Summary},
    variant::Variant,
};
