//! Steepest descent under a budget, towards cells, on the tiny network.

use std::sync::atomic::{AtomicUsize, Ordering};

use active_index_activate::{
    Activated, Activator, Budget, DescriptorNetwork, Error, Objective, Optimiser, Settings,
    burn::tensor::{Device, Tensor},
    describe,
    index::Index,
    jnd_map,
};

use crate::tiny::{Tiny, photo, spread};

/// Index of vectors of unit norm, like descriptors.
fn index(factory: &str, device: &Device) -> Index {
    trained(factory, spread([256, 8], device))
}

fn trained(factory: &str, vectors: Tensor<2>) -> Index {
    let norms = vectors.clone().powi_scalar(2).sum_dim(1).sqrt();
    Index::train(&factory.parse().unwrap(), vectors / norms, &Default::default()).unwrap()
}

fn settings(objective: Objective, psnr: f64) -> Settings {
    let optimiser = Optimiser::Steepest(Budget { psnr, ..Budget::default() });
    Settings { objective, optimiser, ..Settings::default() }
}

fn number(x: Tensor<4>) -> f64 {
    f64::from(x.into_scalar::<f32>())
}

fn psnr(change: Tensor<4>) -> f64 {
    -10.0 * number(change.powi_scalar(2).mean().reshape([1, 1, 1, 1])).log10()
}

/// Compares the PSNR with the budget, up to the rounding of few pixels, and every change with its largest allowed
/// value.
#[test]
fn the_budget_is_spent_and_held() {
    let device = Device::flex();
    let (tiny, index, image) = (Tiny::new(&device), index("IVF32,PQ2x4", &device), photo(&device, 40, 30));
    for objective in [Objective::CellMargin, Objective::Reconstruction, Objective::Robust { views: 2 }] {
        for (wanted, linf) in [(36.0, 1.0), (42.5, 1.0), (42.5, 2.0 / 255.0)] {
            let budget = Budget { psnr: wanted, jnd: 4.0, linf };
            let settings = Settings { optimiser: Optimiser::Steepest(budget), ..settings(objective, wanted) };
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

/// Tests small numbers of steps, which are longer ones.
#[test]
fn few_steps_spend_the_budget_too() {
    let device = Device::flex();
    let (tiny, index, image) = (Tiny::new(&device), index("IVF32,PQ2x4", &device), photo(&device, 40, 30));
    for iterations in [1, 2, 3, 20] {
        let settings = Settings { iterations, ..settings(Objective::CellMargin, 40.0) };
        let activator = Activator::new(&tiny, &index, settings).unwrap();
        let done = activator.activate(std::slice::from_ref(&image), &mut |_| ()).unwrap().remove(0);
        let found = psnr(done.pixels - image.clone());
        assert!((found - 40.0).abs() < 0.1, "{iterations} steps: {found} dB");
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
        let losses: Vec<f64> = done.trace.steps.iter().map(|step| step.loss).collect();
        assert!(losses[9] < losses[0], "{losses:?}");
    }
}

/// Share of the views of a photograph of this size that stay in its cells.
fn kept(factory: &str, [h, w]: [usize; 2], settings: Settings) -> f64 {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index(factory, &device));
    let activator = Activator::new(&tiny, &index, settings).unwrap();
    activator.activate(&[photo(&device, h, w)], &mut |_| ()).unwrap().remove(0).trace.kept.unwrap()
}

#[test]
fn more_cells_are_easier_to_stay_in() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("IVF8,PQ2x4", &device));
    let robust = settings(Objective::Robust { views: 4 }, 40.0);
    let kept = |cells| kept("IVF8,PQ2x4", [20, 20], Settings { cells, ..robust });
    assert!(kept(1) <= kept(4) && kept(8) == 1.0);
    let few = Activator::new(&tiny, &index, Settings { cells: 9, ..Settings::default() });
    assert!(matches!(few, Err(Error::FewCells { nlist: 8, cells: 9 })));
}

