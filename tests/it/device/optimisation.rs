//! The optimisation on every device: the JND map against the published one, the losses and images against the
//! CPU's.

use activate::{Activated, Activator, Objective, Settings, jnd_map, pixels::to_rgb8};
use burn::tensor::{Device, Tensor};
#[cfg(any(feature = "wgpu-untuned", feature = "cuda"))]
use device_math::transfer::download;
use device_math::transfer::{Traffic, counted};
use extractor::{Extractor, Preprocess};
use index::{Index, Metric, Target};

use super::{
    devices,
    index::{bytes, trained, vectors},
    network,
};
use crate::fixtures::{largest_difference, npz, photo, values};

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

/// Edge of the network's input; small, because software drivers are slow.
const SIZE: usize = 64;

fn extractor_at(device: &Device) -> Extractor {
    let extractor = network::load("sscd", None, device);
    let preprocess = Preprocess { size: SIZE, ..extractor.preprocess() };
    extractor.with_preprocess(preprocess)
}

fn index_at(device: &Device) -> Index {
    let mut host = trained("IVF7,PQ3", Metric::L2, &Device::flex());
    host.add(vectors(300, 2, &Device::flex())).unwrap();
    Index::from_bytes(&bytes(&host), device).unwrap()
}

fn photos(device: &Device) -> Vec<Tensor<4>> {
    ["img0.png", "img1.png"].map(|file| photo(file).unwrap().to_device(device)).into()
}

