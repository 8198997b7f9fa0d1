//! The real SSCD weights against PyTorch.

use burn::tensor::Tensor;
use extractor::{IMAGENET_MEAN, IMAGENET_STD, resize_antialiased};

use crate::fixtures::{extractor, largest_difference, npy, npz, photo, root, values};

/// The network's input, normalised from 8 bits in float64.
fn reference_input() -> Tensor<4> {
    let mut pixels = npz("sscd_reference.npz", "input_u8").unwrap();
    for (i, level) in pixels.values.iter_mut().enumerate() {
        *level = (*level / 255.0 - f64::from(IMAGENET_MEAN[i % 3])) / f64::from(IMAGENET_STD[i % 3]);
    }
    pixels.tensor([1, 288, 288, 3]).permute([0, 3, 1, 2])
}

#[test]
fn descriptor_is_that_of_float64() {
    let expected = npz("sscd_reference.npz", "desc64").unwrap().values;
    let found = values(extractor().describe(reference_input()));
    // Float32 rounding through 53 layers; PyTorch's float32 has the same error.
    let difference = largest_difference(&found, &expected);
    println!("largest difference {difference:.2e}");
    assert!(difference < 2e-6, "{difference}");
}

#[test]
fn gradient_to_the_input_is_that_of_float64() {
    let expected = npz("sscd_reference.npz", "grad64").unwrap().values;
    let target = npz("sscd_reference.npz", "target").unwrap().tensor([1, 512]);
    let input = reference_input().autodiff().require_grad();
    let cosine = (extractor().describe(input.clone()) * target.autodiff()).sum();
    let found = values(input.grad_remove(&mut cosine.backward()).unwrap());
    let squared = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = squared(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
    let relative = (difference / squared(&mut expected.iter().copied())).sqrt();
    // ReLUs flipped by float32 rounding move the gradient by about 6e-3 in every framework.
    println!("relative difference {relative:.2e}");
    assert!(relative < 2e-2, "{relative}");
}

#[test]
fn resize_is_torchvisions_antialiased_bilinear() {
    for image in ["img0", "img1"] {
        let expected = npz(&format!("{image}.npz"), "resized_aa").unwrap().values;
        let resized = resize_antialiased(photo(&format!("{image}.png")).unwrap(), [288, 288]);
        let found: Vec<f64> = (values(resized).into_iter().enumerate())
            .map(|(i, v)| {
                let channel = i / (288 * 288);
                (v - f64::from(IMAGENET_MEAN[channel])) / f64::from(IMAGENET_STD[channel])
            })
            .collect();
        // Float32 sums of up to a few dozen weights, in another order.
        let difference = largest_difference(&found, &expected);
        println!("{image}: largest difference {difference:.2e}");
        assert!(difference < 1e-4, "{image}: {difference}");
    }
}

/// Descriptors of the sample photographs by the published package in onnxruntime, with quantised activations.
#[test]
fn descriptors_are_near_those_of_the_int8_package() {
    let expected = npy("int8_samples.npy").unwrap();
    assert_eq!(expected.shape, [20, 512]);
    let mut photos: Vec<_> =
        std::fs::read_dir(root().join("samples")).unwrap().map(|e| e.unwrap().path()).collect();
    photos.retain(|path| path.extension().is_some_and(|e| e == "jpg"));
    photos.sort();
    assert_eq!(photos.len(), 20);
    let cosines: Vec<f64> = photos
        .iter()
        .zip(expected.values.chunks(512))
        .map(|(path, expected)| {
            let found = values(extractor().forward(photo(path.to_str().unwrap()).unwrap()));
            let cosine = found.iter().zip(expected).map(|(a, b)| a * b).sum();
            println!("{}: cosine {cosine:.4}", path.display());
            cosine
        })
        .collect();
    let mean = cosines.iter().sum::<f64>() / 20.0;
    println!("mean {mean:.4}");
    // Quantisation distorts a smooth grey photograph more.
    let below = cosines.iter().filter(|cosine| **cosine < 0.98).count();
    assert!(mean > 0.98 && below <= 1 && cosines.iter().all(|cosine| *cosine > 0.95), "{cosines:?}");
}
