//! Collections that remember released images and find them again.
//!
//! A [`Collection`] keeps for each image an [`Entry`] (name, digest of the original, state, fields of the caller's), its
//! code in the cells of a trained index, the *quantiser*, and its descriptor in float16. The nearest codes of a query are
//! ranked by the cosines of the descriptors. An entry may have a *witness*: bytes by which the caller confirms matches. A
//! match that a person is to judge is kept as a [`Review`]. The crate knows descriptors, entries and files, but no images and
//! no network; it prints nothing.
//!
//! # Files
//!
//! | file | content |
//! |---|---|
//! | `catalogue.sqlite` | the truth: entries, states, fields, segments with their hashes, witnesses, reviews, and the codes and descriptors of entries that are in no segment yet |
//! | `quantiser.faiss` | the trained, empty index |
//! | `segments/HASH.faiss` | codes and ids of entries without the quantiser, which faiss reads with `read_InvertedLists` |
//! | `segments/HASH.npy` | their descriptors, float16, in the order of the lists |
//!
//! Entries are committed to the catalogue. From 16,384 on they become a segment in the background, and eight segments of
//! about one size become one. Segments never change; a searching process maps them, and goes on with the ones it has open
//! when others take their place.
//!
//! # Promises
//!
//! - What [`Collection::store`] has returned survives a kill and a power cut, and every process finds it; so do reviews and
//!   decisions.
//! - Any number of processes read and write at once.
//! - Answers are those of one index of all live entries, ranked by their descriptors.
//! - A folder that is copied while nobody writes is the same collection elsewhere.
//! - A damaged or missing segment is left out and named; [`Collection::check`] finds every changed byte.
//!
//! [`engine`] is for those who keep collections elsewhere than in folders.
//!
//! Imports run one way, from the bottom up: `entry`, `catalogue` (tables), `segment` (files), `engine` (the trait),
//! `folder` (the engine on files), [`Collection`].

#![deny(missing_docs)]

mod catalogue;
mod collection;
mod cosine;
pub mod engine;
mod entry;
mod error;
mod folder;
mod hashed_file;
mod kept;
mod listing;
mod review;
mod segment;

pub use collection::{Collection, FindSettings, Imported};
pub use engine::{Candidate, Description, Engine, Finding, Indexed, Info};
pub use entry::{Digest, Entry, META_BYTES, Meta, NewEntry, State, Stored, WITNESS_BYTES};
pub use error::{Error, Result};
pub use folder::Folder;
pub use kept::{EncodedEntry, KeptEntry, KeptReview};
pub use listing::{Count, Day, Filter, Listing, NameFilter, Order, Page, Selection};
pub use review::{
    AddedReview, Decision, Decisions, NewReview, REVIEW_ANSWER_BYTES, REVIEW_NAME_BYTES,
    REVIEW_PICTURE_BYTES, REVIEWER_BYTES, Review, ReviewCounts, ReviewCursor, ReviewPage, UNDECIDED_REVIEWS,
    VERDICT_BYTES,
};
