//! Packages of Lance: checked and tested apart, for their build takes longer than that of everything else.

#[path = "../../crates/collection-lance/build/protoc.rs"]
mod protoc;

use std::env;

use anyhow::{Result, bail};

use crate::{
    build_options::lance_build_options,
    cargo::{self, words},
    licences,
};

/// Packages that need Lance, or that only their tests need.
pub const PACKAGES: [&str; 2] = ["active-index-collection-lance", "s3-server"];

/// Feature that builds them into the program.
pub const FEATURE: &str = "cli/lance";

/// Features that the other checks leave out: that of Lance, and the clients of object stores, which it has in it.
pub const FEATURES_APART: [&str; 3] = [FEATURE, "cli/object-store", "active-index-object-files/stores"];

/// Package of the clients of object stores, which is built without them elsewhere.
pub const OBJECT_FILES: &str = "active-index-object-files";

/// Targets of their tests.
const TESTS: &str = "--lib --test lance --test s3";

/// Tests of the whole that need the feature, by their modules.
const TESTS_OF_THE_WHOLE: [&str; 2] = ["--test it lance::", "--test it object_stores::"];

/// Checks the packages, then runs their tests: `tier` are arguments of the test programs.
///
/// # Errors
/// If a check or a test fails.
pub fn run(rest: &[String], tier: &[String]) -> Result<()> {
    // Said before the build, in which the first crates that need it come minutes after the start.
    let folder = tempfile::tempdir()?;
    if let Some(lacking) = protoc::lacking(env::var_os("PROTOC"), folder.path()) {
        bail!("{lacking}");
    }
    licences::check(licences::Scope::Everything)?;
    let build = lance_build_options();
    cargo::run(words(&format!("clippy {build} --all-targets -- --deny warnings")))?;
    let deny = r#"--config build.rustdocflags=["--deny=warnings"]"#;
    cargo::run(words(&format!("{deny} doc {build} --no-deps")))?;
    for tests in [TESTS].iter().chain(&TESTS_OF_THE_WHOLE) {
        let mut test = words(&format!("test {build} --no-fail-fast {tests}"));
        test.extend(rest.iter().chain(tier).cloned());
        cargo::run(test)?;
    }
    cargo::run(words(&format!("test {build} --doc")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_protoc_is_told_what_to_install_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        for absent in ["/nonexistent/protoc", "false"] {
            let told = protoc::lacking(Some(absent.into()), folder.path()).unwrap();
            assert!(told.starts_with(absent) && !told.contains('\n'), "{told}");
            assert!(told.contains("protobuf-compiler libprotobuf-dev") && told.contains("PROTOC"), "{told}");
        }
        assert_eq!(protoc::lacking(Some("true".into()), folder.path()), None);
    }
}
