//! Selection of the nearest of many candidates with 16-bit distances.

/// Bits of the position, below the distance.
const POSITION_BITS: u32 = 48;

/// The `k` nearest of the candidates pushed so far; ties prefer smaller positions.
#[derive(Default)]
pub(crate) struct Reservoir {
    k: usize,
    /// Up to `capacity` keys, each `distance << 48 | position`.
    entries: Vec<u64>,
    capacity: usize,
    most: u16,
}

impl Reservoir {
    /// Empties the reservoir and sets `k`.
    pub fn reset(&mut self, k: usize) {
        self.k = k;
        // Selecting after `max(k, 16)` more entries costs constant time per entry.
        self.capacity = k.saturating_add(k.max(16));
        self.entries.clear();
        self.most = u16::MAX;
    }

    /// Largest distance that is still accepted.
    pub fn most(&self) -> u16 {
        self.most
    }

    /// Offers a candidate; `position` is below 2^48.
    pub fn push(&mut self, distance: u16, position: u64) {
        if distance > self.most {
            return;
        }
        self.entries.push(u64::from(distance) << POSITION_BITS | position);
        if self.entries.len() >= self.capacity {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.k == 0 {
            self.entries.clear();
        } else if self.entries.len() > self.k {
            let (_, &mut last, _) = self.entries.select_nth_unstable(self.k - 1);
            self.most = (last >> POSITION_BITS) as u16;
            self.entries.truncate(self.k);
        }
    }

    /// Distances and positions of the candidates kept, unordered.
    pub fn kept(&mut self) -> impl Iterator<Item = (u16, u64)> {
        self.shrink();
        let position = (1 << POSITION_BITS) - 1;
        self.entries.iter().map(move |&entry| ((entry >> POSITION_BITS) as u16, entry & position))
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::quantise::random_streams::seeded;

    #[test]
    fn the_nearest_are_kept_and_the_first_of_equals() {
        let mut rng = seeded(2, 0);
        let mut reservoir = Reservoir::default();
        for (n, k) in
            [(0, 3), (2, 3), (3, 3), (500, 1), (500, 10), (500, 100), (500, 500), (9, usize::MAX), (9, 0)]
        {
            let mut all: Vec<(u16, u64)> = (0..n).map(|i| (rng.random_range(0..40u16), i)).collect();
            reservoir.reset(k);
            all.iter().for_each(|&(distance, position)| reservoir.push(distance, position));
            all.sort_unstable();
            let mut kept: Vec<_> = reservoir.kept().collect();
            kept.sort_unstable();
            assert_eq!(kept, all[..k.min(all.len())]);
        }
    }

    #[test]
    fn the_largest_distance_can_be_kept() {
        let mut reservoir = Reservoir::default();
        reservoir.reset(1);
        reservoir.push(u16::MAX, 7);
        assert_eq!(reservoir.kept().collect::<Vec<_>>(), [(u16::MAX, 7)]);
    }
}