#[test]
fn more_visited_cells_find_more() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("IVF8,PQ2x4", &device));
    let robust = settings(Objective::Robust { views: 4 }, 40.0);
    let kept = |nprobe| kept("IVF8,PQ2x4", [20, 20], Settings { nprobe, ..robust });
    assert!(kept(1) <= kept(4) && kept(8) == 1.0);
    let none = Activator::new(&tiny, &index, Settings { nprobe: 0, ..Settings::default() });
    assert!(matches!(none, Err(Error::Setting { name: "nprobe", .. })));
}

/// Tests photographs of different sizes. Nothing changes for a photograph whose views choose the nearest cell.
#[test]
fn the_cell_that_views_choose_keeps_more_of_them() {
    let device = Device::flex();
    let tiny = Tiny::new(&device);
    let images: Vec<_> = (0..8).map(|i| photo(&device, 14 + 3 * i, 40 - 3 * i)).collect();
    // Cells about as small as the movement of these photographs' descriptors by edits.
    let around = describe(&tiny, images.clone()).mean_dim(0);
    let index = trained("IVF64,PQ2x4", around + spread([256, 8], &device) * 0.1);
    let activated = |cell_views| {
        let settings = Settings { cell_views, ..settings(Objective::Robust { views: 4 }, 50.0) };
        Activator::new(&tiny, &index, settings).unwrap().activate(&images, &mut |_| ()).unwrap()
    };
    let (nearest, chosen) = (activated(0), activated(64));
    let kept = |done: &[Activated]| done.iter().map(|done| done.trace.kept.unwrap()).sum::<f64>();
    assert!(kept(&chosen) > kept(&nearest), "{} > {}", kept(&chosen), kept(&nearest));
    let mut moved = 0;
    for (nearest, chosen) in nearest.iter().zip(&chosen) {
        assert_eq!((nearest.cell, &chosen.before), (nearest.before.cell, &nearest.before));
        let same = chosen.cell == nearest.cell;
        assert_eq!(chosen.trace == nearest.trace, same, "{:?} for {:?}", chosen.cell, nearest.cell);
        moved += usize::from(!same);
    }
    assert!((1..8).contains(&moved), "{moved} of 8 cells differ from the nearest");
    let none = self::index("PQ2x4", &device);
    let settings = Settings { cell_views: 8, ..settings(Objective::Robust { views: 1 }, 50.0) };
    assert!(matches!(Activator::new(&tiny, &none, settings), Err(Error::NoCells { .. })));
    let aimless = Settings { objective: Objective::Reconstruction, ..settings };
    let refused = Activator::new(&tiny, &index, aimless);
    assert!(matches!(refused, Err(Error::Setting { name: "cell_views", .. })));
}

/// Compares the margins in two indexes of an image activated for both, for the first alone, and of the original.
#[test]
fn several_indexes_are_secured_together() {
    let device = Device::flex();
    let tiny = Tiny::new(&device);
    let first = index("IVF32,PQ2x4", &device);
    let second = trained("IVF64,PQ2x4", spread([512, 8], &device).flip([1]));
    let image = photo(&device, 31, 20);
    let deep = settings(Objective::CellMargin, 30.0);
    let new = || Activator::new(&tiny, &first, deep).unwrap();
    let [alone, both] = [new(), new().also_for(&second).unwrap()].map(|activator| {
        activator.activate(std::slice::from_ref(&image), &mut |_| ()).unwrap().remove(0).pixels
    });
    let margin = |index: &Index, pixels: &Tensor<4>| {
        let cells = index.cells(describe(&tiny, [image.clone()])).unwrap().unwrap();
        index.cell_margins(describe(&tiny, [pixels.clone()]), &cells).unwrap().unwrap()[0]
    };
    assert!(margin(&second, &both) > margin(&second, &alone));
    assert!(margin(&second, &both) > margin(&second, &image));
    assert!(margin(&first, &both) > margin(&first, &image));
    let wrong = trained("IVF4,PQ2x4", spread([256, 4], &device));
    let refused = new().also_for(&wrong);
    assert!(matches!(refused, Err(Error::Dimension { index: 4, descriptor: 8 })));
}

