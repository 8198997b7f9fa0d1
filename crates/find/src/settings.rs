//! Settings of the cascade.

use std::{fmt, str::FromStr};

use collection::{Collection, Filter, FindSettings};

use crate::error::Result;

/// Codes of each visited cell that are ranked by their descriptors.
const RANKED_PER_CELL: usize = 100;
/// Codes that [`collection::Collection::find`] ranks for each match asked for.
const RANKED_PER_MATCH: usize = 10;
/// Factor from one number of visited cells to the next.
const MORE_CELLS: usize = 4;

/// Bounds on what is spent on a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effort {
    /// The picture as it is, in a few cells.
    Low,
    /// Up to eight views.
    #[default]
    Normal,
    /// All views, in many cells.
    High,
}

impl Effort {
    /// All efforts, the smallest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// Settings with the bounds of the effort.
    pub fn settings(self) -> Settings {
        let (looks, nprobe, least_entries, candidates, comparisons) = match self {
            Self::Low => (1, 4, 250, 5, 10),
            Self::Normal => (8, 16, 1_000, 10, 40),
            Self::High => (16, 64, 4_000, 20, 100),
        };
        Settings {
            k: 10,
            looks,
            nprobe,
            least_entries,
            candidates,
            comparisons,
            max_e: 1e-3,
            possible_e: 1.0,
            exhaustive: false,
            explain: false,
            wave: 1,
            filter: Filter::default(),
        }
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        })
    }
}

impl FromStr for Effort {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let found = Self::ALL.into_iter().find(|effort| effort.to_string() == text);
        found.ok_or_else(|| "expected low, normal or high".to_owned())
    }
}

/// Settings of [`Finder`](crate::Finder). Bounds of 0 count as 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Largest number of matches of each query.
    pub k: usize,
    /// Largest number of views of a query that are described, the picture itself among them.
    pub looks: usize,
    /// Largest number of cells that one search visits. The first view's searches visit 1, 4, 16, ... up to it, those of
    /// further views as many at once.
    pub nprobe: usize,
    /// Entries that each search visits at least, as far as there are so many: where cells hold few entries, more than `nprobe`
    /// cells are visited. 0 keeps to `nprobe`.
    pub least_entries: usize,
    /// Candidates of each search that are compared with their witnesses.
    pub candidates: usize,
    /// Largest number of comparisons with witnesses of a query.
    pub comparisons: usize,
    /// E-value up to which an entry is a match and the cascade ends, unless the pictures contradict, or cannot be compared and the
    /// cosine is below .65.
    pub max_e: f64,
    /// E-value up to which an entry is a possible match; infinity for every entry that was compared.
    pub possible_e: f64,
    /// True if all views and cells within the bounds are searched, whatever is confirmed before.
    pub exhaustive: bool,
    /// True if results are compared with their witnesses also where the cosine decides, so that their place is known.
    pub explain: bool,
    /// Views that are described together: each open query gives one, and more until there are as many.
    pub wave: usize,
    /// Fields that matches must have. E-values count all entries of the collection.
    pub filter: Filter,
}

impl Default for Settings {
    fn default() -> Self {
        Effort::default().settings()
    }
}

/// Numbers of cells that searches visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cells {
    first: usize,
    most: usize,
}

impl Cells {
    /// Numbers of cells for `settings` in a collection of `entries` entries in `nlist` cells.
    pub fn new(settings: &Settings, nlist: usize, entries: u64) -> Self {
        let nlist = nlist.max(1);
        let share = settings.least_entries as f64 / entries.max(1) as f64;
        let first = ((share * nlist as f64).ceil() as usize).clamp(1, nlist);
        Self { first, most: settings.nprobe.clamp(first, nlist) }
    }

    /// Numbers for a collection as it is.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn of(settings: &Settings, collection: &Collection) -> Result<Self> {
        let nlist = collection.quantiser().nlist().unwrap_or(1);
        Ok(Self::new(settings, nlist, collection.searchable()?))
    }

    /// Largest number.
    pub fn most(self) -> usize {
        self.most
    }

    /// Numbers that the first view's searches visit: four times as many each time, up to the largest.
    pub fn steps(self) -> Vec<usize> {
        let mut steps = vec![self.first];
        while let Some(last) = steps.last().copied().filter(|last| *last < self.most) {
            steps.push((last * MORE_CELLS).min(self.most));
        }
        steps
    }
}

/// Settings of a search of `nprobe` cells for `k` matches, which ranks a hundred codes of each cell, and enough for `k`.
pub fn search_settings(nprobe: usize, k: usize, filter: &Filter) -> FindSettings {
    let k = k.max(nprobe * RANKED_PER_CELL / RANKED_PER_MATCH);
    FindSettings { k, nprobe, filter: filter.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_visited_in_steps_up_to_the_bound() {
        let steps = |nprobe, least_entries, entries| {
            Cells::new(&Settings { nprobe, least_entries, ..Settings::default() }, 100, entries).steps()
        };
        assert_eq!(steps(1, 0, 1000), [1]);
        assert_eq!(steps(10, 0, 1000), [1, 4, 10]);
        assert_eq!(steps(64, 0, 0), [1, 4, 16, 64]);
        assert_eq!(steps(0, 0, 1000), [1]);
        assert_eq!(steps(1000, 0, 1000), [1, 4, 16, 64, 100]);
    }

    #[test]
    fn small_collections_are_searched_whole() {
        let steps = |nprobe, entries| {
            Cells::new(&Settings { nprobe, least_entries: 1000, ..Settings::default() }, 100, entries).steps()
        };
        for entries in [0, 1, 999, 1000] {
            assert_eq!(steps(16, entries), [100]);
        }
        assert_eq!(steps(16, 20_000), [5, 16]);
        assert_eq!(steps(4, 20_000), [5]);
        assert_eq!(steps(16, 1_000_000), [1, 4, 16]);
    }

    #[test]
    fn efforts_are_read_as_they_are_written_and_bound_ever_more() {
        for effort in Effort::ALL {
            assert_eq!(effort.to_string().parse(), Ok(effort));
        }
        assert!("medium".parse::<Effort>().is_err());
        let bounds = Effort::ALL.map(|effort| effort.settings()).map(|s| (s.looks, s.nprobe, s.comparisons));
        assert!(bounds.is_sorted());
    }
}
