//! The values of constants.

use super::messages::TensorProto;
use crate::checkpoint::Array;

/// ONNX's code of float32.
pub const FLOAT: i32 = 1;
/// ONNX's code of unsigned 8-bit integers.
pub const UINT8: i32 = 2;
/// ONNX's code of signed 8-bit integers.
pub const INT8: i32 = 3;
/// ONNX's code of signed 32-bit integers.
pub const INT32: i32 = 6;

/// ONNX's code for values stored in another file.
pub const EXTERNAL: i32 = 1;

/// Returns true for a constant of float32.
pub fn is_float(tensor: &TensorProto<'_>) -> bool {
    tensor.data_type == FLOAT
}

/// `[in, out]` -> `[out, in]`
pub fn transpose(array: Array) -> Result<Array, String> {
    let [rows, columns] = *array.shape.as_slice() else {
        return Err(format!("a weight of shape {:?}, expected 2 axes", array.shape));
    };
    if array.values.is_empty() {
        return Err(format!("a weight of shape {:?} is empty", array.shape));
    }
    let column = |c: usize| array.values.iter().skip(c).step_by(columns.max(1)).copied();
    Ok(Array { shape: vec![columns, rows], values: (0..columns).flat_map(column).collect() })
}

/// Replaces every `q` by `(q - zero_point) * scale`, with one scale for the tensor or one per index of `axis`. The axis
/// of a vector is its only one, whatever `axis` is.
pub fn dequantise(array: &mut Array, scale: &[f32], zero_point: &[f32], axis: i64) -> Result<(), String> {
    let rank = array.shape.len() as i64;
    let axis = match axis {
        _ if rank == 1 => 0,
        ..0 => axis.saturating_add(rank),
        _ => axis,
    };
    let channels = match scale {
        [_] => 1,
        _ => usize::try_from(axis).ok().and_then(|axis| array.shape.get(axis).copied()).unwrap_or(0),
    };
    if scale.len() != channels || zero_point.len() != channels || channels == 0 {
        return Err(format!(
            "{} scales and {} zero points for {channels} channels",
            scale.len(),
            zero_point.len()
        ));
    }
    let behind =
        if channels == 1 { array.values.len() } else { array.shape[axis as usize + 1..].iter().product() };
    for (i, values) in array.values.chunks_exact_mut(behind.max(1)).enumerate() {
        let channel = i % channels;
        values.iter_mut().for_each(|q| *q = (*q - zero_point[channel]) * scale[channel]);
    }
    Ok(())
}

/// The values of a tensor as float32: exact for 8-bit integers, rounded for large 32-bit ones.
pub fn values(tensor: &TensorProto<'_>) -> Result<Array, String> {
    let shape = tensor.dims.iter().map(|&n| usize::try_from(n)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| format!("negative dimension in {:?}", tensor.dims))?;
    let values = stored_values(tensor)?;
    if tensor.data_location == EXTERNAL {
        return Err("its values are in another file: save the model with its weights inside".to_owned());
    }
    let expected = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    if expected != Some(values.len()) {
        return Err(format!("{} values for shape {shape:?}", values.len()));
    }
    Ok(Array { shape, values })
}

fn stored_values(tensor: &TensorProto<'_>) -> Result<Vec<f32>, String> {
    let raw = tensor.raw_data;
    let typed_integers = || tensor.int32_data.iter().map(|&v| v as f32).collect();
    Ok(match (tensor.data_type, raw.is_empty()) {
        (FLOAT, true) => tensor.float_data.clone(),
        (FLOAT, false) => words(raw)?.map(f32::from_le_bytes).collect(),
        (INT8 | UINT8 | INT32, true) => typed_integers(),
        (INT8, false) => raw.iter().map(|&b| f32::from(b as i8)).collect(),
        (UINT8, false) => raw.iter().map(|&b| f32::from(b)).collect(),
        (INT32, false) => words(raw)?.map(|w| i32::from_le_bytes(w) as f32).collect(),
        (other, _) => return Err(format!("element type {other} is not supported")),
    })
}

fn words(raw: &[u8]) -> Result<impl Iterator<Item = [u8; 4]> + '_, String> {
    let (words, rest) = raw.as_chunks::<4>();
    if rest.is_empty() {
        Ok(words.iter().copied())
    } else {
        Err(format!("{} bytes, expected a multiple of 4", raw.len()))
    }
}
