//! Choice of the device, from the request and the devices of the machine.

use anyhow::{Result, anyhow, bail};
use burn::tensor::Device;

use super::{
    cards::{Card, Driver, Drivers, Kind, Runtime},
    request::Request,
};

/// Addition to the note on software drivers: autotuning runs every candidate kernel, for seconds each, at every start.
const TUNING: &str = if cfg!(feature = "wgpu") {
    "; it also tunes its kernels for a quarter of an hour, which a build with --features wgpu-untuned avoids"
} else {
    ""
};

/// A device that works.
pub struct Chosen {
    pub device: Device,
    /// Name as `--device` takes it: `cpu`, `wgpu:0`.
    pub name: String,
    /// True for a GPU with memory of its own.
    pub own_memory: bool,
    /// Remark on the choice for the user.
    pub note: Option<String>,
}

impl Chosen {
    fn cpu(note: Option<String>) -> Self {
        Self { device: Device::flex(), name: "cpu".to_owned(), own_memory: false, note }
    }
}

/// Opens the device that a request names.
///
/// # Errors
/// If the request names a device that cannot be used; the message is one line.
pub fn select(request: Request, drivers: &impl Drivers) -> Result<Chosen> {
    match request {
        Request::Auto => Ok(fastest(drivers)),
        Request::Cpu => Ok(Chosen::cpu(None)),
        Request::Card(runtime, index) => named(runtime, index, drivers),
    }
}

/// Opens the first GPU that works, or the CPU, which is faster than a software driver.
fn fastest(drivers: &impl Drivers) -> Chosen {
    let mut why_not = Vec::new();
    for runtime in Runtime::ALL {
        match drivers.ask(runtime) {
            Driver::NotBuilt { .. } => {}
            Driver::Missing(reason) => why_not.push(format!("{runtime}: {reason}")),
            Driver::Cards(cards) => {
                for card in by_speed(cards) {
                    let name = format!("{runtime}:{}", card.index);
                    match usable(runtime, &card, drivers) {
                        Ok(device) => {
                            let note = Some(format!("device {name} ({})", card.name));
                            return Chosen { device, name, own_memory: card.kind == Kind::Discrete, note };
                        }
                        Err(reason) => why_not.push(format!("{name}: {reason}")),
                    }
                }
            }
        }
    }
    Chosen::cpu((!why_not.is_empty()).then(|| format!("device cpu ({})", why_not.join("; "))))
}

/// Opens a card for `auto`, unless the CPU is faster.
fn usable(runtime: Runtime, card: &Card, drivers: &impl Drivers) -> Result<Device, String> {
    match card.kind {
        Kind::Software => Err(format!("{} is a software driver", card.name)),
        _ => drivers.open(runtime, card),
    }
}

/// Opens the device of a runtime with a number, or its fastest.
fn named(runtime: Runtime, index: Option<usize>, drivers: &impl Drivers) -> Result<Chosen> {
    let asked = index.map_or_else(|| runtime.to_string(), |index| format!("{runtime}:{index}"));
    let cards = match drivers.ask(runtime) {
        Driver::NotBuilt { idle } => {
            bail!("--device {asked}: {}; or use --device cpu", not_built(runtime, idle))
        }
        Driver::Missing(reason) => bail!("--device {asked}: {reason}; use --device cpu"),
        Driver::Cards(cards) => by_speed(cards),
    };
    let count = cards.len();
    let card = cards.into_iter().find(|card| index.is_none_or(|index| card.index == index));
    let last = count.saturating_sub(1);
    let card = card.ok_or_else(|| {
        anyhow!("--device {asked}: the last device is {runtime}:{last}; `active-index devices` lists all")
    })?;
    let opened = drivers.open(runtime, &card);
    let device =
        opened.map_err(|reason| anyhow!("--device {asked}: {}: {reason}; use --device cpu", card.name))?;
    let slow = format!("{} is a software driver, far slower than --device cpu{TUNING}", card.name);
    let note = (card.kind == Kind::Software).then_some(slow);
    let (name, own_memory) = (format!("{runtime}:{}", card.index), card.kind == Kind::Discrete);
    Ok(Chosen { device, name, own_memory, note })
}