/// Settings tested on every device: the paper's method, the default, and the default without views for
/// searches of three cells.
fn methods() -> [(&'static str, Settings); 3] {
    let robust = Settings { iterations: 4, objective: Objective::Robust { views: 4 }, ..Settings::default() };
    let margin = Settings { objective: Objective::CellMargin, nprobe: 3, ..robust };
    [("paper", Settings { iterations: 4, ..Settings::paper() }), ("views", robust), ("margin", margin)]
}

/// Two photographs of different sizes through the whole loop with the tiny network, towards codes or cells of an index.
fn activated(settings: Settings, device: &Device) -> Vec<Activated> {
    let (extractor, index) = (extractor_at(device), index_at(device));
    let activator = Activator::new(&extractor, &index, settings).unwrap();
    activator.activate(&photos(device), &mut |_| ()).unwrap()
}

#[test]
fn every_device_takes_the_steps_of_the_cpu() {
    for (method, settings) in methods() {
        let cell_views = if method == "views" { 6 } else { 0 };
        let settings = Settings { cell_views, ..settings };
        let expected = activated(settings, &Device::flex());
        for (name, device) in devices() {
            for (i, (found, expected)) in activated(settings, &device).iter().zip(&expected).enumerate() {
                let name = format!("{name}, {method}, image {i}");
                assert_eq!(found.before.cell, expected.before.cell, "{name}");
                assert_eq!(found.cell, expected.cell, "{name}");
                assert_eq!(found.pixels.device(), device, "{name}: released images stay on the device");
                assert_same_trace(&name, found, expected);
            }
        }
    }
}

/// Transfers of two more steps, without those done once per image.
fn traffic_of_a_step(settings: Settings, device: &Device) -> [f64; 3] {
    let (extractor, index, images) = (extractor_at(device), index_at(device), photos(device));
    let run = |iterations| {
        let activator = Activator::new(&extractor, &index, Settings { iterations, ..settings }).unwrap();
        let targets = index.target(vectors(2, 4, device), Target::Reconstruction).unwrap();
        let optimise = || activator.optimise(&images, &targets, None, &mut |_| ()).unwrap();
        counted(optimise).1
    };
    // The first step builds the resize matrices of these sizes, and they are kept.
    run(1);
    let (less, more) = (run(1), run(3));
    let per_step = |of: fn(&Traffic) -> usize| (of(&more) - of(&less)) as f64 / 2.0;
    [per_step(|t| t.sent), per_step(|t| t.downloads), per_step(|t| t.read)]
}

/// Images are uploaded once. A step uploads a few cache lines, plus one number per square of five pixels for
/// views with letters, and downloads the figures of its images in one read.
#[test]
fn a_step_sends_no_pixels_and_reads_its_figures_alone() {
    for (name, device) in devices() {
        for (method, settings) in methods() {
            let [sent, downloads, read] = traffic_of_a_step(settings, &device);
            println!("{name}, {method}: {sent} bytes sent, {downloads} reads of {read} bytes in all");
            let figures = if method == "paper" { 4 } else { 5 };
            assert_eq!((downloads, read), (1.0, (2 * figures * size_of::<f32>()) as f64), "{name}, {method}");
            // Two images of different sides have separate views. A colour edit is at most a matrix of 9
            // numbers.
            let letters = SIZE.div_ceil(5).pow(2);
            let views = if method == "views" { 2 * 4 * (letters + 9) } else { 0 };
            let normalisation = 6;
            let allowed = (views + normalisation) * size_of::<f32>();
            // The CPU makes views from tables and uploads nothing.
            assert!(
                device == Device::flex() || sent <= allowed as f64,
                "{name}, {method}: {sent} of {allowed}"
            );
        }
    }
}

/// The result of an image does not depend on the other images of its batch, up to the order of sums.
#[test]
fn images_of_different_sizes_together_are_what_they_are_alone() {
    for (name, device) in devices() {
        let (extractor, index, images) = (extractor_at(&device), index_at(&device), photos(&device));
        let (_, settings) = methods()[1];
        let activator = Activator::new(&extractor, &index, settings).unwrap();
        let both = [images[0].clone(), images[1].clone(), images[0].clone()];
        let together = activator.activate(&both, &mut |_| ()).unwrap();
        for (i, found) in together.iter().enumerate() {
            let alone = activator.activate(&both[i..=i], &mut |_| ()).unwrap();
            assert_same_trace(&format!("{name}, image {i}"), found, &alone[0]);
        }
    }
}

/// A request for a terabyte, which no device has, is an error, and a request that fits then succeeds.
#[test]
#[cfg(any(feature = "wgpu-untuned", feature = "cuda"))]
fn a_device_out_of_memory_reports_it_and_stays_usable() {
    for (name, device) in devices().into_iter().filter(|(_, device)| *device != Device::flex()) {
        let large = Tensor::<2>::zeros([1 << 19, 1 << 19], &device);
        let error = activate::Error::from(download(large + 1.0).unwrap_err());
        println!("{name}: {error}");
        assert!(error.is_out_of_memory(), "{name}: {error}");
        assert!(!error.to_string().contains('\n'), "{name}: {error}");
        assert_eq!(download(Tensor::<1>::ones([2], &device)).unwrap(), [1.0, 1.0], "{name}");
    }
}

fn assert_same_trace(name: &str, found: &Activated, expected: &Activated) {
    assert_eq!(found.trace.steps.len(), expected.trace.steps.len(), "{name}");
    for (step, wanted) in found.trace.steps.iter().zip(&expected.trace.steps) {
        println!("{name}, step {}: loss {:.5} for {:.5}", step.iteration, step.loss, wanted.loss);
        // Adam divides by the gradient's magnitude, so rounding of small gradients is visible, though hardly
        // in the loss.
        let allowed = 5e-3 * wanted.loss.abs().max(1.0);
        assert!((step.loss - wanted.loss).abs() < allowed, "{name}, step {}", step.iteration);
    }
    assert!((found.before.cosine - expected.before.cosine).abs() < 1e-5, "{name}: {:?}", found.before);
    assert!((found.after.cosine - expected.after.cosine).abs() < 5e-3, "{name}: {:?}", found.after);
    let [found, expected] = [found, expected].map(|one| to_rgb8(&one.pixels).unwrap());
    let same = found.iter().zip(&expected).filter(|(a, b)| a == b).count() as f64 / expected.len() as f64;
    println!("{name}: {:.2} % of the levels are the same", 100.0 * same);
    // Where a gradient is almost zero, its sign, and so the direction of the pixel, is rounding noise.
    assert!(same > 0.9, "{name}: {same}");
}
