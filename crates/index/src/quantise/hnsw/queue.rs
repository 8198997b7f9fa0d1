//! Bounded priority queue of a search.

/// Vertex with its distance to the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    /// Sort key, see [`crate::Metric::key`].
    pub key: f32,
    pub vertex: usize,
    /// True once its neighbours have been visited.
    expanded: bool,
}

/// The nearest vertices visited so far, expanded or not, nearest first; ties in order of insertion.
#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    entries: Vec<Entry>,
    /// All entries before this one are expanded.
    first_open: usize,
}

impl Queue {
    pub fn new(capacity: usize) -> Self {
        Self { capacity, entries: Vec::with_capacity(capacity), first_open: 0 }
    }

    pub fn push(&mut self, key: f32, vertex: usize) {
        if self.entries.len() == self.capacity {
            // With this comparison, a NaN never displaces a number.
            match self.entries.last() {
                Some(last) if key < last.key => self.entries.pop(),
                _ => return,
            };
        }
        let place = self.entries.partition_point(|entry| entry.key <= key);
        self.entries.insert(place, Entry { key, vertex, expanded: false });
        self.first_open = self.first_open.min(place);
    }

    /// Marks the nearest unexpanded entry as expanded and returns it.
    pub fn expand(&mut self) -> Option<Entry> {
        let open = self.entries[self.first_open..].iter().position(|entry| !entry.expanded)?;
        self.first_open += open;
        let entry = &mut self.entries[self.first_open];
        entry.expanded = true;
        Some(*entry)
    }

    /// Number of entries nearer than `key`.
    pub fn nearer(&self, key: f32) -> usize {
        self.entries.partition_point(|entry| entry.key < key)
    }

    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_kept_and_expanded_in_order() {
        let mut queue = Queue::new(3);
        for (vertex, key) in [5.0, 1.0, 4.0, 1.0, 9.0].into_iter().enumerate() {
            queue.push(key, vertex);
        }
        assert_eq!(queue.expand().map(|e| e.vertex), Some(1));
        assert_eq!(queue.expand().map(|e| e.vertex), Some(3));
        queue.push(0.5, 7);
        assert_eq!(queue.nearer(1.0), 1);
        assert_eq!(queue.expand().map(|e| e.vertex), Some(7));
        assert_eq!(queue.expand(), None);
        let kept: Vec<usize> = queue.into_entries().iter().map(|e| e.vertex).collect();
        assert_eq!(kept, [7, 1, 3]);
    }

    #[test]
    fn any_key_and_capacity_is_accepted() {
        for capacity in [0, 1, 2] {
            let mut queue = Queue::new(capacity);
            for key in [f32::NAN, 1.0, f32::INFINITY, f32::NAN, f32::NEG_INFINITY] {
                queue.push(key, 0);
                queue.expand();
            }
            assert!(queue.into_entries().len() <= capacity);
        }
    }
}
