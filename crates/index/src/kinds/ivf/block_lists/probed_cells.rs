//! Cells that one query visits.

use super::{block_list::BlockList, lut::Extent};
use crate::quantise::coarse_scan::Probe;

/// A probed cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProbedCell {
    pub probe: Probe,
    /// Index of the probe in the order given.
    rank: usize,
    /// Number of vectors in the visited cells before this one. A vector's position is `start` plus its
    /// offset.
    pub start: u64,
    /// Extent of the cell's table.
    pub extent: Extent,
    /// Added to the sums of the cell.
    pub bias: u16,
}

/// Cells that one query visits.
#[derive(Default)]
pub(crate) struct ProbedCells {
    /// Cells in ascending order, `[nprobe]`.
    pub cells: Vec<ProbedCell>,
    /// `[nprobe]`: indices into `cells` in the order of the probes.
    pub order: Vec<usize>,
}

impl ProbedCells {
    /// Replaces the cells by those of `probes` and returns the number of vectors in them. Cells past the
    /// lists are ignored.
    pub fn reset(&mut self, probes: &[Probe], lists: &[BlockList]) -> usize {
        let Self { cells, order } = self;
        let visit = |(rank, &probe)| ProbedCell { probe, rank, start: 0, extent: Extent::default(), bias: 0 };
        let probes = probes.iter().enumerate();
        cells.clear();
        cells.extend(probes.filter(|(_, probe)| probe.cell < lists.len()).map(visit));
        cells.sort_unstable_by_key(|visit| visit.probe.cell);
        order.clear();
        order.extend(0..cells.len());
        order.sort_unstable_by_key(|&i| cells[i].rank);
        let mut total = 0;
        for visit in cells {
            visit.start = total as u64;
            total += lists[visit.probe.cell].ids.len();
        }
        total
    }

    /// Id of the vector at `position`, below the number of vectors visited.
    pub fn id_at(&self, position: u64, lists: &[BlockList]) -> i64 {
        let visit = self.cells[self.cells.partition_point(|visit| visit.start <= position) - 1];
        lists[visit.probe.cell].ids.get((position - visit.start) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_run_through_the_cells_in_ascending_order() {
        let lengths = [2, 0, 3, 0, 1, 0];
        let list = |(cell, &len): (usize, &usize)| {
            let mut list = BlockList::default();
            (0..len).for_each(|i| {
                list.push(&[0], (cell * 10 + i) as i64);
            });
            list
        };
        let lists: Vec<BlockList> = lengths.iter().enumerate().map(list).collect();
        // Cell 9 does not exist.
        let probes = [4, 3, 9, 0, 2, 1, 5].map(|cell| Probe { cell, score: 0.0 });
        let mut visits = ProbedCells::default();
        for _ in 0..2 {
            assert_eq!(visits.reset(&probes, &lists), 6);
            let ids: Vec<i64> = (0..6).map(|position| visits.id_at(position, &lists)).collect();
            assert_eq!(ids, [0, 1, 20, 21, 22, 40]);
            let order: Vec<usize> = visits.order.iter().map(|&i| visits.cells[i].probe.cell).collect();
            assert_eq!(order, [4, 3, 0, 2, 1, 5]);
        }
    }
}
