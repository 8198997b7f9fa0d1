//! Entries of an index and the quantisers for searching them on a device.

use crate::{
    metric::Metric,
    quantise::{coarse::Coarse, codec::Codec, transform::Transform},
    search::MISSING,
};

/// Codes of all entries, and what they encode.
pub(crate) struct Entries<'a> {
    /// Transforms of the queries, in the order of application.
    pub transforms: Vec<&'a Transform>,
    pub metric: Metric,
    pub codec: &'a Codec,
    /// Codes of each cell, `[nlist]`; a single piece without cells.
    pub codes: Vec<&'a [u8]>,
    /// `None` if every entry is compared.
    pub cells: Option<CellEntries<'a>>,
    /// Ids, `[ntotal]`, cell by cell; `None` where ids are positions.
    pub ids: Option<Vec<i64>>,
}

/// Cells of the entries.
pub(crate) struct CellEntries<'a> {
    pub coarse: &'a Coarse,
    /// True if codes encode residuals, vectors minus their cell's centroid.
    pub by_residual: bool,
}

impl Entries<'_> {
    /// Dimension of the queries before the transforms.
    pub fn d(&self) -> usize {
        self.transforms.first().map_or(self.codec.d(), |transform| transform.d_in())
    }

    pub fn ntotal(&self) -> usize {
        self.lengths().sum()
    }

    /// Number of entries of each cell, `[nlist]`.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.codes.iter().map(|codes| codes.len() / self.codec.code_size())
    }

    /// Replaces every id by what `id` returns for it.
    pub fn map_ids(&mut self, id: impl Fn(i64) -> Option<i64>) {
        let ids = self.ids.take().unwrap_or_else(|| (0..self.ntotal() as i64).collect());
        self.ids = Some(ids.into_iter().map(|inner| id(inner).unwrap_or(MISSING)).collect());
    }

    /// Returns true if a coarse score is part of every key: codes on the device then encode residuals.
    pub fn has_scores(&self) -> bool {
        self.cells.as_ref().is_some_and(|cells| cells.by_residual) && matches!(self.codec, Codec::Pq(_))
    }
}

impl CellEntries<'_> {
    /// Decodes codes `[n, code_size]` of one cell: `[n, d]`.
    pub fn decode(&self, codec: &Codec, codes: &[u8], cell: usize) -> Vec<f32> {
        let n = codes.len() / codec.code_size();
        if self.by_residual {
            codec.decode_onto(codes, self.coarse.gather(&vec![cell as i64; n]))
        } else {
            codec.decode(codes)
        }
    }
}
