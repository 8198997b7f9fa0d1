//! The compiler of protocol buffers, which the build of Lance calls.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

/// Packages that have all of it.
const PACKAGES: &str = "protobuf (on Debian: protobuf-compiler libprotobuf-dev)";

/// Protocol that imports what Lance's protocols import, from the files that come with the compiler.
const PROTOCOL: &str = "syntax = \"proto3\";\nimport \"google/protobuf/empty.proto\";\n";

/// Returns what to install in one line, unless `protoc`, or the program named in its place, compiles a protocol. Files are
/// written into `folder`.
pub fn lacking(named: Option<OsString>, folder: &Path) -> Option<String> {
    let protoc = named.unwrap_or_else(|| "protoc".into());
    let reason = match compiles(&protoc, folder) {
        Ok(true) => return None,
        Ok(false) => "does not find google/protobuf/empty.proto".to_owned(),
        Err(error) => format!("does not run ({error})"),
    };
    let protoc = protoc.display();
    Some(format!(
        "{protoc} {reason}, and Lance is built with it: install {PACKAGES}, or set PROTOC to its path"
    ))
}

fn compiles(protoc: &OsString, folder: &Path) -> io::Result<bool> {
    let file = folder.join("import.proto");
    fs::write(&file, PROTOCOL)?;
    let mut command = Command::new(protoc);
    // As prost-build calls it.
    for include in env::var_os("PROTOC_INCLUDE").iter().map(Path::new).chain([folder]) {
        command.arg("--proto_path").arg(include);
    }
    command.arg("--descriptor_set_out").arg(folder.join("import.bin")).arg(&file);
    Ok(command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
}
