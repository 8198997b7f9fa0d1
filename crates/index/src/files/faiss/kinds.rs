//! Kinds of index that faiss 1.15 reads, with its names for them.

use super::fourcc::Fourcc;
use crate::error::Error;

/// A kind of index in faiss's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaissKind {
    /// Four-character code that begins the index.
    pub fourcc: &'static str,
    /// faiss's class.
    pub class: &'static str,
    /// Way to an index that is supported; `None` if this kind is.
    pub instead: Option<&'static str>,
}

/// Kinds that faiss 1.15 reads. Some fourccs are those of a class's older files.
///
/// ```
/// use active_index_index::faiss_kinds;
///
/// let kind = |fourcc| faiss_kinds().iter().find(|kind| kind.fourcc == fourcc);
/// assert_eq!(kind("IxM2").map(|kind| (kind.class, kind.instead)), Some(("IndexIDMap2", None)));
/// assert!(kind("INSf").is_some_and(|kind| kind.instead.is_some()));
/// ```
pub fn faiss_kinds() -> &'static [FaissKind] {
    KINDS
}

const REBUILD: &str = "rebuild it from the descriptors with `index train` and `index add`, for example as \
                       `IVF{nlist},PQ{m}` or `IVF{nlist},SQ8`";
const FLAT: &str = "copy its vectors with faiss into `Flat` or `IVF{nlist},Flat`, or rebuild it from the descriptors \
                    with `index train`";
const STORAGE: &str = "write its `storage` alone with faiss, or rebuild it from the descriptors with `index train`, for \
                       example as `IVF{nlist}_HNSW{links},Flat`";
const OLDER: &str = "read and write it once with faiss, which stores the present form";
const BINARY: &str = "its vectors are bits; index the descriptors that they come from as `LSH{nbits}`";
const PART: &str =
    "it only assigns vectors to cells; give faiss the index that uses it, with an IndexFlat of centroids";
const COARSE: &str =
    "rebuild the index with cells of `IVF{nlist}` or `IVF{nlist}_HNSW{links}` with `index train`";
const FAST_SCAN: &str =
    "rebuild it from the descriptors with `index train` as `PQ{m}x4`, or as `IVF{nlist},PQ{m}x4fs`";

const fn read(fourcc: &'static str, class: &'static str) -> FaissKind {
    FaissKind { fourcc, class, instead: None }
}

const fn refused(fourcc: &'static str, class: &'static str, instead: &'static str) -> FaissKind {
    FaissKind { fourcc, class, instead: Some(instead) }
}

