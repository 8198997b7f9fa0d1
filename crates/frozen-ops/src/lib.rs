//! Operations of networks whose weights never change, on burn: fused, and differentiated to images alone.
//!
//! Back-propagation through a frozen network to its input needs no gradients of weights, nor the values that are
//! saved for them. [`Conv`] is `relu(conv(x) + bias + residual)` in one operation, which saves one bit a value for
//! its gradient. [`Residual`] chains blocks of convolutions; [`max_pool`] and [`Resample`] complete the set. On the
//! CPU they run on kernels of this crate, with weights that are transformed and packed once (Winograd's filtering for
//! 3x3 windows of stride 1). On other devices they run on burn's operations.
//!
//! Images are `[n, h, w, c]`, channels last. [`Resample`] takes `[n, c, h, w]`.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use active_index_frozen_ops::{Conv, Window};
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
//! # Ok::<(), active_index_frozen_ops::Error>(())
//! ```

mod banded_matrix;
mod buffer_pool;
mod conv;
mod cpu;
mod error;
mod kernels;
mod layout;
mod max_pool;
mod multiplications;
mod ops;
mod precision;
mod resample;
mod residual;
mod threads;
mod window;

pub use banded_matrix::BandedMatrix;
pub use burn;
pub use conv::Conv;
pub use error::{Error, Result};
pub use max_pool::max_pool;
pub use multiplications::Multiplications;
pub use precision::Precision;
pub use resample::Resample;
pub use residual::{Block, Residual};
pub use window::Window;
