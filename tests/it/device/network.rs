//! Descriptors and gradients to the input on every device, against PyTorch in float64.

use burn::tensor::{Device, Tensor};
use extractor::{
    Extractor, Precision, Precisions,
    weights::{Options, Weights},
};

use super::devices;
use crate::fixtures::{Array, golden, largest_difference, npz, values};

/// Tiny networks of every architecture, and the numbers of heads, which no file contains.
const NETWORKS: [(&str, Option<usize>); 5] =
    [("sscd", None), ("sscd_large", None), ("dino_resnet", None), ("dino_vit", Some(3)), ("isc", None)];

/// Float32 rounding through some fifty layers in any order of summation; the same as on the CPU.
const DESCRIPTOR: f64 = 2e-5;
/// ReLUs flipped by float32 rounding move the gradient by about 6e-3 in every framework.
const GRADIENT: f64 = 2e-2;

fn weights(name: &str, heads: Option<usize>) -> Weights {
    let path = golden().join(format!("extractors/{name}.safetensors"));
    let options = Options { heads, ..Options::default() };
    Weights::read_with(&path, &options).unwrap_or_else(|e| panic!("{e}"))
}

pub fn load(name: &str, heads: Option<usize>, device: &Device) -> Extractor {
    Extractor::from_weights(&weights(name, heads), device).unwrap()
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

/// Error bounds of reduced precision, for descriptor and gradient. Half a unit of 11 bits is 2e-4 in each of
/// some ten layers, of 8 bits 2e-3; components of these descriptors are near .3. A flipped ReLU changes the
/// gradient. In networks of random weights that adds up to .25 and .55 of the gradient's norm; the error of
/// an unrelated gradient would be 1.4. GPU kernels without matrix units also sum in f16.
const ROUNDED: [(Precision, [f64; 2]); 3] =
    [(Precision::Tf32, [5e-3, 0.5]), (Precision::Bf16, [5e-2, 0.9]), (Precision::F16, [5e-2, 0.5])];

#[test]
fn every_device_describes_and_differentiates_in_fewer_bits_where_it_has_them() {
    for (device_name, device) in devices() {
        for (precision, bounds) in ROUNDED {
            let gradients = if precision == Precision::F16 { Precision::Single } else { precision };
            let precisions = Precisions { descriptors: precision, gradients };
            for name in ["sscd", "sscd_large"] {
                let extractor = match Extractor::from_weights_in(&weights(name, None), &device, precisions) {
                    Ok(extractor) => extractor,
                    Err(error) => {
                        assert!(
                            device != Device::flex() && error.to_string().contains("does not multiply in"),
                            "{error}"
                        );
                        println!("SKIPPED {device_name}: {error}");
                        continue;
                    }
                };
                for i in 0..2 {
                    let found = errors(&extractor, name, i);
                    println!(
                        "{device_name}, {name}, input {i}, {precision}: descriptor {:.1e}, gradient {:.1e}",
                        found[0], found[1]
                    );
                    assert!(
                        found.iter().zip(bounds).all(|(found, bound)| *found < bound),
                        "{device_name}, {name}, {precision}: {found:?}"
                    );
                    assert!(found[0] > DESCRIPTOR, "{device_name}, {name}, {precision}: nothing is rounded");
                }
            }
        }
    }
}

/// Largest error of a descriptor, with and without a gradient, and relative L2 error of the gradient to the input.
fn errors(extractor: &Extractor, name: &str, i: usize) -> [f64; 2] {
    let device = extractor.device();
    let mut levels = reference(name, &format!("x{i}"));
    levels.values.iter_mut().for_each(|level| *level = *level / 64.0 - 2.0);
    let shape: [usize; 4] = levels.shape.clone().try_into().unwrap();
    let input = levels.tensor(shape).to_device(&device).autodiff().require_grad();
    let target = reference(name, &format!("target{i}")).tensor([1, extractor.dimension()]).to_device(&device);
    let [alone, descriptor] = [input.clone().inner(), input.clone()].map(|input| extractor.describe(input));
    let mut gradients = (descriptor.clone() * target.autodiff()).sum().backward();
    let gradient: Tensor<4> = input.grad_remove(&mut gradients).unwrap();
    let expected = reference(name, &format!("desc{i}")).values;
    let difference = |found| largest_difference(&values(found), &expected);
    let difference = difference(alone).max(difference(descriptor.inner()));
    [difference, relative(&values(gradient), &reference(name, &format!("grad{i}")).values)]
}

fn relative(found: &[f64], expected: &[f64]) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = squares(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    (difference / squares(&mut expected.iter().copied())).sqrt()
}

/// Images of equal sides would hide a transposed axis; these are wider than high, and higher than wide.
#[test]
fn every_device_resizes_as_the_cpu() {
    let host = load("sscd", None, &Device::flex());
    for (name, device) in devices() {
        let there = load("sscd", None, &device);
        for photo in ["img0.png", "img1.png"] {
            let pixels = crate::fixtures::photo(photo).unwrap();
            let expected = values(host.preprocess().forward(pixels.clone()));
            let found = values(there.preprocess().forward(pixels.to_device(&device)));
            // Sums of at most ten float32 products of values below 3.
            let difference = largest_difference(&found, &expected);
            assert!(difference < 5e-6, "{name}, {photo}: {difference}");
        }
    }
}
