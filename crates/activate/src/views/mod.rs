//! Random edits of images, through which gradients flow. A view shows the network an edited copy of an image, at the
//! size of the network's input.

mod affine;
mod background;
mod colour;
mod downsampling;
mod geometry;
mod overlay;
mod sparse_map;
mod stickers;
mod warp;

use burn::tensor::{Device, Tensor};
use extractor::resize_antialiased;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{
    affine::Canvas,
    background::Background,
    colour::Colour,
    geometry::Geometry,
    overlay::Overlay,
    stickers::Sticker,
    warp::{Table, Warp},
};

/// Probability of a second geometric edit.
const SECOND_GEOMETRY: f64 = 0.25;
/// Probability of a colour edit.
const COLOUR: f64 = 0.35;
/// Probability of a loss of detail.
const DOWNSAMPLING: f64 = 0.2;
/// Probability of stickers.
const STICKERS: f64 = 0.25;
/// Step between the places of successive views: the fractional parts of its multiples fill [0, 1) evenly (golden
/// ratio).
const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;

/// View of an image: the few numbers of its edits, from which each device makes what it needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// Height and width of the network's input.
    size: [usize; 2],
    warp: Option<Warp>,
    background: Option<Background>,
    /// Height and width that the image is downsampled to and back from.
    reduced: Option<[usize; 2]>,
    colour: Option<Colour>,
    stickers: Vec<Sticker>,
}

/// Tables of a view for the CPU, made once for all images of equal size.
#[derive(Debug)]
pub(crate) struct Tables<'a> {
    view: &'a View,
    warp: Option<Table>,
    background: Option<Overlay>,
    stickers: Option<Overlay>,
}

impl View {
    /// View with a number. The kinds of geometry alternate, so that a few successive views contain several.
    ///
    /// `sides` are the height and width of the image, `size` those of the network's input.
    pub(crate) fn draw(seed: u64, number: usize, sides: [usize; 2], size: [usize; 2]) -> Self {
        let mut first = ChaCha8Rng::seed_from_u64(seed);
        let place = (first.random::<f64>() + number as f64 * GOLDEN_RATIO).fract();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64 + 1);
        Self::of_kind(Geometry::at(place), sides, size, &mut rng)
    }

    fn of_kind(geometry: Geometry, sides: [usize; 2], size: [usize; 2], rng: &mut impl Rng) -> Self {
        let mut canvas = geometry.edit(Canvas::new(sides[1], sides[0]), rng);
        if rng.random_bool(SECOND_GEOMETRY) {
            canvas = Geometry::at(rng.random()).edit(canvas, rng);
        }
        let warp = (canvas != Canvas::new(sides[1], sides[0])).then(|| Warp::new(canvas.map, size));
        let background = warp.as_ref().and_then(|warp| background(warp, size, rng));
        let reduced = rng.random_bool(DOWNSAMPLING).then(|| {
            let share = rng.random_range(0.25..0.75);
            size.map(|side| ((side as f64 * share) as usize).max(1))
        });
        let colour = rng.random_bool(COLOUR).then(|| colour(rng));
        let stickers = if rng.random_bool(STICKERS) { Sticker::draw(size, rng) } else { Vec::new() };
        Self { size, warp, background, reduced, colour, stickers }
    }

    /// Views of images by operations of every device.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> `[n, 3, h, w]` in [0, 1]
    pub(crate) fn on_device(&self, images: Tensor<4>) -> Tensor<4> {
        let images = match &self.warp {
            Some(warp) => {
                let (warped, coverage) = warp.on_device(images);
                let background = self.background.iter();
                background.fold(warped, |images, behind| behind.on_device(images, coverage.clone()))
            }
            None => images,
        };
        let images = self.reduced.into_iter().fold(images, downsampling::on_device);
        self.stickers.iter().fold(self.coloured(images), |images, sticker| sticker.on_device(images))
    }

    /// Images after the colour edit, if there is one.
    fn coloured(&self, images: Tensor<4>) -> Tensor<4> {
        match self.colour {
            Some(colour) => colour.apply(images),
            None => images,
        }
    }

    /// Tables for the CPU.
    pub(crate) fn tables(&self) -> Tables<'_> {
        let warp = self.warp.map(|warp| warp.table());
        let behind = warp.as_ref().zip(self.background.as_ref());
        let background = behind.map(|(warp, background)| background.table(warp.coverage(), self.size));
        let stickers = (!self.stickers.is_empty()).then(|| Sticker::table(&self.stickers, self.size));
        Tables { view: self, warp, background, stickers }
    }
}

impl Tables<'_> {
    /// View of an image on the CPU.
    ///
    /// # Shapes
    /// `[1, 3, h, w]` in [0, 1] -> `[1, 3, h, w]` in [0, 1]
    pub(crate) fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let image = self.warp.iter().fold(image, |image, warp| warp.apply(image));
        let image = self.background.iter().fold(image, |image, background| background.apply(image));
        let View { reduced, size, .. } = *self.view;
        let image = match reduced {
            Some(reduced) => resize_antialiased(resize_antialiased(image, reduced), size),
            None => image,
        };
        self.stickers.iter().fold(self.view.coloured(image), |image, stickers| stickers.apply(image))
    }
}

