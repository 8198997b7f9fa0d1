//! From image files to released files: plan, activation, quality limits, writing.

mod destination;
mod finished_image;
mod options;
mod pixel_tensor;
mod plan;
mod quality_limits;
mod released_image;
mod releaser;

pub use self::{
    destination::{Destination, Examined, Folder, ReleasedFile, Taken},
    options::Options,
    plan::{Job, plan},
    released_image::ReleasedImage,
    releaser::{Pair, Releaser},
};
