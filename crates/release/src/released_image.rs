//! Report on one image, an element of `images` in the JSON document of `activate` and `release`.

use std::path::Path;

use collection::{Entry, State};
use image_file::{path_of_text, path_text};
use serde::Serialize;

/// Report on one image: released, skipped or failed.
#[derive(Debug, Clone, Serialize)]
pub struct ReleasedImage {
    /// Path of the original, by [`path_text`].
    pub input: String,
    /// Path of the released file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Reason of a failure, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Parts of the original or its metadata that are not in the released file, one sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// True if nothing was done, as planned.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
    /// Id of the entry in the collection, and what became of the image there.
    #[serde(flatten)]
    pub remembered: Option<Remembered>,
    /// Figures of the file, if this run released the image.
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// Entry of an image in a collection.
#[derive(Debug, Clone, Serialize)]
pub struct Remembered {
    /// Id of the entry.
    pub id: i64,
    /// Outcome of the image.
    pub status: Status,
}

/// Outcome of an image in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// This run released it.
    Released,
    /// The collection knew it.
    Already,
}

/// Figures of a released file, as read back.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Number of steps.
    pub iterations: usize,
    /// Reason of the end: `iterations`, `safe` or `settled`.
    pub stopped: &'static str,
    /// Time of the image: its share of that of its batch.
    pub seconds: f64,
    /// Cell that the descriptor was to stay in; null in an index without cells.
    pub cell: Option<i64>,
    /// Share of the views of the last steps whose descriptors are in the cell; null if the objective has no cells.
    pub kept: Option<f64>,
    /// Cosine of the original's descriptor to the target.
    pub cosine_before: f32,
    /// Cosine of the released file's descriptor to the target.
    pub cosine_after: f32,
    /// Squared L2 distance of the original's descriptor to the target.
    pub distance_before: f32,
    /// Squared L2 distance of the released file's descriptor to the target.
    pub distance_after: f32,
    /// PSNR in dB; null in JSON if the image did not change (infinity).
    pub psnr: f64,
    /// SSIM.
    pub ssim: f64,
    /// Largest change of a value, in 8-bit levels.
    pub linf: u8,
}

impl ReleasedImage {
    pub(crate) fn released(input: &Path, output: &Path, figures: Figures, notes: Vec<String>) -> Self {
        Self { output: Some(path_text(output)), figures: Some(figures), notes, ..Self::of(input) }
    }

    pub(crate) fn refused(input: &Path, reason: String) -> Self {
        Self { error: Some(reason), ..Self::of(input) }
    }

    pub(crate) fn skipped(input: &Path, output: &Path) -> Self {
        Self { output: Some(path_text(output)), skipped: true, ..Self::of(input) }
    }

    /// Returns the row of an image that a collection knows.
    pub(crate) fn already(input: &Path, entry: &Entry) -> Self {
        let notes = match entry.state {
            State::Live => Vec::new(),
            state => vec![format!("its entry {} is {state}; `restore` puts it back", entry.id)],
        };
        let remembered = Some(Remembered { id: entry.id, status: Status::Already });
        Self { output: entry.file.clone(), notes, remembered, ..Self::of(input) }
    }

    /// Adds the id of the entry in a collection.
    pub(crate) fn with_id(self, id: Option<i64>) -> Self {
        Self { remembered: id.map(|id| Remembered { id, status: Status::Released }), ..self }
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
        self.remembered.as_ref().is_some_and(|entry| entry.status == Status::Already)
    }

    /// Returns true if the image failed.
    pub fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// Returns true if this run released the image.
    pub fn is_released(&self) -> bool {
        self.figures.is_some()
    }

    /// Returns the file name of the original.
    pub fn name(&self) -> String {
        path_of_text(&self.input).file_name().map_or_else(String::new, |name| path_text(Path::new(name)))
    }
}
