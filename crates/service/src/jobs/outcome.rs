//! Ends of jobs, as `report.json` keeps them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use image_file::Picture;
use release::{Figures, quality};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::stored::SCHEMA;
use crate::clock;

/// Way in which a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Released: the file is there, and its entry in the collection.
    Done,
    /// The collection knew the picture.
    Already,
    /// Not released.
    Failed,
}

/// End of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Version of the document.
    pub schema: u32,
    pub ending: Ending,
    /// Time of the end, in seconds since 1970.
    pub finished: i64,
    /// Entry in the collection.
    #[serde(default)]
    pub entry: Option<i64>,
    /// Reason of a failure, in one line.
    #[serde(default)]
    pub error: Option<String>,
    /// Parts of the original that are not in the released file, and fields that were not kept, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    #[serde(default)]
    pub quality: Option<Quality>,
    /// The released file.
    #[serde(default)]
    pub file: Option<FileFacts>,
}

impl Outcome {
    /// End just now, without anything else.
    pub fn of(ending: Ending) -> Self {
        Self {
            schema: SCHEMA,
            ending,
            finished: clock::now(),
            entry: None,
            error: None,
            notes: Vec::new(),
            quality: None,
            file: None,
        }
    }

    /// Failure just now.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { error: Some(reason.into()), ..Self::of(Ending::Failed) }
    }
}

/// Released file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Ending of its name, without the dot.
    pub extension: String,
    pub bytes: u64,
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl FileFacts {
    /// Reads a file.
    ///
    /// # Errors
    /// Errors of the system.
    pub fn read(path: &Path, extension: String) -> io::Result<Self> {
        let (mut file, mut hash, mut chunk) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
        let mut bytes = 0;
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(Self { extension, bytes, sha256: hex(&hash.finalize()) }),
                read => {
                    hash.update(&chunk[..read]);
                    bytes += read as u64;
                }
            }
        }
    }

    /// Media type by the ending.
    pub fn media_type(&self) -> &'static str {
        match self.extension.as_str() {
            "png" => "image/png",
            "jpg" => "image/jpeg",
            "webp" => "image/webp",
            _ => "application/octet-stream",
        }
    }
}

/// Quality of a released file, as read back, against its original.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// PSNR in dB; absent if no pixel changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psnr: Option<f64>,
    /// SSIM.
    pub ssim: f64,
    /// Largest change of a value, in 8-bit levels.
    pub linf: u8,
    /// Number of optimisation steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// Time of the picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Share of the edited views of the last steps whose descriptors are in the cell of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<f64>,
    /// Cosine of the original's descriptor to the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosine_before: Option<f32>,
    /// Cosine of the released file's descriptor to the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosine_after: Option<f32>,
}

impl From<&Figures> for Quality {
    fn from(figures: &Figures) -> Self {
        let finite = |value: f32| Some(value).filter(|value| value.is_finite());
        Self {
            width: figures.width,
            height: figures.height,
            psnr: Some(figures.psnr).filter(|psnr| psnr.is_finite()),
            ssim: figures.ssim,
            linf: figures.linf,
            iterations: Some(figures.iterations as u64),
            seconds: Some(figures.seconds).filter(|seconds| seconds.is_finite()),
            kept: figures.kept.filter(|kept| kept.is_finite()),
            cosine_before: finite(figures.cosine_before),
            cosine_after: finite(figures.cosine_after),
        }
    }
}

impl Quality {
    /// Compares the pixels of a released file with those of its original, if they are of one size. The steps are not known any
    /// more.
    pub fn measured(original: Picture, released: Picture) -> Option<Self> {
        let (width, height) = released.dimensions();
        let (original, released) = (original.pixels.into_rgb8(), released.pixels.into_rgb8());
        let quality::Quality { psnr, ssim, linf } = quality::measure(&original, &released).ok()?;
        Some(Self {
            width,
            height,
            psnr: Some(psnr).filter(|psnr| psnr.is_finite()),
            ssim,
            linf,
            iterations: None,
            seconds: None,
            kept: None,
            cosine_before: None,
            cosine_after: None,
        })
    }
}

/// Hexadecimal digits of bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
