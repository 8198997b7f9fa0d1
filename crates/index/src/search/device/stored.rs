//! Entries on the device and their sort keys.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};
use device_math::{exact_products::matmul, transfer::upload_matrix};
use rayon::prelude::*;

use super::entries::{CellEntries, Entries};
use crate::{
    metric::{Metric, squared_norm},
    quantise::{
        codec::Codec,
        pq::{PackedCode, ProductQuantiser},
    },
};

/// Most numbers in one tensor; devices index with 32 bits.
const MAX_NUMBERS: usize = i32::MAX as usize;

/// All entries by position.
pub(super) struct Stored {
    content: Content,
    /// Contribution of each entry to its key, `[ntotal]`: `|x|^2`, minus `|c|^2` for residual codes, which
    /// the coarse score already contains. L2 only.
    bias: Option<Tensor<1>>,
    /// Factor of products in a key: -2 for L2, -1 for the inner product.
    factor: f32,
}

#[expect(clippy::large_enum_variant, reason = "few and long-lived")]
enum Content {
    /// Decoded vectors, `[ntotal, d]`.
    Vectors(Tensor<2>),
    Codes {
        /// `[ntotal, m]`: indices into one row `[m * ksub]` of a table.
        codes: Tensor<2, Int>,
        /// `[m, dsub, ksub]`.
        codebooks: Tensor<3>,
    },
}

/// A block of queries, prepared for comparison with entries.
pub(super) enum PreparedQueries {
    /// Scaled queries, `[n, d]`.
    Queries(Tensor<2>),
    /// Scaled products with every codeword, `[n, m * ksub]`.
    Table(Tensor<2>),
}

impl Stored {
    /// Uploads entries; `None` if there are too many.
    pub fn new(entries: &Entries, device: &Device) -> Option<Self> {
        match &entries.cells {
            Some(cells) => Self::in_cells(entries, cells, device),
            None => Self::without_cells(entries, device),
        }
    }

    fn without_cells(entries: &Entries, device: &Device) -> Option<Self> {
        let Entries { metric, codec, codes, .. } = entries;
        let size = codec.code_size();
        let norms = |codes: &&[u8]| codes.par_chunks_exact(size).map(|code| norm(codec, code)).collect();
        let bias = || codes.iter().flat_map(|codes| -> Vec<f32> { norms(codes) }).collect();
        let content = Content::new(codec, codes, entries.ntotal(), device)?;
        Some(Self::with_bias(content, *metric, (*metric == Metric::L2).then(bias), device))
    }

    /// Uploads entries as [`Self::without_cells`] does, cell by cell.
    fn in_cells(entries: &Entries, cells: &CellEntries, device: &Device) -> Option<Self> {
        let Entries { metric, codec, codes, .. } = entries;
        let d = codec.d();
        let vectors = |cell: usize| cells.decode(codec, codes[cell], cell);
        let content = match codec {
            Codec::Pq(_) => Content::new(codec, codes, entries.ntotal(), device)?,
            Codec::Flat { .. } | Codec::Sq(_) if entries.ntotal() * d <= MAX_NUMBERS => {
                let rows = (0..codes.len()).into_par_iter().flat_map_iter(vectors).collect();
                Content::Vectors(upload_matrix(rows, d, device))
            }
            Codec::Flat { .. } | Codec::Sq(_) | Codec::RaBitQ(_) => return None,
        };
        let bias = |cell: usize| {
            let centroid = if entries.has_scores() { squared_norm(cells.coarse.centroid(cell)) } else { 0.0 };
            let norms = |row: &[f32]| (squared_norm(row) - centroid) as f32;
            vectors(cell).chunks_exact(d).map(norms).collect::<Vec<f32>>()
        };
        let biases = || (0..codes.len()).into_par_iter().flat_map_iter(bias).collect();
        Some(Self::with_bias(content, *metric, (*metric == Metric::L2).then(biases), device))
    }

    fn with_bias(content: Content, metric: Metric, bias: Option<Vec<f32>>, device: &Device) -> Self {
        let factor = match metric {
            Metric::L2 => -2.0,
            Metric::InnerProduct => -1.0,
        };
        let bias = bias.map(|bias| {
            let n = bias.len();
            Tensor::from_data(TensorData::new(bias, [n]), device)
        });
        Self { content, bias, factor }
    }

    /// Numbers gathered per entry and query.
    pub fn width(&self) -> usize {
        match &self.content {
            Content::Vectors(rows) => rows.dims()[1],
            Content::Codes { codes, .. } => codes.dims()[1],
        }
    }

    /// Numbers gathered per entry and query if all queries share the same entries.
    pub fn range_width(&self) -> usize {
        match &self.content {
            Content::Vectors(_) => 1,
            Content::Codes { codes, .. } => codes.dims()[1],
        }
    }

    /// Numbers of one query's [`PreparedQueries`].
    pub fn table_size(&self) -> usize {
        match &self.content {
            Content::Vectors(rows) => rows.dims()[1],
            Content::Codes { codebooks, .. } => codebooks.dims()[0] * codebooks.dims()[2],
        }
    }

