//! From `--device` to a burn device.

use anyhow::{Result, bail};
use burn::tensor::Device;

/// A device and what to call it.
pub struct Chosen {
    pub device: Device,
    pub name: &'static str,
}

/// The device called `name`; `auto` is the fastest that this program was built with.
pub fn choose(name: &str) -> Result<Chosen> {
    match name {
        "auto" | "cpu" => Ok(Chosen { device: Device::flex(), name: "cpu" }),
        "wgpu" | "cuda" => {
            bail!("--device {name}: this program was built for the CPU only; use --device cpu")
        }
        other if other.strip_prefix("cuda:").is_some_and(|n| n.parse::<usize>().is_ok()) => {
            bail!("--device {other}: this program was built for the CPU only; use --device cpu")
        }
        other => bail!("--device {other}: expected auto, cpu, wgpu, cuda or cuda:N"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_served_say_why() {
        assert_eq!(choose("auto").unwrap().name, "cpu");
        for name in ["wgpu", "cuda", "cuda:1"] {
            assert!(choose(name).err().unwrap().to_string().contains("built for the CPU only"), "{name}");
        }
        for name in ["gpu", "cuda:", "cuda:x", ""] {
            assert!(choose(name).err().unwrap().to_string().contains("expected auto"), "{name}");
        }
    }
}
