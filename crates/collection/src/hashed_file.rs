//! SHA-256 of files as they are written or read.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{
    catalogue::segments::FileRecord,
    error::{Error, Result},
};

/// Writer that hashes and counts what passes.
pub struct Hashed<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Hashed<W> {
    /// Creates a writer in front of `out`.
    pub fn new(out: W) -> Self {
        Self { out, hash: Sha256::new(), bytes: 0 }
    }

    /// Size and hash of what has passed.
    pub fn record(self) -> FileRecord {
        FileRecord { bytes: self.bytes, sha256: self.hash.finalize().to_vec() }
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.out.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Size and SHA-256 of a file.
pub fn record_of(path: &Path) -> Result<FileRecord> {
    let mut hashed = Hashed::new(io::sink());
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hashed));
    copied.map_err(Error::io(path))?;
    Ok(hashed.record())
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
