//! Merging of two indexes with the same quantisers.

use crate::{
    error::{Error, Result},
    files::faiss::write_index,
    kinds::{
        Kind,
        exhaustive::Exhaustive,
        lsh::Lsh,
        mapped::Mapped,
        store::{AsStore, Store},
    },
};

/// Ids given to entries that are merged into another index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MergedIds {
    /// Adds the next id of the receiving index to every id. The only choice where ids are positions.
    #[default]
    Behind,
    /// Keeps ids, even those that the receiving index already contains. Unsupported where ids are positions.
    Kept,
}

/// Appends all entries of `from` to `to`; stored ids increase by `shift`.
///
/// # Errors
/// Different quantisers.
pub(crate) fn merge(to: &mut Kind, from: Kind, shift: i64) -> Result<()> {
    if quantisers(to)? != quantisers(&from)? {
        let [expected, found] = [&*to, &from].map(|kind| kind.store().factory().to_string());
        return Err(Error::DifferentQuantisers { expected, found });
    }
    append(to, from, shift)
}

/// Serialised form of an index without its entries.
pub(super) fn quantisers(kind: &Kind) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_index(&emptied(kind), &mut bytes)?;
    Ok(bytes)
}

/// Copy of an index without its entries.
pub(super) fn emptied(kind: &Kind) -> Kind {
    match kind {
        Kind::Exhaustive(flat) => Kind::Exhaustive(Exhaustive { codes: Default::default(), ..flat.clone() }),
        Kind::Graph(index) => Kind::Graph(index.emptied()),
        Kind::Lsh(index) => Kind::Lsh(Lsh { codec: index.codec.clone(), codes: Default::default() }),
        Kind::Ivf(ivf) => Kind::Ivf(ivf.emptied()),
        Kind::FastScan(ivf) => Kind::FastScan(ivf.emptied()),
        Kind::PqResidual(index) => Kind::PqResidual(index.emptied()),
        Kind::Transformed(transformed) => {
            let mut transformed = transformed.clone();
            transformed.inner = emptied(&transformed.inner);
            Kind::Transformed(transformed)
        }
        Kind::Refined(refined) => {
            let mut refined = refined.clone();
            refined.base = emptied(&refined.base);
            refined.vectors.codes = Default::default();
            Kind::Refined(refined)
        }
        Kind::Mapped(mapped) => {
            let (inner, two_way) = (emptied(&mapped.inner), mapped.two_way);
            Kind::Mapped(Box::new(Mapped { inner, ids: Default::default(), two_way }))
        }
    }
}

/// Appends the entries of an index of the same kind.
///
/// # Errors
/// A graph that takes no further entries; the index is unchanged.
fn append(to: &mut Kind, from: Kind, shift: i64) -> Result<()> {
    match (to, from) {
        (Kind::Exhaustive(to), Kind::Exhaustive(from)) => to.codes.to_mut().extend_from_slice(&from.codes),
        (Kind::Graph(to), Kind::Graph(from)) => to.append(&from.storage.codes)?,
        (Kind::Lsh(to), Kind::Lsh(from)) => to.codes.to_mut().extend_from_slice(&from.codes),
        (Kind::Ivf(to), Kind::Ivf(from)) => to.append(&from, shift),
        (Kind::FastScan(to), Kind::FastScan(from)) => to.append(&from, shift),
        (Kind::PqResidual(to), Kind::PqResidual(from)) => to.append(&from),
        (Kind::Transformed(to), Kind::Transformed(from)) => append(&mut to.inner, from.inner, shift)?,
        (Kind::Refined(to), Kind::Refined(from)) => {
            // Ids of the base are positions of the exact vectors.
            let ntotal = to.vectors.ntotal() as i64;
            append(&mut to.base, from.base, ntotal)?;
            to.vectors.codes.to_mut().extend_from_slice(&from.vectors.codes);
        }
        (Kind::Mapped(to), Kind::Mapped(from)) => {
            let ntotal = to.ids.len() as i64;
            append(&mut to.inner, from.inner, ntotal)?;
            to.ids.extend(from.ids.iter().map(|id| id.saturating_add(shift)));
        }
        _ => unreachable!("indexes with equal quantisers are of one kind"),
    }
    Ok(())
}
