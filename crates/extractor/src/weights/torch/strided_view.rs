//! Tensors of an archive: strided views of storages.

use crate::{checkpoint::Array, weights::float_type::FloatType};

/// Kind of the numbers in a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Weights.
    Float(FloatType),
    /// Counters and masks, which are never read.
    Integer,
}

impl Kind {
    /// The kind of a storage by the name of its class in PyTorch; `None` for unknown classes.
    pub fn of_storage(name: &str) -> Option<Self> {
        Some(match name {
            "DoubleStorage" => Self::Float(FloatType::F64),
            "FloatStorage" => Self::Float(FloatType::F32),
            "HalfStorage" => Self::Float(FloatType::F16),
            "BFloat16Storage" => Self::Float(FloatType::Bf16),
            "LongStorage" | "IntStorage" | "ShortStorage" | "CharStorage" | "ByteStorage" | "BoolStorage" => {
                Self::Integer
            }
            _ => return None,
        })
    }
}

/// Numbers stored in an entry of the archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Storage {
    /// Kind of the numbers.
    pub kind: Kind,
    /// Name of the entry.
    pub key: String,
    /// Number of numbers.
    pub count: u64,
}

impl Storage {
    /// Size in bytes, `Some(None)` if it overflows; `None` for integers.
    pub fn bytes(&self) -> Option<Option<u64>> {
        match self.kind {
            Kind::Float(float_type) => Some(self.count.checked_mul(float_type.size() as u64)),
            Kind::Integer => None,
        }
    }
}

/// A tensor: every `stride[axis]`-th number of a storage along each axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    storage: Storage,
    offset: u64,
    size: Vec<u64>,
    stride: Vec<u64>,
    /// Numbers of the storage from the first to the last element.
    span: u64,
    /// Number of elements.
    count: u64,
}

/// Largest number of axes; no weight has as many.
const MAX_AXES: usize = 8;

impl View {
    /// Creates a view that lies within its storage.
    ///
    /// # Errors
    /// If it lies outside, or has too many axes or another number of strides.
    pub fn new(storage: Storage, offset: u64, size: Vec<u64>, stride: Vec<u64>) -> Result<Self, String> {
        if size.len() != stride.len() || size.len() > MAX_AXES {
            return Err(format!("a tensor with {} axes and {} strides", size.len(), stride.len()));
        }
        let outside = || format!("a tensor of shape {size:?} lies outside its storage of {}", storage.count);
        let count = size.iter().try_fold(1_u64, |product, n| product.checked_mul(*n)).ok_or_else(outside)?;
        let step = |sum: u64, (n, stride): (&u64, &u64)| sum.checked_add((n - 1).checked_mul(*stride)?);
        let span = match count {
            0 => 0,
            _ => size.iter().zip(&stride).try_fold(1, step).ok_or_else(outside)?,
        };
        if offset.checked_add(span).is_none_or(|end| end > storage.count) {
            return Err(outside());
        }
        // An axis of length 1 is never stepped along.
        let stride = size.iter().zip(stride).map(|(n, stride)| if *n == 1 { 0 } else { stride }).collect();
        Ok(Self { storage, offset, size, stride, span, count })
    }

    /// The storage that this is a view of.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Bytes of its elements or of its span, whichever are more.
    pub fn bytes(&self) -> u64 {
        self.count.max(self.span).saturating_mul(self.element_size())
    }

    fn element_size(&self) -> u64 {
        match self.storage.kind {
            Kind::Float(float_type) => float_type.size() as u64,
            Kind::Integer => 0,
        }
    }

    /// The elements in C order, from the bytes of the whole storage.
    pub fn array(&self, storage: &[u8]) -> Array {
        let shape = self.size.iter().map(|&n| n as usize).collect();
        let Kind::Float(float_type) = self.storage.kind else { return Array { shape, values: Vec::new() } };
        let [start, length] = [self.offset, self.span].map(|n| (n * self.element_size()) as usize);
        let values = float_type.values(&storage[start..start + length]);
        Array { shape, values: if self.is_contiguous() { values } else { self.gather(&values) } }
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.size.iter().zip(&self.stride).rev().all(|(n, stride)| {
            let fits = *n == 1 || *stride == expected;
            expected = n.saturating_mul(expected);
            fits
        })
    }

    /// The elements in C order from any strides, by an index that advances like an odometer.
    fn gather(&self, values: &[f32]) -> Vec<f32> {
        let mut index = vec![0_u64; self.size.len()];
        let mut at = 0_u64;
        let mut gathered = Vec::with_capacity(self.count as usize);
        for _ in 0..self.count {
            gathered.push(values[at as usize]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.stride[axis];
                if index[axis] < self.size[axis] {
                    break;
                }
                at -= self.size[axis] * self.stride[axis];
                index[axis] = 0;
            }
        }
        gathered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(count: u64, offset: u64, size: &[u64], stride: &[u64]) -> Result<View, String> {
        let storage = Storage { kind: Kind::Float(FloatType::F32), key: "0".to_owned(), count };
        View::new(storage, offset, size.to_vec(), stride.to_vec())
    }

    #[test]
    fn a_transposed_view_is_gathered_in_its_own_order() {
        let transposed = view(6, 0, &[3, 2], &[1, 3]).unwrap();
        assert!(!transposed.is_contiguous());
        assert_eq!(transposed.gather(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert!(view(6, 0, &[2, 1, 3], &[3, 3, 1]).unwrap().is_contiguous());
        assert_eq!(view(1, 0, &[], &[]).unwrap().count, 1);
        let nothing = view(6, 0, &[0, u64::MAX, u64::MAX], &[1, u64::MAX, 1]).unwrap();
        assert_eq!((nothing.count, nothing.gather(&[])), (0, Vec::new()));
        assert!(!nothing.is_contiguous());
        let odd = view(6, 0, &[2, 1, 2], &[1, u64::MAX, 2]).unwrap();
        assert_eq!(odd.gather(&[0.0, 1.0, 2.0, 3.0]), [0.0, 2.0, 1.0, 3.0]);
    }

    #[test]
    fn views_outside_their_storage_are_refused() {
        assert!(view(6, 0, &[2, 3], &[3, 1]).is_ok());
        assert!(view(6, 6, &[0], &[1]).is_ok());
        for (offset, size, stride) in [
            (1, vec![2, 3], vec![3, 1]),
            (0, vec![2, 3], vec![4, 1]),
            (u64::MAX, vec![1], vec![1]),
            (0, vec![u64::MAX, 3], vec![1, 1]),
            (0, vec![u64::MAX], vec![u64::MAX]),
            (7, vec![0], vec![1]),
        ] {
            assert!(view(6, offset, &size, &stride).unwrap_err().contains("outside"), "{size:?}");
        }
        assert!(view(6, 0, &[1; 9], &[1; 9]).unwrap_err().contains("9 axes"));
        assert!(view(6, 0, &[1], &[]).is_err());
    }
}
