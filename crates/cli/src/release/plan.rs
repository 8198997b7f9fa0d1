//! Plan of a release: the released file of each image.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use image_file::Encoding;

use crate::inputs::image_files::Input;

/// An image to release.
pub struct Job {
    pub input: PathBuf,
    pub output: PathBuf,
    pub decision: Decision,
}

/// Decision on an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Release it.
    Release,
    /// Skip it: its released file exists already.
    Skip,
    /// Refuse it, for this reason.
    Refuse(String),
}

/// Plans the release of images below `out`, under the names of the originals with the extension of the format.
///
/// Images that would overwrite an original or an earlier released image are refused; with `resume`, images whose released
/// file exists are skipped.
pub fn plan(inputs: Vec<Input>, out: &Path, encoding: Encoding, resume: bool) -> Vec<Job> {
    let originals: Vec<_> = inputs.iter().map(|input| input.path.canonicalize().ok()).collect();
    let mut taken = HashMap::<PathBuf, PathBuf>::new();
    let jobs = inputs.into_iter().map(|input| {
        let output = out.join(input.name.with_extension(encoding.ending()));
        let is_original = output.canonicalize().is_ok_and(|path| originals.contains(&Some(path)));
        let decision = match taken.get(&output) {
            Some(other) => {
                Decision::Refuse(format!("{} is already released as {}", other.display(), output.display()))
            }
            None if is_original => {
                Decision::Refuse(format!("would overwrite the original {}", output.display()))
            }
            None if resume && is_written(&output) => Decision::Skip,
            None => Decision::Release,
        };
        taken.entry(output.clone()).or_insert_with(|| input.path.clone());
        Job { input: input.path, output, decision }
    });
    jobs.collect()
}

/// Returns true if there is a file with content. A released file is complete once it has its name.
fn is_written(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file() && about.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(names: &[&str], out: &Path, resume: bool) -> Vec<Decision> {
        let inputs = names.iter().map(|&name| Input { path: out.join(name), name: name.into() }).collect();
        plan(inputs, out, Encoding::Png, resume).into_iter().map(|job| job.decision).collect()
    }

    #[test]
    fn originals_and_released_images_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.png"), b"original").unwrap();
        let found = decisions(&["a.png", "b.jpg", "b.webp"], folder.path(), false);
        assert!(matches!(&found[0], Decision::Refuse(reason) if reason.contains("overwrite the original")));
        assert_eq!(found[1], Decision::Release);
        assert!(
            matches!(&found[2], Decision::Refuse(reason) if reason.contains("b.jpg is already released as"))
        );
    }

    #[test]
    fn resuming_skips_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("done.png"), b"released").unwrap();
        assert_eq!(
            decisions(&["done.jpg", "new.jpg"], folder.path(), true),
            [Decision::Skip, Decision::Release]
        );
    }
}