/// Counts passes of the network: before, after, and at each step, where a first step without views shares the first
/// pass.
#[test]
fn no_image_is_described_twice() {
    struct Counting(Tiny, AtomicUsize);

    impl DescriptorNetwork for Counting {
        fn dimension(&self) -> usize {
            self.0.dimension()
        }

        fn std(&self) -> [f32; 3] {
            self.0.std()
        }

        fn prepare(&self, pixels: Tensor<4>) -> Tensor<4> {
            self.0.prepare(pixels)
        }

        fn describe(&self, input: Tensor<4>) -> Tensor<2> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.describe(input)
        }
    }

    let device = Device::flex();
    let index = index("IVF32,PQ2x4", &device);
    // Images that are not in the order of their sizes.
    let images = [photo(&device, 31, 20), photo(&device, 12, 44), photo(&device, 20, 20)];
    for (objective, expected) in [(Objective::CellMargin, 5), (Objective::Robust { views: 2 }, 6)] {
        let network = Counting(Tiny::new(&device), AtomicUsize::new(0));
        let settings = Settings { iterations: 4, ..settings(objective, 40.0) };
        let done =
            Activator::new(&network, &index, settings).unwrap().activate(&images, &mut |_| ()).unwrap();
        assert_eq!(network.1.load(Ordering::Relaxed), expected, "{objective:?}");
        for (image, done) in images.iter().zip(done) {
            let alone = index.cells(describe(&network.0, [image.clone()])).unwrap().unwrap();
            assert_eq!(done.before.cell, Some(alone[0]));
        }
    }
}

#[test]
fn indexes_without_cells_are_approached() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("PQ2x4", &device));
    let robust = settings(Objective::Robust { views: 2 }, 30.0);
    let activator = Activator::new(&tiny, &index, robust).unwrap();
    let done = activator.activate(&[photo(&device, 20, 20)], &mut |_| ()).unwrap().remove(0);
    assert!(done.after.cosine > done.before.cosine && done.trace.kept.is_none());
    let deep = Activator::new(&tiny, &index, settings(Objective::CellMargin, 30.0));
    assert!(matches!(deep, Err(Error::NoCells { .. })));
}

/// The objective without edits is that of the cell where there are cells, and that of the code elsewhere, to the bit; for
/// indexes of both sorts together it approaches both.
#[test]
fn unedited_images_approach_what_the_index_has() {
    let device = Device::flex();
    let (tiny, image) = (Tiny::new(&device), [photo(&device, 20, 20)]);
    let [cells, codes] = ["IVF32,PQ2x4", "PQ2x4"].map(|factory| index(factory, &device));
    let activate = |index: &Index, objective| {
        let settings = Settings { iterations: 2, ..settings(objective, 30.0) };
        let activator = Activator::new(&tiny, index, settings).unwrap();
        activator.activate(&image, &mut |_| ()).unwrap().remove(0)
    };
    for (index, objective) in [(&cells, Objective::CellMargin), (&codes, Objective::Reconstruction)] {
        let [expected, found] = [objective, Objective::Unedited].map(|objective| activate(index, objective));
        assert_eq!(found.pixels.into_data(), expected.pixels.into_data(), "{objective:?}");
        assert_eq!(found.trace.kept, expected.trace.kept);
    }
    let both = settings(Objective::Unedited, 30.0);
    let both = Activator::new(&tiny, &codes, both).unwrap().also_for(&cells).unwrap();
    let done = both.activate(&image, &mut |_| ()).unwrap().remove(0);
    assert!(done.after.cosine > done.before.cosine && done.trace.kept.is_some());
}

#[test]
fn the_seed_fixes_the_views_in_any_batch() {
    let device = Device::flex();
    let (tiny, index) = (Tiny::new(&device), index("IVF32,PQ2x4", &device));
    let images = [photo(&device, 20, 20), photo(&device, 9, 31)];
    let bytes = |seed, images: &[Tensor<4>]| {
        let settings = Settings { seed, iterations: 3, ..Settings::default() };
        let activator = Activator::new(&tiny, &index, settings).unwrap();
        let done = activator.activate(images, &mut |_| ()).unwrap();
        active_index_activate::pixels::to_rgb8(&done[0].pixels).unwrap()
    };
    assert_eq!(bytes(1, &images), bytes(1, &images[..1]));
    assert_ne!(bytes(1, &images), bytes(2, &images));
}
