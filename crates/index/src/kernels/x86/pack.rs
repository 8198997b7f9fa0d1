//! Queries packed for register tiles: the words that one step broadcasts lie side by side.

/// Queries cut into groups of the sizes for which there are tiles, each group transposed.
pub(super) struct Packed<T> {
    /// Of each group: its first query and its size.
    pub groups: Vec<(usize, usize)>,
    /// `[words, size]` for each group in turn, so that group `g` begins at `words * first`.
    words: Vec<T>,
    /// Words of one query.
    length: usize,
}

impl<T: Copy + Default> Packed<T> {
    /// `rows` is `[n, length]`; `sizes` falls and ends with 1.
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

    /// The words of the group that begins with the query `first`, `[length]` steps.
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
