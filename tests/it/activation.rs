//! The activation loop against PyTorch's, on the real network.

use activate::{Activator, Masked, Optimiser, Settings, jnd_map};
use burn::tensor::{Device, Tensor};
use extractor::{Extractor, Preprocess};
use index::{Index, Target};

use crate::fixtures::{extractor, golden, largest_difference, npy, npz, photo, values};

#[test]
fn jnd_map_is_the_published_one() {
    for image in ["img0", "img1"] {
        let expected = npz(&format!("{image}.npz"), "heatmap").unwrap().values;
        let found = values(jnd_map(photo(&format!("{image}.png")).unwrap()));
        // Float32 rounding of luminances up to 255; a 500th of an 8-bit level.
        let difference = largest_difference(&found, &expected);
        println!("{image}: largest difference {difference:.2e}");
        assert!(difference < 1e-5, "{image}: {difference}");
    }
}

/// Index of the right dimension. The optimisation itself does not query it.
fn unused_index() -> Index {
    let vectors = Tensor::<2>::ones([16, 512], &Device::flex());
    Index::train(&"IVF1,Flat".parse().unwrap(), vectors, &Default::default()).unwrap()
}

#[test]
fn the_trace_of_ten_iterations_is_pytorchs() {
    let text = std::fs::read_to_string(golden().join("trace_engine.json")).unwrap();
    let expected: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let image = photo("img0.png").unwrap();
    let start = npy("delta0.npy").unwrap().tensor(image.dims());
    let target = npz("img0_target.npz", "pq_recons").unwrap().tensor([1, 512]);
    let index = unused_index();
    let settings = Settings { target: Target::Centroid, ..Settings::paper() }; // the targets are given instead
    let activator = Activator::new(extractor(), &index, settings).unwrap();
    let mut optimised = activator.optimise(&[image], &target.into(), Some(vec![start]), &mut |_| ()).unwrap();
    let trace = optimised.remove(0).trace.steps;

    assert_eq!(trace.len(), 10);
    assert_eq!(expected.len(), 10);
    for (found, expected) in trace.iter().zip(&expected) {
        let number = |key: &str| expected[key].as_f64().unwrap();
        let i = found.iteration;
        println!(
            "{i}: loss {:.4} for {:.4}, PSNR {:.2} for {:.2}",
            found.loss,
            number("loss"),
            found.psnr,
            number("psnr")
        );
        // Adam divides by the gradient's magnitude, so rounding of small gradients is visible, though hardly
        // in the loss.
        assert!(
            (found.loss - number("loss")).abs() < 5e-3,
            "iteration {i}: {} for {}",
            found.loss,
            number("loss")
        );
        // Before the first step the change is below float32 resolution, and its PSNR is rounding noise.
        let psnr_means_something = i > 0;
        let near = (found.psnr - number("psnr")).abs() < 0.1;
        assert!(near || !psnr_means_something, "iteration {i}: {} dB for {}", found.psnr, number("psnr"));
    }
}

/// Compares the change of the paper's perturbation with its definition, for an extractor with deviations of 0.5. A learning
/// rate of 0 leaves the perturbation at its start.
#[test]
fn the_perturbation_is_in_the_normalised_space_of_the_extractor() {
    let device = Device::flex();
    let extractor = Extractor::load(&golden().join("extractors/isc.safetensors"), &device).unwrap();
    let preprocess = Preprocess { size: 64, ..extractor.preprocess() };
    let extractor = extractor.with_preprocess(preprocess);
    assert_eq!(preprocess.std, [0.5; 3]);
    let vectors = Tensor::<2>::ones([16, extractor.dimension()], &device);
    let index = Index::train(&"IVF1,Flat".parse().unwrap(), vectors.clone(), &Default::default()).unwrap();
    let adam = Masked { learning_rate: 0.0, ..Masked::default() };
    let settings = Settings {
        iterations: 1,
        target: Target::Centroid,
        optimiser: Optimiser::Adam(adam),
        ..Settings::paper()
    };
    let image = photo("img0.png").unwrap();
    let start = Tensor::<4>::ones(image.dims(), &device);
    let activator = Activator::new(&extractor, &index, settings).unwrap();
    let target = vectors.narrow(0, 0, 1).into();
    let optimised =
        activator.optimise(std::slice::from_ref(&image), &target, Some(vec![start]), &mut |_| ()).unwrap();

    let weights = Tensor::<1>::from_floats([0.072 / 0.299, 0.072 / 0.587, 0.072 / 0.114], &device);
    let change = jnd_map(image.clone()) * weights.reshape([1, 3, 1, 1]) * (3.0 * 0.5 * 1f64.tanh());
    let difference = largest_difference(&values(optimised[0].pixels.clone()), &values(image + change));
    assert!(difference < 1e-6, "{difference}");
}
