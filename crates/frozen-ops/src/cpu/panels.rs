//! Matrices packed in panels of 64 columns.

use simd::Bf16;

use crate::kernels::{WIDTH, round_to_bf16};

/// 64 values that begin a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line([f32; WIDTH]);

/// Matrix `[runs * k, n]` in panels of 64 columns: `[ceil(n / 64), runs * k, 64]`, zero padded.
#[derive(Debug, Clone)]
pub(crate) struct Panels {
    pub runs: usize,
    pub k: usize,
    pub n: usize,
    /// `[ceil(n / 64), runs * depth, 64]`.
    lines: Vec<Line>,
    /// Run that stands for pixels outside of the image, `[k]`.
    pub zeros: Vec<f32>,
    /// Proof of bf16 products, if values are pairs of neighbours in a run.
    pub bf16: Option<Bf16>,
}

impl Panels {
    /// Packs the matrix whose value at run, place in the run and column is `value`.
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

    /// Rounds the matrix to pairs of bf16 if `bf16` is given; rows that it multiplies are rounded alike.
    pub fn rounded(self, bf16: Option<Bf16>) -> Self {
        let Some(proof) = bf16 else { return self };
        let runs = self.lines.chunks(self.k.max(1));
        let pairs = runs.flat_map(|run| run.chunks(2).map(|pair| pair_of(pair, proof)));
        Self { lines: pairs.collect(), bf16, ..self }
    }

    /// Number of lines of a run: `k`, or half of it in bf16.
    pub fn depth(&self) -> usize {
        if self.bf16.is_some() { self.k.div_ceil(2) } else { self.k }
    }

    /// Number of panels.
    pub fn count(&self) -> usize {
        self.n.div_ceil(WIDTH)
    }

    /// Lines of a panel, `[runs * depth]`.
    pub fn panel(&self, panel: usize) -> &[Line] {
        let size = self.runs * self.depth();
        &self.lines[panel * size..(panel + 1) * size]
    }
}

/// Pairs one or two lines column by column, in bf16.
fn pair_of(lines: &[Line], bf16: Bf16) -> Line {
    let mut both = [0.0; 2 * WIDTH];
    for (i, line) in lines.iter().enumerate() {
        both.iter_mut().skip(i).step_by(2).zip(line.0).for_each(|(out, value)| *out = value);
    }
    let mut pairs = Line([0.0; WIDTH]);
    round_to_bf16(bf16, &both, &mut pairs.0);
    pairs
}
