//! Report on one image: a row of the table, and an element of `images` in the JSON document.

use std::path::Path;

use collection::{Entry, State};
use image_file::{path_of_text, path_text};
use serde::Serialize;

use crate::report::table::decimal;

/// Report on one image: released, skipped or failed.
#[derive(Debug, Clone, Serialize)]
pub struct ReleasedImage {
    /// Path of the original, by [`path_text`].
    pub input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Parts of the original or its metadata that are not in the released file, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
    /// Id of the entry in the collection, and what became of the image there.
    #[serde(flatten)]
    pub remembered: Option<Remembered>,
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// Entry of an image in a collection.
#[derive(Debug, Clone, Serialize)]
pub struct Remembered {
    pub id: i64,
    /// `released`, or `already` for an image that the collection knew.
    pub status: &'static str,
}

/// Figures of a released file, as read back.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    pub width: u32,
    pub height: u32,
    /// Number of steps.
    pub iterations: usize,
    /// Reason of the end: `iterations`, `safe` or `settled`.
    pub stopped: &'static str,
    pub seconds: f64,
    pub cell: Option<i64>,
    /// Share of the views of the last steps whose descriptors are in the cell; null if the objective has no cells.
    pub kept: Option<f64>,
    pub cosine_before: f32,
    pub cosine_after: f32,
    /// Squared L2 distance to the target.
    pub distance_before: f32,
    pub distance_after: f32,
    /// In dB; null in JSON if the image did not change (infinity).
    pub psnr: f64,
    pub ssim: f64,
    /// In 8-bit levels.
    pub linf: u8,
}

impl ReleasedImage {
    pub const HEADINGS: [&str; 10] =
        ["image", "size", "cell", "kept", "cosine to target", "distance", "PSNR dB", "SSIM", "L-inf", "s"];

    pub fn released(input: &Path, output: &Path, figures: Figures, notes: Vec<String>) -> Self {
        Self { output: Some(path_text(output)), figures: Some(figures), notes, ..Self::of(input) }
    }

    pub fn refused(input: &Path, reason: String) -> Self {
        Self { error: Some(reason), ..Self::of(input) }
    }

    pub fn skipped(input: &Path, output: &Path) -> Self {
        Self { output: Some(path_text(output)), skipped: true, ..Self::of(input) }
    }

    /// Returns the row of an image that a collection knows.
    pub fn already(input: &Path, entry: &Entry) -> Self {
        let notes = match entry.state {
            State::Live => Vec::new(),
            state => vec![format!("its entry {} is {state}; `restore` puts it back", entry.id)],
        };
        let remembered = Some(Remembered { id: entry.id, status: "already" });
        Self { output: entry.file.clone(), notes, remembered, ..Self::of(input) }
    }

    /// Adds the id of the entry in a collection.
    pub fn with_id(self, id: Option<i64>) -> Self {
        Self { remembered: id.map(|id| Remembered { id, status: "released" }), ..self }
    }

    fn of(input: &Path) -> Self {
        Self {
            input: path_text(input),
            output: None,
            error: None,
            notes: Vec::new(),
            skipped: false,
            remembered: None,
            figures: None,
        }
    }

    /// Returns true if a collection knew the image.
    pub fn was_known(&self) -> bool {
        self.remembered.as_ref().is_some_and(|entry| entry.status == "already")
    }

    pub fn failed(&self) -> bool {
        self.error.is_some()
    }

    pub fn is_released(&self) -> bool {
        self.figures.is_some()
    }

    /// Returns the file name of the original.
    pub fn name(&self) -> String {
        path_of_text(&self.input).file_name().map_or_else(String::new, |name| path_text(Path::new(name)))
    }

    /// Returns the row of the table, if there are figures.
    pub fn cells(&self) -> Option<Vec<String>> {
        let f = self.figures.as_ref()?;
        Some(vec![
            self.name(),
            format!("{}x{}", f.width, f.height),
            f.cell.map_or_else(|| "-".to_owned(), |cell| cell.to_string()),
            decimal(f.kept, 2),
            format!("{:.3} -> {:.3}", f.cosine_before, f.cosine_after),
            format!("{:.3} -> {:.3}", f.distance_before, f.distance_after),
            decimal(Some(f.psnr), 2),
            decimal(Some(f.ssim), 4),
            f.linf.to_string(),
            decimal(Some(f.seconds), 1),
        ])
    }
}
