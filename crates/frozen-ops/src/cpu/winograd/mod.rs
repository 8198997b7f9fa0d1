//! Winograd's minimal filtering: 3x3 convolutions of stride 1 with fewer multiplications.

mod tile_size;
mod tiles;
mod transforms;

use rayon::prelude::*;
use simd::LANES;

use super::{indirection::Indirection, panels::Panels, product::Product};
use crate::{
    buffer_pool::PooledBuffer,
    threads::{SharedSlice, Team},
    window::Plane,
};
pub(crate) use tile_size::TileSize;
pub(crate) use tiles::Images;
use tiles::{Gather, Matrices, Part, Scatter};

/// Bytes of transformed tiles that stay in the second-level cache, before and after the products.
const TILE_BYTES: usize = 640 << 10;
/// Smallest number of tiles a thread; with fewer, all threads share each step.
const FEW_TILES: usize = 24;

/// Weights transformed for one tile size.
#[derive(Debug, Clone)]
pub(crate) struct Winograd {
    tile: TileSize,
    /// Matrices `[from, to]` of all places in a tile, `[inputs^2]`.
    weights: Vec<Panels>,
    from: usize,
    to: usize,
}

impl Winograd {
    /// Transforms weights: `weight` returns the one at a tap, from an input to an output channel.
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

    /// Number of multiplications in the products.
    pub fn multiplications(&self, plane: Plane) -> usize {
        self.tile.grid(plane).pixels() * self.weights.len() * self.from * self.to
    }

    /// Convolves images into `out`, `[n, h, w, to]`.
    ///
    /// # Panics
    /// If a buffer has another size.
    pub fn run(&self, images: Images<'_>, out: &mut [f32]) {
        let size = images.plane.pixels() * self.from;
        assert_eq!(images.values.len(), size, "values of the images");
        let tiles = self.tile.grid(images.plane).pixels();
        let shared = SharedSlice::new(out);
        let threads = images.team.threads;
        if tiles >= threads * FEW_TILES {
            self.run_by_tiles(images, tiles, threads, shared);
        } else {
            self.run_by_steps(images, tiles, shared);
        }
    }

    /// Computes blocks of tiles, each through all steps by one thread.
    fn run_by_tiles(&self, images: Images<'_>, tiles: usize, threads: usize, out: SharedSlice<'_>) {
        let size = self.weights.len() * (self.from + self.to) * size_of::<f32>();
        let fitting = (TILE_BYTES / size).clamp(FEW_TILES / 2, 96);
        let blocks = tiles.div_ceil(fitting).next_multiple_of(threads);
        let block_size = tiles.div_ceil(blocks);
        images.team.for_each(tiles.div_ceil(block_size), |block| {
            let range = block * block_size..((block + 1) * block_size).min(tiles);
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

    /// Computes all tiles step by step, each step by all threads. Tasks write channels or products of their own,
    /// which no task of the step reads.
    fn run_by_steps(&self, images: Images<'_>, tiles: usize, out: SharedSlice<'_>) {
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

    /// Returns buffers for the inputs and the products of `tiles` tiles.
    fn scratch(&self, tiles: usize) -> [PooledBuffer; 2] {
        [self.from, self.to]
            .map(|channels| PooledBuffer::new(Matrices::len(self.weights.len(), tiles, channels)))
    }

    fn matrices<'a>(&self, scratch: &'a mut PooledBuffer, tiles: usize, channels: usize) -> Matrices<'a> {
        Matrices { values: SharedSlice::new(scratch.values()), tiles, channels }
    }

    fn gather(&self, images: Images<'_>, part: Part, inputs: Matrices<'_>) {
        images.team.level.with_lanes(Gather { tile: self.tile, images, part, inputs });
    }

    fn scatter(&self, images: Images<'_>, part: Part, products: Matrices<'_>, out: SharedSlice<'_>) {
        images.team.level.with_lanes(Scatter { tile: self.tile, images, part, products, out });
    }

    /// Indirection of the product of a place.
    fn rows(&self, tiles: usize) -> Indirection {
        let rows = |channels: usize| (0..tiles).map(|tile| tile * channels).collect();
        Indirection { starts: rows(self.from), outs: rows(self.to) }
    }

    /// Multiplies the transformed inputs and weights of a place: `[tiles, to]`.
    fn multiply(
        &self,
        team: Team<'_>,
        place: usize,
        rows: &Indirection,
        inputs: Matrices<'_>,
        products: Matrices<'_>,
    ) {
        let panels = &self.weights[place];
        // SAFETY: no other thread writes to the inputs of a place, or accesses its products, while they are
        // multiplied.
        unsafe {
            let out = SharedSlice::new(products.of(place));
            Product::plain(team, inputs.of(place), panels).block(rows, 0..panels.count(), out);
        }
    }
}
