//! Columns of a batch by their names.

use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray, Float16Array, Float64Array, Int8Array,
    Int32Array, Int64Array, LargeBinaryArray, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use collection::{Error, Result};
use half::f16;

/// Columns of a batch of a table.
pub struct Columns<'a> {
    batch: &'a RecordBatch,
    /// Address of the table, for messages.
    location: &'a str,
}

macro_rules! typed {
    ($($name:ident: $array:ty, $what:literal;)*) => {
        $(
            #[doc = concat!("Column of ", $what, ".\n\n# Errors\nThe column lacks, or has another type.")]
            pub fn $name(&self, column: &str) -> Result<&'a $array> {
                self.typed(column)
            }
        )*
    };
}

impl<'a> Columns<'a> {
    /// Takes a batch and the address of its table.
    pub fn new(batch: &'a RecordBatch, location: &'a str) -> Self {
        Self { batch, location }
    }

    typed! {
        i8: Int8Array, "signed bytes";
        i32: Int32Array, "32-bit numbers";
        i64: Int64Array, "64-bit numbers";
        u32: UInt32Array, "32-bit numbers without sign";
        u64: UInt64Array, "64-bit numbers without sign";
        f64: Float64Array, "float64";
        flag: BooleanArray, "truth values";
        text: StringArray, "texts";
        bytes: LargeBinaryArray, "bytes";
        code: FixedSizeBinaryArray, "codes";
        list: FixedSizeListArray, "lists";
    }

    /// Values of the rows of a column of float16 lists `[n, d]`, those of null rows among them.
    ///
    /// # Errors
    /// The column lacks, or has another type.
    pub fn halves(&self, column: &str) -> Result<&'a [f16]> {
        let list = self.list(column)?;
        let d = d_of(list);
        let values = list.values().as_any().downcast_ref::<Float16Array>();
        let values = values.ok_or_else(|| self.damaged(column))?;
        Ok(&values.values()[list.value_offset(0) as usize..][..list.len() * d])
    }

    fn typed<T: 'static>(&self, column: &str) -> Result<&'a T> {
        let found = self.batch.column_by_name(column).and_then(|array| array.as_any().downcast_ref());
        found.ok_or_else(|| self.damaged(column))
    }

    fn damaged(&self, column: &str) -> Error {
        Error::damaged(self.location.as_ref(), format!("the column {column} lacks or has another type"))
    }
}

/// Length of the lists of a column.
pub fn d_of(list: &FixedSizeListArray) -> usize {
    list.value_length() as usize
}

/// Text of a row; `None` if it is null.
pub fn optional(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}
