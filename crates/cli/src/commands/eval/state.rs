//! Descriptors that are known already: of this run, and of earlier ones where they left a file.
//!
//! The file is a heading, then records of one size: key, descriptor, checksum. It is only ever appended to, whole
//! records at a time; what a crash left of a record is cut off.

use std::{
    collections::HashMap,
    fs::{File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use evaluation::Edit;
use image::RgbImage;
use sha2::{Digest, Sha256};

use crate::{files, interrupt, output::Output};

/// What the file begins with; the dimension follows, 4 bytes.
const MAGIC: [u8; 12] = *b"descriptors1";
const HEADING: usize = MAGIC.len() + 4;
const CHECKSUM: usize = 8;

/// Whose descriptor it is: edited pixels, told by the image, the edit and the extractor.
pub type Key = [u8; 16];

/// Descriptors by key.
pub type Known = HashMap<Key, Vec<f32>>;

/// What is known, and where new descriptors are kept.
pub struct State {
    d: usize,
    known: Known,
    sink: Sink,
}

/// The file of `--resume`, where there is one.
pub struct Sink(Option<File>);

/// What all keys of a run have in common.
pub struct Keys(Sha256);

impl Keys {
    /// `computation` is that of the extractor. Another version of the program may edit otherwise.
    pub fn new(computation: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self(Sha256::new_with_prefix(format!("{version} {computation} ")))
    }

    /// What all keys of an image have in common.
    pub fn of_image(&self, image: &RgbImage) -> Self {
        let mut hasher = self.0.clone();
        hasher.update(image.width().to_le_bytes());
        hasher.update(image.as_raw());
        Self(hasher)
    }

    pub fn of_edit(&self, edit: &Edit, seed: u64) -> Key {
        let mut hasher = self.0.clone();
        hasher.update(format!(" {edit} {seed}"));
        let mut key = Key::default();
        key.copy_from_slice(&hasher.finalize()[..16]);
        key
    }
}

impl State {
    /// Of descriptors of dimension `d`, with those that `path` has, and kept there.
    pub fn open(path: Option<&Path>, d: usize, output: &Output) -> Result<Self> {
        let mut state = Self { d, known: Known::new(), sink: Sink(None) };
        if let Some(path) = path {
            state.attach(path, output).with_context(|| path.display().to_string())?;
        }
        Ok(state)
    }

    fn attach(&mut self, path: &Path, output: &Output) -> Result<()> {
        files::make_folder_of(path)?;
        ensure!(!path.exists() || path.is_file(), "is no regular file: name another one for --resume");
        let mut file = File::options().read(true).append(true).create(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("is in use by another run: wait for it, or name another file")
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let whole = self.read(&mut file)?;
        file.set_len(whole)?;
        output.detail(|| format!("{}: {} descriptors are known", path.display(), self.known.len()));
        self.sink = Sink(Some(file));
        Ok(())
    }

    /// Reads all whole records, and says where they end.
    fn read(&mut self, file: &mut File) -> Result<u64> {
        let heading = [&MAGIC[..], &u32::try_from(self.d)?.to_le_bytes()].concat();
        if file.metadata()?.len() == 0 {
            file.write_all(&heading)?;
            return Ok(HEADING as u64);
        }
        let mut reader = std::io::BufReader::new(file);
        let mut found = [0; HEADING];
        reader.seek(SeekFrom::Start(0))?;
        let is_ours = reader.read_exact(&mut found).is_ok() && found[..] == heading[..];
        ensure!(
            is_ours,
            "holds no descriptors of {} numbers of an earlier run: name another file for --resume",
            self.d
        );
        let mut record = vec![0; self.record()];
        let mut end = HEADING;
        while reader.read_exact(&mut record).is_ok() {
            let Some((key, descriptor)) = parse(&record) else { break };
            self.known.insert(key, descriptor);
            end += record.len();
        }
        Ok(end as u64)
    }

    /// Bytes of a record.
    fn record(&self) -> usize {
        size_of::<Key>() + 4 * self.d + CHECKSUM
    }

    /// What threads read, and what is written meanwhile.
    pub fn parts(&mut self) -> (&Known, &mut Sink) {
        (&self.known, &mut self.sink)
    }

    /// Has it at hand for the rest of this run.
    pub fn remember(&mut self, key: Key, descriptor: Vec<f32>) {
        self.known.insert(key, descriptor);
    }
}

impl Sink {
    pub fn keep(&mut self, new: &[(Key, Vec<f32>)]) -> Result<()> {
        let Some(file) = &mut self.0 else { return Ok(()) };
        let bytes: Vec<u8> = new.iter().flat_map(|(key, descriptor)| serialise(key, descriptor)).collect();
        let _held = interrupt::hold_off();
        file.write_all(&bytes).context("cannot write the file of --resume")
    }
}

fn serialise(key: &Key, descriptor: &[f32]) -> Vec<u8> {
    let mut record = key.to_vec();
    record.extend(descriptor.iter().flat_map(|value| value.to_le_bytes()));
    let checksum = Sha256::digest(&record);
    record.extend(&checksum[..CHECKSUM]);
    record
}

/// `None` where the checksum is not that of the rest.
fn parse(record: &[u8]) -> Option<(Key, Vec<f32>)> {
    let (content, checksum) = record.split_at(record.len() - CHECKSUM);
    let (key, values) = content.split_first_chunk::<16>()?;
    let values =
        values.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    (Sha256::digest(content)[..CHECKSUM] == *checksum).then(|| (*key, values.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{DescriptorPrecision, Globals};
    use std::fs;

    fn output() -> Output {
        Output::new(&Globals {
            device: "cpu".to_owned(),
            weights: None,
            descriptor_precision: DescriptorPrecision::Single,
            threads: None,
            json: false,
            verbose: false,
        })
    }

    fn filled(path: &Path) -> State {
        let mut state = State::open(Some(path), 2, &output()).unwrap();
        state.sink.keep(&[([1; 16], vec![0.5, 1.0]), ([2; 16], vec![-1.0, 3.0])]).unwrap();
        state
    }

    #[test]
    fn descriptors_are_there_again_and_half_a_record_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/a.state");
        drop(filled(&path));
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        let state = State::open(Some(&path), 2, &output()).unwrap();
        assert_eq!(state.known, Known::from([([1; 16], vec![0.5, 1.0])]));
        drop(state);
        drop(filled(&path));
        assert_eq!(fs::read(&path).unwrap().len(), whole.len() + state_record());
        let mut damaged = whole.clone();
        damaged[HEADING + 17] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_eq!(State::open(Some(&path), 2, &output()).unwrap().known.len(), 0);
    }

    fn state_record() -> usize {
        16 + 8 + CHECKSUM
    }

    #[test]
    fn other_files_and_files_in_use_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.state");
        let refused = |d| crate::output::one_line(&State::open(Some(&path), d, &output()).err().unwrap());
        let held = filled(&path);
        assert!(refused(2).contains("in use by another run"));
        drop(held);
        assert!(refused(3).contains("no descriptors of 3 numbers"));
        fs::write(&path, "hello").unwrap();
        assert!(refused(2).contains("name another file"));
        assert_eq!(fs::read(&path).unwrap(), b"hello", "left as it was");
    }

    #[test]
    fn keys_tell_pixels_edits_seeds_and_extractors_apart() {
        let image = RgbImage::new(4, 2);
        let turned = RgbImage::new(2, 4);
        let key = |fingerprint: &str, image: &RgbImage, edit: &str, seed| {
            Keys::new(fingerprint).of_image(image).of_edit(&edit.parse().unwrap(), seed)
        };
        let all = [
            key("a", &image, "none", 0),
            key("b", &image, "none", 0),
            key("a", &turned, "none", 0),
            key("a", &image, "meme", 0),
            key("a", &image, "none", 1),
        ];
        assert!((1..all.len()).all(|i| !all[..i].contains(&all[i])));
        assert_eq!(all[0], key("a", &image, "none", 0));
    }
}