/// Explains how to build the program with a runtime.
fn not_built(runtime: Runtime, idle: Option<String>) -> String {
    let idle = idle.map(|name| format!(", although this machine has a {name}")).unwrap_or_default();
    format!("this program was built without {runtime}{idle}: build it with --features {runtime}")
}

/// Sorts devices by kind, the fastest first; equal kinds keep the order of the driver.
fn by_speed(mut cards: Vec<Card>) -> Vec<Card> {
    cards.sort_by_key(|card| card.kind);
    cards
}

/// A device that is present, or the reason for its absence.
pub struct Offer {
    pub runtime: Runtime,
    pub card: Option<Card>,
    /// Reason why it cannot be used.
    pub why_not: Option<String>,
}

/// Lists all devices other than the CPU, and starts each once.
pub fn survey(drivers: &impl Drivers) -> Vec<Offer> {
    let of_runtime = |runtime| match drivers.ask(runtime) {
        Driver::NotBuilt { idle } => {
            vec![Offer { runtime, card: None, why_not: Some(not_built(runtime, idle)) }]
        }
        Driver::Missing(reason) => vec![Offer { runtime, card: None, why_not: Some(reason) }],
        Driver::Cards(cards) => cards
            .into_iter()
            .map(|card| Offer { runtime, why_not: drivers.open(runtime, &card).err(), card: Some(card) })
            .collect(),
    };
    Runtime::ALL.into_iter().flat_map(of_runtime).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Drivers of a machine that a test describes; devices whose names end in "(broken)" do not start.
    struct Fake {
        cuda: Driver,
        wgpu: Driver,
        opened: RefCell<Vec<String>>,
    }

    impl Drivers for Fake {
        fn ask(&self, runtime: Runtime) -> Driver {
            match runtime {
                Runtime::Cuda => self.cuda.clone(),
                Runtime::Wgpu => self.wgpu.clone(),
            }
        }

        fn open(&self, _: Runtime, card: &Card) -> Result<Device, String> {
            self.opened.borrow_mut().push(card.name.clone());
            let broken = card.name.ends_with("(broken)");
            if broken { Err("out of memory".to_owned()) } else { Ok(Device::flex()) }
        }
    }

    fn machine(cuda: Driver, wgpu: Driver) -> Fake {
        Fake { cuda, wgpu, opened: RefCell::default() }
    }

    fn cards(found: &[(&str, Kind)]) -> Driver {
        Driver::Cards(Card::number(found.iter().map(|&(name, kind)| (name.to_owned(), kind))))
    }

    fn not_built() -> Driver {
        Driver::NotBuilt { idle: None }
    }

    fn taken(text: &str, machine: &Fake) -> (String, String) {
        let selected = select(text.parse().unwrap(), machine).unwrap();
        (selected.name, selected.note.unwrap_or_default())
    }

    fn refusal(text: &str, machine: &Fake) -> String {
        let error = select(text.parse().unwrap(), machine).err().unwrap().to_string();
        assert!(error.starts_with(&format!("--device {text}: ")), "{error}");
        assert!(!error.contains('\n'), "{error}");
        error
    }

    #[test]
    fn a_program_for_the_cpu_takes_it_without_a_note_and_tells_how_to_build_another() {
        let machine = machine(not_built(), Driver::NotBuilt { idle: Some("H200".to_owned()) });
        assert_eq!(taken("auto", &machine), ("cpu".to_owned(), String::new()));
        assert!(refusal("cuda:1", &machine).contains("build it with --features cuda; or use --device cpu"));
        assert!(
            refusal("wgpu", &machine)
                .contains("although this machine has a H200: build it with --features wgpu")
        );
        assert!(machine.opened.borrow().is_empty());
    }

    #[test]
    fn without_a_driver_auto_falls_back_and_gives_the_reason() {
        let machine =
            machine(Driver::Missing("no NVIDIA driver".to_owned()), Driver::Missing("no GPU".to_owned()));
        let (name, note) = taken("auto", &machine);
        assert_eq!(name, "cpu");
        assert_eq!(note, "device cpu (cuda: no NVIDIA driver; wgpu: no GPU)");
        assert!(refusal("cuda", &machine).contains("no NVIDIA driver; use --device cpu"));
    }

    #[test]
    fn auto_prefers_cuda_then_the_fastest_kind() {
        let gpus = cards(&[("Iris", Kind::Integrated), ("Arc", Kind::Discrete)]);
        assert_eq!(taken("auto", &machine(cards(&[("H200", Kind::Discrete)]), gpus.clone())).0, "cuda:0");
        let (name, note) = taken("auto", &machine(not_built(), gpus));
        assert_eq!((name.as_str(), note.as_str()), ("wgpu:1", "device wgpu:1 (Arc)"));
    }

    #[test]
    fn auto_passes_over_broken_devices_and_software() {
        let machine = machine(
            cards(&[("H200 (broken)", Kind::Discrete)]),
            cards(&[("llvmpipe", Kind::Software), ("Arc", Kind::Discrete)]),
        );
        assert_eq!(taken("auto", &machine).0, "wgpu:1");
        assert_eq!(*machine.opened.borrow(), ["H200 (broken)", "Arc"]);
        let (name, note) = taken("auto", &self::machine(not_built(), cards(&[("llvmpipe", Kind::Software)])));
        assert_eq!(name, "cpu");
        assert_eq!(note, "device cpu (wgpu:0: llvmpipe is a software driver)");
    }

    #[test]
    fn a_named_device_is_taken_or_refused_with_the_reason() {
        let gpus =
            cards(&[("llvmpipe", Kind::Software), ("Arc", Kind::Discrete), ("Old (broken)", Kind::Discrete)]);
        let machine = machine(not_built(), gpus);
        assert_eq!(taken("wgpu", &machine), ("wgpu:1".to_owned(), String::new()));
        let (name, note) = taken("wgpu:0", &machine);
        assert_eq!(name, "wgpu:0");
        assert!(note.contains("far slower than --device cpu"), "{note}");
        assert!(refusal("wgpu:2", &machine).contains("Old (broken): out of memory; use --device cpu"));
        assert!(refusal("wgpu:3", &machine).contains("the last device is wgpu:2"));
    }

    #[test]
    fn only_discrete_gpus_have_memory_of_their_own() {
        let kinds = [("Arc", Kind::Discrete), ("Iris", Kind::Integrated), ("llvmpipe", Kind::Software)];
        let machine = machine(cards(&kinds[..1]), cards(&kinds));
        let own = |text: &str| select(text.parse().unwrap(), &machine).unwrap().own_memory;
        let found = ["auto", "cuda", "cpu", "wgpu:0", "wgpu:1", "wgpu:2"].map(own);
        assert_eq!(found, [true, true, false, true, false, false]);
    }

    #[test]
    fn the_cpu_needs_no_driver() {
        struct Silent;
        impl Drivers for Silent {
            fn ask(&self, runtime: Runtime) -> Driver {
                panic!("{runtime} was asked")
            }
            fn open(&self, runtime: Runtime, _: &Card) -> Result<Device, String> {
                panic!("{runtime} was opened")
            }
        }
        assert_eq!(select(Request::Cpu, &Silent).unwrap().name, "cpu");
    }

    #[test]
    fn the_survey_lists_every_device_and_every_reason() {
        let machine =
            machine(not_built(), cards(&[("Arc", Kind::Discrete), ("Old (broken)", Kind::Discrete)]));
        let offers = survey(&machine);
        let reasons: Vec<_> = offers.iter().map(|offer| offer.why_not.as_deref()).collect();
        assert!(reasons[0].unwrap().contains("--features cuda"));
        assert_eq!(reasons[1..], [None, Some("out of memory")]);
    }
}
