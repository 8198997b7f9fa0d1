//! Products of matrices whose rows lie scattered in memory, on packed weights.

use std::ops::Range;

use crate::raw::{Bf16, Finish, Pooled, ROWS, Shared, Tile, WIDTH};
use crate::signs::{SharedSigns, Signs};
use crate::team::Team;

/// The start of a run of zeros.
pub(crate) const ZEROS: usize = usize::MAX;

/// Bytes of rows that stay in the second-level cache while all panels pass over them.
const BLOCK_BYTES: usize = 384 << 10;
const BLOCK_ROWS: Range<usize> = 24..192;
/// Blocks for each thread below which columns are shared out too.
const FEW_BLOCKS: usize = 4;

/// 64 values that begin a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; WIDTH]);

/// A matrix `[runs * k, n]` in panels of 64 columns: `[ceil(n / 64), runs * k, 64]`, zero padded.
#[derive(Debug, Clone)]
pub(crate) struct Panels {
    pub runs: usize,
    pub k: usize,
    pub n: usize,
    /// With bf16, of pairs of neighbours in a run: `[ceil(n / 64), runs * ceil(k / 2), 64]`.
    lines: Vec<Line>,
    /// What stands for a run outside of the rows' matrix, `[k]`.
    zeros: Vec<f32>,
    bf16: Option<Bf16>,
}

impl Panels {
    /// `value` gives what stands at run, place in the run and column.
    pub fn new(runs: usize, k: usize, n: usize, value: impl Fn(usize, usize, usize) -> f32) -> Self {
        let mut lines = Vec::with_capacity(n.div_ceil(WIDTH) * runs * k);
        for panel in 0..n.div_ceil(WIDTH) {
            let columns = (n - panel * WIDTH).min(WIDTH);
            for (run, i) in (0..runs).flat_map(|run| (0..k).map(move |i| (run, i))) {
                let mut line = [0.0; WIDTH];
                let row = line[..columns].iter_mut().enumerate();
                row.for_each(|(j, out)| *out = value(run, i, panel * WIDTH + j));
                lines.push(Line(line));
            }
        }
        Self { runs, k, n, lines, zeros: vec![0.0; k], bf16: None }
    }

    /// The same rounded to bf16, as the rows that are multiplied with it will be.
    pub fn rounded(mut self, bf16: Bf16) -> Self {
        let rows = self.lines.chunks(self.k.max(1));
        let pairs = rows.flat_map(|run| run.chunks(2).map(|pair| pair_of(pair, bf16)));
        self.lines = pairs.collect();
        self.bf16 = Some(bf16);
        self
    }

    /// Lines of a run.
    fn depth(&self) -> usize {
        if self.bf16.is_some() { self.k.div_ceil(2) } else { self.k }
    }

    /// Number of panels.
    pub fn count(&self) -> usize {
        self.n.div_ceil(WIDTH)
    }

    fn panel(&self, panel: usize) -> &[Line] {
        let size = self.runs * self.depth();
        &self.lines[panel * size..(panel + 1) * size]
    }
}

/// One or two lines, column by column.
fn pair_of(lines: &[Line], bf16: Bf16) -> Line {
    let mut both = [0.0; 2 * WIDTH];
    for (i, line) in lines.iter().enumerate() {
        both.iter_mut().skip(i).step_by(2).zip(line.0).for_each(|(out, value)| *out = value);
    }
    let mut pairs = Line([0.0; WIDTH]);
    bf16.round(&both, &mut pairs.0);
    pairs
}

/// Where rows of a product lie.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// `[m, runs]`: where the runs of the rows of `A` start, or [`ZEROS`].
    pub starts: Vec<usize>,
    /// `[m]`: where the rows of the result start, and those of what is added.
    pub outs: Vec<usize>,
}

/// `relu(A B + bias + out)`, where each part after the product may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Product<'a> {
    pub team: Team<'a>,
    pub a: &'a [f32],
    pub b: &'a Panels,
    /// `[n]`.
    pub bias: Option<&'a [f32]>,
    /// Whether what is in the place of the result is added.
    pub onto: bool,
    pub relu: bool,
    /// Which results are kept, and 0 for the others; all if not given.
    pub kept: Option<&'a Signs>,
    /// Where it is kept which results are above 0.
    pub signs: Option<SharedSigns<'a>>,
}

impl<'a> Product<'a> {
    /// The product alone.
    pub fn plain(team: Team<'a>, a: &'a [f32], b: &'a Panels) -> Self {
        Self { team, a, b, bias: None, onto: false, relu: false, kept: None, signs: None }
    }

    /// Computes `m` rows by the team; `rows` names those of a range. No two rows may lie at one place of `out`.
    pub fn run(&self, m: usize, rows: impl Fn(Range<usize>) -> Rows + Sync, out: &mut [f32]) {
        let shared = Shared::new(out);
        self.for_each_block(m, |range, panels| {
            // SAFETY: blocks differ in rows or in panels, and rows do not overlap.
            unsafe { self.block(&rows(range), panels, shared) }
        });
    }

