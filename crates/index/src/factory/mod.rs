//! Factory strings, faiss's names for kinds of index.

mod parse;
mod scalar_type;

use std::{fmt, ops::RangeInclusive};

pub use scalar_type::ScalarType;

/// Supported bits per sub-vector.
pub(crate) const NBITS: RangeInclusive<usize> = 4..=12;

/// Kind of index, written and parsed as faiss's `index_factory` does.
///
/// A string lists, separated by commas and in the order in which a vector passes them, the transforms, the
/// coarse quantiser, the codes and the re-ranking. A map to the caller's ids stands before all of them, or
/// behind all of them, or between transforms.
///
/// | part | string |
/// |---|---|
/// | transforms, any number | `OPQ{m}`, `OPQ{m}_{d}`, `PCA{d}`, `PCAR{d}`, `RR{d}`, `L2norm` |
/// | coarse quantiser, optional | `IVF{nlist}`, `IVF{nlist}_HNSW{links}` |
/// | graph instead, optional | `HNSW{links}` before `Flat`, `SQ8` and its like or `PQ{m}x{nbits}` |
/// | codes | `Flat`, `PQ{m}x{nbits}`, `PQ{m}x4fs`, `PQ{m}x4fsr`, `PQ{m}+{r}`, `SQ8` and the other names of [`ScalarType`], `RaBitQ`, `LSH{nbits}{r}{t}` |
/// | re-ranking, optional | `RFlat`, `Refine({codes})` |
/// | map of ids, optional | `IDMap`, `IDMap2` |
///
/// ```
/// use active_index_index::{Codes, Factory};
///
/// let factory: Factory = "OPQ8_64,IVF4096,PQ8x8".parse()?;
/// assert_eq!(factory.coarse.map(|coarse| coarse.nlist), Some(4096));
/// assert_eq!(factory.codes, Codes::Pq { m: 8, nbits: 8 });
/// assert_eq!(factory.to_string(), "OPQ8_64,IVF4096,PQ8x8");
///
/// let error = "IVF4096,PQ8x99".parse::<Factory>().expect_err("no such width");
/// assert!(error.to_string().contains("PQ8x99"));
/// # Ok::<(), active_index_index::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Factory {
    /// Transforms of every vector, in this order.
    pub transforms: Vec<TransformKind>,
    /// Coarse quantiser of the inverted file; `None` if every entry is compared.
    pub coarse: Option<CoarseKind>,
    /// `HNSW{links}`: links per entry of a graph that is searched instead of all entries; `None` without a graph
    /// of entries.
    pub hnsw: Option<usize>,
    /// Codec of the stored vectors.
    pub codes: Codes,
    /// `RFlat` or `Refine({codes})`: stores the vectors in finer codes as well and ranks the candidates again by
    /// them. `RFlat` is [`Codes::Flat`].
    pub refine: Option<Codes>,
    /// `IDMap` or `IDMap2`: entries carry the caller's ids, whatever the codes.
    pub ids: Option<IdMap>,
}

/// Map from the positions of an index to the caller's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdMap {
    /// True for `IDMap2`, which in faiss also finds vectors by id. This crate does so with both.
    pub two_way: bool,
    /// Number of transforms before the map: 0 if it goes round the whole index.
    pub behind: usize,
}

/// Transform of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransformKind {
    /// `OPQ{m}` or `OPQ{m}_{d}`: the rotation that minimises the loss of a product quantiser of `m`
    /// sub-vectors.
    Opq {
        /// Sub-vectors of the product quantiser that follows.
        m: usize,
        /// Output dimension; `None` for the input dimension.
        d: Option<usize>,
    },
    /// `PCA{d}`: the principal components; `PCAR{d}`: the same, rotated at random to balance their variances.
    Pca {
        /// Output dimension.
        d: usize,
        /// True if a random rotation follows.
        rotated: bool,
    },
    /// `RR{d}`: a random rotation.
    Rotation {
        /// Output dimension.
        d: usize,
    },
    /// `L2norm`: scaling to unit norm.
    Normalise,
}

/// Coarse quantiser of an inverted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CoarseKind {
    /// Number of centroids and inverted lists.
    pub nlist: usize,
    /// `_HNSW{links}`: links per centroid of a graph that is searched instead of all centroids.
    pub hnsw: Option<usize>,
}

