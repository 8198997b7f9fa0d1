//! From `--device` to a burn device: the request, the devices that drivers offer, and a trial of the chosen one.
//!
//! burn aborts or panics where there is no driver, so drivers are asked before burn is.

mod cards;
mod cuda;
mod machine;
mod request;
mod select;
#[cfg(any(feature = "cuda", feature = "wgpu-untuned", test))]
mod trial;
#[cfg(feature = "wgpu-untuned")]
mod wgpu;

use anyhow::Result;

pub use self::{
    machine::Machine,
    select::{Chosen, Offer, survey},
};

/// Opens the device that `--device name` asks for.
///
/// # Errors
/// If it cannot be used; the message says why, and how to go on without it.
pub fn choose(name: &str) -> Result<Chosen> {
    select::select(name.parse()?, &Machine)
}
