//! The values of constants.

use onnx_ir::TensorProto;

use crate::weights::Array;

/// ONNX's codes for the element types that are read.
pub mod dtype {
    pub const FLOAT: i32 = 1;
    pub const UINT8: i32 = 2;
    pub const INT8: i32 = 3;
    pub const INT32: i32 = 6;
}

/// ONNX's code for values in another file.
const EXTERNAL: i32 = 1;

/// Whether a constant is of float32.
pub fn is_float(tensor: &TensorProto) -> bool {
    tensor.data_type == dtype::FLOAT
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

/// `(q - zero_point) * scale`, per tensor or per index of an axis; of a vector, that is its only one.
pub fn apply_scale(array: &mut Array, scale: &[f32], zero_point: &[f32], axis: i64) -> Result<(), String> {
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
pub fn read_tensor(tensor: &TensorProto) -> Result<Array, String> {
    let shape = tensor.dims.iter().map(|&n| usize::try_from(n)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| format!("negative dimension in {:?}", tensor.dims))?;
    let values = read_values(tensor)?;
    if tensor.data_location.value() == EXTERNAL {
        return Err("its values are in another file: save the model with its weights inside".to_owned());
    }
    let expected = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n));
    if expected != Some(values.len()) {
        return Err(format!("{} values for shape {shape:?}", values.len()));
    }
    Ok(Array { shape, values })
}

fn read_values(tensor: &TensorProto) -> Result<Vec<f32>, String> {
    let raw = &tensor.raw_data;
    let typed_integers = || tensor.int32_data.iter().map(|&v| v as f32).collect();
    Ok(match (tensor.data_type, raw.is_empty()) {
        (dtype::FLOAT, true) => tensor.float_data.clone(),
        (dtype::FLOAT, false) => words(raw)?.map(f32::from_le_bytes).collect(),
        (dtype::INT8 | dtype::UINT8 | dtype::INT32, true) => typed_integers(),
        (dtype::INT8, false) => raw.iter().map(|&b| f32::from(b as i8)).collect(),
        (dtype::UINT8, false) => raw.iter().map(|&b| f32::from(b)).collect(),
        (dtype::INT32, false) => words(raw)?.map(|w| i32::from_le_bytes(w) as f32).collect(),
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
