//! Archives whose bytes depend on their content alone.

use std::{collections::BTreeMap, ffi::OsStr, fs, path::Path};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};
use walkdir::WalkDir;

/// Files of a `.tar.gz` below one folder.
pub struct Archive {
    /// Name of that folder.
    name: String,
    /// Time of all files, in seconds since 1970.
    time: u64,
    files: BTreeMap<String, File>,
}

struct File {
    mode: u32,
    bytes: Vec<u8>,
}

impl Archive {
    /// Returns an empty archive.
    pub fn new(name: &str, time: u64) -> Self {
        Self { name: name.to_owned(), time, files: BTreeMap::new() }
    }

    /// Adds a file that everyone may read.
    pub fn add(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), File { mode: 0o644, bytes });
    }

    /// Adds a file that everyone may run.
    pub fn add_program(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), File { mode: 0o755, bytes });
    }

    /// Adds all files below a folder, below `path`.
    ///
    /// # Errors
    /// If one cannot be read, or has a name that is not UTF-8.
    pub fn add_folder(&mut self, path: &str, folder: &Path) -> Result<()> {
        for entry in WalkDir::new(folder) {
            let entry = entry?;
            if entry.file_type().is_file() {
                let named = || entry.path().display().to_string();
                let names = entry.path().strip_prefix(folder)?.iter().map(OsStr::to_str);
                let below: Option<Vec<&str>> = names.collect();
                let below = below.with_context(named)?.join("/");
                self.add(&format!("{path}/{below}"), fs::read(entry.path()).with_context(named)?);
            }
        }
        Ok(())
    }

    /// Returns the bytes of the `.tar.gz`, with the files in the order of their names.
    ///
    /// # Errors
    /// If a path is longer than a header holds.
    pub fn packed(&self) -> Result<Vec<u8>> {
        // The encoder notes no time and no system.
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (path, file) in &self.files {
            let mut header = self.header(file);
            let path = format!("{}/{path}", self.name);
            builder.append_data(&mut header, &path, file.bytes.as_slice()).with_context(|| path.clone())?;
        }
        Ok(builder.into_inner()?.finish()?)
    }

    fn header(&self, file: &File) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(file.mode);
        header.set_mtime(self.time);
        header.set_size(file.bytes.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_depend_on_the_content_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        let mut bytes = Vec::new();
        for names in [["a", "b/c"], ["b/c", "a"]] {
            for name in names {
                let _ = fs::remove_file(folder.path().join(name));
                fs::write(folder.path().join(name), name).unwrap();
            }
            let mut archive = Archive::new("x", 1_700_000_000);
            archive.add_program("run", b"#!".to_vec());
            archive.add_folder("docs", folder.path()).unwrap();
            bytes.push(archive.packed().unwrap());
        }
        assert_eq!(bytes[0], bytes[1]);
        let mut later = Archive::new("x", 1_700_000_001);
        later.add("run", b"#!".to_vec());
        assert_ne!(bytes[0], later.packed().unwrap());
    }
}