/// Views of images of equal size; those of an image are neighbours.
///
/// # Shapes
/// `m` images `[1, 3, h, w]` in [0, 1] -> `m * views` of them, in one tensor or several
pub(crate) fn views_of(views: &[View], images: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
    let [_, channels, height, width] = images[0].dims();
    if images[0].device().inner() == Device::flex() {
        let tables: Vec<_> = views.par_iter().map(View::tables).collect();
        let pairs = images.iter().flat_map(|image| tables.iter().map(move |view| (image, view)));
        return pairs.map(|(image, view)| view.apply(image.clone())).collect();
    }
    let (count, images) = (images.len() * views.len(), Tensor::cat(images, 0));
    let seen = views.iter().map(|view| view.on_device(images.clone())).collect();
    vec![Tensor::stack::<5>(seen, 1).reshape([count, channels, height, width])]
}

/// Draws the background of a warped image, black in half of the cases. `None` if the image covers its canvas.
fn background(warp: &Warp, size: [usize; 2], rng: &mut impl Rng) -> Option<Background> {
    warp.leaves_room().then_some(())?;
    let (colour, letters) = match rng.random_range(0..4) {
        0 | 1 => ([0.0; 3], 0.0),
        2 => ([1.0; 3], 1.0),
        _ => (std::array::from_fn(|_| rng.random()), 0.5),
    };
    Some(Background::draw(size, colour, letters, rng))
}

/// Draws a colour edit.
fn colour(rng: &mut impl Rng) -> Colour {
    let factor = rng.random_range(-1.0f32..1.0).exp2();
    match rng.random_range(0..6) {
        0 => Colour::Brightness(factor),
        1 | 2 => Colour::Contrast(factor),
        3 => Colour::Saturation(rng.random_range(0.0..2.0)),
        _ => Colour::Hue(rng.random_range(-0.25..0.25)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn few_views_have_some_of_each_common_kind() {
        let kinds = |seed| {
            let at = |number: u32| (f64::from(seed) * 0.37 + f64::from(number) * GOLDEN_RATIO).fract();
            (0..30).map(|number| Geometry::at(at(number))).collect::<Vec<_>>()
        };
        for seed in 0..20 {
            let kinds = kinds(seed);
            let count = |wanted: Geometry| kinds.iter().filter(|kind| **kind == wanted).count();
            assert!(
                (8..=10).contains(&count(Geometry::Rotation)),
                "seed {seed}: {} rotations",
                count(Geometry::Rotation)
            );
            assert!((5..=7).contains(&count(Geometry::Crop)));
            assert!(count(Geometry::RightAngle) >= 1);
        }
    }

    #[test]
    fn views_are_images_that_differ_and_repeat() {
        let values: Vec<f32> = (0..3 * 24 * 20).map(|i| ((i * 7919) % 251) as f32 / 250.0).collect();
        let image = Tensor::<4>::from_data(TensorData::new(values, [1, 3, 24, 20]), &Device::flex());
        let view = |seed, number| {
            let view = View::draw(seed, number, [30, 40], [24, 20]).tables().apply(image.clone());
            view.into_data().try_to_vec::<f32>().unwrap()
        };
        for number in 0..40 {
            let values = view(1, number);
            assert_eq!(values.len(), 3 * 24 * 20);
            assert!(values.iter().all(|v| (-1e-5..=1.0 + 1e-5).contains(v)), "view {number}");
            assert_eq!(values, view(1, number));
        }
        assert_ne!(view(1, 3), view(2, 3));
        assert_ne!(view(1, 3), view(1, 4));
    }

    /// Compares views of several images and their gradients by the CPU's tables and by every device's operations.
    #[test]
    fn the_tables_of_the_cpu_are_what_every_device_computes() {
        let noise = |salt: usize| -> Tensor<4> {
            let values =
                (0..2 * 3 * 48 * 40).map(|i| ((i * 7919 + salt) % 251) as f32 / 250.0).collect::<Vec<f32>>();
            Tensor::from_data(TensorData::new(values, [2, 3, 48, 40]), &Device::flex())
        };
        let far = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
        for number in 0..60 {
            let view = View::draw(2, number, [30, 40], [48, 40]);
            let tables = view.tables();
            let run = |apply: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                let leaf = noise(1).autodiff().require_grad();
                let seen = apply(leaf.clone());
                let mut gradients = (seen.clone() * noise(90).autodiff()).sum().backward();
                (seen.inner(), leaf.grad_remove(&mut gradients).unwrap())
            };
            let expected = run(&|images| {
                Tensor::cat(images.split(1, 0).into_iter().map(|image| tables.apply(image)).collect(), 0)
            });
            let found = run(&|images| view.on_device(images));
            // The bounds of the test of warps, times the amplification by colours of up to 3.
            assert!(far(found.0, expected.0) < 1e-4, "{view:?}");
            assert!(far(found.1, expected.1) < 1e-3, "{view:?}: gradient");
        }
    }
}
