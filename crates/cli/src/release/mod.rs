//! From image files to released files: plan, activation, quality limits, writing.

mod options;
mod pixel_tensor;
mod plan;
mod quality_limits;
mod released_image;
mod releaser;

pub use self::{
    options::Options,
    plan::{Job, plan},
    released_image::ReleasedImage,
    releaser::{Pair, Releaser},
};
