//! Entries of an inverted file apart from its quantisers, so that many sets of entries share one index.

use std::{io::Write, path::Path};

use burn::tensor::{Device, Tensor};

use super::{
    Index,
    merge::{emptied, quantisers},
};
use crate::{
    error::{Error, Result},
    files::{
        faiss::{Source, holds_lists, read_lists, write_lists},
        regular_file::open_regular,
    },
    kernels::prefetch,
    kinds::{
        Kind,
        ivf::{
            Ivf,
            array_lists::ArrayList,
            inverted_lists::{InvertedLists, Position, ProbedQueries},
        },
        store::AsStore,
    },
    quantise::{coarse_scan::Probe, codec::Codec},
    search::{Candidate, Gather, Reservoir, TopK},
    vectors::Vectors,
};

/// Codes of `n` vectors and the cells that they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedVectors {
    /// Cell of each vector: `[n]`, in `0..nlist`.
    pub cells: Vec<usize>,
    /// Codes `[n, code_size]`.
    pub codes: Vec<u8>,
}

/// Queries and the cells that each visits, looked up once for any number of [`EntryLists`].
pub struct ProbedVectors {
    queries: Vectors<'static>,
    /// Nearest first: `[n, nprobe]`.
    probes: Vec<Probe>,
    nprobe: usize,
}

impl ProbedVectors {
    /// Cells that any of the queries visits, ascending.
    pub fn cells(&self) -> Vec<usize> {
        let mut cells: Vec<usize> = self.probes.iter().map(|probe| probe.cell).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }
}

/// Entry that a search found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoundEntry {
    /// Id stored with the entry.
    pub id: i64,
    /// Squared L2 distance or inner product of the query and the decoded code.
    pub distance: f32,
    /// Number of the lists that have the entry, among those that were searched.
    pub part: usize,
    /// Cell of the entry.
    pub cell: usize,
    /// Place of the entry in the list of its cell, from 0.
    pub offset: usize,
}

/// Ids and codes of entries, cell by cell: the lists of an `IVF{nlist}` index with `Flat`, scalar or product
/// quantiser codes, also behind transforms.
///
/// Entries are searched by [`Index::search_lists`] of an index whose quantisers made them.
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use active_index_index::{Index, TrainConfig};
///
/// let vectors = Tensor::<2>::random([300, 16], Distribution::Default, &Device::flex());
/// let index = Index::train(&"IVF4,PQ2x4".parse()?, vectors.clone(), &TrainConfig::default())?;
/// let encoded = index.encode(vectors.clone())?;
/// let mut lists = index.lists()?;
/// lists.extend(&encoded, &Vec::from_iter(1000..1300));
///
/// let probed = index.probe(vectors.clone().slice([0..2]), 4)?;
/// let found = index.search_lists(&[&lists], &probed, 5)?;
/// let whole = index.with_lists(lists)?.search(vectors.slice([0..2]), 5, 4)?;
/// assert_eq!(found[1].iter().map(|entry| entry.id).collect::<Vec<_>>(), whole.ids_of(1));
/// # Ok::<(), active_index_index::Error>(())
/// ```
#[derive(Clone)]
pub struct EntryLists {
    /// Bytes of one code.
    code_size: usize,
    ntotal: usize,
    /// `[nlist]`.
    lists: Vec<ArrayList>,
}

impl EntryLists {
    fn new(code_size: usize, lists: Vec<ArrayList>) -> Self {
        let ntotal = lists.iter().map(|list| list.ids.len()).sum();
        Self { code_size, ntotal, lists }
    }

    /// Number of entries in all lists.
    pub fn ntotal(&self) -> usize {
        self.ntotal
    }

    /// Number of lists.
    pub fn nlist(&self) -> usize {
        self.lists.len()
    }

    /// Ids and codes of the entries of one cell, in order.
    ///
    /// # Panics
    /// `cell` is not below `nlist`.
    pub fn entries(&self, cell: usize) -> impl ExactSizeIterator<Item = (i64, &[u8])> {
        let list = &self.lists[cell];
        list.ids.iter().zip(list.codes.chunks_exact(self.code_size))
    }

    /// Appends an entry to the list of a cell.
    ///
    /// # Panics
    /// `cell` is not below `nlist`; `code` has another size than the lists' codes.
    pub fn push(&mut self, cell: usize, code: &[u8], id: i64) {
        assert_eq!(code.len(), self.code_size, "size of a code");
        self.lists[cell].push(code, id);
        self.ntotal += 1;
    }

    /// Appends encoded vectors under `ids` `[n]`.
    ///
    /// # Panics
    /// A number of ids other than `n`; as [`Self::push`].
    pub fn extend(&mut self, encoded: &EncodedVectors, ids: &[i64]) {
        assert_eq!(ids.len(), encoded.cells.len(), "number of ids");
        let codes = encoded.codes.chunks_exact(self.code_size);
        encoded.cells.iter().zip(codes).zip(ids).for_each(|((&cell, code), &id)| self.push(cell, code, id));
    }

