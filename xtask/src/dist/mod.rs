//! `cargo xtask dist`: the archive of a release, with its checksums and its bill of materials.
//!
//! Everything but the program depends on the commit alone: files are in the order of their names and have the time of the
//! commit.

mod archive;
mod commit_time;
mod licence_texts;
mod packages;
mod program;
mod sbom;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use self::{archive::Archive, packages::Packages};
use crate::cargo;

/// Features of a release beside the default ones: image formats, and GPUs through their graphics drivers. CUDA's build
/// downloads LLVM, and its program starts more slowly.
const FEATURES: &str = "heic,jxl,wgpu";

/// Name of the list of checksums, as `sha256sum --check` reads it.
const CHECKSUMS: &str = "SHA256SUMS";

/// Name of the bill of materials within the archive.
const SBOM: &str = "sbom.cdx.json";

/// Options of `cargo xtask dist`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folder to write the archive, its bill of materials and the checksums into
    #[arg(long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
    /// Program to pack; it must run here [default: built in the profile `dist`]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Features of the program beside its default ones
    #[arg(long, value_name = "LIST", default_value = FEATURES)]
    features: String,
}

/// Builds the program unless one is given, and writes the files of a release.
///
/// # Errors
/// If the program cannot be built or run, or a file cannot be read or written.
pub fn run(arguments: &Arguments) -> Result<()> {
    let target = cargo::host()?;
    let time = commit_time::commit_time()?;
    let packages = Packages::of_program(&arguments.features, &target)?;
    let name = format!("active-index-{}-{target}", packages.version());
    let sbom = sbom::document(&packages, &target, time)?;

    let mut archive = Archive::new(&name, time);
    let given = arguments.program.clone();
    let program = given.map_or_else(|| program::build(&arguments.features), Ok)?;
    program::add(&program, packages.version(), &mut archive)?;
    add_documents(&mut archive)?;
    archive.add("LICENSES.txt", licence_texts::document(&packages)?.into());
    archive.add(SBOM, sbom.clone());
    let packed = archive.packed()?;

    fs::create_dir_all(&arguments.out).with_context(|| arguments.out.display().to_string())?;
    write_all(&arguments.out, [(format!("{name}.cdx.json"), sbom), (format!("{name}.tar.gz"), packed)])
}

/// Adds the project's own files: readme, book, licences, and the unit of systemd.
fn add_documents(archive: &mut Archive) -> Result<()> {
    let root = cargo::root()?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        archive.add(file, read(&root.join(file))?);
    }
    archive.add_folder("systemd", &root.join("packaging/systemd"))?;
    archive.add_folder("docs", &root.join("docs"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

/// Writes files and the list of their checksums into a folder.
fn write_all(folder: &Path, files: [(String, Vec<u8>); 2]) -> Result<()> {
    let mut checksums = String::new();
    for (name, bytes) in files {
        checksums += &format!("{}  {name}\n", hexadecimal(&Sha256::digest(&bytes)));
        write(&folder.join(name), &bytes)?;
    }
    write(&folder.join(CHECKSUMS), checksums.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| path.display().to_string())?;
    println!("{}: {} bytes", path.display(), bytes.len());
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
