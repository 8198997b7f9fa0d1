//! What graphics drivers offer, numbered as burn numbers them.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

#[cfg(feature = "wgpu")]
use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
use burn::tensor::{
    Device, DeviceKind,
    wgpu::wgpu::{AdapterInfo, Backend, DeviceType, Instance, InstanceDescriptor},
};

use super::cards::{Card, Kind};

/// The interfaces that burn tries, in its order.
const INTERFACES: &[Backend] = match cfg!(target_os = "macos") {
    true => &[Backend::Metal],
    false => &[Backend::Vulkan, Backend::Dx12, Backend::Gl],
};

/// The devices of the first interface that reaches a GPU, else of the first that reaches anything, as burn decides;
/// at least one, or why there is none.
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

/// What a future holds that never waits: only browsers' adapters do.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(found) => Some(found),
        Poll::Pending => None,
    }
}

/// burn has one device of software, and takes one of an unknown kind where there is nothing better.
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

/// Starts a device; the reason where it cannot be started, in a line.
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

/// Runs each kernel that may be chosen once, not up to ten times: a run of one takes seconds on a software driver. Before burn
/// starts a device, which settles it; what the user's `cubecl.toml` and environment say besides is kept.
#[cfg(feature = "wgpu")]
fn tune_briefly() {
    let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
    let bench = &mut config.autotune.bench;
    (bench.min_samples, bench.max_samples, bench.short_circuit_samples) = (1, 1, 1);
    // Where another device has settled it before, this one takes longer.
    let _ = CubeClRuntimeConfig::try_set(config);
}
