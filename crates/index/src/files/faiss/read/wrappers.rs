//! Reading of indexes round another one: re-ranking and maps of ids.

use super::*;
use crate::kinds::{ivf::entry_ids::EntryIds, mapped::Mapped, refined::Refined};

impl Reader<'_, '_> {
    pub fn refined(&mut self, depth: usize) -> Result<Refined<Kind>> {
        let header = self.header()?;
        let base = self.index(depth - 1)?;
        refuse_map(&base, "refined index", "IndexIDMap within IndexRefine")?;
        let vectors = match self.index(depth - 1)? {
            Kind::Exhaustive(vectors) => vectors,
            other => {
                return Err(Error::UnsupportedKind {
                    field: "refining index",
                    class: format!("IndexRefine by {}", other.store().factory()),
                    instead: "rank by codes without an inverted file, as `RFlat` or `Refine(SQ8)` do",
                });
            }
        };
        let k_factor = self.source.f32("k_factor")?;
        if !(1.0..=1e6).contains(&k_factor) {
            return Err(Error::field("k_factor", "1 to 1e6", k_factor));
        }
        for (field, store) in [("refined index", base.store()), ("refining index", &vectors)] {
            expect(field, (header.d, header.ntotal), (store.d(), store.ntotal()))?;
            expect(field, header.metric, store.metric())?;
        }
        Ok(Refined { base, vectors, k_factor })
    }

    pub fn mapped(&mut self, depth: usize, two_way: bool) -> Result<Mapped<Kind>> {
        let header = self.header()?;
        let inner = self.index(depth - 1)?;
        refuse_map(&inner, "index in a map of ids", "IndexIDMap within IndexIDMap")?;
        let store = inner.store();
        expect("index in a map of ids", (header.d, header.ntotal), (store.d(), store.ntotal()))?;
        expect("metric_type of the index in a map of ids", header.metric, store.metric())?;
        if let Some(id) = store.stray_id() {
            let expected = format!(
                "each of the positions 0..{} once (after removals faiss leaves others, which name wrong entries)",
                header.ntotal
            );
            return Err(Error::field("ids of the inverted lists in a map of ids", expected, id));
        }
        expect("count of mapped ids", header.ntotal, self.source.size("count of mapped ids")?)?;
        let bytes = product("mapped ids", header.ntotal, size_of::<i64>())?;
        let ids = EntryIds::new(self.source.bytes("mapped ids", bytes)?);
        Ok(Mapped { inner, ids, two_way })
    }
}

/// Refuses an index whose ids are mapped where positions are needed.
///
/// # Errors
/// [`Error::UnsupportedKind`] with `class`.
fn refuse_map(kind: &Kind, field: &'static str, class: &str) -> Result<()> {
    if kind.store().factory().ids.is_none() {
        return Ok(());
    }
    let instead = "nothing can be added to such an index; keep the outermost map alone";
    Err(Error::UnsupportedKind { field, class: class.to_owned(), instead })
}
