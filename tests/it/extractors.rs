//! Every architecture in every format against PyTorch in float64. `make_extractors.py` makes the files.
//!
//! At the published sizes, with the script's `--full FOLDER`:
//! `ACTIVE_INDEX_EXTRACTORS=FOLDER cargo test --release -p cli --test it extractors -- --nocapture`

use std::{env, path::PathBuf};

use burn::tensor::{Device, Tensor};
use extractor::{
    Extractor,
    weights::{Options, Weights},
};

use crate::fixtures::{golden, largest_difference, npz_at, values};

/// Float32 rounding through some fifty layers; PyTorch's float32 has the same error.
const DESCRIPTOR: f64 = 2e-5;
/// ReLUs flipped by float32 rounding move the gradient by about 6e-3 in every framework.
const GRADIENT: f64 = 2e-2;
/// Bound for the hundred layers of the published ResNeXt, where PyTorch's float32 has an error of 2.6e-2.
const GRADIENT_AT_FULL_SIZE: f64 = 4e-2;

fn folder() -> PathBuf {
    env::var_os("ACTIVE_INDEX_EXTRACTORS").map_or_else(|| golden().join("extractors"), PathBuf::from)
}

fn is_full_size() -> bool {
    env::var_os("ACTIVE_INDEX_EXTRACTORS").is_some()
}

fn load(file: &str) -> Extractor {
    // The heads of the tiny transformer are not 64 channels wide.
    let heads = (!is_full_size() && file.starts_with("dino_vit")).then_some(3);
    let path = folder().join(file);
    let mut weights =
        Weights::read_with(&path, &Options { heads, ..Options::default() }).unwrap_or_else(|e| panic!("{e}"));
    weights.name_source(&path).unwrap();
    // Through the file that the converter writes.
    let converted = tempfile::tempdir().unwrap();
    let path = converted.path().join("converted.safetensors");
    weights.write(&path).unwrap();
    let again = Weights::read(&path).unwrap();
    assert_eq!(
        again.to_bytes().unwrap(),
        std::fs::read(&path).unwrap(),
        "{file}: a converted file stays as it is"
    );
    assert!(Weights::read_with(&path, &Options { heads: Some(1), ..Options::default() }).is_err());
    let converted = Extractor::load(&path, &Device::flex()).unwrap();
    assert_eq!(converted.spec().source.as_ref().unwrap().file, file);
    let direct = Extractor::from_weights(&weights, &Device::flex()).unwrap();
    assert_eq!(converted.fingerprint(), direct.fingerprint(), "{file}");
    converted
}

/// Compares descriptors and input gradients of a weights file with those of the network `name`.
fn check(name: &str, file: &str, suffix: &str) {
    let extractor = load(file);
    let reference = |key: String| npz_at(&folder().join(format!("{name}.npz")), &key).unwrap();
    for i in 0..2 {
        let mut levels = reference(format!("x{i}"));
        levels.values.iter_mut().for_each(|level| *level = *level / 64.0 - 2.0);
        let shape: [usize; 4] = levels.shape.clone().try_into().unwrap();
        let input = levels.tensor(shape).autodiff().require_grad();
        let expected = reference(format!("desc{i}{suffix}"));
        assert_eq!(expected.shape, [1, extractor.dimension()]);
        let target = reference(format!("target{i}{suffix}")).tensor([1, extractor.dimension()]);
        let descriptor = extractor.describe(input.clone());
        let mut gradients = (descriptor.clone() * target.autodiff()).sum().backward();
        let gradient: Tensor<4> = input.grad_remove(&mut gradients).unwrap();
        let descriptor = largest_difference(&values(descriptor.inner()), &expected.values);
        let gradient = relative(&values(gradient), &reference(format!("grad{i}{suffix}")).values);
        println!("{file} {shape:?}: descriptor {descriptor:.1e}, gradient {gradient:.1e}");
        assert!(descriptor < DESCRIPTOR, "{file}: {descriptor}");
        let allowed = if is_full_size() { GRADIENT_AT_FULL_SIZE } else { GRADIENT };
        assert!(gradient < allowed, "{file}: {gradient}");
    }
}

/// Relative L2 distance.
fn relative(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = squares(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    (difference / squares(&mut expected.iter().copied())).sqrt()
}

fn check_all(name: &str, endings: &[&str]) {
    for ending in endings {
        check(name, &format!("{name}.{ending}"), "");
    }
    check(name, &format!("{name}.int8.onnx"), "_int8");
}

#[test]
fn sscd_resnet_is_pytorchs_in_every_format() {
    let endings = [
        "torchscript.pt",
        "scripted.pt",
        "torchvision.pt",
        "classy.pt",
        "safetensors",
        "onnx",
        "dynamo.onnx",
    ];
    check_all("sscd", &endings);
}

#[test]
fn sscd_resnext_is_pytorchs_in_every_format() {
    check_all("sscd_large", &["torchscript.pt", "classy.pt", "safetensors", "onnx"]);
}

#[test]
fn dino_resnet_is_pytorchs_in_every_format() {
    check_all("dino_resnet", &["torchscript.pt", "pth", "channels_last.pth", "safetensors", "onnx"]);
}

#[test]
fn dino_vit_is_pytorchs_in_every_format() {
    check_all("dino_vit", &["torchscript.pt", "pth", "safetensors", "onnx", "dynamo.onnx"]);
}

#[test]
fn isc_efficientnet_is_pytorchs_in_every_format() {
    check_all("isc", &["torchscript.pt", "pth.tar", "safetensors", "onnx"]);
}
