//! Random edits that gradients go through, of images at the size of the network's input: what copies of an image look
//! like to the network.

mod canvas;
mod coarse;
mod colour;
mod gather;
mod overlay;
mod warp;

use burn::tensor::{Device, Tensor};
use extractor::resize_antialiased;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::{
    canvas::Canvas,
    colour::Colour,
    overlay::{Overlay, Sticker, Surroundings},
    warp::{Table, Warp},
};

/// How often an image is turned, cropped, put into something else, turned by right angles, mirrored, turned upside down
/// and left as it is, of 100 views.
const GEOMETRY: [(Geometry, u32); 7] = [
    (Geometry::Turn, 30),
    (Geometry::Crop, 20),
    (Geometry::Inset, 20),
    (Geometry::RightAngle, 8),
    (Geometry::Mirror, 4),
    (Geometry::Flip, 4),
    (Geometry::Stay, 14),
];
/// How often two geometric edits follow each other.
const TWICE: f64 = 0.25;
/// How often colours change, details are lost, and something covers the image.
const COLOUR: f64 = 0.35;
const COARSE: f64 = 0.2;
const STICKERS: f64 = 0.25;
/// Successive multiples of it, less whole numbers, fill [0, 1) evenly (the golden ratio).
const EVENLY: f64 = 0.618_033_988_749_894_9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Geometry {
    Turn,
    Crop,
    Inset,
    RightAngle,
    Mirror,
    Flip,
    Stay,
}

/// One edited copy: a few numbers, of which each device makes what it needs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// Height and width of the network's input.
    size: [usize; 2],
    warp: Option<Warp>,
    surroundings: Option<Surroundings>,
    /// Height and width of what is left of the details, in pixels.
    coarse: Option<[usize; 2]>,
    colour: Option<Colour>,
    stickers: Vec<Sticker>,
}

/// What the CPU looks up for a view, once for images of the same sides.
#[derive(Debug)]
pub(crate) struct Tables<'a> {
    view: &'a View,
    warp: Option<Table>,
    surroundings: Option<Overlay>,
    stickers: Option<Overlay>,
}

impl View {
    /// The view of a number: kinds of geometry come in turns, so that a few views have some of each.
    ///
    /// `sides` are the height and width of the image, `size` those of the network's input.
    pub(crate) fn draw(seed: u64, number: usize, sides: [usize; 2], size: [usize; 2]) -> Self {
        let mut first = ChaCha8Rng::seed_from_u64(seed);
        let at = (first.random::<f64>() + number as f64 * EVENLY).fract();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64 + 1);
        Self::of_kind(kind(at), sides, size, &mut rng)
    }

    fn of_kind(geometry: Geometry, sides: [usize; 2], size: [usize; 2], rng: &mut impl Rng) -> Self {
        let mut canvas = edit(Canvas::new(sides[1], sides[0]), geometry, rng);
        if rng.random_bool(TWICE) {
            canvas = edit(canvas, kind(rng.random()), rng);
        }
        let warp = (canvas != Canvas::new(sides[1], sides[0])).then(|| Warp::new(canvas.map, size));
        let surroundings = warp.as_ref().and_then(|warp| surroundings(warp, size, rng));
        let coarse = rng.random_bool(COARSE).then(|| {
            let share = rng.random_range(0.25..0.75);
            size.map(|side| ((side as f64 * share) as usize).max(1))
        });
        let colour = rng.random_bool(COLOUR).then(|| colour(rng));
        let stickers = if rng.random_bool(STICKERS) { Sticker::draw(size, rng) } else { Vec::new() };
        Self { size, warp, surroundings, coarse, colour, stickers }
    }

    /// By operations of every device.
    ///
    /// # Shapes
    /// `[n, 3, h, w]` in [0, 1] -> the same
    pub(crate) fn on_device(&self, images: Tensor<4>) -> Tensor<4> {
        let images = match &self.warp {
            Some(warp) => {
                let (warped, coverage) = warp.on_device(images);
                let around = self.surroundings.iter();
                around.fold(warped, |images, around| around.on_device(images, coverage.clone()))
            }
            None => images,
        };
        let images = self.coarse.into_iter().fold(images, coarse::on_device);
        self.stickers.iter().fold(self.toned(images), |images, sticker| sticker.on_device(images))
    }

    /// Other colours.
    fn toned(&self, images: Tensor<4>) -> Tensor<4> {
        match self.colour {
            Some(colour) => colour.apply(images),
            None => images,
        }
    }

    /// For the CPU.
    pub(crate) fn tables(&self) -> Tables<'_> {
        let warp = self.warp.map(|warp| warp.table());
        let around = warp.as_ref().zip(self.surroundings.as_ref());
        let surroundings = around.map(|(warp, around)| around.table(warp.coverage(), self.size));
        let stickers = (!self.stickers.is_empty()).then(|| Sticker::table(&self.stickers, self.size));
        Tables { view: self, warp, surroundings, stickers }
    }
}

