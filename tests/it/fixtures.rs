//! Fixtures of all tests: golden data, weights, the program.
//!
//! Golden data is in `golden/`, with the script that made it. `ACTIVE_INDEX_GOLDEN` names another folder of the
//! same layout to test against. On a machine without Rust, `ACTIVE_INDEX_ROOT` and `ACTIVE_INDEX_PROGRAM` name the
//! project's folder and the program, see `benches/gpu.sh`.

use std::{
    env, fs,
    io::BufReader,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};
use burn::tensor::{Device, Tensor, TensorData};
use extractor::{Extractor, weights::Manifest};
use npyz::{DType, NpyFile};

/// The project's root folder.
pub fn root() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("ACTIVE_INDEX_ROOT").map_or_else(built, PathBuf::from)
}

/// Folder of the golden data.
pub fn golden() -> PathBuf {
    env::var_os("ACTIVE_INDEX_GOLDEN").map_or_else(|| root().join("tests/golden"), PathBuf::from)
}

/// The real extractor.
///
/// # Panics
/// If the weights cannot be fetched: a test must not pass without them.
pub fn extractor() -> &'static Extractor {
    static EXTRACTOR: OnceLock<Extractor> = OnceLock::new();
    EXTRACTOR.get_or_init(|| {
        // The golden data were made from this source of the default model.
        let manifest = Manifest::bundled();
        let model = manifest.model("sscd_disc_mixup_int8");
        let fetched = model.and_then(|model| model.fetch(&root().join("weights"), &mut |_| ()));
        let weights = fetched.unwrap_or_else(|e| panic!("the tests need the weights: {e}"));
        Extractor::load(&weights, &Device::flex()).unwrap_or_else(|e| panic!("{e}"))
    })
}

/// An array of numbers and its shape.
#[derive(Debug, Clone)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Values in C order.
    pub values: Vec<f64>,
}

impl Array {
    /// Converts to a float32 tensor of shape `shape`, which must have the same number of values.
    pub fn tensor<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        let values: Vec<f32> = self.values.iter().map(|&v| v as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }
}

/// An array of a golden `.npz` file.
///
/// # Errors
/// If the file or the array is missing or of an unexpected type.
pub fn npz(file: &str, key: &str) -> Result<Array> {
    npz_at(&golden().join(file), key)
}

/// An array of a `.npz` file.
///
/// # Errors
/// If the file or the array is missing or of an unexpected type.
pub fn npz_at(path: &Path, key: &str) -> Result<Array> {
    let file = path.display();
    let reader = fs::File::open(path).with_context(|| file.to_string())?;
    npz_in(reader, key).with_context(|| file.to_string())
}

/// An array of a `.npz` archive.
///
/// # Errors
/// If the array is missing or of an unexpected type.
pub fn npz_in(reader: impl std::io::Read + std::io::Seek, key: &str) -> Result<Array> {
    let mut archive = zip::ZipArchive::new(reader)?;
    let array = archive.by_name(&npyz::npz::file_name_from_array_name(key));
    let array = array.with_context(|| format!("no array {key}"))?;
    numbers(NpyFile::new(array)?).with_context(|| key.to_owned())
}

/// A golden `.npy` file.
///
/// # Errors
/// If the file is missing or of an unexpected type.
pub fn npy(file: &str) -> Result<Array> {
    npy_at(&golden().join(file))
}

/// A `.npy` file.
///
/// # Errors
/// If the file is missing or of an unexpected type.
pub fn npy_at(path: &Path) -> Result<Array> {
    let reader = BufReader::new(fs::File::open(path).with_context(|| path.display().to_string())?);
    numbers(NpyFile::new(reader)?)
}

fn numbers(array: NpyFile<impl std::io::Read>) -> Result<Array> {
    let shape = array.shape().iter().map(|&n| n as usize).collect();
    let DType::Plain(kind) = array.dtype() else { bail!("a structured array") };
    let values = match kind.to_string().as_str() {
        "<f4" => array.into_vec::<f32>()?.into_iter().map(f64::from).collect(),
        "<f8" => array.into_vec::<f64>()?,
        "<i8" => array.into_vec::<i64>()?.into_iter().map(|v| v as f64).collect(),
        "<u2" => array.into_vec::<u16>()?.into_iter().map(f64::from).collect(),
        "|u1" => array.into_vec::<u8>()?.into_iter().map(f64::from).collect(),
        other => bail!("element type {other}"),
    };
    Ok(Array { shape, values })
}

/// A golden photograph as a tensor `[1, 3, h, w]` in [0, 1].
///
/// # Errors
/// If the file is missing or is not an image.
pub fn photo(file: &str) -> Result<Tensor<4>> {
    let image = image::open(golden().join(file)).with_context(|| file.to_owned())?.into_rgb8();
    let (width, height) = (image.width() as usize, image.height() as usize);
    Ok(activate::pixels::from_rgb8(image.as_raw(), width, height, &Device::flex())?)
}

/// Values of a tensor.
///
/// # Panics
/// If the values cannot be read, which does not happen on the CPU.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    let values: Vec<f32> = tensor.into_data().try_to_vec().unwrap_or_else(|e| panic!("{e}"));
    values.into_iter().map(f64::from).collect()
}

/// Largest absolute difference.
///
/// # Panics
/// If the lengths differ.
pub fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Command that runs the program on the CPU, where an option does not name another device. A program with other
/// devices looks for their drivers first, and says what it found.
pub fn program() -> Command {
    let mut program = program_on_any_device();
    program.args(["--device", "cpu"]);
    program
}

/// Command that runs the program that cargo built for these tests, or the one that `ACTIVE_INDEX_PROGRAM` names.
pub fn program_on_any_device() -> Command {
    let built = || env!("CARGO_BIN_EXE_active-index").into();
    Command::new(env::var_os("ACTIVE_INDEX_PROGRAM").unwrap_or_else(built))
}
