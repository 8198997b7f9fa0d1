//! Settings of searches in a graph of entries.

use super::Index;
use crate::{
    error::{Error, Result},
    kinds::{Kind, graph::Graph},
};

impl Index {
    /// Number of entries that a search of a graph (`HNSW{links}`) keeps in view, faiss's `efSearch`, as stored in
    /// the file; `None` without a graph of entries.
    pub fn ef_search(&self) -> Option<usize> {
        graph(&self.kind).map(|graph| graph.hnsw.ef_search.max(1) as usize)
    }

    /// Sets the number of entries that a search of a graph keeps in view. More entries take longer and miss
    /// fewer neighbours. [`Self::write`] stores the number.
    ///
    /// # Errors
    /// [`Error::Unsupported`] without a graph of entries; 0, or more than 2^31 - 1.
    ///
    /// ```
    /// use burn::tensor::{Device, Distribution, Tensor};
    /// use active_index_index::{Index, TrainConfig};
    ///
    /// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
    /// let mut index = Index::train(&"HNSW8,Flat".parse()?, vectors.clone(), &TrainConfig::default())?;
    /// index.add(vectors.clone())?;
    /// index.set_ef_search(300)?;
    /// let found = index.search(vectors.slice([0..3]), 5, 1)?;
    /// assert_eq!(found.ids_of(2)[0], 2);
    /// # Ok::<(), active_index_index::Error>(())
    /// ```
    pub fn set_ef_search(&mut self, ef_search: usize) -> Result<()> {
        let factory = self.factory().to_string();
        let operation = "efSearch: it has no HNSW graph of its entries";
        let graph = graph_mut(&mut self.kind).ok_or(Error::Unsupported { factory, operation })?;
        let value = i32::try_from(ef_search).ok().filter(|&value| value > 0);
        let expected = || Error::argument("efSearch", format!("1 to {}", i32::MAX), ef_search);
        graph.hnsw.ef_search = value.ok_or_else(expected)?;
        Ok(())
    }
}

/// The graph behind transforms, re-ranking and maps of ids, if any.
fn graph(kind: &Kind) -> Option<&Graph> {
    match kind {
        Kind::Graph(graph) => Some(graph),
        Kind::Transformed(transformed) => graph(&transformed.inner),
        Kind::Refined(refined) => graph(&refined.base),
        Kind::Mapped(mapped) => graph(&mapped.inner),
        _ => None,
    }
}

fn graph_mut(kind: &mut Kind) -> Option<&mut Graph> {
    match kind {
        Kind::Graph(graph) => Some(graph),
        Kind::Transformed(transformed) => graph_mut(&mut transformed.inner),
        Kind::Refined(refined) => graph_mut(&mut refined.base),
        Kind::Mapped(mapped) => graph_mut(&mut mapped.inner),
        _ => None,
    }
}
