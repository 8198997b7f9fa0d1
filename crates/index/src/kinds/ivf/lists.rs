//! Inverted lists: codes and ids of the vectors of each cell.

use crate::stored_bytes::Bytes;

/// Bytes of one id.
const ID_SIZE: usize = size_of::<i64>();

/// Entries of one cell in the order of insertion.
#[derive(Clone, Default)]
pub(crate) struct InvertedList {
    /// `len * code_size` bytes.
    pub codes: Bytes,
    /// `len` little-endian i64.
    pub ids: Bytes,
}

impl InvertedList {
    pub fn len(&self) -> usize {
        self.ids.len() / ID_SIZE
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Id of entry `offset < len`.
    pub fn id(&self, offset: usize) -> i64 {
        i64::from_le_bytes(self.ids.as_chunks().0[offset])
    }

    pub fn ids(&self) -> impl ExactSizeIterator<Item = i64> {
        self.ids.as_chunks().0.iter().map(|&id| i64::from_le_bytes(id))
    }

    pub fn push(&mut self, code: &[u8], id: i64) {
        self.codes.to_mut().extend_from_slice(code);
        self.ids.to_mut().extend_from_slice(&id.to_le_bytes());
    }

    /// Keeps the entries whose ids satisfy `keep`, in their order.
    pub fn retain(&mut self, code_size: usize, keep: impl Fn(i64) -> bool) {
        if self.ids().all(&keep) {
            return;
        }
        let kept: Vec<usize> = self.ids().enumerate().filter(|&(_, id)| keep(id)).map(|(i, _)| i).collect();
        let code = |&entry: &usize| &self.codes[entry * code_size..(entry + 1) * code_size];
        let codes = kept.iter().flat_map(code).copied().collect();
        let ids = kept.iter().flat_map(|&entry| self.id(entry).to_le_bytes()).collect();
        *self = Self { codes: Bytes::Owned(codes), ids: Bytes::Owned(ids) };
    }
}

/// Next free id: `ntotal` as in faiss, or one more than the largest id if caller-supplied ids are larger.
pub(crate) fn next_id(ids: impl Iterator<Item = i64>, ntotal: usize) -> i64 {
    ids.max().map_or(0, |id| id.saturating_add(1)).max(ntotal as i64)
}

/// `nlist` inverted lists over codes of one size.
#[derive(Clone)]
pub(crate) struct InvertedLists {
    /// Bytes of one code, at least 1.
    pub code_size: usize,
    /// `[nlist]`.
    pub lists: Vec<InvertedList>,
}

/// Position of an entry in the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub cell: usize,
    pub offset: usize,
}

impl InvertedLists {
    pub fn new(nlist: usize, code_size: usize) -> Self {
        Self { code_size, lists: vec![InvertedList::default(); nlist] }
    }

    /// Number of entries in all lists.
    pub fn ntotal(&self) -> usize {
        self.lists.iter().map(InvertedList::len).sum()
    }

    /// Appends an entry and returns its position.
    pub fn push(&mut self, cell: usize, code: &[u8], id: i64) -> Position {
        let list = &mut self.lists[cell];
        list.push(code, id);
        Position { cell, offset: list.len() - 1 }
    }

    /// First entry with the id, in order of cells.
    pub fn find(&self, id: i64) -> Option<Position> {
        self.lists.iter().enumerate().find_map(|(cell, list)| {
            let offset = list.ids().position(|stored| stored == id)?;
            Some(Position { cell, offset })
        })
    }

    /// Ids and positions of all entries.
    pub fn entries(&self) -> impl Iterator<Item = (i64, Position)> {
        let lists = self.lists.iter().enumerate();
        lists.flat_map(|(cell, list)| {
            list.ids().enumerate().map(move |(offset, id)| (id, Position { cell, offset }))
        })
    }

    /// Code at a position returned by [`Self::push`] or [`Self::find`].
    pub fn code_at(&self, position: Position) -> &[u8] {
        let start = position.offset * self.code_size;
        &self.lists[position.cell].codes[start..start + self.code_size]
    }
}