impl Tables<'_> {
    /// # Shapes
    /// `[1, 3, h, w]` in [0, 1] -> the same
    pub(crate) fn apply(&self, image: Tensor<4>) -> Tensor<4> {
        let image = self.warp.iter().fold(image, |image, warp| warp.apply(image));
        let image = self.surroundings.iter().fold(image, |image, around| around.apply(image));
        let View { coarse, size, .. } = *self.view;
        let image = match coarse {
            Some(coarse) => resize_antialiased(resize_antialiased(image, coarse), size),
            None => image,
        };
        self.stickers.iter().fold(self.view.toned(image), |image, stickers| stickers.apply(image))
    }
}

/// What is seen of images of the same sides: of each image its views, one behind the other.
///
/// # Shapes
/// `m` images `[1, 3, h, w]` in [0, 1] -> `m * views` of them, in one tensor or several
pub(crate) fn seen_of(views: &[View], images: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
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

/// The kind of geometry at a place in [0, 1).
fn kind(at: f64) -> Geometry {
    let total: u32 = GEOMETRY.iter().map(|(_, share)| share).sum();
    let mut left = at * f64::from(total);
    for (geometry, share) in GEOMETRY {
        if left < f64::from(share) {
            return geometry;
        }
        left -= f64::from(share);
    }
    Geometry::Stay
}

fn edit(canvas: Canvas, geometry: Geometry, rng: &mut impl Rng) -> Canvas {
    match geometry {
        Geometry::Turn => canvas.rotated(rng.random_range(-45.0..45.0)),
        Geometry::RightAngle => canvas.rotated(90.0 * rng.random_range(1..=3) as f32),
        Geometry::Crop => {
            let place = if rng.random_bool(0.5) { [0.5, 0.5] } else { [rng.random(), rng.random()] };
            canvas.cropped(rng.random_range(0.3..0.9), place)
        }
        Geometry::Inset => inset(canvas, rng),
        Geometry::Mirror => canvas.mirrored(),
        Geometry::Flip => canvas.flipped(),
        Geometry::Stay => canvas,
    }
}

/// Below a caption, or somewhere on a page.
fn inset(canvas: Canvas, rng: &mut impl Rng) -> Canvas {
    if rng.random_bool(0.5) {
        let [top, bottom] = [0.35, 0.2].map(|most| rng.random_range(0.0..most));
        let bottom = if rng.random_bool(0.3) { bottom } else { 0.0 };
        return canvas.inset([0.0, top], [1.0, 1.0 - top - bottom]);
    }
    let size: [f32; 2] = [rng.random_range(0.5..1.0), rng.random_range(0.4..1.0)];
    let corner = size.map(|side| rng.random_range(0.0..=1.0 - side));
    canvas.inset(corner, size)
}

/// What is around a warped image, half of it black, where it leaves anything free.
fn surroundings(warp: &Warp, size: [usize; 2], rng: &mut impl Rng) -> Option<Surroundings> {
    warp.leaves_room().then_some(())?;
    let (colour, letters) = match rng.random_range(0..4) {
        0 | 1 => ([0.0; 3], 0.0),
        2 => ([1.0; 3], 1.0),
        _ => (std::array::from_fn(|_| rng.random()), 0.5),
    };
    Some(Surroundings::draw(size, colour, letters, rng))
}

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
            let at = |number: u32| (f64::from(seed) * 0.37 + f64::from(number) * EVENLY).fract();
            (0..30).map(|number| kind(at(number))).collect::<Vec<_>>()
        };
        for seed in 0..20 {
            let kinds = kinds(seed);
            let count = |wanted: Geometry| kinds.iter().filter(|kind| **kind == wanted).count();
            assert!(
                (8..=10).contains(&count(Geometry::Turn)),
                "seed {seed}: {} turns",
                count(Geometry::Turn)
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

    /// Views of several images and their gradients, by the tables of the CPU and by every device's operations.
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
            // As in the test of warps; colours amplify by up to 3.
            assert!(far(found.0, expected.0) < 1e-4, "{view:?}");
            assert!(far(found.1, expected.1) < 1e-3, "{view:?}: gradient");
        }
    }
}
