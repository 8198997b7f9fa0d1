//! Entries that are in no segment yet, searched from memory.

use half::f16;
use index::{EntryLists, FoundEntry, Index};

use crate::{
    catalogue::fresh::FreshRow,
    error::{Error, Result},
};

/// Codes and descriptors of entries, in the order of their commits.
#[derive(Clone)]
pub struct FreshEntries {
    pub lists: EntryLists,
    /// Rows of the descriptors of each cell's entries: `[nlist]`.
    rows: Vec<Vec<usize>>,
    /// `[n, d]`.
    descriptors: Vec<f16>,
    d: usize,
}

impl FreshEntries {
    /// Creates an empty set for the codes of `quantiser`, which has no entries.
    pub fn empty(quantiser: &Index) -> Result<Self> {
        let lists = quantiser.lists()?;
        let rows = vec![Vec::new(); lists.nlist()];
        Ok(Self { lists, rows, descriptors: Vec::new(), d: quantiser.d() })
    }

    /// Appends a row of the catalogue.
    ///
    /// # Errors
    /// If the cell does not exist, or the code or descriptor has another size.
    pub fn push(&mut self, row: &FreshRow, code_size: usize) -> Result<()> {
        check(row, self.rows.len(), code_size, self.d)?;
        self.rows[row.cell].push(self.descriptors.len() / self.d);
        self.lists.push(row.cell, &row.code, row.id);
        let (values, _) = row.descriptor.as_chunks();
        self.descriptors.extend(values.iter().map(|&bytes| f16::from_le_bytes(bytes)));
        Ok(())
    }

    /// Descriptor of an entry that a search found.
    pub fn descriptor(&self, found: &FoundEntry) -> &[f16] {
        self.row(self.rows[found.cell][found.offset])
    }

    /// Descriptor of an id, found by looking through all ids.
    pub fn descriptor_of(&self, id: i64) -> Option<&[f16]> {
        let find = |(cell, rows): (usize, &Vec<usize>)| {
            let mut entries = self.lists.entries(cell).zip(rows);
            entries.find(|((stored, _), _)| *stored == id).map(|(_, &row)| self.row(row))
        };
        self.rows.iter().enumerate().find_map(find)
    }

    fn row(&self, row: usize) -> &[f16] {
        &self.descriptors[row * self.d..(row + 1) * self.d]
    }
}

/// Checks the sizes of a row.
///
/// # Errors
/// [`Error::Argument`] with the id of the entry.
pub fn check(row: &FreshRow, nlist: usize, code_size: usize, d: usize) -> Result<()> {
    let found = (row.cell < nlist, row.code.len(), row.descriptor.len());
    if found != (true, code_size, d * size_of::<f16>()) {
        let expected = format!("a cell below {nlist}, {code_size} bytes of code and {d} values");
        let FreshRow { id, cell, code, descriptor, .. } = row;
        let found = format!("cell {cell}, {} and {} bytes in entry {id}", code.len(), descriptor.len());
        return Err(Error::argument("row of the catalogue's table `fresh`", expected, found));
    }
    Ok(())
}
