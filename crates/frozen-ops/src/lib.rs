//! Operations of networks whose weights never change, on burn: fused, and differentiated to images alone.
//!
//! Whoever back-propagates through a frozen network to its input needs neither the gradients of weights nor what is
//! kept for them. [`Conv`] is `relu(conv(x) + bias + residual)` in one operation that keeps one bit a value for its
//! gradient, [`Residual`] a chain of blocks of them; [`max_pool`] and [`Resample`] are their like. On the CPU they are computed by kernels of this crate,
//! convolutions on weights that are transformed and packed once (Winograd's filtering for 3x3 windows of stride 1); on
//! any other device by burn's operations.
//!
//! Images are `[n, h, w, c]`, channels last, but for [`Resample`], which takes planes.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use frozen_ops::{Conv, Window};
//!
//! let device = Device::flex();
//! let weight = Tensor::<4>::random([8, 3, 3, 3], Distribution::Default, &device);
//! let window = Window { size: 3, stride: 1, padding: 1 };
//! let conv = Conv::new(weight, Tensor::zeros([8], &device), window)?;
//! let x = Tensor::<4>::random([1, 32, 32, 3], Distribution::Default, &device).autodiff().require_grad();
//! let y = conv.forward(x.clone(), None, true);
//! assert_eq!(y.dims(), [1, 32, 32, 8]);
//! let gradient = x.grad(&y.sum().backward()).unwrap();
//! assert_eq!(gradient.dims(), [1, 32, 32, 3]);
//! # Ok::<(), frozen_ops::Error>(())
//! ```

mod bands;
mod chain;
mod conv;
mod error;
mod geometry;
mod host;
mod op;
mod pool;
mod product;
mod raw;
mod resample;
mod residual;
mod signs;
mod team;
pub mod transfer;
mod winograd;

pub use bands::Bands;
pub use burn;
pub use conv::{Conv, Multiplications, Precision, max_pool};
pub use error::{Error, Result};
pub use geometry::Window;
pub use raw::Level;
pub use resample::Resample;
pub use residual::{Block, Residual};
