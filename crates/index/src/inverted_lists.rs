//! Inverted lists: per cell, the codes and ids of the vectors that fell into it.

/// One cell's entries, in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct InvertedList {
    /// `ids.len() * code_size` bytes.
    pub codes: Vec<u8>,
    pub ids: Vec<i64>,
}

/// `nlist` inverted lists over codes of one size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InvertedLists {
    /// Bytes of one code, at least 1.
    pub code_size: usize,
    /// `[nlist]`.
    pub lists: Vec<InvertedList>,
}

/// Where an entry lies.
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
        self.lists.iter().map(|list| list.ids.len()).sum()
    }

    /// Appends an entry and says where it went.
    pub fn push(&mut self, cell: usize, code: &[u8], id: i64) -> Position {
        let list = &mut self.lists[cell];
        list.codes.extend_from_slice(code);
        list.ids.push(id);
        Position { cell, offset: list.ids.len() - 1 }
    }

    /// The first entry, in order of cells, that carries the id.
    pub fn find(&self, id: i64) -> Option<Position> {
        self.lists.iter().enumerate().find_map(|(cell, list)| {
            let offset = list.ids.iter().position(|&stored| stored == id)?;
            Some(Position { cell, offset })
        })
    }

    /// Whether there is an entry at a position.
    pub fn holds(&self, position: Position) -> bool {
        self.lists.get(position.cell).is_some_and(|list| position.offset < list.ids.len())
    }

    /// The code at a position of [`Self::push`] or [`Self::find`].
    pub fn code_at(&self, position: Position) -> &[u8] {
        let start = position.offset * self.code_size;
        &self.lists[position.cell].codes[start..start + self.code_size]
    }
}
