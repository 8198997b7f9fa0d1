//! Descriptors and gradients to the input on every device, against PyTorch in float64.

use burn::tensor::{Device, Tensor};
use extractor::{
    Extractor,
    weights::{Options, Weights},
};
use tests::{Array, golden, largest_difference, npz, values};

use super::devices;

/// Tiny networks of every architecture, and the heads that no file tells.
const NETWORKS: [(&str, Option<usize>); 5] =
    [("sscd", None), ("sscd_large", None), ("dino_resnet", None), ("dino_vit", Some(3)), ("isc", None)];

/// Float32 rounding through some fifty layers, in whatever order a device adds; as on the CPU.
const DESCRIPTOR: f64 = 2e-5;
/// ReLUs that float32 flips move the gradient by about 6e-3 in every framework.
const GRADIENT: f64 = 2e-2;

pub fn load(name: &str, heads: Option<usize>, device: &Device) -> Extractor {
    let path = golden().join(format!("extractors/{name}.safetensors"));
    let options = Options { heads, ..Options::default() };
    let weights = Weights::read_with(&path, &options).unwrap_or_else(|e| panic!("{e}"));
    Extractor::from_weights(&weights, device).unwrap()
}

fn reference(name: &str, key: &str) -> Array {
    npz(&format!("extractors/{name}.npz"), key).unwrap()
}

#[test]
fn every_device_describes_and_differentiates_as_pytorch() {
    for (device_name, device) in devices() {
        for (name, heads) in NETWORKS {
            let extractor = load(name, heads, &device);
            for i in 0..2 {
                let [descriptor, gradient] = errors(&extractor, name, i);
                println!(
                    "{device_name}, {name}, input {i}: descriptor {descriptor:.1e}, gradient {gradient:.1e}"
                );
                assert!(descriptor < DESCRIPTOR, "{device_name}, {name}, input {i}: {descriptor}");
                assert!(gradient < GRADIENT, "{device_name}, {name}, input {i}: {gradient}");
            }
        }
    }
}

/// Largest error of a descriptor, and relative L2 error of the gradient to the input.
fn errors(extractor: &Extractor, name: &str, i: usize) -> [f64; 2] {
    let device = extractor.device();
    let mut levels = reference(name, &format!("x{i}"));
    levels.values.iter_mut().for_each(|level| *level = *level / 64.0 - 2.0);
    let shape: [usize; 4] = levels.shape.clone().try_into().unwrap();
    let input = levels.tensor(shape).to_device(&device).autodiff().require_grad();
    let target = reference(name, &format!("target{i}")).tensor([1, extractor.dimension()]).to_device(&device);
    let descriptor = extractor.describe(input.clone());
    let mut gradients = (descriptor.clone() * target.autodiff()).sum().backward();
    let gradient: Tensor<4> = input.grad_remove(&mut gradients).unwrap();
    let expected = reference(name, &format!("desc{i}")).values;
    let difference = largest_difference(&values(descriptor.inner()), &expected);
    [difference, relative(&values(gradient), &reference(name, &format!("grad{i}")).values)]
}

fn relative(found: &[f64], expected: &[f64]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = squares(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    (difference / squares(&mut expected.iter().copied())).sqrt()
}

/// Images that stay where they are would hide a transposed axis; these are wider than high and higher than wide.
#[test]
fn every_device_resizes_as_the_cpu() {
    let host = load("sscd", None, &Device::flex());
    for (name, device) in devices() {
        let there = load("sscd", None, &device);
        for photo in ["img0.png", "img1.png"] {
            let pixels = tests::photo(photo).unwrap();
            let expected = values(host.preprocess().forward(pixels.clone()));
            let found = values(there.preprocess().forward(pixels.to_device(&device)));
            // Sums of at most ten float32 products of values below 3.
            let difference = largest_difference(&found, &expected);
            assert!(difference < 5e-6, "{name}, {photo}: {difference}");
        }
    }
}
