//! Gradient of the whole objective with respect to the perturbation, on the tiny network.

use active_index_activate::{
    Activator, DescriptorNetwork, Masked, Optimiser, Perturbation, Settings,
    burn::tensor::{Device, Tensor, TensorData},
    describe,
    index::{Index, Target},
    jnd_map,
};

use crate::tiny::{Tiny, paper, photo, spread};

/// Objective, written from the paper's equation.
fn loss(tiny: &Tiny, image: &Tensor<4>, target: &Tensor<2>, delta: Tensor<4>, strength: f64) -> f64 {
    let change = Perturbation::new(image.clone(), strength, tiny.std()).change(delta);
    let descriptor = describe(tiny, vec![image.clone() + change.clone()]);
    let norm = |x: &Tensor<2>| x.clone().powi_scalar(2).sum().sqrt().into_scalar::<f32>();
    let dot = (descriptor.clone() * target.clone()).sum().into_scalar::<f32>();
    let cosine = f64::from(dot) / f64::from(norm(&descriptor) * norm(target));
    let std = Tensor::<1>::from_floats(tiny.std(), &image.device()).reshape([1, 3, 1, 1]);
    let change = (change / std).powi_scalar(2).mean().into_scalar::<f32>();
    -cosine + 0.01 * f64::from(change)
}

fn empty_index(device: &Device) -> Index {
    let vectors = spread([64, 8], device);
    Index::train(&"IVF4,Flat".parse().unwrap(), vectors, &Default::default()).unwrap()
}

/// Compares the direction of Adam's first step, the sign of the gradient, with every finite difference large enough
/// to have a reliable sign.
#[test]
fn the_first_step_goes_against_finite_differences() {
    let device = Device::flex();
    let (tiny, image) = (Tiny::new(&device), photo(&device, 9, 7));
    let target = Tensor::<2>::from_floats([[0.1, -0.5, 0.3, 0.2, 0.0, 0.4, -0.2, 0.6]], &device);
    let start = Tensor::<4>::zeros([1, 3, 9, 7], &device);
    let strength = 30.0;
    let adam = Masked { strength, learning_rate: 1e-3, ..Masked::default() };
    let settings = Settings { iterations: 1, optimiser: Optimiser::Adam(adam), ..centroid() };
    let index = empty_index(&device);
    let activator = Activator::new(&tiny, &index, settings).unwrap();
    let starts = Some(vec![start.clone()]);
    let changed = activator
        .optimise(std::slice::from_ref(&image), &target.clone().into(), starts, &mut |_| ())
        .unwrap();

    let expected = loss(&tiny, &image, &target, start.clone(), strength);
    let found = changed[0].trace.steps[0].loss;
    assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
    let moved = (changed[0].pixels.clone() - image.clone()).into_data().try_to_vec::<f32>().unwrap();
    let (mut told, pixels) = (0, moved.len());
    for (i, &moved) in moved.iter().enumerate() {
        let numeric = finite_difference(&tiny, &image, &target, &start, i, strength);
        if numeric.abs() > 2e-5 {
            told += 1;
            assert!(f64::from(moved) * numeric < 0.0, "pixel {i}: moved {moved} against slope {numeric}");
        }
    }
    assert!(told > 100, "finite differences settled only {told} of {pixels} signs");
}

/// Compares the objective and the pixels with the paper's equations, for a network with deviations of its own.
#[test]
fn the_perturbation_is_in_the_normalised_space_of_the_network() {
    let device = Device::flex();
    let (tiny, image) = (Tiny::with_std([0.5; 3], &device), photo(&device, 9, 7));
    let target = Tensor::<2>::from_floats([[0.1, -0.5, 0.3, 0.2, 0.0, 0.4, -0.2, 0.6]], &device);
    let start = Tensor::<4>::full([1, 3, 9, 7], 0.2, &device);
    let adam = Masked { strength: 30.0, learning_rate: 0.0, ..Masked::default() };
    let settings = Settings { iterations: 1, optimiser: Optimiser::Adam(adam), ..centroid() };
    let index = empty_index(&device);
    let activator = Activator::new(&tiny, &index, settings).unwrap();
    let optimised = activator
        .optimise(
            std::slice::from_ref(&image),
            &target.clone().into(),
            Some(vec![start.clone()]),
            &mut |_| (),
        )
        .unwrap();

    let (found, expected) =
        (optimised[0].trace.steps[0].loss, loss(&tiny, &image, &target, start.clone(), 30.0));
    assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
    let weights = Tensor::<1>::from_floats([0.072 / 0.299, 0.072 / 0.587, 0.072 / 0.114], &device);
    let change = jnd_map(image.clone()) * weights.reshape([1, 3, 1, 1]) * (30.0 * 0.5) * start.tanh();
    let difference = (optimised[0].pixels.clone() - image - change).abs().max().into_scalar::<f32>();
    assert!(difference < 1e-6, "{difference}");
}

fn finite_difference(
    t: &Tiny,
    image: &Tensor<4>,
    target: &Tensor<2>,
    at: &Tensor<4>,
    i: usize,
    strength: f64,
) -> f64 {
    const STEP: f32 = 0.05; // truncation ~ STEP^2, rounding ~ 1e-7 / STEP
    let moved = |step: f32| {
        let mut values = at.to_data().try_to_vec::<f32>().unwrap();
        values[i] += step;
        let delta = Tensor::from_data(TensorData::new(values, at.dims()), &image.device());
        loss(t, image, target, delta, strength)
    };
    (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP)
}

