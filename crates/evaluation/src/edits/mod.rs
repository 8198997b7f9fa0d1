//! Edits that people make to images.

mod apply;
mod blur;
mod canvas;
mod colour;
mod composition;
mod edit;
mod emoji;
mod geometry;
mod jpeg;
mod meme;
mod palette;
#[cfg(test)]
mod parity;
mod pixels;
mod resample;
mod sampling;
mod screenshot;
mod set;
mod sharpen;
mod spelling;
mod text;
mod warp;

pub use canvas::MAX_PIXELS;
pub use edit::Edit;
pub use set::EditSet;
