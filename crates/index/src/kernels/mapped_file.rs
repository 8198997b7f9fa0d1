//! Files mapped into memory.

use std::{fs::File, io, ops::Deref};

use memmap2::Mmap;

/// A whole file mapped as bytes; pages are read when touched.
pub(crate) struct Map(Mmap);

impl Map {
    /// Maps a regular file. Truncating the file while it is mapped makes access to the lost pages fatal, as
    /// in any program that maps files; replacing it is safe.
    ///
    /// # Errors
    /// I/O errors of the operating system.
    pub fn new(file: &File) -> io::Result<Self> {
        // SAFETY: the bytes are plain data without invariants and are only read; that the file must not be changed
        // in place while it is open is documented where the caller opens it.
        Ok(Self(unsafe { Mmap::map(file)? }))
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
