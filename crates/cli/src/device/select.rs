//! Which device it is, given what is asked for and what there is.

use anyhow::{Result, anyhow, bail};
use burn::tensor::Device;

use super::{
    cards::{Card, Driver, Drivers, Kind, Runtime},
    request::Request,
};

/// What is said of software drivers besides: kernels are chosen by running each, seconds at a time there, at every start.
const TUNING: &str = if cfg!(feature = "wgpu") {
    "; choosing its kernels takes a quarter of an hour more, which a build with --features wgpu-untuned spares"
} else {
    ""
};

/// A device that works.
pub struct Selected {
    pub device: Device,
    pub name: String,
    /// Whether it is a GPU with memory of its own.
    pub own_memory: bool,
    /// What the user should know of the choice.
    pub note: Option<String>,
}

impl Selected {
    fn cpu(note: Option<String>) -> Self {
        Self { device: Device::flex(), name: "cpu".to_owned(), own_memory: false, note }
    }
}

pub fn select(request: Request, drivers: &impl Drivers) -> Result<Selected> {
    match request {
        Request::Auto => Ok(fastest(drivers)),
        Request::Cpu => Ok(Selected::cpu(None)),
        Request::Card(runtime, index) => named(runtime, index, drivers),
    }
}

/// The first GPU that works, or the CPU, which is faster than a software driver.
fn fastest(drivers: &impl Drivers) -> Selected {
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
                            return Selected { device, name, own_memory: card.kind == Kind::Discrete, note };
                        }
                        Err(reason) => why_not.push(format!("{name}: {reason}")),
                    }
                }
            }
        }
    }
    Selected::cpu((!why_not.is_empty()).then(|| format!("device cpu ({})", why_not.join("; "))))
}

/// Opens a card for `auto`, unless the CPU is faster.
fn usable(runtime: Runtime, card: &Card, drivers: &impl Drivers) -> Result<Device, String> {
    match card.kind {
        Kind::Software => Err(format!("{} is a software driver", card.name)),
        _ => drivers.open(runtime, card),
    }
}

fn named(runtime: Runtime, index: Option<usize>, drivers: &impl Drivers) -> Result<Selected> {
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
        anyhow!("--device {asked}: the last one is {runtime}:{last}, `active-index devices` lists them")
    })?;
    let opened = drivers.open(runtime, &card);
    let device =
        opened.map_err(|reason| anyhow!("--device {asked}: {}: {reason}; use --device cpu", card.name))?;
    let slow = format!("{} is a software driver, far slower than --device cpu{TUNING}", card.name);
    let note = (card.kind == Kind::Software).then_some(slow);
    let (name, own_memory) = (format!("{runtime}:{}", card.index), card.kind == Kind::Discrete);
    Ok(Selected { device, name, own_memory, note })
}

fn not_built(runtime: Runtime, idle: Option<String>) -> String {
    let idle = idle.map(|name| format!(", though there is a {name}")).unwrap_or_default();
    format!("this program was built without it{idle}: build it with --features {runtime}")
}

/// The fastest first; of equals the driver's first.
fn by_speed(mut cards: Vec<Card>) -> Vec<Card> {
    cards.sort_by_key(|card| card.kind);
    cards
}

/// A device that there is, or why there is none.
pub struct Offer {
    pub runtime: Runtime,
    pub card: Option<Card>,
    /// Why it cannot be used.
    pub why_not: Option<String>,
}

/// Everything beside the CPU, each device started once.
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

    /// A machine as its drivers describe it; devices whose names end in "(broken)" do not start.
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
    fn a_program_for_the_cpu_takes_it_without_a_word_and_says_how_to_build_another() {
        let machine = machine(not_built(), Driver::NotBuilt { idle: Some("H200".to_owned()) });
        assert_eq!(taken("auto", &machine), ("cpu".to_owned(), String::new()));
        assert!(refusal("cuda:1", &machine).contains("build it with --features cuda; or use --device cpu"));
        assert!(refusal("wgpu", &machine).contains("though there is a H200: build it with --features wgpu"));
        assert!(machine.opened.borrow().is_empty());
    }

    #[test]
    fn without_a_driver_auto_falls_back_and_says_why() {
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
    fn auto_passes_over_what_does_not_start_and_over_software() {
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
    fn what_is_named_is_taken_or_refused_with_its_reason() {
        let gpus =
            cards(&[("llvmpipe", Kind::Software), ("Arc", Kind::Discrete), ("Old (broken)", Kind::Discrete)]);
        let machine = machine(not_built(), gpus);
        assert_eq!(taken("wgpu", &machine), ("wgpu:1".to_owned(), String::new()));
        let (name, note) = taken("wgpu:0", &machine);
        assert_eq!(name, "wgpu:0");
        assert!(note.contains("far slower than --device cpu"), "{note}");
        assert!(refusal("wgpu:2", &machine).contains("Old (broken): out of memory; use --device cpu"));
        assert!(refusal("wgpu:3", &machine).contains("the last one is wgpu:2"));
    }

    #[test]
    fn discrete_gpus_alone_have_memory_of_their_own() {
        let kinds = [("Arc", Kind::Discrete), ("Iris", Kind::Integrated), ("llvmpipe", Kind::Software)];
        let machine = machine(cards(&kinds[..1]), cards(&kinds));
        let own = |text: &str| select(text.parse().unwrap(), &machine).unwrap().own_memory;
        let found = ["auto", "cuda", "cpu", "wgpu:0", "wgpu:1", "wgpu:2"].map(own);
        assert_eq!(found, [true, true, false, true, false, false]);
    }

    #[test]
    fn cpu_asks_no_driver() {
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
    fn the_survey_names_every_device_and_every_reason() {
        let machine =
            machine(not_built(), cards(&[("Arc", Kind::Discrete), ("Old (broken)", Kind::Discrete)]));
        let offers = survey(&machine);
        let reasons: Vec<_> = offers.iter().map(|offer| offer.why_not.as_deref()).collect();
        assert!(reasons[0].unwrap().contains("--features cuda"));
        assert_eq!(reasons[1..], [None, Some("out of memory")]);
    }
}
