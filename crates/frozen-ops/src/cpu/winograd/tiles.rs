//! Transforms of image tiles: gathered into the matrices of the products, scattered into the images of the result.

use std::ops::Range;

use simd::{LANES, Lanes, LanesWork};

use super::{
    tile_size::TileSize,
    transforms::{F2, F4, Filter},
};
use crate::{
    cpu::relu_mask::{ReluMask, SharedReluMask},
    threads::{SharedSlice, Team},
    window::Plane,
};

/// Values between the matrices of neighbouring places, without which they would collide in the cache.
const GAP: usize = LANES;

/// Operands and epilogue of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct Images<'a> {
    pub team: Team<'a>,
    pub plane: Plane,
    /// `[n, h, w, from]`.
    pub values: &'a [f32],
    /// `[to]`.
    pub bias: Option<&'a [f32]>,
    /// Adds the previous values of the result.
    pub accumulate: bool,
    pub relu: bool,
    /// Mask applied to the results.
    pub mask: Option<&'a ReluMask>,
    /// Destination of the mask of results above 0.
    pub mask_out: Option<SharedReluMask<'a>>,
}

/// Matrices of all places in a range of tiles: `[places, tiles, channels]`.
#[derive(Clone, Copy)]
pub(super) struct Matrices<'a> {
    pub values: SharedSlice<'a>,
    pub tiles: usize,
    pub channels: usize,
}

/// Range of tiles and channels.
#[derive(Clone)]
pub(super) struct Part {
    pub tiles: Range<usize>,
    pub channels: Range<usize>,
}

/// Transforms tiles of images, `B^T d B`, into the matrices of their places.
pub(super) struct Gather<'a> {
    pub tile: TileSize,
    pub images: Images<'a>,
    pub part: Part,
    pub inputs: Matrices<'a>,
}

/// Transforms products of tiles, `A^T m A`, into the images of the result.
pub(super) struct Scatter<'a> {
    pub tile: TileSize,
    pub images: Images<'a>,
    pub part: Part,
    pub products: Matrices<'a>,
    pub out: SharedSlice<'a>,
}

impl<'a> Matrices<'a> {
    /// Number of values of the matrices.
    pub fn len(places: usize, tiles: usize, channels: usize) -> usize {
        places * Self::size(tiles, channels)
    }

    fn size(tiles: usize, channels: usize) -> usize {
        tiles * channels + GAP
    }

    /// Matrix of a place, `[tiles, channels]`.
    ///
    /// # Safety
    /// No other thread writes to it.
    #[expect(clippy::mut_from_ref, reason = "the caller keeps matrices apart")]
    pub unsafe fn of(&self, place: usize) -> &mut [f32] {
        let size = Self::size(self.tiles, self.channels);
        // SAFETY: the caller's.
        unsafe { self.values.part(place * size, self.tiles * self.channels) }
    }

    /// Pointer to `width` values of a tile from `channel` on in the matrix of the first of `places`, and the distance
    /// to the next matrix.
    #[inline(always)]
    fn at(&self, tile: usize, channel: usize, width: usize, places: usize) -> (*mut f32, usize) {
        let size = Self::size(self.tiles, self.channels);
        let start = tile * self.channels + channel;
        (self.values.at(start, (places - 1) * size + width), size)
    }
}

impl Part {
    /// Returns the channels in groups of up to [`LANES`]: the first channel and the number of each group.
    #[inline(always)]
    fn lanes(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let end = self.channels.end;
        self.channels.clone().step_by(LANES).map(move |start| (start, (end - start).min(LANES)))
    }
}

impl LanesWork for Gather<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        match self.tile {
            TileSize::Two => self.all::<L, F2, 4, 2>(),
            TileSize::Four => self.all::<L, F4, 6, 4>(),
        }
    }
}

