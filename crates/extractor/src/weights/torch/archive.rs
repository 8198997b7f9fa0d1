//! The zip of a PyTorch archive.

use std::io::{Read, Seek, SeekFrom};

use super::strided_view::Storage;
use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config, ZipFile},
};

/// Size of the largest pickle that is read, in bytes; published models have some hundred kilobytes.
const MAX_PICKLE: u64 = 16 << 20;
/// Largest number of entries; archives have one per tensor and a few of code.
const MAX_ENTRIES: usize = 1 << 16;

/// The zip, and the folder in it that contains all entries.
pub struct Archive<R> {
    zip: ZipArchive<R>,
    folder: String,
    length: u64,
    /// Bytes of storages that may still be read: the length of the file less those read so far.
    unread: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Opens an archive and finds its only `data.pkl`.
    ///
    /// # Errors
    /// If the zip is damaged or there is another number of pickles.
    pub fn open(mut file: R) -> Result<Self, String> {
        let length = file.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
        // The offset is given, because zip 9.4 does not detect it in some of PyTorch's archives.
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let zip = ZipArchive::with_config(config, file).map_err(|e| format!("damaged archive: {e}"))?;
        if zip.len() > MAX_ENTRIES {
            return Err(format!("{} entries, expected at most {MAX_ENTRIES}", zip.len()));
        }
        let names: Vec<String> = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
        let folders: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
        let [folder] = folders.as_slice() else {
            return Err(format!(
                "{} entries named data.pkl, expected the 1 of a PyTorch archive",
                folders.len()
            ));
        };
        Ok(Self { folder: (*folder).to_owned(), zip, length, unread: length })
    }

    /// Length of the whole file, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The bytes of the pickle, `data.pkl`.
    ///
    /// # Errors
    /// If it cannot be read or is too large, or the archive is big-endian.
    pub fn pickle(&mut self) -> Result<Vec<u8>, String> {
        self.check_byte_order()?;
        let mut bytes = Vec::new();
        let entry = self.entry("data.pkl")?;
        if entry.size() > MAX_PICKLE {
            return Err(format!("data.pkl has {} bytes, expected at most {MAX_PICKLE}", entry.size()));
        }
        entry.take(MAX_PICKLE).read_to_end(&mut bytes).map_err(|e| format!("data.pkl: {e}"))?;
        Ok(bytes)
    }

    /// Refuses big-endian archives. Older archives do not store their byte order and are little-endian.
    fn check_byte_order(&mut self) -> Result<(), String> {
        let Ok(entry) = self.entry("byteorder") else { return Ok(()) };
        let mut order = String::new();
        entry.take(16).read_to_string(&mut order).map_err(|e| format!("byteorder: {e}"))?;
        if order == "little" { Ok(()) } else { Err(format!("byte order `{order}`, expected little")) }
    }

    /// The bytes of a storage; `None` for integers, which are never needed. All storages together may not exceed the
    /// file, because entries of a zip can overlap.
    ///
    /// # Errors
    /// If the storage cannot be read, has another size than announced, or exceeds what is left of the file.
    pub fn storage(&mut self, storage: &Storage) -> Result<Option<Vec<u8>>, String> {
        let Some(expected) = storage.bytes() else { return Ok(None) };
        let key = &storage.key;
        let entry = self.entry(&format!("data/{key}"))?;
        if Some(entry.size()) != expected {
            return Err(format!("storage `{key}` has {} bytes, expected {expected:?}", entry.size()));
        }
        let size = entry.size();
        let mut bytes = Vec::new();
        entry.take(size).read_to_end(&mut bytes).map_err(|e| format!("storage `{key}`: {e}"))?;
        if bytes.len() as u64 != size {
            return Err(format!("storage `{key}` ends too early"));
        }
        self.unread = self.unread.checked_sub(size).ok_or("the storages are larger than the file")?;
        Ok(Some(bytes))
    }

    /// Opens an uncompressed entry that is not larger than the file.
    fn entry(&mut self, name: &str) -> Result<ZipFile<'_, R>, String> {
        let length = self.length;
        let entry =
            self.zip.by_name(&format!("{}/{name}", self.folder)).map_err(|e| format!("{name}: {e}"))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!("{name} is compressed, expected the uncompressed entries of PyTorch"));
        }
        if entry.size() > length {
            return Err(format!("{name} announces {} bytes in a file of {length}", entry.size()));
        }
        Ok(entry)
    }
}
