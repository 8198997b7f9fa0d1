//! Activation for every kind of code, and its effect on edited copies.

use active_index_activate::{
    Activated, Activator, Settings,
    burn::tensor::{Device, Tensor},
    describe,
    index::{Index, Target, Targets},
};

use crate::tiny::{Tiny, paper, photo, spread};

/// Strength of a visible perturbation, which the tiny network needs.
const STRENGTH: f64 = 20.0;

fn index(factory: &str) -> Index {
    Index::train(&factory.parse().unwrap(), spread([256, 8], &Device::flex()), &Default::default()).unwrap()
}

/// Images of different sizes and brightness.
fn images() -> Vec<Tensor<4>> {
    let device = Device::flex();
    let sizes = [[9, 7], [12, 20], [16, 16], [23, 11], [31, 31], [10, 40]];
    sizes.into_iter().zip(3..).map(|([h, w], i)| photo(&device, h, w) * (0.1 * i as f32) + 0.1).collect()
}

/// Edited copies: brighter, darker, tinted in each colour, cropped and half covered.
fn edits(image: &Tensor<4>) -> Vec<Tensor<4>> {
    let [_, _, h, w] = image.dims();
    let tint = |rgb: [f32; 3]| {
        let rgb = Tensor::<1>::from_floats(rgb, &image.device()).reshape([1, 3, 1, 1]);
        (image.clone() * rgb).clamp(0.0, 1.0)
    };
    let mut edits = vec![
        (image.clone() * 1.6).clamp(0.0, 1.0),
        image.clone() * 0.4,
        image.clone().slice([0..1, 0..3, h / 2..h, 0..w / 2]),
        image.clone().slice_fill([0..1, 0..3, 0..h / 2, 0..w], 1.0),
    ];
    edits.extend([[0.3, 1.0, 1.0], [1.0, 0.3, 1.0], [1.0, 1.0, 0.3], [1.5, 1.0, 0.6]].map(tint));
    edits
}

fn activator<'a>(tiny: &'a Tiny, index: &'a Index) -> Activator<'a, Tiny> {
    let settings = Settings { iterations: 20, ..paper(STRENGTH) };
    Activator::new(tiny, index, settings).unwrap()
}

/// Least distance of an image's descriptor to a hyperplane, negative on the wrong side.
fn least_margin(tiny: &Tiny, target: &Targets, image: &Tensor<4>) -> f32 {
    let margins = target.signs.as_ref().unwrap().margins(describe(tiny, vec![image.clone()]));
    margins.min().into_scalar()
}

/// Number of bits that differ from the original's, over all edited copies of an image.
fn wrong_bits(activator: &Activator<Tiny>, target: &Targets, image: &Tensor<4>) -> usize {
    edits(image).iter().map(|copy| activator.position(copy, target).unwrap().wrong_bits.unwrap()).sum()
}

/// Sum of the images' least margins, and number of wrong bits of all their copies, before and after activation.
fn gain(factory: &str) -> ([f32; 2], [usize; 2]) {
    let (tiny, index, originals) = (Tiny::new(&Device::flex()), index(factory), images());
    let activator = activator(&tiny, &index);
    let released = activator.activate(&originals, &mut |_| ()).unwrap();
    let (mut margins, mut bits) = ([0.0; 2], [0; 2]);
    for (original, Activated { pixels, target, before, trace, .. }) in originals.iter().zip(&released) {
        let steps = &trace.steps;
        assert_eq!(before.wrong_bits, Some(0), "{factory}");
        assert!(steps[steps.len() - 1].loss_f < steps[0].loss_f, "{factory}: {steps:?}");
        for (i, image) in [original, pixels].into_iter().enumerate() {
            margins[i] += least_margin(&tiny, target, image);
            bits[i] += wrong_bits(&activator, target, image);
        }
    }
    (margins, bits)
}

#[test]
fn copies_keep_more_bits_of_an_activated_image() {
    for factory in ["LSH", "LSH24r", "LSH24rt", "PCA6,LSH", "RR8,LSH5t"] {
        let (_, bits) = gain(factory);
        assert!(bits[1] < bits[0], "{factory}: {bits:?}");
    }
}

/// Tests indexes with so few hyperplanes that a vector can move away from all of them.
#[test]
fn the_least_margins_rise() {
    for factory in ["LSH", "RR8,LSH5t"] {
        let (margins, _) = gain(factory);
        assert!(margins[1] > 2.0 * margins[0], "{factory}: {margins:?}");
    }
}

#[test]
fn points_behind_every_kind_are_approached() {
    let (tiny, originals) = (Tiny::new(&Device::flex()), images());
    for factory in ["PQ2x4", "IVF4,SQ8", "IVF4,PQ2x4fs", "OPQ2,IVF4,PQ2x4", "PCAR5,Flat", "IVF4,PQ2x4,RFlat"]
    {
        let index = index(factory);
        let released = activator(&tiny, &index).activate(&originals, &mut |_| ()).unwrap();
        let sum = |cosine: fn(&Activated) -> f32| released.iter().map(cosine).sum::<f32>();
        let [before, after] = [sum(|r| r.before.cosine), sum(|r| r.after.cosine)];
        assert!(after > before, "{factory}: {before} to {after}");
        assert!(released.iter().all(|released| released.after.wrong_bits.is_none()), "{factory}");
    }
}

/// Compares the loss of the unchanged image with the hinge by its definition.
#[test]
fn the_loss_of_sides_is_the_mean_shortfall_of_margins() {
    let (tiny, index) = (Tiny::new(&Device::flex()), index("LSH24rt"));
    let settings = Settings { iterations: 1, ..Settings::paper() };
    let activator = Activator::new(&tiny, &index, settings).unwrap();
    let [image, other] = [images().swap_remove(0), images().swap_remove(2)];
    let targets = index.target(describe(&tiny, vec![other]), Target::Reconstruction).unwrap();
    let starts = Some(vec![image.zeros_like()]);
    let changed = activator.optimise(std::slice::from_ref(&image), &targets, starts, &mut |_| ()).unwrap();
    let found = changed[0].trace.steps[0].loss_f;

    let margins = targets.signs.unwrap().margins(describe(&tiny, vec![image]));
    let margins: Vec<f32> = margins.into_data().try_to_vec().unwrap();
    let m = 1.0 / 8f64.sqrt();
    let short = margins.iter().map(|&margin| (m - f64::from(margin)).max(0.0) / m);
    let expected = short.sum::<f64>() / 24.0;
    assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
}