    /// Writes the lists without quantisers, in the format of faiss's `write_InvertedLists`, to a stream.
    ///
    /// # Errors
    /// I/O errors of the stream.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        Ok(write_lists(self.code_size, &self.lists, out)?)
    }

    /// Entries of the candidates of a search in all `parts`, which are positions.
    fn entries_of(
        parts: &[&Self],
        candidates: &[Candidate],
        distance: impl Fn(f32) -> f32,
    ) -> Vec<FoundEntry> {
        let entry = |candidate: &Candidate| {
            let Position { cell, offset } = Position::unpacked(candidate.id);
            let (part, offset) = Self::located(parts, cell, offset);
            let id = parts[part].lists[cell].ids.stored(offset);
            // Scattered in memory, and read when all are on their way.
            prefetch(id);
            (id, FoundEntry { id: 0, distance: distance(candidate.key), part, cell, offset })
        };
        let found: Vec<_> = candidates.iter().map(entry).collect();
        found.into_iter().map(|(id, entry)| FoundEntry { id: i64::from_le_bytes(*id), ..entry }).collect()
    }

    /// Place of the entry at `offset` in the lists of `cell` of all `parts` one behind the other.
    fn located(parts: &[&Self], cell: usize, offset: usize) -> (usize, usize) {
        let mut rest = offset;
        for (part, lists) in parts.iter().enumerate() {
            match lists.lists[cell].ids.len() {
                len if rest < len => return (part, rest),
                len => rest -= len,
            }
        }
        unreachable!("offset {offset} is of an entry that was found")
    }
}

impl Index {
    /// Opens a file of lists, see [`EntryLists::write_to`], or the entries of an index file whose quantisers are those of this
    /// index. Codes and ids are mapped, not read.
    ///
    /// # Errors
    /// The errors of [`Index::open`] and [`Self::lists`]; another kind, dimension, number of cells or size of codes than this
    /// index's. Equal quantisers are not checked, see [`Self::has_quantisers_of`].
    pub fn open_lists(&self, path: &Path) -> Result<EntryLists> {
        let lists = || self.read_lists(Source::map(open_regular(path)?)?);
        match lists().map_err(|error: Error| error.in_file(path))? {
            Some(lists) => Ok(lists),
            None => self.open_lists_of_index(path),
        }
    }

    /// Reads a file of lists; `None` for a file of another kind.
    fn read_lists(&self, source: Source) -> Result<Option<EntryLists>> {
        let own = &self.array_lists()?.lists;
        let (nlist, code_size) = (own.lists.len(), own.code_size());
        if !holds_lists(&source) {
            return Ok(None);
        }
        let lists = read_lists(source, &self.device, nlist, code_size)?;
        Ok(Some(EntryLists::new(code_size, lists)))
    }

    fn open_lists_of_index(&self, path: &Path) -> Result<EntryLists> {
        // The file's own quantisers are dropped, and need no device.
        let opened = Self::open(path, &Device::flex())?;
        let same = |index: &Self| (index.d(), index.metric(), index.factory());
        if same(&opened) != same(self) {
            let [expected, found] = [self, &opened].map(|index| index.factory().to_string());
            return Err(Error::DifferentQuantisers { expected, found }.in_file(path));
        }
        opened.lists().map_err(|error| error.in_file(path))
    }

    /// Returns true if the other index has the same quantisers, byte for byte.
    ///
    /// # Errors
    /// None in practice: writing to memory.
    pub fn has_quantisers_of(&self, other: &Self) -> Result<bool> {
        Ok(quantisers(&self.kind)? == quantisers(&other.kind)?)
    }

    /// Copy with the same quantisers and without entries.
    pub fn emptied(&self) -> Self {
        Self::new(emptied(&self.kind), self.device.clone())
    }

    /// Copy of this index's entries; entries of a mapped file stay mapped.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless the index is an inverted file with `Flat`, scalar or product quantiser codes.
    pub fn lists(&self) -> Result<EntryLists> {
        let ivf = self.array_lists()?;
        Ok(EntryLists::new(ivf.lists.code_size(), ivf.lists.lists.clone()))
    }

    /// Copy of this index that has the given entries in place of its own.
    ///
    /// # Errors
    /// The errors of [`Self::lists`]; another number of lists or size of codes than the index's.
    pub fn with_lists(&self, lists: EntryLists) -> Result<Self> {
        self.check_lists(&lists)?;
        let mut index = self.emptied();
        let ivf = array_lists_mut(&mut index.kind).expect("checked above");
        ivf.lists.lists = lists.lists;
        Ok(index)
    }

