//! Four-character codes and enumerators of the format.

/// Four-character code that begins a structure.
pub(super) type Fourcc = [u8; 4];

pub(super) const FLAT_L2: Fourcc = *b"IxF2";
pub(super) const FLAT_IP: Fourcc = *b"IxFI";
pub(super) const EXHAUSTIVE_PQ: Fourcc = *b"IxPq";
pub(super) const EXHAUSTIVE_SQ: Fourcc = *b"IxSQ";
pub(super) const EXHAUSTIVE_RABITQ: Fourcc = *b"Ixrq";
pub(super) const IVF_RABITQ: Fourcc = *b"Iwrq";
pub(super) const LSH: Fourcc = *b"IxHe";
pub(super) const TRANSFORMED: Fourcc = *b"IxPT";
pub(super) const REFINED: Fourcc = *b"IxRF";
pub(super) const MAPPED: Fourcc = *b"IxMp";
pub(super) const MAPPED_TWO_WAY: Fourcc = *b"IxM2";
pub(super) const IVF_FLAT: Fourcc = *b"IwFl";
pub(super) const IVF_SQ: Fourcc = *b"IwSq";
pub(super) const IVF_FAST_SCAN: Fourcc = *b"IwPf";
pub(super) const GRAPH: Fourcc = *b"IHNf";
pub(super) const GRAPH_SQ: Fourcc = *b"IHNs";
pub(super) const GRAPH_PQ: Fourcc = *b"IHNp";
pub(super) const LINEAR: Fourcc = *b"LTra";
pub(super) const ROTATION: Fourcc = *b"rrot";
pub(super) const PCA: Fourcc = *b"Pcam";
pub(super) const NORMALISE: Fourcc = *b"VNrm";
pub(super) const IVF_PQ_RESIDUAL: Fourcc = *b"IwQR";
pub(super) const IVF_PQ: Fourcc = *b"IwPQ";
pub(super) const ARRAY_LISTS: Fourcc = *b"ilar";
pub(super) const ON_DISK_LISTS: Fourcc = *b"ilod";
pub(super) const FULL_SIZES: Fourcc = *b"full";
pub(super) const SPARSE_SIZES: Fourcc = *b"sprs";

/// Value of the two unused header fields.
pub(super) const HEADER_FILLER: i64 = 1 << 20;

pub(super) const METRIC_IP: i32 = 0;
pub(super) const METRIC_L2: i32 = 1;

pub(super) const MAP_NONE: u8 = 0;
pub(super) const MAP_ARRAY: u8 = 1;
pub(super) const MAP_HASHTABLE: u8 = 2;
