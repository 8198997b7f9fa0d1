//! The optimisation on every device: the JND map against the published one, the course of images against the CPU's.

use activate::{Activated, Activator, Settings, jnd_map, pixels::to_rgb8};
use burn::tensor::Device;
use extractor::Preprocess;
use index::{Index, Metric};
use tests::{largest_difference, npz, photo, values};

use super::{
    devices,
    index::{bytes, trained, vectors},
    network,
};

#[test]
fn every_device_has_the_published_jnd_map() {
    for (name, device) in devices() {
        for image in ["img0", "img1"] {
            let expected = npz(&format!("{image}.npz"), "heatmap").unwrap().values;
            let found = values(jnd_map(photo(&format!("{image}.png")).unwrap().to_device(&device)));
            let difference = largest_difference(&found, &expected);
            println!("{name}, {image}: {difference:.1e}");
            // Float32 rounding of luminances up to 255, and of a power of them; a 400th of an 8-bit level.
            assert!(difference < 1e-5, "{name}, {image}: {difference}");
        }
    }
}

/// Two photographs of different sizes through the whole loop with the tiny network, towards codes of an index.
fn activated(device: &Device) -> Vec<Activated> {
    let extractor = network::load("sscd", None, device);
    let preprocess = Preprocess { size: 64, ..extractor.preprocess() };
    let extractor = extractor.with_preprocess(preprocess);
    let mut host = trained("IVF7,PQ3", Metric::L2, &Device::flex());
    host.add(vectors(300, 2, &Device::flex())).unwrap();
    let index = Index::from_bytes(&bytes(&host), device).unwrap();
    let images = ["img0.png", "img1.png"].map(|file| photo(file).unwrap().to_device(device));
    let activator = Activator::new(&extractor, &index, Settings::paper()).unwrap();
    activator.activate(&images, &mut |_| ()).unwrap()
}

#[test]
fn every_device_takes_the_steps_of_the_cpu() {
    let expected = activated(&Device::flex());
    for (name, device) in devices() {
        for (i, (found, expected)) in activated(&device).iter().zip(&expected).enumerate() {
            assert_eq!(found.before.cell, expected.before.cell, "{name}, image {i}");
            assert_eq!(found.pixels.device(), device, "{name}: released images stay on the device");
            assert_same_course(&format!("{name}, image {i}"), found, expected);
        }
    }
}

fn assert_same_course(name: &str, found: &Activated, expected: &Activated) {
    assert_eq!(found.course.steps.len(), expected.course.steps.len(), "{name}");
    for (step, wanted) in found.course.steps.iter().zip(&expected.course.steps) {
        println!("{name}, step {}: loss {:.5} for {:.5}", step.iteration, step.loss, wanted.loss);
        // Adam takes signs, so that the rounding of small gradients shows, but hardly in the loss.
        let allowed = 5e-3 * wanted.loss.abs().max(1.0);
        assert!((step.loss - wanted.loss).abs() < allowed, "{name}, step {}", step.iteration);
    }
    assert!((found.before.cosine - expected.before.cosine).abs() < 1e-5, "{name}: {:?}", found.before);
    assert!((found.after.cosine - expected.after.cosine).abs() < 5e-3, "{name}: {:?}", found.after);
    let [found, expected] = [found, expected].map(|one| to_rgb8(&one.pixels).unwrap());
    let same = found.iter().zip(&expected).filter(|(a, b)| a == b).count() as f64 / expected.len() as f64;
    println!("{name}: {:.2} % of the levels are the same", 100.0 * same);
    // Where a gradient is next to nothing its sign, and with it the pixel's way, is rounding.
    assert!(same > 0.9, "{name}: {same}");
}