    /// Codewords `[m, 256, d / m]` of the product quantiser of an `IVF{nlist},PQ{m}x8` index that codes residuals, as faiss
    /// stores them; `None` for any other kind, and behind transforms.
    pub fn residual_codewords(&self) -> Option<Vec<f32>> {
        match &self.kind {
            Kind::Ivf(ivf) if ivf.by_residual => match &ivf.lists.codec {
                Codec::Pq(pq) if pq.nbits == 8 => Some(pq.centroids()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Encodes `vectors` `[n, d]` as [`Self::add`] does, without storing them.
    ///
    /// # Errors
    /// The errors of [`Self::lists`]; a different dimension, a non-finite vector, a failing device.
    pub fn encode(&self, vectors: Tensor<2>) -> Result<EncodedVectors> {
        let ivf = self.array_lists()?;
        let vectors = self.kind.store().apply_transforms(self.accept("vectors", vectors)?)?;
        let cells = ivf.coarse.cells(&vectors)?;
        let codes = ivf.encode(&vectors, &cells)?;
        Ok(EncodedVectors { cells: cells.into_iter().map(|cell| cell as usize).collect(), codes })
    }

    /// Looks up the `nprobe` nearest cells of each of `queries` `[n, d]`; `nprobe` is capped at `nlist`.
    ///
    /// # Errors
    /// The errors of [`Self::encode`]; `nprobe` is 0.
    pub fn probe(&self, queries: Tensor<2>, nprobe: usize) -> Result<ProbedVectors> {
        let ivf = self.array_lists()?;
        let queries = self.accept("queries", queries)?;
        let queries = self.kind.store().apply_transforms(queries)?;
        let nprobe = ivf.coarse.visited(nprobe)?;
        let probes = ivf.coarse.probes(&queries, nprobe)?;
        Ok(ProbedVectors { queries, probes, nprobe })
    }

    /// Finds the `k` nearest entries of each probed query in all `parts`, nearest first; `[n]` rows of at most `k`. An id
    /// that several entries carry is returned once per entry. The time is that of one set of lists with all entries.
    ///
    /// # Errors
    /// The errors of [`Self::with_lists`].
    pub fn search_lists(
        &self,
        parts: &[&EntryLists],
        probed: &ProbedVectors,
        k: usize,
    ) -> Result<Vec<Vec<FoundEntry>>> {
        self.gather_in(parts, probed, k, TopK::new, |_, row| row)
    }

    /// Finds the same entries as [`Self::search_lists`], in the order of their lists, in which they are read fastest. Returns
    /// the results of `each` with the number of a query and the entries found for it; threads share the calls.
    ///
    /// # Errors
    /// The errors of [`Self::with_lists`].
    pub fn search_lists_with<T: Send>(
        &self,
        parts: &[&EntryLists],
        probed: &ProbedVectors,
        k: usize,
        each: impl Fn(usize, Vec<FoundEntry>) -> T + Sync,
    ) -> Result<Vec<T>> {
        self.gather_in(parts, probed, k, Reservoir::new, each)
    }

    /// Calls `each` with the number of a query and the entries that a collector of up to `k` keeps for it.
    fn gather_in<G: Gather + Send, T: Send>(
        &self,
        parts: &[&EntryLists],
        probed: &ProbedVectors,
        k: usize,
        new: impl Fn(usize) -> G + Sync,
        each: impl Fn(usize, Vec<FoundEntry>) -> T + Sync,
    ) -> Result<Vec<T>> {
        parts.iter().try_for_each(|lists| self.check_lists(lists))?;
        let Ivf { coarse, by_residual, lists: codec, .. } = self.array_lists()?;
        let ProbedVectors { queries, probes, nprobe } = probed;
        let (by_residual, probes, nprobe) = (*by_residual, probes.clone(), *nprobe);
        let queries = ProbedQueries { coarse, by_residual, queries, probes, nprobe };
        let lists: Vec<&[ArrayList]> = parts.iter().map(|part| part.lists.as_slice()).collect();
        let ntotal: usize = parts.iter().map(|part| part.ntotal).sum();
        let distance = |key| coarse.metric.distance_of(key);
        let row = |i, found: Vec<Candidate>| each(i, EntryLists::entries_of(parts, &found, distance));
        Ok(codec.gather_in(&lists, &queries, || new(k.min(ntotal)), row))
    }

    fn check_lists(&self, lists: &EntryLists) -> Result<()> {
        let own = &self.array_lists()?.lists;
        let (expected, found) = ((own.lists.len(), own.code_size()), (lists.nlist(), lists.code_size));
        if expected != found {
            let words = |(nlist, code_size)| format!("{nlist} with codes of {code_size} bytes");
            return Err(Error::argument("lists", words(expected), words(found)));
        }
        Ok(())
    }

    fn array_lists(&self) -> Result<&Ivf> {
        array_lists(&self.kind).ok_or_else(|| Error::Unsupported {
            factory: self.factory().to_string(),
            operation: "taking its entries apart from its quantisers",
        })
    }
}

/// The inverted file of plain lists behind transforms, if there is one.
fn array_lists(kind: &Kind) -> Option<&Ivf> {
    match kind {
        Kind::Ivf(ivf) => Some(ivf),
        Kind::Transformed(transformed) => array_lists(&transformed.inner),
        _ => None,
    }
}

fn array_lists_mut(kind: &mut Kind) -> Option<&mut Ivf> {
    match kind {
        Kind::Ivf(ivf) => Some(ivf),
        Kind::Transformed(transformed) => array_lists_mut(&mut transformed.inner),
        _ => None,
    }
}
