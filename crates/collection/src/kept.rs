//! Entries and reviews as one collection keeps them and another one takes them over.

use half::f16;

use crate::{
    entry::{Entry, NewEntry},
    review::{NewReview, Review},
};

/// Cell, code and descriptor of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedEntry {
    /// Cell of the quantiser, in `0..nlist`.
    pub cell: usize,
    /// Code of the quantiser: `[code_size]`.
    pub code: Vec<u8>,
    /// Descriptor: `[d]`.
    pub descriptor: Vec<f16>,
}

/// Entry with everything that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEntry {
    /// Id, name, state and the other fields.
    pub entry: Entry,
    /// Cell, code and descriptor; `None` for a dropped entry.
    pub encoded: Option<EncodedEntry>,
    /// Bytes by which a match is confirmed.
    pub witness: Option<Vec<u8>>,
}

impl KeptEntry {
    /// Entry as it was when it was stored.
    pub fn to_new(&self) -> NewEntry {
        let Entry { name, original, file, pending, meta, .. } = self.entry.clone();
        NewEntry { name, original, file, pending, meta, witness: self.witness.clone() }
    }

    /// Bytes of the code, the descriptor and the witness.
    pub(crate) fn bytes(&self) -> usize {
        let encoded = |own: &EncodedEntry| own.code.len() + size_of_val(own.descriptor.as_slice());
        self.encoded.as_ref().map_or(0, encoded) + self.witness.as_ref().map_or(0, Vec::len)
    }
}

/// Review with the picture of its query.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptReview {
    /// Review, whose entry is one of the collection that takes it over.
    pub review: Review,
    /// Small JPEG of the query.
    pub picture: Option<Vec<u8>>,
}

impl KeptReview {
    /// Review as it was when it was added.
    pub fn to_new(&self) -> NewReview {
        let Review { query, name, entry, verdict, e_value, cosine, inliers, answer, .. } =
            self.review.clone();
        NewReview {
            query,
            name,
            entry,
            verdict,
            e_value,
            cosine,
            inliers,
            answer,
            picture: self.picture.clone(),
        }
    }
}
