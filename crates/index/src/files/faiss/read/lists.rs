//! Reading of inverted lists.

use std::path::PathBuf;

use super::*;
use crate::kinds::ivf::{array_lists::ArrayList, entry_ids::EntryIds};

impl Reader<'_, '_> {
    /// Reads lists of codes of `code_size` bytes, `[nlist]`, and the path of the file they are in if it is not
    /// that of the index.
    pub fn array_lists(
        &mut self,
        nlist: usize,
        code_size: usize,
    ) -> Result<(Vec<ArrayList>, Option<PathBuf>)> {
        let fourcc = self.source.fourcc("inverted lists fourcc")?;
        if fourcc != ARRAY_LISTS && fourcc != ON_DISK_LISTS {
            return Err(unsupported_lists(fourcc, "ilar or ilod"));
        }
        expect("nlist of the inverted lists", nlist, self.source.size("nlist of the inverted lists")?)?;
        let field = "code_size of the inverted lists";
        expect(field, code_size, self.source.size(field)?)?;
        match fourcc {
            ON_DISK_LISTS => self.on_disk_lists(nlist, code_size),
            _ => Ok((self.lists_of_the_index(nlist, code_size)?, None)),
        }
    }

    fn lists_of_the_index(&mut self, nlist: usize, code_size: usize) -> Result<Vec<ArrayList>> {
        let sizes = self.list_sizes(nlist)?;
        let mut lists = Vec::with_capacity(nlist);
        for size in sizes {
            lists.push(self.list(size, code_size)?);
        }
        Ok(lists)
    }

    /// Reads the sizes of all lists, `[nlist]`.
    fn list_sizes(&mut self, nlist: usize) -> Result<Vec<usize>> {
        let kind = self.source.fourcc("list type fourcc")?;
        if kind != FULL_SIZES && kind != SPARSE_SIZES {
            return Err(unsupported("list type fourcc", kind, "full, sprs"));
        }
        let count = self.source.size("list size count")?;
        if kind == FULL_SIZES {
            expect("list size count", nlist, count)?;
        }
        let values = self.source.u64s("list sizes", count)?;
        let values = values.into_iter().map(|value| usize::try_from(value).unwrap_or(usize::MAX));
        if kind == FULL_SIZES { Ok(values.collect()) } else { spread(&values.collect::<Vec<_>>(), nlist) }
    }

    fn list(&mut self, size: usize, code_size: usize) -> Result<ArrayList> {
        let codes =
            self.source.bytes("codes of an inverted list", product("code bytes", size, code_size)?)?;
        let ids = product("id bytes", size, size_of::<i64>())?;
        let ids = EntryIds::new(self.source.bytes("ids of an inverted list", ids)?);
        Ok(ArrayList { codes, ids })
    }
}

/// Checks that the list sizes sum to `ntotal`.
pub fn check_total(ntotal: usize, sizes: &[usize]) -> Result<()> {
    let entries = sizes.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    if entries == Some(ntotal) {
        return Ok(());
    }
    let found = entries.map_or("an overflow".to_owned(), |sum| sum.to_string());
    Err(Error::field("inverted list sizes", format!("a sum of ntotal {ntotal}"), found))
}

/// Expands (list, size) pairs of the non-empty lists to the sizes of all lists.
fn spread(pairs: &[usize], nlist: usize) -> Result<Vec<usize>> {
    let (pairs, rest) = pairs.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::field("list size count", "an even number", pairs.len() * 2 + rest.len()));
    }
    let mut sizes = vec![0; nlist];
    let mut next = 0;
    for &[list, size] in pairs {
        if list < next || list >= nlist {
            let expected = format!("ascending list numbers below {nlist}");
            return Err(Error::field("list sizes", expected, list));
        }
        sizes[list] = positive("size of a list", size as u64)?;
        next = list + 1;
    }
    Ok(sizes)
}
