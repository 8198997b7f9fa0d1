//! Products of matrices whose rows lie scattered in memory, with packed weights.

use std::{ops::Range, ptr};

use simd::Bf16;

use super::{
    indirection::Indirection,
    panels::Panels,
    relu_mask::{ReluMask, SharedReluMask},
};
use crate::{
    buffer_pool::PooledBuffer,
    kernels::{self, Epilogue, ROWS, Tile, WIDTH, round_to_bf16},
    threads::{SharedSlice, Team},
};

/// Bytes of rows that stay in the second-level cache while all panels pass over them.
const BLOCK_BYTES: usize = 384 << 10;
/// Fewest and most rows of a block.
const BLOCK_ROWS: Range<usize> = 24..192;
/// Number of blocks a thread below which columns are divided among threads too.
const FEW_BLOCKS: usize = 4;

/// Product `mask * relu(A B + bias + out)`; each part after `A B` is optional.
#[derive(Clone, Copy)]
pub(crate) struct Product<'a> {
    pub team: Team<'a>,
    /// Values that the rows of `A` are taken from.
    pub a: &'a [f32],
    pub b: &'a Panels,
    /// `[n]`.
    pub bias: Option<&'a [f32]>,
    /// Adds the previous values of the result.
    pub accumulate: bool,
    pub relu: bool,
    /// Mask applied to the results.
    pub mask: Option<&'a ReluMask>,
    /// Destination of the mask of results above 0.
    pub mask_out: Option<SharedReluMask<'a>>,
}

impl<'a> Product<'a> {
    /// Product without bias, accumulation, ReLU and masks.
    pub fn plain(team: Team<'a>, a: &'a [f32], b: &'a Panels) -> Self {
        Self { team, a, b, bias: None, accumulate: false, relu: false, mask: None, mask_out: None }
    }

    /// Computes `m` rows by the team. `rows` locates the rows of a range; no two rows of the result may overlap.
    pub fn run(&self, m: usize, rows: impl Fn(Range<usize>) -> Indirection + Sync, out: &mut [f32]) {
        let shared = SharedSlice::new(out);
        self.for_each_block(m, |range, panels| {
            // SAFETY: blocks differ in rows or in panels, and rows do not overlap.
            unsafe { self.block(&rows(range), panels, shared) }
        });
    }

    /// Divides rows and panels into blocks, and calls `work` with the ranges of each in parallel.
    fn for_each_block(&self, m: usize, work: impl Fn(Range<usize>, Range<usize>) + Sync) {
        if m == 0 {
            return;
        }
        let threads = self.team.threads;
        let fitting = BLOCK_BYTES / (self.b.runs * self.b.k * size_of::<f32>()).max(1);
        let fitting = fitting.clamp(BLOCK_ROWS.start, BLOCK_ROWS.end).min(m.div_ceil(threads));
        let rows = m.div_ceil(m.div_ceil(fitting)).next_multiple_of(ROWS);
        let (blocks, panels) = (m.div_ceil(rows), self.b.count());
        let groups = if blocks < FEW_BLOCKS * threads { threads.min(panels) } else { 1 };
        let group_size = panels.div_ceil(groups.max(1)).max(1);
        self.team.for_each(panels.div_ceil(group_size) * blocks, |task| {
            let (group, block) = (task / blocks, task % blocks);
            let panels = group * group_size..((group + 1) * group_size).min(panels);
            work(block * rows..((block + 1) * rows).min(m), panels);
        });
    }

