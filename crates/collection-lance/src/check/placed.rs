//! Comparison of the rows of a version with the segments of the index.

use std::collections::{BTreeMap, BTreeSet};

use collection::Result;

use super::Findings;
use crate::{core::Core, failure, view::View};

/// Cell of a row without an entry.
const NONE: u32 = u32::MAX;

/// Cells and codes of the rows of a version, by their addresses.
pub struct Placed {
    code_size: usize,
    fragments: BTreeMap<u32, Fragment>,
    /// Fragments that were not read.
    unread: BTreeSet<u32>,
}

struct Fragment {
    cells: Vec<u32>,
    codes: Vec<u8>,
    /// True for the rows that a segment has.
    is_found: Vec<bool>,
}

impl Placed {
    /// Takes the numbers of rows of the fragments of a version.
    pub fn of(view: &View, code_size: usize) -> Self {
        let fragment = |rows: usize| Fragment {
            cells: vec![NONE; rows],
            codes: vec![0; rows * code_size],
            is_found: vec![false; rows],
        };
        let all = view.dataset.fragments().iter();
        let fragments = all.map(|own| (own.id as u32, fragment(own.physical_rows.unwrap_or(0))));
        Self { code_size, fragments: fragments.collect(), unread: BTreeSet::new() }
    }

    /// Leaves out a fragment that cannot be read.
    pub fn leave_out(&mut self, fragment: u32) {
        self.fragments.remove(&fragment);
        self.unread.insert(fragment);
    }

    /// Returns true if no fragment is left out.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// Notes the row of an entry.
    pub fn note(&mut self, address: u64, cell: u32, code: &[u8]) {
        let row = address as u32 as usize;
        let Some(fragment) = self.fragments.get_mut(&((address >> 32) as u32)) else { return };
        let Some(own) = fragment.cells.get_mut(row) else { return };
        *own = cell;
        fragment.codes[row * self.code_size..(row + 1) * self.code_size].copy_from_slice(code);
    }

    /// Compares the rows with the segments of the index.
    pub async fn compare(mut self, core: &Core, view: &View, findings: &mut Findings) -> Result<()> {
        let nlist = core.quantiser.nlist().unwrap_or(0);
        for (part, segment) in view.segments.iter().enumerate() {
            for cell in 0..nlist {
                let entries = match segment.cell(cell).await {
                    Ok(entries) => entries,
                    Err(error) => {
                        findings.add(core.entries.location(), error);
                        continue;
                    }
                };
                for (address, code) in entries.iter().filter(|(address, _)| view.has(part, *address)) {
                    self.compare_entry(core, *address, cell as u32, code, findings);
                }
            }
        }
        self.lacking(core, view, findings);
        Ok(())
    }

    fn compare_entry(&mut self, core: &Core, address: u64, cell: u32, code: &[u8], findings: &mut Findings) {
        let (id, row) = ((address >> 32) as u32, address as u32 as usize);
        if self.unread.contains(&id) {
            return;
        }
        let location = core.entries.location();
        let known = self.fragments.get_mut(&id).filter(|fragment| row < fragment.cells.len());
        let Some(fragment) = known.filter(|fragment| fragment.cells[row] != NONE) else {
            findings.add(location, format!("the index has row {row} of fragment {id}, which is no entry"));
            return;
        };
        if fragment.is_found[row] {
            findings.add(location, format!("the index has row {row} of fragment {id} twice"));
        }
        fragment.is_found[row] = true;
        let own = &fragment.codes[row * self.code_size..(row + 1) * self.code_size];
        if (fragment.cells[row], own) != (cell, code) {
            findings
                .add(location, format!("the index has row {row} of fragment {id} with another cell or code"));
        }
    }

    /// Names the rows of covered fragments that no segment has.
    fn lacking(&self, core: &Core, view: &View, findings: &mut Findings) {
        for id in view.covered.iter().flatten() {
            let Some(fragment) = self.fragments.get(id) else { continue };
            let rows = fragment.cells.iter().zip(&fragment.is_found).enumerate();
            for (row, _) in rows.filter(|(_, (cell, found))| **cell != NONE && !**found) {
                let reason = format!("the index lacks row {row} of fragment {id}, which is never found");
                findings.add(core.entries.location(), reason);
            }
        }
    }
}

/// Compares the numbers of rows of the index and of the fragments that it covers.
pub async fn check_counts(core: &Core, view: &View, findings: &mut Findings) -> Result<()> {
    for (segment, fragments) in view.segments.iter().zip(&view.covered) {
        let own = view.dataset.fragments().iter().filter(|own| fragments.contains(&(own.id as u32)));
        let own: Vec<_> = own.cloned().collect();
        let mut scanner = view.dataset.scan();
        scanner.with_fragments(own);
        let counted = scanner.filter("cell IS NOT NULL").map(|scanner| scanner.empty_project().map(|_| ()));
        counted.and_then(|done| done).map_err(failure::at(core.entries.location()))?;
        scanner.with_row_id();
        let rows = scanner.count_rows().await.map_err(failure::at(core.entries.location()))?;
        // Rows that were deleted since are in the segment still.
        if segment.rows() < rows {
            let reason = format!("the index has {} rows of {rows} entries", segment.rows());
            findings.add(core.entries.location(), reason);
        }
    }
    Ok(())
}
