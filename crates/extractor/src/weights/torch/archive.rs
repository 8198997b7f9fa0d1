use std::io::{Read, Seek, SeekFrom};

use super::tensor::Storage;
use zip::{
    CompressionMethod, ZipArchive,
    read::{ArchiveOffset, Config, ZipFile},
};

/// Larger pickles are refused: those of published models have some hundred kilobytes.
const MAX_PICKLE: u64 = 16 << 20;
/// More entries than any archive has: one a tensor, and a few of code.
const MAX_ENTRIES: usize = 1 << 16;

/// The zip, and the folder in it that everything is below.
pub struct Archive<R> {
    zip: ZipArchive<R>,
    folder: String,
    length: u64,
    /// Bytes of storages that are still believed to be there.
    unread: u64,
}

impl<R: Read + Seek> Archive<R> {
    /// Finds the one `data.pkl`.
    pub fn open(mut file: R) -> Result<Self, String> {
        let length = file.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
        // Known, not searched for: the search of zip 9.4 misses the directory of some of PyTorch's archives.
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let zip = ZipArchive::with_config(config, file).map_err(|e| format!("damaged archive: {e}"))?;
        if zip.len() > MAX_ENTRIES {
            return Err(format!("{} entries, expected at most {MAX_ENTRIES}", zip.len()));
        }
        let names: Vec<String> = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
        let folders: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
        let [folder] = folders.as_slice() else {
            return Err(format!(
                "{} entries are called data.pkl, expected 1 of a PyTorch archive",
                folders.len()
            ));
        };
        Ok(Self { folder: (*folder).to_owned(), zip, length, unread: length })
    }

    /// Bytes of the whole file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The pickle of containers and tensors.
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

    /// Newer archives say it; older ones were written on little-endian machines.
    fn check_byte_order(&mut self) -> Result<(), String> {
        let Ok(entry) = self.entry("byteorder") else { return Ok(()) };
        let mut order = String::new();
        entry.take(16).read_to_string(&mut order).map_err(|e| format!("byteorder: {e}"))?;
        if order == "little" { Ok(()) } else { Err(format!("byte order `{order}`, expected little")) }
    }

    /// The bytes of a storage, `None` of integers, which are never needed. All storages together are no more than the
    /// file: entries of a zip can overlap.
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
        self.unread = self.unread.checked_sub(size).ok_or("the storages hold more than the file")?;
        Ok(Some(bytes))
    }

    /// An entry that the file itself bounds: PyTorch compresses none.
    fn entry(&mut self, name: &str) -> Result<ZipFile<'_, R>, String> {
        let length = self.length;
        let entry =
            self.zip.by_name(&format!("{}/{name}", self.folder)).map_err(|e| format!("{name}: {e}"))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!("{name} is compressed, which PyTorch never does"));
        }
        if entry.size() > length {
            return Err(format!("{name} announces {} bytes in a file of {length}", entry.size()));
        }
        Ok(entry)
    }
}
