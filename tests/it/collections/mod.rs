//! The verbs `collection`, `find`, `withdraw` and `restore`, called as a user calls them.

mod adding;
mod addresses;
mod answers;
mod curl_lines;
mod evaluating;
mod exchange;
mod importing;
mod interruptions;
mod lance;
mod manifests;
mod releasing;
mod reviewing;
mod serving;
mod side_by_side;
mod states;
mod verdicts;
mod walk;
mod witnesses;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use burn::tensor::{Device, Distribution, Tensor};
use collection::{Collection, Finding};
use extractor::Extractor;
use index::{Index, TrainConfig, npy};
use serde_json::Value;

use crate::{
    command_line::json,
    fixtures::{golden, program, root},
};

/// Dimension of descriptors that come without images.
const D: usize = 16;

/// A small network, so that programs start fast.
fn weights() -> PathBuf {
    golden().join("extractors/sscd.classy.pt")
}

/// A folder in which the program runs.
struct Folder(tempfile::TempDir);

impl Folder {
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with `n` small photographs `photos/0.png` and so on, and an empty collection `shop` for their descriptors.
    fn with_photos(n: usize) -> Self {
        let folder = Self::empty();
        folder.put_photos("photos", n);
        folder.train("quantiser.faiss", folder.dimension());
        folder.done("collection create shop --quantiser quantiser.faiss");
        folder
    }

    /// A folder with an empty collection `shop` for [`Self::put_rows`].
    fn with_rows() -> Self {
        let folder = Self::empty();
        folder.train("quantiser.faiss", D);
        folder.done("collection create shop --quantiser quantiser.faiss");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes photographs: the samples, then their upper parts.
    fn put_photos(&self, folder: &str, n: usize) {
        fs::create_dir_all(self.path(folder)).unwrap();
        let mut samples: Vec<PathBuf> =
            fs::read_dir(root().join("samples")).unwrap().map(|file| file.unwrap().path()).collect();
        samples.retain(|path| path.extension().is_some_and(|end| end == "jpg"));
        samples.sort();
        samples.truncate(n);
        let samples: Vec<_> =
            samples.iter().map(|path| image::open(path).unwrap().thumbnail_exact(96, 96)).collect();
        for i in 0..n {
            let height = 96 - (i / samples.len()) as u32;
            let photo = samples[i % samples.len()].crop_imm(0, 0, 96, height).into_rgb8();
            photo.save(self.path(&format!("{folder}/{i}.png"))).unwrap();
        }
    }

    /// Writes an edited copy of a photograph: a little darker, and a JPEG file.
    fn put_edited(&self, photo: &str, copy: &str) {
        let photo = image::open(self.path(photo)).unwrap();
        photo.brighten(-12).into_rgb8().save(self.path(copy)).unwrap();
    }

    /// Dimension of the descriptors of photographs.
    fn dimension(&self) -> usize {
        Extractor::load(&weights(), &Device::flex()).unwrap().dimension()
    }

    fn train(&self, file: &str, d: usize) {
        self.train_as("IVF4,PQ4x4", file, d);
    }

    fn train_as(&self, kind: &str, file: &str, d: usize) {
        let vectors = Tensor::<2>::random([400, d], Distribution::Normal(0.0, 1.0), &Device::flex());
        let index = Index::train(&kind.parse().unwrap(), vectors, &TrainConfig::default()).unwrap();
        index.write(&self.path(file)).unwrap();
    }

    /// Writes descriptors with the numbers from `first` on, and the names `FIRST.jpg` and so on.
    fn put_rows(&self, name: &str, numbers: std::ops::Range<usize>) {
        let values: Vec<f32> = numbers.clone().flat_map(row).collect();
        npy::write(&self.path(&format!("{name}.npy")), &values, D).unwrap();
        let names = numbers.enumerate().map(|(row, number)| format!("{row}\t{number}.jpg\n"));
        let table = format!("row\tpath\n{}", names.collect::<String>());
        fs::write(self.path(&format!("{name}.names.tsv")), table).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut program = program();
        program.current_dir(self.0.path()).args(line.split(' ')).arg("--weights").arg(weights());
        program
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// The JSON document of a run that ends with the exit code.
    fn ends(&self, line: &str, code: i32) -> Value {
        let output = self.run(&format!("{line} --json"));
        assert_eq!(output.status.code(), Some(code), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        json(&output)
    }

    fn done(&self, line: &str) -> Value {
        self.ends(line, 0)
    }

    /// Text that a run prints for people.
    fn text(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A run that does nothing, and gives the reason in one line.
    fn refused(&self, line: &str, reason: &str) {
        let output = self.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{line}: {stderr}");
    }

    fn collection(&self) -> Collection {
        Collection::open(&self.path("shop"), &Device::flex()).unwrap()
    }

    fn findings(&self) -> Vec<Finding> {
        self.collection().check(&mut |_| ()).unwrap()
    }
}

/// A unit vector for each number (splitmix64, Steele et al. 2014).
fn row(number: usize) -> Vec<f32> {
    let value = |i: usize| {
        let mut z = ((number * D + i) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let values: Vec<f32> = (0..D).map(value).collect();
    let length = values.iter().map(|x| x * x).sum::<f32>().sqrt();
    values.into_iter().map(|x| x / length).collect()
}

/// Names of the matches of each query.
fn names(found: &Value) -> Vec<Vec<&str>> {
    let queries = found["queries"].as_array().unwrap().iter();
    let matches = queries.map(|query| query["matches"].as_array().unwrap().iter());
    matches.map(|matches| matches.map(|found| found["name"].as_str().unwrap()).collect()).collect()
}
