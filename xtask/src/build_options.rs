//! Options shared by all builds, so that burn is compiled once for lints, documentation and tests.

use std::{env, fs, path::Path};

use crate::lance;

/// Packages whose features the builds set. Cargo compiles burn once for builds that name them all.
const WITH_FEATURES: [&str; 2] = ["cli", "benches"];

/// Folders that the Vulkan loader searches for drivers.
const DRIVERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/// Returns the options of cargo: all packages but those of Lance, in the profile of the tests, with the optional image
/// formats, and with wgpu if a Vulkan driver is installed.
///
/// Kernels of wgpu are not autotuned, which on a software driver would take longer than all tests.
pub fn build_options() -> String {
    let packages = lance::PACKAGES.map(|package| format!(" --exclude {package}")).concat();
    format!("--profile tests --workspace{packages} --locked --features {}", features().join(","))
}

/// Returns the options of cargo for the packages of Lance and of object stores, and for those whose features they share.
pub fn lance_build_options() -> String {
    let packages = WITH_FEATURES.iter().chain(&lance::PACKAGES).chain([&lance::OBJECT_FILES]);
    let packages = packages.map(|package| format!(" --package {package}"));
    let features = features().into_iter().chain([lance::FEATURE]).collect::<Vec<_>>().join(",");
    format!("--profile tests{} --locked --features {features}", packages.collect::<String>())
}

fn features() -> Vec<&'static str> {
    let mut features = vec!["cli/heic", "cli/jxl"];
    if has_vulkan() {
        features.extend(["cli/wgpu-untuned", "benches/wgpu-untuned"]);
    } else {
        println!("SKIPPED the tests on wgpu: no Vulkan driver is installed; mesa-vulkan-drivers is enough");
    }
    features
}

fn has_vulkan() -> bool {
    let holds_any =
        |folder: &str| fs::read_dir(Path::new(folder)).is_ok_and(|mut files| files.next().is_some());
    env::var_os("VK_DRIVER_FILES").is_some() || DRIVERS.iter().any(|folder| holds_any(folder))
}