/// Codec of the stored vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codes {
    /// `Flat`: the uncompressed vector.
    Flat,
    /// `PQ{m}x{nbits}`: indices of `m` codewords out of `2^nbits`.
    Pq {
        /// Number of sub-vectors; must divide the dimension.
        m: usize,
        /// Bits per sub-vector, 4 to 12.
        nbits: usize,
    },
    /// `PQ{m}+{r}`, or `PQ{m}x{nbits}+{r}x{nbits}`: a product quantiser and a second one of the residual it leaves.
    PqResidual {
        /// Number of sub-vectors; must divide the dimension.
        m: usize,
        /// Bits per sub-vector, 4 to 12; faiss's factory takes only 8.
        nbits: usize,
        /// Number of sub-vectors of the second quantiser; must divide the dimension.
        finer_m: usize,
        /// Bits per sub-vector of the second quantiser.
        finer_nbits: usize,
    },
    /// `PQ{m}x4fs` and, for residuals, `PQ{m}x4fsr`: 4-bit codes packed for SIMD table look-ups.
    FastScan {
        /// Number of sub-vectors; must divide the dimension.
        m: usize,
        /// True if codes encode the residual, the vector minus its cell's centroid.
        by_residual: bool,
    },
    /// `SQ8`, `SQ6`, `SQ4`, `SQfp16`, `SQbf16`, ...: a code per dimension.
    Sq(ScalarType),
    /// `RaBitQ`: the sign of each component from a centre, and two factors for an unbiased distance.
    RaBitQ,
    /// `LSH` or `LSH{nbits}`, optionally followed by `r` and `t`: the signs of projections.
    Lsh {
        /// Number of projections; `None` for one per dimension.
        nbits: Option<usize>,
        /// `r`: random projections instead of the components themselves.
        rotated: bool,
        /// `t`: signs relative to the training medians instead of 0.
        thresholds: bool,
    },
}

impl fmt::Display for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = self.ids.map_or(0, |ids| ids.behind.min(self.transforms.len()));
        let (before, after) = self.transforms.split_at(behind);
        before.iter().try_for_each(|transform| write!(f, "{transform},"))?;
        self.ids.map_or(Ok(()), |ids| write!(f, "{ids},"))?;
        after.iter().try_for_each(|transform| write!(f, "{transform},"))?;
        if let Some(coarse) = self.coarse {
            write!(f, "{coarse},")?;
        }
        if let Some(links) = self.hnsw {
            write!(f, "HNSW{links},")?;
        }
        write!(f, "{}", self.codes)?;
        match self.refine {
            None => Ok(()),
            Some(Codes::Flat) => f.write_str(",RFlat"),
            Some(codes) => write!(f, ",Refine({codes})"),
        }
    }
}

impl fmt::Display for IdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.two_way { "IDMap2" } else { "IDMap" })
    }
}

impl fmt::Display for TransformKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opq { m, d: None } => write!(f, "OPQ{m}"),
            Self::Opq { m, d: Some(d) } => write!(f, "OPQ{m}_{d}"),
            Self::Pca { d, rotated: false } => write!(f, "PCA{d}"),
            Self::Pca { d, rotated: true } => write!(f, "PCAR{d}"),
            Self::Rotation { d } => write!(f, "RR{d}"),
            Self::Normalise => f.write_str("L2norm"),
        }
    }
}

impl fmt::Display for CoarseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IVF{}", self.nlist)?;
        self.hnsw.map_or(Ok(()), |links| write!(f, "_HNSW{links}"))
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Flat => f.write_str("Flat"),
            Self::Pq { m, nbits } => write!(f, "PQ{m}x{nbits}"),
            Self::PqResidual { m, nbits: 8, finer_m, finer_nbits: 8 } => write!(f, "PQ{m}+{finer_m}"),
            Self::PqResidual { m, nbits, finer_m, finer_nbits } => {
                write!(f, "PQ{m}x{nbits}+{finer_m}x{finer_nbits}")
            }
            Self::FastScan { m, by_residual } => write!(f, "PQ{m}x4fs{}", if by_residual { "r" } else { "" }),
            Self::Sq(kind) => write!(f, "{kind}"),
            Self::RaBitQ => f.write_str("RaBitQ"),
            Self::Lsh { nbits, rotated, thresholds } => {
                f.write_str("LSH")?;
                nbits.map_or(Ok(()), |nbits| write!(f, "{nbits}"))?;
                f.write_str(if rotated { "r" } else { "" })?;
                f.write_str(if thresholds { "t" } else { "" })
            }
        }
    }
}