impl Gather<'_> {
    #[inline(always)]
    fn all<L: Lanes, F: Filter<IN, OUT>, const IN: usize, const OUT: usize>(self) {
        let grid = self.tile.grid(self.images.plane);
        for tile in self.part.tiles.clone() {
            let pixels = self.pixels::<IN, OUT>(grid.coordinates(tile));
            for (start, width) in self.part.lanes() {
                let (to, size) = self.inputs.at(tile - self.part.tiles.start, start, width, IN * IN);
                F::input_square(
                    #[inline(always)]
                    |i| self.load::<L, IN>(&pixels[i], start, width),
                    #[inline(always)]
                    |j, column| {
                        for (i, lanes) in column.into_iter().enumerate() {
                            // SAFETY: these channels of these tiles are this thread's.
                            unsafe { lanes.store(to.add((i * IN + j) * size), width) };
                        }
                    },
                );
            }
        }
    }

    /// Returns the pixels of a tile, `None` outside of the image.
    #[inline(always)]
    fn pixels<const IN: usize, const OUT: usize>(
        &self,
        (image, row, column): (usize, usize, usize),
    ) -> [[Option<usize>; IN]; IN] {
        let at = |place: usize, i: usize| (place * OUT + i).checked_sub(1);
        let pixel = |i, j| self.images.plane.pixel(image, at(row, i), at(column, j));
        std::array::from_fn(|i| std::array::from_fn(|j| pixel(i, j)))
    }

    /// Loads `width` channels from `start` on of a row of pixels.
    #[inline(always)]
    fn load<L: Lanes, const IN: usize>(
        &self,
        pixels: &[Option<usize>; IN],
        start: usize,
        width: usize,
    ) -> [L; IN] {
        let mut row = [L::splat(0.0); IN];
        for (lanes, &pixel) in row.iter_mut().zip(pixels) {
            let Some(pixel) = pixel else { continue };
            let first = pixel * self.inputs.channels + start;
            // SAFETY: the images have these channels of every pixel.
            *lanes = unsafe { L::load(self.images.values.as_ptr().add(first), width) };
        }
        row
    }
}

impl LanesWork for Scatter<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        match self.tile {
            TileSize::Two => self.all::<L, F2, 4, 2>(),
            TileSize::Four => self.all::<L, F4, 6, 4>(),
        }
    }
}

impl Scatter<'_> {
    #[inline(always)]
    fn all<L: Lanes, F: Filter<IN, OUT>, const IN: usize, const OUT: usize>(self) {
        let (plane, grid) = (self.images.plane, self.tile.grid(self.images.plane));
        for tile in self.part.tiles.clone() {
            let (image, row, column) = grid.coordinates(tile);
            for (start, width) in self.part.lanes() {
                let (from, size) = self.products.at(tile - self.part.tiles.start, start, width, IN * IN);
                let bias = self.bias::<L>(start, width);
                F::output_square(
                    #[inline(always)]
                    |i| {
                        let mut row = [L::splat(0.0); IN];
                        for (j, lanes) in row.iter_mut().enumerate() {
                            // SAFETY: within the matrices, which no thread writes to.
                            *lanes = unsafe { L::load(from.add((i * IN + j) * size), width) };
                        }
                        row
                    },
                    #[inline(always)]
                    |j, outputs| {
                        for (i, lanes) in outputs.into_iter().enumerate() {
                            let (row, column) = (row * OUT + i, column * OUT + j);
                            if let Some(pixel) = plane.pixel(image, Some(row), Some(column)) {
                                self.store(lanes + bias, pixel, start, width);
                            }
                        }
                    },
                );
            }
        }
    }

    #[inline(always)]
    fn bias<L: Lanes>(&self, start: usize, width: usize) -> L {
        match self.images.bias {
            // SAFETY: there is one bias a channel, and the slice was checked.
            Some(bias) => unsafe { L::load(bias[start..start + width].as_ptr(), width) },
            None => L::splat(0.0),
        }
    }

    #[inline(always)]
    fn store<L: Lanes>(&self, lanes: L, pixel: usize, start: usize, width: usize) {
        let Images { accumulate, relu, mask, .. } = self.images;
        let out = self.out.at(pixel * self.products.channels + start, width);
        // SAFETY: these channels of the tiles' pixels are this thread's.
        let lanes = if accumulate { lanes + unsafe { L::load(out, width) } } else { lanes };
        let lanes = if relu { lanes.relu() } else { lanes };
        let lanes = if let Some(mask) = mask { lanes.masked(mask.word(pixel, start)) } else { lanes };
        // SAFETY: as above.
        unsafe {
            lanes.store(out, width);
            if let Some(mask) = self.images.mask_out {
                mask.set(pixel, start, lanes.positive_mask());
            }
        }
    }
}
