//! Distractors: further entries that fill an index to a realistic size.

mod files;
mod gaussian;

pub use self::{
    files::{add_file, add_synthetic},
    gaussian::{Gaussian, gaussian},
};
