//! Early ends of the optimisation.

use active_index_activate::{
    Activated, Activator, End, Optimised, Settings, Stop,
    burn::tensor::{Device, Tensor},
    describe,
    index::{Index, Target},
};

use crate::tiny::{Tiny, paper, photo, spread};

const ITERATIONS: usize = 12;

fn settings(stop: Stop) -> Settings {
    Settings { iterations: ITERATIONS, stop, ..paper(20.0) }
}

fn index(factory: &str) -> Index {
    Index::train(&factory.parse().unwrap(), spread([256, 8], &Device::flex()), &Default::default()).unwrap()
}

fn images() -> Vec<Tensor<4>> {
    let device = Device::flex();
    let sizes = [[9, 7], [12, 20], [16, 16], [23, 11], [31, 31]];
    sizes.into_iter().zip(3..).map(|([h, w], i)| photo(&device, h, w) * (0.1 * i as f32) + 0.1).collect()
}

/// Optimises images towards their own targets.
fn optimised(tiny: &Tiny, index: &Index, stop: Stop, images: &[Tensor<4>]) -> Vec<Optimised> {
    let activator = Activator::new(tiny, index, settings(stop)).unwrap();
    let targets = index.target(describe(tiny, images.to_vec()), Target::Reconstruction).unwrap();
    activator.optimise(images, &targets, None, &mut |_| ()).unwrap()
}

fn bytes(pixels: &Tensor<4>) -> Vec<u32> {
    pixels.to_data().try_to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

/// Margin of an image in its original's cell: the distance to the nearest other centroid minus that to its own.
fn margin(
    tiny: &Tiny,
    index: &Index,
    centroids: &[Vec<f32>],
    original: &Tensor<4>,
    pixels: &Tensor<4>,
) -> f32 {
    let descriptor = |image: &Tensor<4>| describe(tiny, vec![image.clone()]);
    let own = index.cells(descriptor(original)).unwrap().unwrap()[0] as usize;
    let x = descriptor(pixels).into_data().try_to_vec::<f32>().unwrap();
    let away = |c: &Vec<f32>| x.iter().zip(c).map(|(x, c)| (x - c).powi(2)).sum::<f32>().sqrt();
    let others = centroids.iter().enumerate().filter(|(cell, _)| *cell != own).map(|(_, c)| away(c));
    others.fold(f32::INFINITY, f32::min) - away(&centroids[own])
}

/// Centroids in the order of the cells, from vectors that lie in all of them.
fn centroids(index: &Index) -> Vec<Vec<f32>> {
    let vectors = spread([256, 8], &Device::flex());
    let cells = index.cells(vectors.clone()).unwrap().unwrap();
    let points = index.target(vectors, Target::Centroid).unwrap().points;
    let points: Vec<f32> = points.into_data().try_to_vec().unwrap();
    let mut centroids = vec![Vec::new(); index.nlist().unwrap()];
    cells.iter().zip(points.chunks(8)).for_each(|(&cell, row)| centroids[cell as usize] = row.to_vec());
    assert!(centroids.iter().all(|row| !row.is_empty()));
    centroids
}

#[test]
fn conditions_that_never_hold_change_no_bit() {
    let (tiny, index, images) = (Tiny::new(&Device::flex()), index("IVF4,PQ2x4"), images());
    let expected = optimised(&tiny, &index, Stop::Never, &images);
    let found = optimised(&tiny, &index, Stop::Safe { margin: 100.0 }, &images);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.trace, expected.trace);
        assert_eq!((expected.trace.iterations, expected.trace.end), (ITERATIONS, End::Iterations));
        assert_eq!(expected.trace.steps.len(), ITERATIONS);
        assert_eq!(bytes(&found.pixels), bytes(&expected.pixels));
    }
}

/// Compares an image that stops early with one that takes as many steps without a stop condition.
#[test]
fn an_image_that_stops_is_as_it_was_at_that_step() {
    let (tiny, index, images) = (Tiny::new(&Device::flex()), index("IVF4,PQ2x4"), images());
    let mut early = 0;
    for stop in [Stop::Settled { share: 0.3 }, Stop::Safe { margin: 0.2 }] {
        for image in &images {
            let one = std::slice::from_ref(image);
            let found = optimised(&tiny, &index, stop, one).remove(0);
            let iterations = found.trace.iterations;
            let limited = Settings { iterations, ..settings(Stop::Never) };
            let targets = index.target(describe(&tiny, vec![image.clone()]), Target::Reconstruction).unwrap();
            let limited = Activator::new(&tiny, &index, limited).unwrap();
            let expected = limited.optimise(one, &targets, None, &mut |_| ()).unwrap().remove(0);
            assert_eq!(bytes(&found.pixels), bytes(&expected.pixels), "{stop:?}");
            early += usize::from(iterations < ITERATIONS);
        }
    }
    assert!(early > 3, "{early} of 10 stopped early");
}