    /// Computes rows in the columns of a range of panels, on this thread.
    ///
    /// # Safety
    /// No other thread accesses these places of `out` meanwhile.
    ///
    /// # Panics
    /// If rows or columns lie outside of the buffers.
    pub unsafe fn block(&self, rows: &Indirection, panels: Range<usize>, out: SharedSlice<'_>) {
        let Panels { runs, n, bf16, .. } = *self.b;
        assert_eq!(rows.starts.len(), rows.outs.len() * runs, "runs of rows");
        assert!(self.bias.is_none_or(|bias| bias.len() == n), "biases");
        let mut rounded = bf16.map(|bf16| self.rounded_runs(bf16, rows));
        let pointers = self.pointers(rows, rounded.as_mut());
        let last = *rows.outs.iter().max().unwrap_or(&0);
        out.at(last, n);
        let tiles = rows.outs.len().div_ceil(ROWS);
        let tiles = panels.flat_map(|panel| (0..tiles).map(move |number| (panel, number)));
        let tiles = tiles.map(|(panel, number)| {
            let outs = &rows.outs[number * ROWS..(number * ROWS + ROWS).min(rows.outs.len())];
            self.tile(panel, outs, &pointers[number * runs..][..runs], out)
        });
        // SAFETY: all runs lie in `a` and all rows in `out`, as was checked; the caller's.
        unsafe {
            match bf16 {
                None => kernels::compute(self.team.level, tiles),
                Some(bf16) => kernels::compute_bf16(bf16, tiles),
            }
        };
    }

    /// Tile of the rows at `outs`, in the columns of a panel.
    #[inline(always)]
    fn tile<'t>(
        &self,
        panel: usize,
        outs: &[usize],
        runs: &'t [[*const f32; ROWS]],
        out: SharedSlice<'_>,
    ) -> Tile<'t> {
        let (n, column, lines) = (self.b.n, panel * WIDTH, self.b.panel(panel));
        let mut epilogue = Epilogue { accumulate: self.accumulate, relu: self.relu, ..Epilogue::NONE };
        epilogue.bias = self.bias.map_or(ptr::null(), |bias| bias[column..].as_ptr());
        let mut place = [ptr::null_mut(); ROWS];
        for (row, &start) in outs.iter().enumerate() {
            place[row] = out.at(start + column, 0);
            if let Some(mask) = self.mask {
                epilogue.mask[row] = mask.words(start / n, column).as_ptr();
            }
            if let Some(mask) = self.mask_out {
                epilogue.mask_out[row] = mask.at(start / n, column);
            }
        }
        let (k, panel, width) = (self.b.depth(), lines.as_ptr().cast(), (n - column).min(WIDTH));
        Tile { runs, k, panel, count: outs.len(), width, out: place, epilogue }
    }

    /// Pointers to the runs of the rows of every tile, `[tiles, runs]`, or to their copies in `rounded`.
    fn pointers(&self, rows: &Indirection, rounded: Option<&mut PooledBuffer>) -> Vec<[*const f32; ROWS]> {
        let Panels { runs, k, ref zeros, .. } = *self.b;
        let mut pointers = vec![[zeros.as_ptr(); ROWS]; rows.outs.len().div_ceil(ROWS) * runs];
        if runs == 0 {
            return pointers;
        }
        let mut rounded = rounded.map(|rounded| rounded.values().chunks_exact(self.b.depth()));
        for (row, starts) in rows.starts.chunks_exact(runs).enumerate() {
            let tile = &mut pointers[row / ROWS * runs..][..runs];
            let inside = tile.iter_mut().zip(starts).filter(|(_, start)| **start != Indirection::ZEROS);
            for (pointers, &start) in inside {
                let run = &self.a[start..start + k];
                let rounded = rounded.as_mut().and_then(Iterator::next);
                pointers[row % ROWS] = rounded.unwrap_or(run).as_ptr();
            }
        }
        pointers
    }

    /// Runs other than zeros, rounded to bf16, one after the other.
    fn rounded_runs(&self, bf16: Bf16, rows: &Indirection) -> PooledBuffer {
        let (k, depth) = (self.b.k, self.b.depth());
        let starts = || rows.starts.iter().filter(|&&start| start != Indirection::ZEROS);
        let mut rounded = PooledBuffer::new(starts().count() * depth);
        let runs = starts().zip(rounded.values().chunks_exact_mut(depth.max(1)));
        runs.for_each(|(&start, pairs)| round_to_bf16(bf16, &self.a[start..start + k], pairs));
        rounded
    }
}
