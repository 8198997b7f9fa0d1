//! Image descriptors on burn: pixels in, unit vectors out. Supports SSCD (Pizzi et al., CVPR 2022), DINO (Caron et al.,
//! ICCV 2021) and ISC-dt1 (Yokoo, 2021).
//!
//! Descriptors are differentiable with respect to the pixels only: weights are constants.
//!
//! Layouts: pixels are RGB `[n, 3, h, w]`, float32 in [0, 1]; descriptors are `[n, d]`, unit norm.
//! The crate knows no indexes, reads no files other than weights, never prints and never picks a device.
//!
//! ```no_run
//! use burn::tensor::{Device, Tensor};
//! use active_index_extractor::{Extractor, weights};
//!
//! let models = weights::Manifest::bundled();
//! let file = models.default_model().fetch("weights".as_ref(), &mut |_| ())?;
//! let device = Device::flex();
//! let extractor = Extractor::load(&file, &device)?;
//! let pixels = Tensor::<4>::zeros([1, 3, 400, 300], &device);
//! assert_eq!(extractor.forward(pixels).dims(), [1, extractor.dimension()]);
//! # Ok::<(), active_index_extractor::Error>(())
//! ```

mod architecture;
mod checkpoint;
mod descriptor_network;
mod error;
mod extractor;
mod pooling;
mod preprocess;
mod spec;
pub mod weights;

pub use self::extractor::{Extractor, Precisions};
pub use burn;
pub use descriptor_network::{DescriptorNetwork, describe, describe_prepared};
pub use error::{Error, Result};
pub use frozen_ops::Precision;
pub use pooling::{Pooling, gem};
pub use preprocess::{
    IMAGENET_MEAN, IMAGENET_STD, Preprocess, Resize, resize_antialiased, resize_transposed,
};
pub use spec::{Architecture, Source, Spec};
