//! The whole loop on every device of this build: one suite with the device as its argument.
//!
//! The features `wgpu` and `cuda` add devices. Mesa's software Vulkan driver (lavapipe) suffices for `wgpu`, with kernels
//! that are not timed:
//! `cargo test --release -p cli --features wgpu-untuned --test it device::`.

mod index;
mod network;
mod optimisation;
mod product;
mod program;

use burn::tensor::Device;

/// The CPU, and one device of each runtime that is compiled in.
///
/// # Panics
/// If a runtime is compiled in and finds no device: its tests must not pass without one.
fn devices() -> Vec<(&'static str, Device)> {
    let mut devices = vec![("flex", Device::flex())];
    devices.extend(wgpu());
    devices.extend(cuda());
    devices
}

#[cfg(feature = "wgpu-untuned")]
fn wgpu() -> Option<(&'static str, Device)> {
    let found = Device::enumerate(burn::tensor::DeviceType::Wgpu);
    assert!(!found.is_empty(), "the feature wgpu wants a graphics driver; Mesa's software Vulkan will do");
    Some(("wgpu", found[0].clone()))
}

#[cfg(not(feature = "wgpu-untuned"))]
fn wgpu() -> Option<(&'static str, Device)> {
    println!("SKIPPED wgpu: built without the feature `wgpu`");
    None
}

#[cfg(feature = "cuda")]
fn cuda() -> Option<(&'static str, Device)> {
    let found = Device::enumerate(burn::tensor::DeviceType::Cuda);
    assert!(!found.is_empty(), "the feature cuda wants an NVIDIA driver and a GPU");
    Some(("cuda", found[0].clone()))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Option<(&'static str, Device)> {
    println!("SKIPPED cuda: built without the feature `cuda`");
    None
}
