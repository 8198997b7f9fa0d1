//! What is checked of devices beside the CPU: each builds burn anew.

use std::{env, fs, path::Path};

use anyhow::Result;

use crate::{cargo, cargo_with};

/// Where the Vulkan loader looks for drivers.
const DRIVERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// The linter on the code of both, which compiles CUDA's as far as it can be without the LLVM that its compiler
/// downloads: this variable leaves it out.
pub fn check() -> Result<()> {
    let line =
        "clippy --release -p cli -p tests --features cli/cuda,cli/wgpu,tests/cuda,tests/wgpu --all-targets";
    let arguments = line.split(' ').chain(["--locked", "--", "--deny", "warnings"]);
    cargo_with(&[("DOCS_RS", "1")], arguments.map(str::to_owned))
}

/// The suite of devices on a Vulkan driver, Mesa's software one at least: with kernels that are not chosen by measuring,
/// which takes that one longer than all tests.
pub fn test() -> Result<()> {
    if !has_vulkan() {
        println!("SKIPPED the tests on wgpu: no Vulkan driver is installed; mesa-vulkan-drivers will do");
        return Ok(());
    }
    let line = "test --release --workspace --features cli/wgpu-untuned,tests/wgpu-untuned --test it device::";
    cargo(line.split(' ').map(str::to_owned))
}

fn has_vulkan() -> bool {
    let holds_any =
        |folder: &str| fs::read_dir(Path::new(folder)).is_ok_and(|mut files| files.next().is_some());
    env::var_os("VK_DRIVER_FILES").is_some() || DRIVERS.iter().any(|folder| holds_any(folder))
}