const KINDS: &[FaissKind] = &[
    read("IxF2", "IndexFlat"),
    read("IxFI", "IndexFlat"),
    read("IxPq", "IndexPQ"),
    read("IxSQ", "IndexScalarQuantizer"),
    read("IxHe", "IndexLSH"),
    read("Ixrq", "IndexRaBitQ"),
    read("Iwrq", "IndexIVFRaBitQ"),
    read("IHNf", "IndexHNSWFlat"),
    read("IHNs", "IndexHNSWSQ"),
    read("IHNp", "IndexHNSWPQ"),
    read("IwFl", "IndexIVFFlat"),
    read("IwPQ", "IndexIVFPQ"),
    read("IwSq", "IndexIVFScalarQuantizer"),
    read("IwPf", "IndexIVFPQFastScan"),
    read("IwQR", "IndexIVFPQR"),
    read("IxPT", "IndexPreTransform"),
    read("IxRF", "IndexRefine"),
    read("IxMp", "IndexIDMap"),
    read("IxM2", "IndexIDMap2"),
    refused("IxFl", "IndexFlat of a metric other than L2 and inner product", FLAT),
    refused("IxFP", "IndexFlatL2Panorama", FLAT),
    refused("IxFp", "IndexFlatIPPanorama", FLAT),
    refused("IxRq", "IndexResidualQuantizer", REBUILD),
    refused("IxRQ", "IndexResidualQuantizer", REBUILD),
    refused("IxLS", "IndexLocalSearchQuantizer", REBUILD),
    refused("IxPR", "IndexProductResidualQuantizer", REBUILD),
    refused("IxPL", "IndexProductLocalSearchQuantizer", REBUILD),
    refused("IRfs", "IndexResidualQuantizerFastScan", REBUILD),
    refused("ILfs", "IndexLocalSearchQuantizerFastScan", REBUILD),
    refused("IPRf", "IndexProductResidualQuantizerFastScan", REBUILD),
    refused("IPLf", "IndexProductLocalSearchQuantizerFastScan", REBUILD),
    refused("IPfs", "IndexPQFastScan", FAST_SCAN),
    refused("Ixrr", "IndexRaBitQ of several bits", REBUILD),
    refused("Irfn", "IndexRaBitQFastScan", REBUILD),
    refused("Irfs", "IndexRaBitQFastScan", REBUILD),
    refused("IxEe", "IndexEDEN", REBUILD),
    refused("IxEd", "IndexEDEN", REBUILD),
    refused("IxLa", "IndexLattice", REBUILD),
    refused("Ix2L", "Index2Layer", REBUILD),
    refused("IRMf", "IndexRowwiseMinMax", REBUILD),
    refused("IRMh", "IndexRowwiseMinMaxFP16", REBUILD),
    refused("IHN2", "IndexHNSW2Level", REBUILD),
    refused("IHNc", "IndexHNSWCagra", STORAGE),
    refused("IHc2", "IndexHNSWCagra", STORAGE),
    refused("IHfP", "IndexHNSWFlatPanorama", FLAT),
    refused("IHNr", "IndexHNSWRaBitQ", REBUILD),
    refused("IH00", "IndexHNSW", STORAGE),
    refused("INSf", "IndexNSGFlat", STORAGE),
    refused("INSp", "IndexNSGPQ", STORAGE),
    refused("INSs", "IndexNSGSQ", STORAGE),
    refused("INNf", "IndexNNDescentFlat", STORAGE),
    refused("IwFd", "IndexIVFFlatDedup", FLAT),
    refused("IwP2", "IndexIVFFlatPanorama", FLAT),
    refused("IwPn", "IndexIVFFlatPanorama", FLAT),
    refused("IwRQ", "IndexIVFResidualQuantizer", REBUILD),
    refused("IwLS", "IndexIVFLocalSearchQuantizer", REBUILD),
    refused("IwPR", "IndexIVFProductResidualQuantizer", REBUILD),
    refused("IwPL", "IndexIVFProductLocalSearchQuantizer", REBUILD),
    refused("IVRf", "IndexIVFResidualQuantizerFastScan", REBUILD),
    refused("IVLf", "IndexIVFLocalSearchQuantizerFastScan", REBUILD),
    refused("NPRf", "IndexIVFProductResidualQuantizerFastScan", REBUILD),
    refused("NPLf", "IndexIVFProductLocalSearchQuantizerFastScan", REBUILD),
    refused("Iwrr", "IndexIVFRaBitQ of several bits", REBUILD),
    refused("Iwrn", "IndexIVFRaBitQFastScan", REBUILD),
    refused("Iwrf", "IndexIVFRaBitQFastScan", REBUILD),
    refused("IwEe", "IndexIVFEDEN", REBUILD),
    refused("IwEd", "IndexIVFEDEN", REBUILD),
    refused("IwSh", "IndexIVFSpectralHash", REBUILD),
    refused("IwIQ", "IndexIVFIndependentQuantizer", COARSE),
    refused(
        "IxRP",
        "IndexRefinePanorama",
        "rebuild it from the descriptors with `index train` as `...,RFlat`",
    ),
    refused("IxPQ", "IndexPQ in an older form", OLDER),
    refused("IxPo", "IndexPQ in an older form", OLDER),
    refused("IxHE", "IndexLSH in an older form", OLDER),
    refused("IvFl", "IndexIVFFlat in an older form", OLDER),
    refused("IvFL", "IndexIVFFlat in an older form", OLDER),
    refused("IvPQ", "IndexIVFPQ in an older form", OLDER),
    refused("IvQR", "IndexIVFPQR in an older form", OLDER),
    refused("IvSQ", "IndexIVFScalarQuantizer in an older form", OLDER),
    refused("IwSQ", "IndexIVFScalarQuantizer in an older form", OLDER),
    refused("Imiq", "MultiIndexQuantizer", PART),
    refused("ImRQ", "ResidualCoarseQuantizer", PART),
    refused("ISVD", "IndexSVSVamana", FLAT),
    refused("ILVQ", "IndexSVSVamanaLVQ", REBUILD),
    refused("ISVL", "IndexSVSVamanaLeanVec", REBUILD),
    refused("ISVF", "IndexSVSFlat", FLAT),
    refused("IBxF", "IndexBinaryFlat", BINARY),
    refused("IBwF", "IndexBinaryIVF", BINARY),
    refused("IBFf", "IndexBinaryFromFloat", "write its `index` alone with faiss"),
    refused("IBHf", "IndexBinaryHNSW", BINARY),
    refused("IBHc", "IndexBinaryHNSWCagra", BINARY),
    refused("IBHh", "IndexBinaryHash", BINARY),
    refused("IBHm", "IndexBinaryMultiHash", BINARY),
    refused("IBMp", "IndexBinaryIDMap", BINARY),
    refused("IBM2", "IndexBinaryIDMap2", BINARY),
    refused(
        "null",
        "no index, which faiss writes for a part that is kept elsewhere",
        "write the whole index with faiss",
    ),
];

