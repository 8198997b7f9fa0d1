//! Device mathematics on burn: products that keep float32 accuracy, counted transfers, constants under autodiff.
//!
//! * [`exact_products`] multiplies in float32 on devices whose matrix units round factors to TF32;
//! * [`transfer`] copies numbers between the host and a device, and counts the copies;
//! * [`constants`] lifts constants onto autodiff beside the tensors that they are computed with.

pub mod constants;
mod error;
pub mod exact_products;
pub mod transfer;

pub use error::{Error, Result};
