//! Rules that every engine keeps: accepted quantisers and witnesses, float16 descriptors, cosines, samples, fields, reviews.

mod fields;
mod reviews;

use std::time::{SystemTime, UNIX_EPOCH};

use half::f16;
use index::Index;

pub use self::{
    fields::changed_fields,
    reviews::{DecidedAs, check_new_review, decided_as},
};
pub use crate::cosine::Query;
use crate::{
    entry::{NewEntry, State, WITNESS_BYTES},
    error::{Error, Result},
    kept::{EncodedEntry, KeptEntry},
};

/// Copy without entries of an index that can be a quantiser.
///
/// # Errors
/// [`Error::Quantiser`] for an index that is no inverted file, or whose codes are the descriptors themselves.
pub fn accepted_quantiser(index: &Index) -> Result<Index> {
    let refused = |reason: &str| {
        let (factory, reason) = (index.factory().to_string(), reason.to_owned());
        Error::Quantiser { factory, reason }
    };
    if index.lists().is_err() {
        return Err(refused("a collection needs an inverted file, such as IVF4096,PQ8x8"));
    }
    if index.is_lossless() {
        return Err(refused("its codes are the descriptors themselves, which a collection keeps already"));
    }
    Ok(index.emptied())
}

/// Checks that there are `n * d` values for `n` entries, and that witnesses are of an accepted size and in a collection with
/// witnesses.
///
/// # Errors
/// [`Error::Argument`].
pub fn check_new_entries(
    new: &[NewEntry],
    descriptors: &[f32],
    d: usize,
    witness_kind: Option<&str>,
) -> Result<()> {
    if descriptors.len() != new.len() * d {
        let expected = format!("{} for {} entries of dimension {d}", new.len() * d, new.len());
        return Err(Error::argument("number of values", expected, descriptors.len()));
    }
    check_witnesses(new.iter().filter_map(|entry| entry.witness.as_ref()), witness_kind)
}

/// Checks that witnesses are of an accepted size, and in a collection with witnesses.
fn check_witnesses<'a>(
    witnesses: impl Iterator<Item = &'a Vec<u8>>,
    witness_kind: Option<&str>,
) -> Result<()> {
    match witnesses.map(Vec::len).max() {
        Some(_) if witness_kind.is_none() => {
            let reason = "absent from a collection that was created without witnesses";
            Err(Error::argument("witness of an entry", reason, "one"))
        }
        Some(bytes) if bytes > WITNESS_BYTES => {
            let expected = format!("at most {WITNESS_BYTES} bytes");
            Err(Error::argument("witness of an entry", expected, format!("{bytes} bytes")))
        }
        _ => Ok(()),
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// Checks that entries of another collection have cells, codes, descriptors and witnesses that this one can keep, and that dropped
/// ones have none.
///
/// # Errors
/// [`Error::Argument`].
pub fn check_kept_entries(kept: &[KeptEntry], quantiser: &Index, witness_kind: Option<&str>) -> Result<()> {
    let (nlist, code_size, d) = (quantiser.lists()?.nlist(), quantiser.code_size(), quantiser.d());
    for KeptEntry { entry, encoded, .. } in kept {
        let id = entry.id;
        let is_sound = match encoded {
            None => entry.state == State::Dropped,
            Some(EncodedEntry { cell, code, descriptor }) => {
                let sizes = (code.len(), descriptor.len());
                let is_finite = descriptor.iter().all(|value| value.is_finite());
                entry.state != State::Dropped && *cell < nlist && sizes == (code_size, d) && is_finite
            }
        };
        if !is_sound {
            let expected = format!("a cell below {nlist}, {code_size} bytes of code and {d} finite values");
            return Err(Error::argument(
                "entry of another collection",
                expected,
                format!("others in entry {id}"),
            ));
        }
    }
    check_witnesses(kept.iter().filter_map(|kept| kept.witness.as_ref()), witness_kind)
}

/// Values of a descriptor in float16.
///
/// # Errors
/// A value that is not finite in float16.
pub fn to_float16(descriptor: &[f32]) -> Result<Vec<f16>> {
    match descriptor.iter().find(|value| !f16::from_f32(**value).is_finite()) {
        Some(value) => Err(Error::argument("value of a descriptor", "finite and at most 65504", value)),
        None => Ok(descriptor.iter().map(|value| f16::from_f32(*value)).collect()),
    }
}

/// Hash by which a sample is drawn: that of the smallest hashes. It is the output function of SplitMix64 (Steele, Lea, Flood:
/// Fast splittable pseudorandom number generators, OOPSLA 2014, figure 16), which is a bijection, so that two ids never have
/// one hash.
pub fn sample_hash(seed: u64, id: i64) -> u64 {
    const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    mixed(mixed(seed.wrapping_add(GOLDEN_GAMMA)) ^ id as u64)
}
