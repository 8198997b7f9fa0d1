//! Steepest descent under a budget, towards cells, on a tiny network.

use activate::{
    Activator, Budget, Error, Objective, Optimizer, Settings,
    burn::tensor::{Device, Tensor},
    describe,
    index::Index,
    jnd_map,
};

use crate::tiny::{Tiny, photo, spread};

/// Of vectors of unit norm, as descriptors are.
fn index(factory: &str, device: &Device) -> Index {
    let vectors = spread([256, 8], device);
    let norms = vectors.clone().powi_scalar(2).sum_dim(1).sqrt();
    Index::train(&factory.parse().unwrap(), vectors / norms, &Default::default()).unwrap()
}

fn settings(objective: Objective, psnr: f64) -> Settings {
    let optimizer = Optimizer::Steepest(Budget { psnr, ..Budget::default() });
    Settings { objective, optimizer, ..Settings::default() }
}

fn number(x: Tensor<4>) -> f64 {
    f64::from(x.into_scalar::<f32>())
}

fn psnr(change: Tensor<4>) -> f64 {
    -10.0 * number(change.powi_scalar(2).mean().reshape([1, 1, 1, 1])).log10()
}

/// What the budget allows is spent, to within what the rounding of few pixels makes of it, and nowhere more than the cap.
#[test]
fn the_budget_is_spent_and_held() {
    let device = Device::flex();
    let (tiny, index, image) = (Tiny::new(&device), index("IVF32,PQ2x4", &device), photo(&device, 40, 30));
    for objective in [Objective::CellMargin, Objective::Reconstruction, Objective::Robust { views: 2 }] {
        for (wanted, linf) in [(36.0, 1.0), (42.5, 1.0), (42.5, 2.0 / 255.0)] {
            let budget = Budget { psnr: wanted, jnd: 4.0, linf };
            let settings = Settings { optimizer: Optimizer::Steepest(budget), ..settings(objective, wanted) };
            let activator = Activator::new(&tiny, &index, settings).unwrap();
            let done = activator.activate(std::slice::from_ref(&image), &mut |_| ()).unwrap().remove(0);
            let change = done.pixels - image.clone();
            let found = psnr(change.clone());
            let is_tight = linf < 1.0;
            assert!(found > wanted - 0.1, "{objective:?}: {found} dB for {wanted}");
            assert!(is_tight || found < wanted + 0.1, "{objective:?}: {found} dB for {wanted}");
            let limit = (jnd_map(image.clone()) * 4.0).clamp_max(linf) + 0.5 / 255.0;
            assert!(number((change.abs() / limit).max().reshape([1, 1, 1, 1])) < 1.0 + 1e-4);
        }
    }
}

#[test]
fn images_move_deeper_into_their_cells() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("IVF32,PQ2x4", &device));
    let images = [photo(&device, 31, 20), photo(&device, 12, 44)];
    let activator = Activator::new(&tiny, &index, settings(Objective::CellMargin, 30.0)).unwrap();
    let done = activator.activate(&images, &mut |_| ()).unwrap();
    for (image, done) in images.into_iter().zip(done) {
        let cell = done.before.cell.unwrap();
        let margin =
            |pixels: Tensor<4>| index.cell_margins(describe(&tiny, [pixels]), &[cell]).unwrap().unwrap()[0];
        let (before, after) = (margin(image), margin(done.pixels));
        assert!(after > before, "{before} -> {after}");
        let losses: Vec<f64> = done.course.steps.iter().map(|step| step.loss).collect();
        assert!(losses[9] < losses[0], "{losses:?}");
    }
}

#[test]
fn more_cells_are_easier_to_stay_in() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("IVF8,PQ2x4", &device));
    let image = photo(&device, 20, 20);
    let kept = |cells| {
        let settings = Settings { cells, ..settings(Objective::Robust { views: 4 }, 40.0) };
        let activator = Activator::new(&tiny, &index, settings).unwrap();
        activator.activate(std::slice::from_ref(&image), &mut |_| ()).unwrap().remove(0).course.kept.unwrap()
    };
    assert!(kept(1) <= kept(4) && kept(8) == 1.0);
    let few = Activator::new(&tiny, &index, Settings { cells: 9, ..Settings::default() });
    assert!(matches!(few, Err(Error::FewCells { nlist: 8, cells: 9 })));
}

#[test]
fn indexes_without_cells_are_approached() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("PQ2x4", &device));
    let robust = settings(Objective::Robust { views: 2 }, 30.0);
    let activator = Activator::new(&tiny, &index, robust).unwrap();
    let done = activator.activate(&[photo(&device, 20, 20)], &mut |_| ()).unwrap().remove(0);
    assert!(done.after.cosine > done.before.cosine && done.course.kept.is_none());
    let deep = Activator::new(&tiny, &index, settings(Objective::CellMargin, 30.0));
    assert!(matches!(deep, Err(Error::NoCells { .. })));
}

#[test]
fn the_seed_fixes_the_views_whatever_the_batch() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("IVF32,PQ2x4", &device));
    let images = [photo(&device, 20, 20), photo(&device, 9, 31)];
    let bytes = |seed, images: &[Tensor<4>]| {
        let settings = Settings { seed, iterations: 3, ..Settings::default() };
        let activator = Activator::new(&tiny, &index, settings).unwrap();
        let done = activator.activate(images, &mut |_| ()).unwrap();
        activate::pixels::to_rgb8(&done[0].pixels).unwrap()
    };
    assert_eq!(bytes(1, &images), bytes(1, &images[..1]));
    assert_ne!(bytes(1, &images), bytes(2, &images));
}
