//! Unusual image files, in the library and through the program. `tests/images/make_images.py` made them and
//! the pixels expected by Pillow and LittleCMS.

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read},
    path::Path,
};

use burn::tensor::Device;
use image_file::{Pixels, Reader};
use serde_json::Value;

use crate::{
    command_line::{json, run, text},
    fixtures::{largest_difference, npz_in, root, values},
};

/// Files of the corpus by name, their expectations, and the archive of expected pixels.
pub struct Corpus {
    files: BTreeMap<String, Vec<u8>>,
    expected: Value,
    references: Vec<u8>,
}

impl Corpus {
    pub fn open() -> Self {
        let bytes = fs::read(root().join("tests/images/corpus.zip")).unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut files = BTreeMap::new();
        for i in 0..archive.len() {
            let mut file = archive.by_index(i).unwrap();
            let (name, mut bytes) = (file.name().unwrap().into_owned(), Vec::new());
            file.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
        let expected = serde_json::from_slice(&files.remove("expected.json").unwrap()).unwrap();
        let references = files.remove("references.npz").unwrap();
        let files = files.into_iter().map(|(name, bytes)| (name.replace("files/", ""), bytes));
        Self { files: files.collect(), expected, references }
    }

    /// The files by name.
    pub fn into_files(self) -> BTreeMap<String, Vec<u8>> {
        self.files
    }

    /// Part of the expected error, if the file must be refused.
    fn refusal(&self, name: &str) -> Option<&str> {
        self.expected[name]["error"].as_str()
    }

    /// Describes pixels that differ from Pillow's by more than the tolerance.
    fn disagreement(&self, name: &str, pixels: &Pixels) -> Option<String> {
        let expected = &self.expected[name];
        let array = npz_in(Cursor::new(&self.references), expected["pixels"].as_str().unwrap()).unwrap();
        let (width, height) = pixels.dimensions();
        if array.shape != [height as usize, width as usize, 3] {
            return Some(format!("{width} x {height} pixels for {:?}", array.shape));
        }
        let found: Vec<f64> = match pixels {
            Pixels::Eight(image) => image.iter().map(|&v| v.into()).collect(),
            Pixels::Sixteen(image) => image.iter().map(|&v| v.into()).collect(),
        };
        let differences = found.iter().zip(&array.values).map(|(a, b)| (a - b).abs());
        let (largest, allowed) = (differences.fold(0.0, f64::max), expected["tolerance"].as_f64().unwrap());
        let is_deep = array.values.iter().any(|&v| v > 255.0);
        if is_deep != pixels.is_deep() {
            return Some(format!("16 bits: {} for {is_deep}", pixels.is_deep()));
        }
        (largest > allowed).then(|| format!("largest difference {largest}, allowed {allowed}"))
    }

    fn unpack(&self, folder: &Path) {
        self.files.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    }
}

/// Panics with the files and their failures, if there are any.
fn complain(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn pixels_are_those_that_pillow_sees() {
    let corpus = Corpus::open();
    assert!(corpus.files.len() >= 200, "{} files", corpus.files.len());
    let judge = |(name, bytes): (&String, &Vec<u8>)| {
        let read = Reader::default().decode(bytes);
        let wrong = match (corpus.refusal(name), read) {
            (None, Ok(picture)) => corpus.disagreement(name, &picture.pixels)?,
            (None, Err(error)) => format!("refused: {error}"),
            (Some(_), Ok(_)) => "was not refused".to_owned(),
            (Some(part), Err(error)) => {
                let line = error.to_string();
                (!line.contains(part) || line.lines().count() != 1)
                    .then(|| format!("`{line}` without `{part}`"))?
            }
        };
        Some(format!("{name}: {wrong}"))
    };
    complain(corpus.files.iter().filter_map(judge).collect());
}

/// Files are resized without the zeros of activation's differentiable matrices, and give the same pixels.
#[test]
fn resampled_pixels_are_those_of_the_differentiable_resize() {
    for (name, size) in
        [("jpeg_baseline.jpg", [288, 288]), ("png_rgb_16.png", [20, 15]), ("png_1x5000.png", [32, 40])]
    {
        let picture = Reader::default().decode(&Corpus::open().files[name]).unwrap();
        let (width, height) = picture.dimensions();
        let device = Device::flex();
        let (w, h) = (width as usize, height as usize);
        let tensor = match &picture.pixels {
            Pixels::Eight(image) => activate::pixels::from_rgb8(image, w, h, &device),
            Pixels::Sixteen(image) => activate::pixels::from_rgb16(image, w, h, &device),
        };
        let expected = values(extractor::resize_antialiased(tensor.unwrap(), size));
        let found = picture.pixels.resampled(size[1], size[0]).into_iter().map(f64::from);
        // The order of float32 sums.
        let difference = largest_difference(&found.collect::<Vec<_>>(), &expected);
        assert!(difference < 1e-6, "{name}: {difference}");
    }
}

#[test]
fn describe_finishes_the_corpus() {
    let (corpus, folder) = (Corpus::open(), tempfile::tempdir().unwrap());
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    corpus.unpack(&photos);
    let out = folder.path().join("descriptors.npy");
    // Small network input, because the network is not under test.
    let described = run(&["describe", text(&photos), "--out", text(&out), "--size", "64", "--json"]);
    assert_eq!(described.status.code(), Some(1), "{}", String::from_utf8_lossy(&described.stderr));
    check(&corpus, &json(&described)["images"]);
    let rows = crate::fixtures::npy_at(&out).unwrap();
    let readable = corpus.files.keys().filter(|name| corpus.refusal(name).is_none()).count();
    assert_eq!(rows.shape, [readable, 512]);
    assert!(rows.values.iter().all(|value| value.is_finite()));
}

#[test]
#[ignore = "slow: activates every file of the corpus"]
fn activate_finishes_the_corpus() {
    let (corpus, folder) = (Corpus::open(), tempfile::tempdir().unwrap());
    let [photos, out] = ["photos", "out"].map(|name| folder.path().join(name));
    fs::create_dir(&photos).unwrap();
    corpus.unpack(&photos);
    let mut arguments = vec!["activate", text(&photos), "--out", text(&out), "--iterations", "1", "--json"];
    arguments.extend(["--batch", "8", "--index"]);
    let index = root().join("weights/default.faiss");
    arguments.push(text(&index));
    let activated = run(&arguments);
    assert_eq!(activated.status.code(), Some(1), "{}", String::from_utf8_lossy(&activated.stderr));
    let document = json(&activated);
    check(&corpus, &document["images"]);
    let mut wrong = Vec::new();
    for row in document["images"].as_array().unwrap().iter().filter(|row| row["error"].is_null()) {
        let (input, output) = (row["input"].as_str().unwrap(), row["output"].as_str().unwrap());
        let [original, released] =
            [input, output].map(|path| Reader::default().open(Path::new(path)).unwrap().pixels);
        let far = eval_linf(&original, &released) != row["linf"].as_f64().unwrap();
        if original.dimensions() != released.dimensions() || original.is_deep() != released.is_deep() || far {
            wrong.push(format!("{input}: {row}"));
        }
    }
    complain(wrong);
}

/// The largest difference in 8-bit levels.
fn eval_linf(a: &Pixels, b: &Pixels) -> f64 {
    let (a, b) = (a.to_rgb8(), b.to_rgb8());
    a.iter().zip(b.iter()).map(|(a, b)| f64::from(a.abs_diff(*b))).fold(0.0, f64::max)
}

/// Asserts that each file has one row, with its expected error or none.
fn check(corpus: &Corpus, rows: &Value) {
    let judge = |row: &Value| {
        let input = row["input"].as_str().unwrap();
        let name = Path::new(input).file_name().unwrap().to_str().unwrap();
        let wrong = match (corpus.refusal(name), row["error"].as_str()) {
            (None, None) => return None,
            (Some(part), Some(line)) if line.contains(part) && line.lines().count() == 1 => return None,
            (expected, found) => format!("{found:?} for {expected:?}"),
        };
        Some(format!("{name}: {wrong}"))
    };
    complain(rows.as_array().unwrap().iter().filter_map(judge).collect());
}

/// Takes a minute: `cargo test --release -p cli --test it -- --ignored --nocapture 48_megapixels`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes a minute and 4 GiB"]
fn images_of_48_megapixels_activate_below_4_gib() {
    let folder = tempfile::tempdir().unwrap();
    let [photo, out] = ["large.png", "out"].map(|name| folder.path().join(name));
    image::RgbImage::from_fn(8000, 6000, |x, y| {
        image::Rgb([(x / 32) as u8, (y / 24) as u8, (x * y / 9000 + x % 7) as u8])
    })
    .save(&photo)
    .unwrap();
    let mut activate = crate::fixtures::program();
    activate.args(["activate", text(&photo), "--out", text(&out), "--iterations", "2"]);
    let mut running = activate.spawn().unwrap();
    let (mut peak, status) = (0, format!("/proc/{}/status", running.id()));
    while running.try_wait().unwrap().is_none() {
        let read = fs::read_to_string(&status).unwrap_or_default();
        let line = read.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
        peak = peak.max(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(running.wait().unwrap().success() && peak > 0);
    println!("peak {} MiB", peak >> 10);
    assert!(peak < 4 << 20, "{peak} KiB");
}
