//! Options shared by all builds, so that burn is compiled once for lints, documentation and tests.

use std::{env, fs, path::Path};

/// Folders that the Vulkan loader searches for drivers.
const DRIVERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// Returns the options of cargo: all packages, in the profile of the tests, with the optional image formats, and with
/// wgpu if a Vulkan driver is installed.
///
/// Kernels of wgpu are not autotuned, which on a software driver would take longer than all tests.
pub fn build_options() -> String {
    let mut features = vec!["cli/heic", "cli/jxl"];
    if has_vulkan() {
        features.extend(["cli/wgpu-untuned", "benches/wgpu-untuned"]);
    } else {
        println!("SKIPPED the tests on wgpu: no Vulkan driver is installed; mesa-vulkan-drivers is enough");
    }
    format!("--profile tests --workspace --locked --features {}", features.join(","))
}

fn has_vulkan() -> bool {
    let holds_any =
        |folder: &str| fs::read_dir(Path::new(folder)).is_ok_and(|mut files| files.next().is_some());
    env::var_os("VK_DRIVER_FILES").is_some() || DRIVERS.iter().any(|folder| holds_any(folder))
}
