//! Queries packed for register tiles: the words that one step broadcasts are contiguous.

/// Queries split into groups of the sizes of the tiles, each group transposed.
pub(super) struct Packed<T> {
    /// First query and size of each group.
    pub groups: Vec<(usize, usize)>,
    /// `[words, size]` for each group in order; a group starts at `words * first`.
    words: Vec<T>,
    /// Words per query.
    length: usize,
}

impl<T: Copy + Default> Packed<T> {
    /// Packs `rows` `[n, length]`; `sizes` descends and ends with 1.
    pub fn new(rows: &[T], length: usize, sizes: &[usize]) -> Self {
        let n = rows.len() / length;
        let groups = groups(n, sizes);
        let mut words = vec![T::default(); rows.len()];
        for &(first, size) in &groups {
            let packed = &mut words[first * length..][..size * length];
            for (i, row) in rows[first * length..][..size * length].chunks_exact(length).enumerate() {
                packed.iter_mut().skip(i).step_by(size).zip(row).for_each(|(packed, &word)| *packed = word);
            }
        }
        Self { groups, words, length }
    }

    /// Words of the group that starts with the query `first`, `[length]` steps.
    pub fn group<const Q: usize>(&self, first: usize) -> &[[T; Q]] {
        self.words[first * self.length..][..Q * self.length].as_chunks().0
    }
}

fn groups(n: usize, sizes: &[usize]) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut first = 0;
    for &size in sizes {
        while n - first >= size {
            groups.push((first, size));
            first += size;
        }
    }
    groups
}
