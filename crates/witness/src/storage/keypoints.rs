//! Bytes of keypoints: sides of the plane they were found in, the small grey picture, then 38 bytes a keypoint.

use super::reader::{Reader, check};
use crate::{
    LONGEST, MOST_KEYPOINTS, Result, SMALL,
    features::{BITS, Descriptor, Features, Keypoint, LEVELS, UNITS},
    plane::Plane,
};

/// Bytes of a keypoint: place, level, direction, descriptor.
const KEYPOINT: usize = 2 + 2 + 1 + 1 + BITS / 8;

/// Appends features and the small grey picture.
pub(crate) fn write_keypoints(bytes: &mut Vec<u8>, features: &Features, small: &Plane) {
    bytes.extend(features.width.to_le_bytes());
    bytes.extend(features.height.to_le_bytes());
    bytes.extend([small.width as u8, small.height as u8]);
    bytes.extend((features.len() as u16).to_le_bytes());
    bytes.extend(&small.samples);
    for (keypoint, descriptor) in features.keypoints.iter().zip(&features.descriptors) {
        bytes.extend(keypoint.x.to_le_bytes());
        bytes.extend(keypoint.y.to_le_bytes());
        bytes.extend([keypoint.level, keypoint.turn]);
        descriptor.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    }
}

/// Reads what [`write_keypoints`] wrote, to the last byte.
pub(crate) fn read_keypoints(reader: &mut Reader) -> Result<(Features, Plane)> {
    let [width, height] = [reader.u16()?, reader.u16()?];
    let [small_width, small_height] = [reader.u8()?, reader.u8()?];
    let count = reader.u16()?;
    for (field, side) in
        [("width of the keypoints' plane", width), ("height of the keypoints' plane", height)]
    {
        check(field, side, 1..=LONGEST as u64, "1 to 384")?;
    }
    for (field, side) in
        [("width of the grey picture", small_width), ("height of the grey picture", small_height)]
    {
        check(field, side, 1..=SMALL as u64, "1 to 64")?;
    }
    check("number of keypoints", count, 0..=MOST_KEYPOINTS as u64, "at most 400")?;
    let (width_of_small, height_of_small) = (usize::from(small_width), usize::from(small_height));
    let samples = reader.take(width_of_small * height_of_small)?.to_vec();
    let mut features = Features { width, height, ..Features::default() };
    let records = reader.rest(usize::from(count) * KEYPOINT)?;
    for record in records.as_chunks::<KEYPOINT>().0 {
        let (keypoint, descriptor) = read(record, &features)?;
        features.keypoints.push(keypoint);
        features.descriptors.push(descriptor);
    }
    Ok((features, Plane { width: width_of_small, height: height_of_small, samples }))
}

fn read(record: &[u8; KEYPOINT], features: &Features) -> Result<(Keypoint, Descriptor)> {
    let mut reader = Reader::new(record);
    let keypoint = Keypoint { x: reader.u16()?, y: reader.u16()?, level: reader.u8()?, turn: reader.u8()? };
    for (field, place, side) in [("x", keypoint.x, features.width), ("y", keypoint.y, features.height)] {
        check(field, place, 0..=u64::from(side) * u64::from(UNITS), "a place inside the keypoints' plane")?;
    }
    check("level of a keypoint", keypoint.level, 0..=LEVELS as u64 - 1, "0 to 6")?;
    let mut descriptor = Descriptor::default();
    for word in &mut descriptor {
        *word = u64::from_le_bytes(reader.array()?);
    }
    Ok((keypoint, descriptor))
}
