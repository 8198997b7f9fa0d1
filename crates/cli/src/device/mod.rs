//! From `--device` to a burn device: what is asked for, what the drivers offer, what of it works.
//!
//! burn aborts or panics where there is no driver, so drivers are asked before it.

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
use burn::tensor::Device;

use self::select::Selected;
pub use self::{
    machine::Machine,
    select::{Offer, survey},
};
use crate::output::Output;

/// A device and what to call it: `cpu`, `wgpu:0`.
pub struct Chosen {
    pub device: Device,
    pub name: String,
    /// Whether it is a GPU with memory of its own.
    pub own_memory: bool,
}

/// The device that `--device name` asks for, and on stderr what should be known of the choice.
pub fn choose(name: &str, output: &Output) -> Result<Chosen> {
    let selected = select::select(name.parse()?, &Machine)?;
    selected.note.iter().for_each(|note| output.note(note));
    let Selected { device, name, own_memory, .. } = selected;
    Ok(Chosen { device, name, own_memory })
}

/// The same for work that is no computation, for which `auto` wakes no GPU.
pub fn choose_for_files(name: &str, output: &Output) -> Result<Chosen> {
    choose(if name == "auto" { "cpu" } else { name }, output)
}