    /// Hands ranges of rows and of panels to `work`, together all, in parallel.
    pub fn for_each_block(&self, m: usize, work: impl Fn(Range<usize>, Range<usize>) + Sync) {
        if m == 0 {
            return;
        }
        let threads = self.team.threads;
        let fitting = BLOCK_BYTES / (self.b.runs * self.b.k * size_of::<f32>()).max(1);
        let fitting = fitting.clamp(BLOCK_ROWS.start, BLOCK_ROWS.end).min(m.div_ceil(threads));
        let rows = m.div_ceil(m.div_ceil(fitting)).next_multiple_of(ROWS);
        let (blocks, panels) = (m.div_ceil(rows), self.b.count());
        let groups = if blocks < FEW_BLOCKS * threads { threads.min(panels) } else { 1 };
        let together = panels.div_ceil(groups.max(1)).max(1);
        self.team.for_each(panels.div_ceil(together) * blocks, |task| {
            let (group, block) = (task / blocks, task % blocks);
            let panels = group * together..((group + 1) * together).min(panels);
            work(block * rows..((block + 1) * rows).min(m), panels);
        });
    }

    /// Computes some rows in the columns of some panels, on this thread.
    ///
    /// # Safety
    ///
    /// Nobody else writes to or reads from these places of `out` meanwhile.
    ///
    /// # Panics
    ///
    /// Where rows or columns lie outside of the buffers.
    pub unsafe fn block(&self, rows: &Rows, panels: Range<usize>, out: Shared<'_>) {
        let Panels { runs, n, bf16, .. } = *self.b;
        let k = self.b.depth();
        assert_eq!(rows.starts.len(), rows.outs.len() * runs, "runs of rows");
        assert!(self.bias.is_none_or(|bias| bias.len() == n), "biases");
        let mut rounded = bf16.map(|bf16| self.rounded_runs(bf16, rows));
        let pointers = self.pointers(rows, rounded.as_mut());
        let last = *rows.outs.iter().max().unwrap_or(&0);
        out.at(last, n);
        let tile = |panel: usize, number: usize| {
            let (column, lines) = (panel * WIDTH, self.b.panel(panel));
            let outs = &rows.outs[number * ROWS..(number * ROWS + ROWS).min(rows.outs.len())];
            let mut finish = Finish { onto: self.onto, relu: self.relu, ..Finish::NONE };
            finish.bias = self.bias.map_or(std::ptr::null(), |bias| bias[column..].as_ptr());
            let mut place = [std::ptr::null_mut(); ROWS];
            for (row, &start) in outs.iter().enumerate() {
                place[row] = out.at(start + column, 0);
                if let Some(kept) = self.kept {
                    finish.kept[row] = kept.words(start / n, column).as_ptr();
                }
                if let Some(signs) = self.signs {
                    finish.signs[row] = signs.at(start / n, column);
                }
            }
            let (panel, width) = (lines.as_ptr().cast(), (n - column).min(WIDTH));
            let runs = &pointers[number * runs..][..runs];
            Tile { runs, k, panel, count: outs.len(), width, out: place, finish }
        };
        let tiles = rows.outs.len().div_ceil(ROWS);
        let tiles = panels.flat_map(|panel| (0..tiles).map(move |number| (panel, number)));
        let tiles = tiles.map(|(panel, number)| tile(panel, number));
        // SAFETY: all runs lie in `a` and all rows in `out`, as was checked; the caller's.
        unsafe {
            match bf16 {
                None => self.team.level.tiles(tiles),
                Some(bf16) => bf16.tiles(tiles),
            }
        };
    }

    /// `[tiles, runs]`: the runs of the rows of every tile, of those in `rounded` if there are.
    fn pointers(&self, rows: &Rows, rounded: Option<&mut Pooled>) -> Vec<[*const f32; ROWS]> {
        let Panels { runs, k, ref zeros, .. } = *self.b;
        let mut pointers = vec![[zeros.as_ptr(); ROWS]; rows.outs.len().div_ceil(ROWS) * runs];
        if runs == 0 {
            return pointers;
        }
        let mut rounded = rounded.map(|rounded| rounded.values().chunks_exact(self.b.depth()));
        for (row, starts) in rows.starts.chunks_exact(runs).enumerate() {
            let tile = &mut pointers[row / ROWS * runs..][..runs];
            for (pointers, &start) in tile.iter_mut().zip(starts).filter(|(_, start)| **start != ZEROS) {
                let run = &self.a[start..start + k];
                let rounded = rounded.as_mut().and_then(Iterator::next);
                pointers[row % ROWS] = rounded.unwrap_or(run).as_ptr();
            }
        }
        pointers
    }

    /// The runs that are not zeros, one behind the other.
    fn rounded_runs(&self, bf16: Bf16, rows: &Rows) -> Pooled {
        let (k, depth) = (self.b.k, self.b.depth());
        let starts = || rows.starts.iter().filter(|&&start| start != ZEROS);
        let mut rounded = Pooled::new(starts().count() * depth);
        let runs = starts().zip(rounded.values().chunks_exact_mut(depth.max(1)));
        runs.for_each(|(&start, to)| bf16.round(&self.a[start..start + k], to));
        rounded
    }
}