    /// Prepares `queries` `[n, d]`.
    pub fn prepare(&self, queries: Tensor<2>) -> PreparedQueries {
        let [n, _] = queries.dims();
        let queries = queries * self.factor;
        match &self.content {
            Content::Vectors(_) => PreparedQueries::Queries(queries),
            Content::Codes { codebooks, .. } => {
                let [m, dsub, ksub] = codebooks.dims();
                let parts = queries.reshape([n, m, dsub]).swap_dims(0, 1);
                PreparedQueries::Table(
                    matmul(parts, codebooks.clone()).swap_dims(0, 1).reshape([n, m * ksub]),
                )
            }
        }
    }

    /// Keys of the entries in a range of positions: `[n, range.len()]`.
    pub fn keys_in(&self, prepared: &PreparedQueries, range: Range<usize>) -> Tensor<2> {
        let keys = match (&self.content, prepared) {
            (Content::Vectors(rows), PreparedQueries::Queries(queries)) => {
                matmul(queries.clone(), rows.clone().slice([range.clone()]).transpose())
            }
            (Content::Codes { codes, .. }, PreparedQueries::Table(table)) => {
                let ([n, _], [_, m]) = (table.dims(), codes.dims());
                let codes = codes.clone().slice([range.clone()]).reshape([1, range.len() * m]);
                look_up(table, codes.expand([n, range.len() * m]), m)
            }
            _ => unreachable!("queries were prepared for this content"),
        };
        match &self.bias {
            Some(bias) => keys + bias.clone().slice([range]).unsqueeze(),
            None => keys,
        }
    }

    /// Keys of the entries at each query's own `positions` `[n, w]`: `[n, w]`.
    pub fn keys_at(&self, prepared: &PreparedQueries, positions: Tensor<2, Int>) -> Tensor<2> {
        let [n, w] = positions.dims();
        let positions = positions.reshape([n * w]);
        let keys = match (&self.content, prepared) {
            (Content::Vectors(rows), PreparedQueries::Queries(queries)) => {
                let [_, d] = rows.dims();
                let rows = rows.clone().select(0, positions.clone()).reshape([n, w, d]);
                matmul(rows, queries.clone().unsqueeze_dim(2)).reshape([n, w])
            }
            (Content::Codes { codes, .. }, PreparedQueries::Table(table)) => {
                let [_, m] = codes.dims();
                look_up(table, codes.clone().select(0, positions.clone()).reshape([n, w * m]), m)
            }
            _ => unreachable!("queries were prepared for this content"),
        };
        match &self.bias {
            Some(bias) => keys + bias.clone().select(0, positions).reshape([n, w]),
            None => keys,
        }
    }
}

impl Content {
    /// Uploads `codes`, given in pieces of whole codes, `ntotal` in all; `None` if there are too many.
    fn new(codec: &Codec, codes: &[&[u8]], ntotal: usize, device: &Device) -> Option<Self> {
        match codec {
            Codec::Pq(pq) if ntotal * pq.m <= MAX_NUMBERS => Some(Self::codes(pq, codes, device)),
            Codec::Flat { .. } | Codec::Sq(_) if ntotal * codec.d() <= MAX_NUMBERS => {
                let rows = codes.iter().flat_map(|codes| codec.decode(codes)).collect();
                Some(Self::Vectors(upload_matrix(rows, codec.d(), device)))
            }
            _ => None,
        }
    }

    fn codes(pq: &ProductQuantiser, codes: &[&[u8]], device: &Device) -> Self {
        let unpack = |code| {
            let codewords = PackedCode::new(code, pq.nbits).take(pq.m).enumerate();
            codewords.map(|(j, codeword)| (j * pq.ksub + codeword) as i32)
        };
        let packed = codes.par_iter().flat_map_iter(|codes| codes.chunks_exact(pq.code_size()));
        let numbers: Vec<i32> = packed.flat_map_iter(unpack).collect();
        let shape = [numbers.len() / pq.m, pq.m];
        let codebooks = TensorData::new(pq.centroids(), [pq.m, pq.ksub, pq.dsub]);
        Self::Codes {
            codes: Tensor::from_data(TensorData::new(numbers, shape), device),
            codebooks: Tensor::<3>::from_data(codebooks, device).swap_dims(1, 2),
        }
    }
}

/// For each entry, sums the `m` numbers of `table` `[n, m * ksub]` that its code in `codes` `[n, w * m]`
/// selects: `[n, w]`.
fn look_up(table: &Tensor<2>, codes: Tensor<2, Int>, m: usize) -> Tensor<2> {
    let [n, numbers] = codes.dims();
    let w = numbers / m;
    table.clone().gather(1, codes).reshape([n, w, m]).sum_dim(2).reshape([n, w])
}

/// `|x|^2` of the decoded vector `x` of a code.
fn norm(codec: &Codec, code: &[u8]) -> f32 {
    squared_norm(&codec.decode(code)) as f32
}
