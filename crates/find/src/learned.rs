//! Facts that finders of one collection learn once and share: its calibration, and the share of entries with a witness.

use std::sync::{Arc, OnceLock};

use collection::Collection;

use crate::{calibration::Calibration, error::Result, witnesses::Witnesses};

/// Inverse of the share of the entries that has to come or go before witnesses are counted again; E-values change by no more
/// than that share.
const RECOUNT: u64 = 100;

/// Calibration and share of witnesses, shared by the finders that are made of one.
#[derive(Clone)]
pub struct Learned {
    pub calibration: Arc<Calibration>,
    /// Text that the calibration was read from; `None` for a calibration of the caller's.
    text: Option<Arc<Option<String>>>,
    witnesses: Arc<OnceLock<Counted>>,
}

/// Share of the entries that have a witness, and the number of entries when they were counted.
struct Counted {
    entries: u64,
    share: f64,
}

impl Learned {
    /// Calibration of a collection; its witnesses are counted when they are asked for.
    pub fn of(collection: &Collection) -> Result<Self> {
        let text = collection.calibration()?;
        let calibration = Arc::new(Calibration::of_text(text.as_deref())?);
        Ok(Self { calibration, text: Some(Arc::new(text)), witnesses: Arc::default() })
    }

    /// The same with a calibration of the caller's.
    pub fn with_calibration(self, calibration: Calibration) -> Self {
        Self { calibration: Arc::new(calibration), text: None, ..self }
    }

    /// The same without a count of witnesses.
    pub fn uncounted(self) -> Self {
        Self { witnesses: Arc::default(), ..self }
    }

    /// Share of `entries` entries that have a witness, counted once: a count reads a page for some hundred of them.
    pub fn witness_share(&self, witnesses: &dyn Witnesses, entries: u64) -> f64 {
        let count = || Counted { entries, share: witnesses.share(entries) };
        self.witnesses.get_or_init(count).share
    }

    /// The same for a collection as it is now: a calibration that has changed is read, and witnesses are to be counted again
    /// if entries were added or withdrawn, a hundredth of them at least.
    pub fn refreshed(&self, collection: &Collection) -> Result<Self> {
        let calibrated = match &self.text {
            Some(text) if collection.calibration()? != **text => {
                Self { witnesses: self.witnesses.clone(), ..Self::of(collection)? }
            }
            _ => self.clone(),
        };
        let now = collection.searchable()?;
        let has_changed =
            |counted: &Counted| now.abs_diff(counted.entries) > counted.entries.saturating_sub(1) / RECOUNT;
        match self.witnesses.get().is_some_and(has_changed) {
            true => Ok(calibrated.uncounted()),
            false => Ok(calibrated),
        }
    }
}