/// Compares the gradient itself with central differences.
#[test]
fn the_gradient_to_the_pixels_is_the_finite_difference() {
    let device = Device::flex();
    let (tiny, image) = (Tiny::new(&device), photo(&device, 9, 7));
    let target = Tensor::<2>::from_floats([[0.1, -0.5, 0.3, 0.2, 0.0, 0.4, -0.2, 0.6]], &device);
    let start = Tensor::<4>::full([1, 3, 9, 7], 0.2, &device);
    let perturbation = Perturbation::new(image.clone(), 30.0, tiny.std());
    let delta = start.clone().autodiff().require_grad();
    let change = perturbation.change(delta.clone());
    let descriptor = describe(&tiny, vec![perturbation.apply(change.clone())]);
    let norm = |x: Tensor<2>| x.powi_scalar(2).sum_dim(1).sqrt();
    let tracked = target.clone().autodiff();
    let cosine = (descriptor.clone() * tracked.clone()).sum_dim(1) / (norm(descriptor) * norm(tracked));
    let std = Tensor::<1>::from_floats(tiny.std(), &device).reshape([1, 3, 1, 1]).autodiff();
    let loss = cosine.neg().sum() + (change / std).powi_scalar(2).mean() * Masked::default().lambda_i;
    let gradient = delta.grad_remove(&mut loss.backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();

    let numeric: Vec<f64> =
        (0..gradient.len()).map(|i| finite_difference(&tiny, &image, &target, &start, i, 30.0)).collect();
    let difference: f64 = gradient.iter().zip(&numeric).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    let scale: f64 = numeric.iter().map(|b| b * b).sum();
    let relative = (difference / scale).sqrt();
    assert!(relative < 5e-3, "relative difference {relative}: float32 rounding over the step explains 1e-3");
}

#[test]
fn a_batch_of_different_sizes_gives_what_each_image_gives_alone() {
    let device = Device::flex();
    let tiny = Tiny::new(&device);
    let images = [photo(&device, 9, 7), photo(&device, 12, 20)];
    let index = empty_index(&device);
    let settings = Settings { iterations: 3, target: Target::Centroid, ..paper(10.0) };
    let activator = Activator::new(&tiny, &index, settings).unwrap();
    let together = activator.activate(&images, &mut |_| ()).unwrap();
    for (image, batched) in images.iter().zip(together) {
        let alone = activator.activate(std::slice::from_ref(image), &mut |_| ()).unwrap().remove(0);
        let difference = (alone.pixels - batched.pixels).abs().mean().into_scalar::<f32>();
        // Adam follows signs, and those of gradients near 0 may differ by rounding.
        assert!(difference < 1e-3, "mean difference {difference}");
        assert!((alone.after.cosine - batched.after.cosine).abs() < 1e-3);
        assert_eq!(alone.before.cell, batched.before.cell);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_the_descriptor_moves_closer() {
    let device = Device::flex();
    let tiny = Tiny::new(&device);
    let image = photo(&device, 16, 16);
    let index = empty_index(&device);
    let settings = Settings { iterations: 10, target: Target::Centroid, ..paper(10.0) };
    let run = || {
        Activator::new(&tiny, &index, settings)
            .unwrap()
            .activate(std::slice::from_ref(&image), &mut |_| ())
            .unwrap()
    };
    let (first, second) = (run().remove(0), run().remove(0));
    let bytes = |pixels: &Tensor<4>| active_index_activate::pixels::to_rgb8(pixels).unwrap();
    assert_eq!(bytes(&first.pixels), bytes(&second.pixels));
    assert_eq!(first.trace.steps.len(), 10);
    assert!(first.after.cosine > first.before.cosine, "{:?} {:?}", first.before, first.after);
    assert!(first.after.distance < first.before.distance);
}

fn centroid() -> Settings {
    Settings { target: Target::Centroid, ..Settings::paper() }
}

#[test]
fn settings_and_shapes_out_of_range_are_errors() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), empty_index(&device));
    for strength in [f64::NAN, -1.0, f64::INFINITY] {
        let error = Activator::new(&tiny, &index, Settings { target: Target::Centroid, ..paper(strength) })
            .unwrap_err();
        assert!(error.to_string().starts_with("strength is"), "{error}");
    }
    let activator = Activator::new(&tiny, &index, centroid()).unwrap();
    let grey = Tensor::<4>::zeros([1, 1, 4, 4], &device);
    assert!(activator.activate(&[grey], &mut |_| ()).unwrap_err().to_string().contains("[1, 1, 4, 4]"));
    assert!(activator.activate(&[], &mut |_| ()).unwrap().is_empty());
}

#[test]
fn exact_codes_leave_nothing_to_approach() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), empty_index(&device));
    let error = Activator::new(&tiny, &index, Settings::paper()).unwrap_err();
    assert!(error.to_string().contains("IVF4,Flat stores descriptors exactly"), "{error}");
}

#[test]
fn another_dimension_is_refused() {
    let device = Device::flex();
    let vectors = spread([64, 16], &device);
    let index = Index::train(&"Flat".parse().unwrap(), vectors, &Default::default()).unwrap();
    let error = Activator::new(&Tiny::new(&device), &index, Settings::default()).unwrap_err();
    assert!(error.to_string().contains("16") && error.to_string().contains("8"), "{error}");
}
