//! 3x3 convolutions of stride 1 with fewer multiplications.

mod transforms;

use std::ops::Range;

use rayon::prelude::*;

use crate::geometry::Plane;
use crate::product::{Panels, Product, Rows};
use crate::raw::{Level, Pooled, Shared};
use crate::signs::{SharedSigns, Signs, select, signs_of};
use transforms::{F2, F4, Filter, Lanes};

/// Bytes of transformed tiles that stay in the second-level cache, before and after the products.
const TILE_BYTES: usize = 640 << 10;
/// Tiles that one thread takes at least; with fewer for each, all threads share each step.
const FEW_TILES: usize = 24;
/// Weights transformed for one of the tile sizes.
#[derive(Debug, Clone)]
pub(crate) struct Winograd {
    tile: TileSize,
    /// `[in^2]` matrices `[from, to]`.
    weights: Vec<Panels>,
    from: usize,
    to: usize,
}

/// Outputs of a tile, in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TileSize {
    Two,
    Four,
}

/// What goes into a convolution and what comes out.
#[derive(Clone, Copy)]
pub(crate) struct Images<'a> {
    pub level: Level,
    pub plane: Plane,
    /// `[n, h, w, from]`.
    pub values: &'a [f32],
    /// Which values count; all if not given.
    pub counted: Option<&'a Signs>,
    /// `[to]`.
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    /// Where it is kept which results are above 0.
    pub signs: Option<SharedSigns<'a>>,
}

impl TileSize {
    fn outputs(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    fn inputs(self) -> usize {
        self.outputs() + 2
    }

    /// `G`, by rows.
    fn g(self) -> Vec<[f64; 3]> {
        match self {
            Self::Two => F2::G.to_vec(),
            Self::Four => F4::G.to_vec(),
        }
    }
}

impl Winograd {
    /// `weight` gives the weight at a tap, from an input to an output channel.
    pub fn new(
        tile: TileSize,
        [from, to]: [usize; 2],
        weight: impl Fn((usize, usize), usize, usize) -> f32 + Sync,
    ) -> Self {
        let g = tile.g();
        let transformed = |row: usize, column: usize, i: usize, o: usize| {
            let taps = (0..9).map(|tap| (tap / 3, tap % 3));
            let terms = taps.map(|(r, c)| g[row][r] * g[column][c] * f64::from(weight((r, c), i, o)));
            terms.sum::<f64>() as f32
        };
        let side = tile.inputs();
        let weights = (0..side * side)
            .into_par_iter()
            .map(|place| Panels::new(1, from, to, |_, i, o| transformed(place / side, place % side, i, o)));
        Self { tile, weights: weights.collect(), from, to }
    }

    /// The tiles, as a plane.
    fn tiles(&self, plane: Plane) -> Plane {
        let side = self.tile.outputs();
        Plane { n: plane.n, h: plane.h.div_ceil(side), w: plane.w.div_ceil(side) }
    }

    /// The convolution of images: `[n, h, w, to]` into `out`.
    ///
    /// # Panics
    ///
    /// Buffers of other sizes.
    pub fn run(&self, images: Images<'_>, out: &mut [f32]) {
        let size = images.plane.pixels() * self.from;
        assert_eq!(images.values.len(), size, "values of the images");
        let tiles = self.tiles(images.plane).pixels();
        let shared = Shared::new(out);
        let threads = rayon::current_num_threads();
        if tiles >= threads * FEW_TILES {
            self.run_by_tiles(images, tiles, threads, shared);
        } else {
            self.run_by_steps(images, tiles, shared);
        }
    }

    /// Each thread takes tiles through all steps.
    fn run_by_tiles(&self, images: Images<'_>, tiles: usize, threads: usize, out: Shared<'_>) {
        let size = self.weights.len() * (self.from + self.to) * size_of::<f32>();
        let together = (TILE_BYTES / size).clamp(FEW_TILES / 2, 96);
        let blocks = tiles.div_ceil(together).next_multiple_of(threads);
        let together = tiles.div_ceil(blocks);
        (0..tiles.div_ceil(together)).into_par_iter().for_each(|block| {
            let range = block * together..((block + 1) * together).min(tiles);
            let mut inputs = Pooled::new(self.weights.len() * range.len() * self.from);
            let mut products = Pooled::new(self.weights.len() * range.len() * self.to);
            let [inputs, products] = [Shared::new(inputs.values()), Shared::new(products.values())];
            // SAFETY: the scratch is this thread's, and the outputs of a tile belong to it alone.
            unsafe {
                self.transform_input(images, range.clone(), range.clone(), 0..self.from, inputs);
                for place in 0..self.weights.len() {
                    let panels = 0..self.weights[place].count();
                    self.multiply(images.level, place, range.len(), panels, inputs, products);
                }
                self.transform_output(images, range.clone(), range, 0..self.to, products, out);
            }
        });
    }

