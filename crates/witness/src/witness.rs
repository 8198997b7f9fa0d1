//! Witnesses: made of a picture, written and read.

use std::{fmt, sync::Arc};

use image::{Rgb, RgbImage};

use crate::{
    Error, Kind, LEAST_KEYPOINTS, LONGEST, MOST_KEYPOINTS, Result, SMALL, VERSION,
    features::Features,
    plane::{Plane, reduced},
    storage::{Reader, decode, encode, read_keypoints, write_keypoints},
};

/// First bytes of a witness.
const MAGIC: [u8; 4] = *b"AIwi";
/// Longest side of the plane whose agreement is measured, for thumbnails.
const FINE: usize = 128;

/// Parts kept of an entry's picture.
///
/// ```
/// use active_index_witness::{Kind, Witness};
///
/// let picture = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([(x * y / 61) as u8, (x ^ y) as u8, y as u8]));
/// let witness = Witness::of(&picture, Kind::Keypoints).ok_or("nothing is kept")?;
/// let bytes = witness.to_bytes();
/// assert!(bytes.len() < 19_000);
/// assert_eq!(Witness::from_bytes(&bytes)?, witness);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Witness {
    /// Sides of the whole picture.
    pub(crate) sides: [u32; 2],
    pub(crate) features: Features,
    /// Grey picture that the overlap is measured on.
    pub(crate) small: Plane,
    thumbnail: Option<Thumbnail>,
}

/// Thumbnail, as it is stored and as it looks.
#[derive(Clone, PartialEq)]
struct Thumbnail {
    bytes: Arc<[u8]>,
    picture: RgbImage,
}

impl Witness {
    /// Makes the witness of a picture. `None` for [`Kind::None`] and for a picture without pixels.
    pub fn of(picture: &RgbImage, kind: Kind) -> Option<Self> {
        let sides = [picture.width(), picture.height()];
        if sides.contains(&0) {
            return None;
        }
        match kind {
            Kind::None => None,
            Kind::Keypoints => Some(Self::of_plane(sides, &Plane::of(&reduced(picture, LONGEST)))),
            Kind::Thumbnails => {
                let bytes = encode(&reduced(picture, LONGEST));
                Some(Self::of_thumbnail(sides, &bytes).expect("what was encoded is decoded"))
            }
        }
    }

    fn of_plane(sides: [u32; 2], plane: &Plane) -> Self {
        let features = Features::of(plane, MOST_KEYPOINTS);
        Self { sides, features, small: plane.within(SMALL), thumbnail: None }
    }

    fn of_thumbnail(sides: [u32; 2], bytes: &[u8]) -> Result<Self> {
        let picture = decode(bytes)?;
        let plane = Plane::of(&picture);
        let features = Features::of(&plane, MOST_KEYPOINTS);
        let thumbnail = Some(Thumbnail { bytes: bytes.into(), picture });
        Ok(Self { sides, features, small: plane.within(FINE), thumbnail })
    }

    /// Bytes of the witness, which begin with a version. The same picture has the same bytes on every machine.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, self.thumbnail.is_some().into()]);
        self.sides.iter().for_each(|side| bytes.extend(side.to_le_bytes()));
        match &self.thumbnail {
            Some(thumbnail) => bytes.extend(&thumbnail.bytes[..]),
            None => write_keypoints(&mut bytes, &self.features, &self.small),
        }
        bytes
    }

    /// Reads a witness, and checks all of it. Finds the keypoints of a thumbnail.
    ///
    /// # Errors
    /// If the bytes are of another version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        if reader.array() != Ok(MAGIC) {
            return Err(Error::Magic);
        }
        match reader.u8()? {
            VERSION => (),
            version => return Err(Error::Version(version)),
        }
        let kind = reader.u8()?;
        let sides = [reader.u32()?, reader.u32()?];
        if sides.contains(&0) {
            return Err(Error::Field { field: "side of the picture", found: 0, expected: "1 or more" });
        }
        match kind {
            0 => read_keypoints(&mut reader).map(|(features, small)| Self {
                sides,
                features,
                small,
                thumbnail: None,
            }),
            1 => Self::of_thumbnail(sides, reader.all()),
            kind => Err(Error::Field { field: "kind", found: kind.into(), expected: "0 or 1" }),
        }
    }

    /// Kind of the witness.
    pub fn kind(&self) -> Kind {
        if self.thumbnail.is_some() { Kind::Thumbnails } else { Kind::Keypoints }
    }

    /// Number of keypoints.
    pub fn keypoints(&self) -> usize {
        self.features.len()
    }

    /// Returns whether the picture has too few keypoints to confirm or to exclude anything.
    pub fn is_flat(&self) -> bool {
        self.keypoints() < LEAST_KEYPOINTS
    }

    /// Width and height of the whole picture.
    pub fn dimensions(&self) -> (u32, u32) {
        (self.sides[0], self.sides[1])
    }

    /// Picture to show: in colour, of at most 384 pixels a side, or grey, of at most 64.
    pub fn thumbnail(&self) -> RgbImage {
        match &self.thumbnail {
            Some(thumbnail) => thumbnail.picture.clone(),
            None => RgbImage::from_fn(self.small.width as u32, self.small.height as u32, |x, y| {
                Rgb([self.small.row(y as usize)[x as usize]; 3])
            }),
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, sides, keypoints]: [&dyn fmt::Debug; 3] = [&self.kind(), &self.sides, &self.keypoints()];
        let mut fields = f.debug_struct("Witness");
        fields.field("kind", kind).field("sides", sides).field("keypoints", keypoints).finish_non_exhaustive()
    }
}
