//! Small photographs, a tiny network, and a collection for its descriptors.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    slice,
};

use active_index_release::{
    Decision, Destination, Ignored, Job, Options, QualityLimits, ReleasedImage, Releaser,
};
use burn::tensor::{Device, Tensor, TensorData};
use collection::{Collection, Entry, Meta, State};
use describe::BatchRequest;
use extractor::Extractor;
use image_file::{Picture, Reader};
use index::{Index, TrainConfig};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Options of a short run that takes images in batches of `n`.
pub fn options(n: usize) -> Options {
    let mut options = Options::default();
    options.settings.iterations = 2;
    options.batch = BatchRequest::Of(NonZeroUsize::new(n).expect("a batch has images"));
    options
}

/// The same without limits.
pub fn unlimited(n: usize) -> Options {
    Options { limits: QualityLimits::default(), ..options(n) }
}

/// Folder with photographs and the collection `shop`, and a network for them.
pub struct Desk {
    folder: tempfile::TempDir,
    pub extractor: Extractor,
    pub shop: Collection,
}

impl Desk {
    pub fn new(photos: u32) -> Self {
        Self::with_witnesses(photos, "keypoints")
    }

    /// Desk whose collection keeps witnesses of a kind.
    pub fn with_witnesses(photos: u32, kind: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let weights = root().join("tests/golden/extractors/sscd.classy.pt");
        let extractor = Extractor::load(&weights, &Device::flex()).expect("loads");
        let quantiser = quantiser(extractor.dimension());
        let path = folder.path().join("shop");
        let shop = Collection::create_with_witnesses(&path, &quantiser, kind).expect("creates");
        let photo = image::open(root().join("samples/17_igloo.jpg")).expect("opens").into_rgb8();
        for i in 0..photos {
            let crop = image::imageops::crop_imm(&photo, i % 8 * 20, i / 8 * 20, 64, 48).to_image();
            crop.save(folder.path().join(format!("{i}.png"))).expect("saves");
        }
        Self { folder, extractor, shop }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("writes");
    }

    /// Job of the file `name`, whose released file is of the same name in the folder `out`.
    pub fn job(&self, name: &str, out: &str) -> Job {
        Job {
            input: self.path(name),
            name: name.into(),
            output: self.path(out).join(name).with_extension("png"),
            meta: Meta::from_iter([("file".to_owned(), name.into())]),
            decision: Decision::Release,
        }
    }

    /// Jobs of the first `n` photographs.
    pub fn jobs(&self, n: u32, out: &str) -> Vec<Job> {
        (0..n).map(|i| self.job(&format!("{i}.png"), out)).collect()
    }

    pub fn releaser(&self, options: Options) -> Releaser<'_> {
        let indexes = slice::from_ref(self.shop.quantiser());
        Releaser::new(&self.extractor, false, indexes, options).expect("fits")
    }

    pub fn release(
        &self,
        jobs: &[Job],
        destination: &dyn Destination,
        options: Options,
    ) -> Vec<ReleasedImage> {
        self.releaser(options).release(jobs, destination, &Ignored, None).expect("has threads")
    }

    /// Live entries in the order of their ids.
    pub fn entries(&self) -> Vec<Entry> {
        let ids: Vec<i64> = (0..100).collect();
        let entries = self.shop.entries(&ids).expect("reads").into_iter().flatten();
        entries.filter(|entry| entry.state == State::Live).collect()
    }

    /// Names in the folder `out`.
    pub fn names(&self, out: &str) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.path(out)) else { return Vec::new() };
        let name = |file: fs::DirEntry| file.file_name().into_string().expect("UTF-8");
        let mut names: Vec<String> = files.map(|file| name(file.expect("an entry"))).collect();
        names.sort();
        names
    }
}

/// Empty index of `IVF4,PQ4x4`.
pub fn quantiser(d: usize) -> Index {
    // Multiples of an irrational number are spread evenly (Weyl 1916).
    let value = |i: usize| (i as f64 * 0.618_033_988_749_894_9).fract() as f32 - 0.5;
    let values: Vec<f32> = (0..400 * d).map(value).collect();
    let vectors = Tensor::from_data(TensorData::new(values, [400, d]), &Device::flex());
    Index::train(&"IVF4,PQ4x4".parse().expect("a kind"), vectors, &TrainConfig::default()).expect("trains")
}

pub fn read(path: &Path) -> Picture {
    Reader::default().open(path).expect("is an image")
}

/// Outcome of each image, in a word.
pub fn outcomes(rows: &[ReleasedImage]) -> Vec<&'static str> {
    let outcome = |row: &ReleasedImage| match row {
        row if row.failed() => "failed",
        row if row.was_known() => "already",
        row if row.skipped => "skipped",
        row if row.is_released() => "released",
        _ => "nothing",
    };
    rows.iter().map(outcome).collect()
}
