//! From image files to released files: plan, activation, quality limits, writing.

pub mod pixel_tensor;
mod plan;
mod quality_limits;
mod released_image;
mod releaser;

// Transitional: until the evaluation imports the new name.
pub use self::released_image::ReleasedImage as Row;
pub use self::{
    plan::plan,
    quality_limits::QualityLimits,
    released_image::ReleasedImage,
    releaser::{Options, Pair, Releaser},
};