    /// All threads share each step.
    fn run_by_steps(&self, images: Images<'_>, tiles: usize, out: Shared<'_>) {
        let mut inputs = Pooled::new(self.weights.len() * tiles * self.from);
        let mut products = Pooled::new(self.weights.len() * tiles * self.to);
        let [inputs, products] = [Shared::new(inputs.values()), Shared::new(products.values())];
        let channels = |count: usize| {
            (0..count)
                .into_par_iter()
                .step_by(Lanes::COUNT)
                .map(move |start| start..(start + Lanes::COUNT).min(count))
        };
        // SAFETY: every task writes other channels, or another product's, of what no task reads.
        unsafe {
            channels(self.from).for_each(|channels| {
                self.transform_input(images, 0..tiles, 0..tiles, channels, inputs);
            });
            (0..self.weights.len()).into_par_iter().for_each(|place| {
                self.multiply(images.level, place, tiles, 0..self.weights[place].count(), inputs, products);
            });
            channels(self.to).for_each(|channels| {
                self.transform_output(images, 0..tiles, 0..tiles, channels, products, out);
            });
        }
    }

    /// `[in^2, tiles, from]` of some tiles and channels.
    ///
    /// # Safety
    ///
    /// Nobody else accesses these channels of these tiles in `inputs`.
    unsafe fn transform_input(
        &self,
        images: Images<'_>,
        tiles: Range<usize>,
        block: Range<usize>,
        channels: Range<usize>,
        inputs: Shared<'_>,
    ) {
        // SAFETY: the caller's.
        images.level.run(
            #[inline(always)]
            || unsafe {
                match self.tile {
                    TileSize::Two => self.input_of::<F2, 4, 2>(images, tiles, block, channels, inputs),
                    TileSize::Four => self.input_of::<F4, 6, 4>(images, tiles, block, channels, inputs),
                }
            },
        );
    }

    /// # Safety
    ///
    /// That of [`Self::transform_input`].
    #[inline(always)]
    unsafe fn input_of<F: Filter<IN, OUT>, const IN: usize, const OUT: usize>(
        &self,
        images: Images<'_>,
        tiles: Range<usize>,
        block: Range<usize>,
        channels: Range<usize>,
        inputs: Shared<'_>,
    ) {
        let (grid, from, count) = (self.tiles(images.plane), self.from, block.len());
        let size = count * from;
        for tile in tiles {
            let (image, row, column) = grid.place(tile);
            let at = |place: usize, i: usize| (place * OUT + i).checked_sub(1);
            let mut pixels = [[None; IN]; IN];
            for (i, j) in (0..IN).flat_map(|i| (0..IN).map(move |j| (i, j))) {
                pixels[i][j] = images.plane.pixel(image, at(row, i), at(column, j));
            }
            for start in channels.clone().step_by(Lanes::COUNT) {
                let width = (channels.end - start).min(Lanes::COUNT);
                let mut square = [[Lanes::ZERO; IN]; IN];
                for (lanes, pixels) in square.iter_mut().zip(&pixels) {
                    for (lanes, &pixel) in lanes.iter_mut().zip(pixels) {
                        if let Some(pixel) = pixel {
                            // SAFETY: the caller's.
                            *lanes = unsafe { images.load(pixel, from, start, width) };
                        }
                    }
                }
                let to = inputs.at((tile - block.start) * from + start, (IN * IN - 1) * size + width);
                for (j, column) in F::input_square(&square).iter().enumerate() {
                    for (i, lanes) in column.iter().enumerate() {
                        // SAFETY: within what was asked for above; the caller's.
                        unsafe { lanes.store(to.add((i * IN + j) * size), width) };
                    }
                }
            }
        }
    }