/// Transforms that faiss reads and this crate does not.
const TRANSFORMS: [(&str, &str); 7] = [
    ("PCAm", "PCAMatrix in an older form"),
    ("PcAm", "PCAMatrix in an older form"),
    ("HRot", "HadamardRotation"),
    ("Viqm", "ITQMatrix"),
    ("Viqt", "ITQTransform"),
    ("VCnt", "CenteringTransform"),
    ("RmDT", "RemapDimensionsTransform"),
];

/// Error of an index that this crate does not read; `field` names it.
pub(super) fn unsupported_index(field: &'static str, found: Fourcc) -> Error {
    refusal(field, found, |kind| kind.instead.unwrap_or(REBUILD))
}

/// Error of a coarse quantiser, or of the vectors of its graph, that this crate does not read.
pub(super) fn unsupported_coarse(field: &'static str, found: Fourcc) -> Error {
    refusal(field, found, |_| COARSE)
}

fn refusal(field: &'static str, found: Fourcc, instead: impl Fn(&FaissKind) -> &'static str) -> Error {
    let found = text(found);
    match KINDS.iter().find(|kind| kind.fourcc == found) {
        Some(kind) => Error::UnsupportedKind { field, class: kind.class.to_owned(), instead: instead(kind) },
        None => Error::field(field, "the fourcc of an index of faiss 1.15", format!("{found:?}")),
    }
}

/// Error of a transform that this crate does not read.
pub(super) fn unsupported_transform(found: Fourcc) -> Error {
    let (found, field) = (text(found), "transform");
    match TRANSFORMS.iter().find(|(fourcc, _)| *fourcc == found) {
        Some((_, class)) => Error::UnsupportedKind {
            field,
            class: (*class).to_owned(),
            instead: "apply it before: transform the descriptors with faiss, and index the results",
        },
        None => Error::field("transform fourcc", "that of a transform of faiss 1.15", format!("{found:?}")),
    }
}

/// Error of inverted lists that this crate does not read; `supported` names those that the kind can have.
pub(super) fn unsupported_lists(found: Fourcc, supported: &'static str) -> Error {
    let found = text(found);
    if found == "il00" {
        return Error::UnsupportedKind {
            field: "inverted lists",
            class: "an inverted file without its lists".to_owned(),
            instead: "write the index with faiss without IO_FLAG_SKIP_IVF_DATA",
        };
    }
    Error::field("inverted lists fourcc", supported, format!("{found:?}"))
}

fn text(fourcc: Fourcc) -> String {
    fourcc.escape_ascii().to_string()
}
