//! One line of the table, one element of `images` in the JSON document.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::table::decimal;

#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub input: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// What activation did for an image, of the file as written.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    pub width: u32,
    pub height: u32,
    pub iterations: usize,
    pub seconds: f64,
    pub cell: Option<i64>,
    pub cosine_before: f32,
    pub cosine_after: f32,
    /// Squared L2 distance to the target.
    pub distance_before: f32,
    pub distance_after: f32,
    /// In dB; absent from JSON where the image did not change.
    pub psnr: f64,
    pub ssim: f64,
    /// In 8-bit levels.
    pub linf: u8,
}

impl Row {
    pub const HEADINGS: [&str; 10] = [
        "image",
        "size",
        "cell",
        "cosine",
        "-> after",
        "distance",
        "-> after",
        "PSNR dB",
        "SSIM",
        "L-inf / s",
    ];

    pub fn released(input: &Path, output: &Path, figures: Figures) -> Self {
        Self { output: Some(output.to_owned()), figures: Some(figures), ..Self::of(input) }
    }

    pub fn refused(input: &Path, reason: String) -> Self {
        Self { error: Some(reason), ..Self::of(input) }
    }

    pub fn skipped(input: &Path, output: &Path) -> Self {
        Self { output: Some(output.to_owned()), skipped: true, ..Self::of(input) }
    }

    fn of(input: &Path) -> Self {
        Self { input: input.to_owned(), output: None, error: None, skipped: false, figures: None }
    }

    pub fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// The image's file name.
    pub fn name(&self) -> String {
        self.input.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    pub fn cells(&self) -> Vec<String> {
        let Some(f) = &self.figures else {
            let why = self.error.as_deref().unwrap_or("skipped, released already");
            return vec![self.name(), why.to_owned()];
        };
        let fixed = |value: f32| decimal(Some(f64::from(value)), 3);
        vec![
            self.name(),
            format!("{}x{}", f.width, f.height),
            f.cell.map_or_else(|| "-".to_owned(), |cell| cell.to_string()),
            fixed(f.cosine_before),
            fixed(f.cosine_after),
            fixed(f.distance_before),
            fixed(f.distance_after),
            decimal(Some(f.psnr), 2),
            decimal(Some(f.ssim), 4),
            format!("{} / {:.1}", f.linf, f.seconds),
        ]
    }
}
