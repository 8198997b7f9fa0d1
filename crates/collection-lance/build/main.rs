//! Says what to install where Lance cannot be built.

#![expect(clippy::print_stdout, reason = "cargo is told by printing")]

mod protoc;

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-env-changed=PROTOC");
    println!("cargo::rerun-if-env-changed=PROTOC_INCLUDE");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    if let Some(lacking) = protoc::lacking(env::var_os("PROTOC"), &folder) {
        println!("cargo::error={lacking}");
    }
}
