//! Views of a query picture, in the order of what they are worth to a search.
//!
//! A copy is often found by another view of it than the whole: the picture inside a screenshot, a rotated one turned back, a
//! mirrored one mirrored again. [`plan`] lists such views, [`Look::apply`] makes them. The crate knows no network and no index.
//!
//! ```
//! use active_index_looks::{Look, plan};
//!
//! let picture = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * 4) as u8, (y * 5) as u8, (x * y) as u8]));
//! let looks = plan(&picture, 4);
//! assert_eq!((looks.len(), looks[0]), (4, Look::WHOLE));
//! let views: Vec<_> = looks.iter().map(|look| look.apply(&picture)).collect();
//! assert_eq!(views[0], picture);
//! ```

mod content;
mod frame;
mod lines;
mod look;
mod page;
mod plan;
mod plane;
mod refine;
mod slant;
mod tilt;
mod tone;
mod view;

pub use frame::Frame;
pub use look::Look;
pub use plan::plan;
