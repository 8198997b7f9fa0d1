//! 3x3 convolutions of stride 1 with fewer multiplications.

mod tiles;
mod transforms;

use rayon::prelude::*;

use crate::geometry::Plane;
use crate::product::{Panels, Product, Rows};
use crate::raw::{LANES, Pooled, Shared};
use crate::signs::{SharedSigns, Signs};
use crate::team::Team;
use tiles::{Gather, Matrices, Part, Scatter};
use transforms::{F2, F4, Filter};

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
    pub team: Team<'a>,
    pub plane: Plane,
    /// `[n, h, w, from]`.
    pub values: &'a [f32],
    /// `[to]`.
    pub bias: Option<&'a [f32]>,
    /// Whether what is in the place of the result is added.
    pub onto: bool,
    pub relu: bool,
    /// Which results are kept, and 0 for the others; all if not given.
    pub kept: Option<&'a Signs>,
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

    /// How many multiplications the products of images do.
    pub fn multiplications(&self, plane: Plane) -> usize {
        self.tile.grid(plane).pixels() * self.weights.len() * self.from * self.to
    }

    /// The convolution of images: `[n, h, w, to]` into `out`.
    ///
    /// # Panics
    ///
    /// Buffers of other sizes.
    pub fn run(&self, images: Images<'_>, out: &mut [f32]) {
        let size = images.plane.pixels() * self.from;
        assert_eq!(images.values.len(), size, "values of the images");
        let tiles = self.tile.grid(images.plane).pixels();
        let shared = Shared::new(out);
        let threads = images.team.threads;
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
        images.team.for_each(tiles.div_ceil(together), |block| {
            let range = block * together..((block + 1) * together).min(tiles);
            let [mut inputs, mut products] = self.scratch(range.len());
            let inputs = self.matrices(&mut inputs, range.len(), self.from);
            let products = self.matrices(&mut products, range.len(), self.to);
            let part = |channels: usize| Part { tiles: range.clone(), channels: 0..channels };
            let rows = self.rows(range.len());
            // The scratch is this thread's, and the outputs of a tile belong to it alone.
            self.gather(images, part(self.from), inputs);
            for place in 0..self.weights.len() {
                self.multiply(images.team, place, &rows, inputs, products);
            }
            self.scatter(images, part(self.to), products, out);
        });
    }

    /// All threads share each step: every task writes other channels, or another product's, of what no task reads.
    fn run_by_steps(&self, images: Images<'_>, tiles: usize, out: Shared<'_>) {
        let [mut inputs, mut products] = self.scratch(tiles);
        let inputs = self.matrices(&mut inputs, tiles, self.from);
        let products = self.matrices(&mut products, tiles, self.to);
        let part = |task: usize, count: usize| {
            let start = task * LANES;
            Part { tiles: 0..tiles, channels: start..(start + LANES).min(count) }
        };
        let (team, rows) = (images.team, self.rows(tiles));
        let parts = |count: usize| count.div_ceil(LANES);
        team.for_each(parts(self.from), |task| self.gather(images, part(task, self.from), inputs));
        team.for_each(self.weights.len(), |place| self.multiply(team, place, &rows, inputs, products));
        team.for_each(parts(self.to), |task| self.scatter(images, part(task, self.to), products, out));
    }

    /// Buffers for the inputs and the products of some tiles.
    fn scratch(&self, tiles: usize) -> [Pooled; 2] {
        [self.from, self.to].map(|channels| Pooled::new(Matrices::len(self.weights.len(), tiles, channels)))
    }

    fn matrices<'a>(&self, scratch: &'a mut Pooled, tiles: usize, channels: usize) -> Matrices<'a> {
        Matrices { values: Shared::new(scratch.values()), tiles, channels }
    }

    fn gather(&self, images: Images<'_>, part: Part, inputs: Matrices<'_>) {
        images.team.level.with_lanes(Gather { tile: self.tile, images, part, inputs });
    }

    fn scatter(&self, images: Images<'_>, part: Part, products: Matrices<'_>, out: Shared<'_>) {
        images.team.level.with_lanes(Scatter { tile: self.tile, images, part, products, out });
    }

    /// Rows of the product of a place.
    fn rows(&self, tiles: usize) -> Rows {
        let rows = |channels: usize| (0..tiles).map(|tile| tile * channels).collect();
        Rows { starts: rows(self.from), outs: rows(self.to) }
    }

    /// One product of transformed inputs and weights: `[tiles, to]`.
    fn multiply(
        &self,
        team: Team<'_>,
        place: usize,
        rows: &Rows,
        inputs: Matrices<'_>,
        products: Matrices<'_>,
    ) {
        let panels = &self.weights[place];
        // SAFETY: nobody writes to the inputs of a place, or accesses its products, while they are multiplied.
        unsafe {
            let out = Shared::new(products.of(place));
            Product::plain(team, inputs.of(place), panels).block(rows, 0..panels.count(), out);
        }
    }
}
