//! Drivers of this machine.

use burn::tensor::Device;

use super::{
    cards::{Card, Driver, Drivers, Runtime},
    cuda,
};

/// Drivers of this machine.
pub struct Machine;

impl Drivers for Machine {
    fn ask(&self, runtime: Runtime) -> Driver {
        match runtime {
            Runtime::Cuda if cfg!(feature = "cuda") => offered(cuda::cards()),
            Runtime::Cuda => Driver::NotBuilt {
                idle: cuda::cards().ok().and_then(|cards| Some(cards.first()?.name.clone())),
            },
            Runtime::Wgpu => wgpu_cards(),
        }
    }

    fn open(&self, runtime: Runtime, card: &Card) -> Result<Device, String> {
        match runtime {
            Runtime::Cuda => open_cuda(card),
            Runtime::Wgpu => open_wgpu(card),
        }
    }
}

fn offered(cards: Result<Vec<Card>, String>) -> Driver {
    cards.map_or_else(Driver::Missing, Driver::Cards)
}

#[cfg(feature = "wgpu-untuned")]
fn wgpu_cards() -> Driver {
    offered(super::wgpu::cards())
}

#[cfg(not(feature = "wgpu-untuned"))]
fn wgpu_cards() -> Driver {
    Driver::NotBuilt { idle: None }
}

#[cfg(feature = "wgpu-untuned")]
fn open_wgpu(card: &Card) -> Result<Device, String> {
    let device = super::wgpu::open(card)?;
    super::trial::computes(&device)?;
    Ok(device)
}

#[cfg(not(feature = "wgpu-untuned"))]
fn open_wgpu(_: &Card) -> Result<Device, String> {
    Err("not built".to_owned())
}

#[cfg(feature = "cuda")]
fn open_cuda(card: &Card) -> Result<Device, String> {
    let device = Device::cuda(card.index);
    super::trial::computes(&device)?;
    Ok(device)
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(_: &Card) -> Result<Device, String> {
    Err("not built".to_owned())
}
