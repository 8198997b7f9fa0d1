//! Witnesses of entries.

use collection::Collection;
use witness::{Kind, Witness};

/// Source of the witnesses of a collection's entries.
pub trait Witnesses: Sync {
    /// Kind of the witnesses; [`Kind::None`] if there are none.
    fn kind(&self) -> Kind;

    /// Witness of an entry, if there is one that can be read.
    fn witness(&self, id: i64) -> Option<Witness>;

    /// Share of `entries` entries that have a witness, in 0..=1.
    fn share(&self, _entries: u64) -> f64 {
        1.0
    }
}

impl Witnesses for Collection {
    fn kind(&self) -> Kind {
        let kind = self.description().witness_kind.as_deref();
        kind.and_then(|kind| kind.parse().ok()).unwrap_or(Kind::None)
    }

    /// Stored witness of an entry. A damaged one counts as none, and `collection check` names it.
    fn witness(&self, id: i64) -> Option<Witness> {
        let bytes = self.witnesses(&[id]).ok()?.pop()??;
        Witness::from_bytes(&bytes).ok()
    }

    fn share(&self, entries: u64) -> f64 {
        let witnesses = self.witness_count().unwrap_or(entries) as f64;
        (witnesses / entries.max(1) as f64).min(1.0)
    }
}