    /// One product of transformed inputs and weights: `[tiles, to]`.
    ///
    /// # Safety
    ///
    /// Nobody else accesses these columns of the product, or writes to its inputs.
    unsafe fn multiply(
        &self,
        level: Level,
        place: usize,
        tiles: usize,
        panels: Range<usize>,
        inputs: Shared<'_>,
        products: Shared<'_>,
    ) {
        let (from, to) = (self.from, self.to);
        // SAFETY: the caller's.
        let a: &[f32] = unsafe { inputs.part(place * tiles * from, tiles * from) };
        let starts = (0..tiles).map(|tile| tile * from).collect();
        let outs = (0..tiles).map(|tile| (place * tiles + tile) * to).collect();
        let product = Product::plain(level, a, &self.weights[place]);
        // SAFETY: the caller's.
        unsafe { product.block(&Rows { starts, outs }, panels, products) };
    }

    /// Outputs of some tiles and channels.
    ///
    /// # Safety
    ///
    /// Nobody else accesses these channels of the tiles' pixels, or writes to the products.
    unsafe fn transform_output(
        &self,
        images: Images<'_>,
        tiles: Range<usize>,
        block: Range<usize>,
        channels: Range<usize>,
        products: Shared<'_>,
        out: Shared<'_>,
    ) {
        // SAFETY: the caller's.
        images.level.run(
            #[inline(always)]
            || unsafe {
                match self.tile {
                    TileSize::Two => {
                        self.output_of::<F2, 4, 2>(images, tiles, block, channels, products, out)
                    }
                    TileSize::Four => {
                        self.output_of::<F4, 6, 4>(images, tiles, block, channels, products, out)
                    }
                }
            },
        );
    }

    /// # Safety
    ///
    /// That of [`Self::transform_output`].
    #[inline(always)]
    unsafe fn output_of<F: Filter<IN, OUT>, const IN: usize, const OUT: usize>(
        &self,
        images: Images<'_>,
        tiles: Range<usize>,
        block: Range<usize>,
        channels: Range<usize>,
        products: Shared<'_>,
        out: Shared<'_>,
    ) {
        let (grid, plane, to, count) = (self.tiles(images.plane), images.plane, self.to, block.len());
        let size = count * to;
        for tile in tiles {
            let (image, row, column) = grid.place(tile);
            for start in channels.clone().step_by(Lanes::COUNT) {
                let width = (channels.end - start).min(Lanes::COUNT);
                let bias = match images.bias {
                    // SAFETY: there is a bias for every channel.
                    Some(bias) => unsafe { Lanes::load(bias[start..start + width].as_ptr(), width) },
                    None => Lanes::ZERO,
                };
                let from = products.at((tile - block.start) * to + start, (IN * IN - 1) * size + width);
                let mut square = [[Lanes::ZERO; IN]; IN];
                for (i, lanes) in square.iter_mut().enumerate() {
                    for (j, lanes) in lanes.iter_mut().enumerate() {
                        // SAFETY: within what was asked for above; the caller's.
                        *lanes = unsafe { Lanes::load(from.add((i * IN + j) * size), width) };
                    }
                }
                let outputs = F::output_square(&square);
                for (place, &lanes) in outputs.iter().flatten().enumerate() {
                    let (row, column) = (row * OUT + place % OUT, column * OUT + place / OUT);
                    if let Some(pixel) = plane.pixel(image, Some(row), Some(column)) {
                        let lanes = images.finish(lanes, bias);
                        // SAFETY: the caller's.
                        unsafe {
                            lanes.store(out.at(pixel * to + start, width), width);
                            if let Some(signs) = images.signs {
                                signs.set(pixel, start, signs_of(&lanes.0));
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Images<'_> {
    /// Some channels of a pixel.
    ///
    /// # Safety
    ///
    /// There are `width` of them from `start` on.
    #[inline(always)]
    unsafe fn load(&self, pixel: usize, channels: usize, start: usize, width: usize) -> Lanes {
        // SAFETY: the caller's.
        let lanes = unsafe { Lanes::load(self.values.as_ptr().add(pixel * channels + start), width) };
        match self.counted {
            None => lanes,
            Some(signs) => Lanes(select(signs.word(pixel, start), &lanes.0)),
        }
    }

    #[inline(always)]
    fn finish(&self, lanes: Lanes, bias: Lanes) -> Lanes {
        let lanes = lanes + bias;
        if self.relu { lanes.positive() } else { lanes }
    }
}