#[test]
fn no_image_takes_more_steps_or_ends_worse_than_it_was() {
    let (tiny, index, images) = (Tiny::new(&Device::flex()), index("IVF4,PQ2x4"), images());
    let stops = [0.0, 0.1, 0.3, 1.0].map(|share| Stop::Settled { share }).into_iter();
    let stops = stops.chain([0.0, 0.05, 0.1, 0.2].map(|margin| Stop::Safe { margin }));
    let mut early = 0;
    for stop in stops {
        for Optimised { trace, .. } in optimised(&tiny, &index, stop, &images) {
            assert!(trace.iterations <= ITERATIONS, "{stop:?}");
            if trace.end != End::Iterations {
                early += 1;
                assert_eq!(trace.steps.len(), trace.iterations + 1, "{stop:?}");
                assert!(trace.steps[trace.iterations].loss <= trace.steps[0].loss, "{stop:?}");
            }
        }
    }
    assert!(early > 10, "{early} of 40 stopped early");
}

#[test]
fn the_margin_of_a_safe_image_holds() {
    let (tiny, images) = (Tiny::new(&Device::flex()), images());
    let mut safe = 0;
    for factory in ["IVF4,PQ2x4", "IVF4,SQ8", "IVF4,PQ2x4,RFlat", "IVF8,PQ2x4fs"] {
        let index = index(factory);
        let centroids = centroids(&index);
        for least in [0.05, 0.2] {
            let changed = optimised(&tiny, &index, Stop::Safe { margin: least.into() }, &images);
            for (Optimised { pixels, trace }, original) in changed.iter().zip(&images) {
                if trace.end == End::Safe {
                    safe += 1;
                    let margin = margin(&tiny, &index, &centroids, original, pixels);
                    assert!(margin > least - 1e-5, "{factory}: {margin} for {least}");
                }
            }
        }
    }
    assert!(safe > 10, "{safe} of 40 were safe");
}

#[test]
fn images_that_stop_leave_the_batch_and_the_others_go_on() {
    let (tiny, index, images) = (Tiny::new(&Device::flex()), index("IVF4,PQ2x4"), images());
    let activator = Activator::new(&tiny, &index, settings(Stop::Settled { share: 0.1 })).unwrap();
    let mut running = Vec::new();
    let together = activator.activate(&images, &mut |step| running.push(step.images)).unwrap();
    let steps = |activated: &Activated| activated.trace.iterations;
    assert_eq!(running.iter().sum::<usize>(), together.iter().map(steps).sum::<usize>());
    assert!(running.is_sorted_by(|a, b| a >= b), "{running:?}");
    assert!(running.first() > running.last(), "{running:?}");
    for (image, batched) in images.iter().zip(&together) {
        let alone = activator.activate(std::slice::from_ref(image), &mut |_| ()).unwrap().remove(0);
        assert_eq!(alone.before.cell, batched.before.cell);
        assert!((alone.after.cosine - batched.after.cosine).abs() < 1e-2);
        // Another order of summation may decide a step.
        assert!(steps(&alone).abs_diff(steps(batched)) <= 1);
    }
}

#[test]
fn indexes_without_cells_and_bad_amounts_are_refused() {
    let (tiny, flat, cells) = (Tiny::new(&Device::flex()), index("PQ2x4"), index("IVF4,PQ2x4"));
    let safe = settings(Stop::Safe { margin: 0.1 });
    let error = Activator::new(&tiny, &flat, safe).unwrap_err().to_string();
    assert!(error.contains("PQ2x4 has no cells"), "{error}");
    assert!(Activator::new(&tiny, &flat, settings(Stop::Settled { share: 0.1 })).is_ok());
    for stop in [Stop::Safe { margin: f64::NAN }, Stop::Settled { share: -0.1 }] {
        assert!(Activator::new(&tiny, &cells, settings(stop)).is_err(), "{stop:?}");
    }
}
