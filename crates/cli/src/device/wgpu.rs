//! Devices that graphics drivers offer, numbered as burn numbers them.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use burn::tensor::{
    Device, DeviceKind,
    wgpu::wgpu::{AdapterInfo, Backend, DeviceType, Instance, InstanceDescriptor},
};
#[cfg(feature = "wgpu")]
use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

use super::cards::{Card, Kind};

/// Graphics interfaces that burn tries, in its order.
const INTERFACES: &[Backend] = match cfg!(target_os = "macos") {
    true => &[Backend::Metal],
    false => &[Backend::Vulkan, Backend::Dx12, Backend::Gl],
};

/// Returns the devices of the first interface with a GPU, otherwise of the first with any device, as burn chooses; at least
/// one.
///
/// # Errors
/// If no driver shows a device; the message is one line.
pub fn cards() -> Result<Vec<Card>, String> {
    let mut software = None;
    for &interface in INTERFACES {
        let cards = reachable(adapters(interface));
        if cards.iter().any(|card| card.kind != Kind::Software) {
            return Ok(cards);
        }
        software = software.or((!cards.is_empty()).then_some(cards));
    }
    software.ok_or_else(|| "no driver of Vulkan, Metal, DirectX 12 or OpenGL shows a device".to_owned())
}

fn adapters(interface: Backend) -> Vec<AdapterInfo> {
    let instance = Instance::new(InstanceDescriptor {
        backends: interface.into(),
        ..InstanceDescriptor::new_without_display_handle()
    });
    let adapters = at_once(instance.enumerate_adapters(interface.into()));
    adapters.iter().flatten().map(|adapter| adapter.get_info()).collect()
}

/// Returns the output of a future that never waits. Only adapters of browsers wait.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(found) => Some(found),
        Poll::Pending => None,
    }
}

/// Keeps the devices that burn can open: of software devices and of those of unknown kind, only the first.
fn reachable(found: Vec<AdapterInfo>) -> Vec<Card> {
    let kinds = found.into_iter().map(|adapter| (adapter.name, kind(adapter.device_type)));
    let mut cards = Card::number(kinds);
    cards.retain(|card| card.nth == 0 || !matches!(card.kind, Kind::Software | Kind::Unknown));
    cards.iter_mut().enumerate().for_each(|(index, card)| card.index = index);
    cards
}

fn kind(kind: DeviceType) -> Kind {
    match kind {
        DeviceType::DiscreteGpu => Kind::Discrete,
        DeviceType::IntegratedGpu => Kind::Integrated,
        DeviceType::VirtualGpu => Kind::Virtual,
        DeviceType::Cpu => Kind::Software,
        DeviceType::Other => Kind::Unknown,
    }
}

/// Starts a device.
///
/// # Errors
/// If the driver refuses it; the message is one line.
pub fn open(card: &Card) -> Result<Device, String> {
    #[cfg(feature = "wgpu")]
    if card.kind == Kind::Software {
        tune_briefly();
    }
    let kind = match card.kind {
        Kind::Discrete => DeviceKind::DiscreteGpu(card.nth),
        Kind::Integrated => DeviceKind::IntegratedGpu(card.nth),
        Kind::Virtual => DeviceKind::VirtualGpu(card.nth),
        Kind::Unknown => DeviceKind::DefaultDevice,
        Kind::Software => DeviceKind::Cpu,
    };
    Device::wgpu_options().device_kind(kind).init().map_err(|error| error.to_string())
}

/// Makes autotuning run each candidate kernel once instead of up to ten times: one run takes seconds on a software driver.
///
/// It must be called before burn starts a device, which fixes the configuration. Other settings of the user's `cubecl.toml` and
/// environment are kept.
#[cfg(feature = "wgpu")]
fn tune_briefly() {
    let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
    let bench = &mut config.autotune.bench;
    (bench.min_samples, bench.max_samples, bench.short_circuit_samples) = (1, 1, 1);
    // The call fails if another device has fixed the configuration; autotuning then takes longer.
    let _ = CubeClRuntimeConfig::try_set(config);
}
