//! Entries of an index as a device searches them.

use super::{Kind, ivf::inverted_lists::InvertedLists};
use crate::{
    quantise::transform::Transform,
    search::device::{CellEntries, Entries},
};

/// Entries of an index; `None` for kinds that only the host can search.
pub(crate) fn device_entries(kind: &Kind) -> Option<Entries<'_>> {
    behind(Vec::new(), kind)
}

/// Entries of an index behind the given transforms.
fn behind<'a>(mut transforms: Vec<&'a Transform>, kind: &'a Kind) -> Option<Entries<'a>> {
    match kind {
        Kind::Transformed(transformed) => {
            transforms.extend(&transformed.chain);
            behind(transforms, &transformed.inner)
        }
        Kind::Exhaustive(index) => {
            let (metric, codec, codes) = (index.metric, &index.codec, vec![&*index.codes]);
            Some(Entries { transforms, metric, codec, codes, cells: None, ids: None })
        }
        Kind::Ivf(ivf) => {
            let ids = Some(ivf.lists.entries().map(|(id, _)| id).collect());
            let cells = Some(CellEntries { coarse: &ivf.coarse, by_residual: ivf.by_residual });
            let codes = ivf.lists.lists.iter().map(|list| &*list.codes).collect();
            Some(Entries {
                transforms,
                metric: ivf.coarse.metric,
                codec: &ivf.lists.codec,
                codes,
                cells,
                ids,
            })
        }
        Kind::Mapped(mapped) => {
            let mut entries = behind(transforms, &mapped.inner)?;
            entries.map_ids(|position| mapped.id(position));
            Some(entries)
        }
        Kind::Graph(_) | Kind::Lsh(_) | Kind::FastScan(_) | Kind::PqResidual(_) | Kind::Refined(_) => None,
    }
}
