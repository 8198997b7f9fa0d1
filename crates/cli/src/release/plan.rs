//! Which file becomes which.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use image_file::Encoding;

use crate::images::Input;

/// An image to release.
pub struct Job {
    pub input: PathBuf,
    pub output: PathBuf,
    pub decision: Decision,
}

/// What is to be done with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Release,
    /// Its released file is there already.
    Skip,
    /// It cannot be released, for this reason.
    Refuse(String),
}

/// Released images have the originals' names below `out`, with the format's ending.
pub fn plan(inputs: Vec<Input>, out: &Path, encoding: Encoding, resume: bool) -> Vec<Job> {
    let originals: Vec<_> = inputs.iter().map(|input| input.path.canonicalize().ok()).collect();
    let mut taken = HashMap::<PathBuf, PathBuf>::new();
    let jobs = inputs.into_iter().map(|input| {
        let output = out.join(input.name.with_extension(encoding.ending()));
        let is_original = output.canonicalize().is_ok_and(|path| originals.contains(&Some(path)));
        let decision = match taken.get(&output) {
            Some(other) => {
                Decision::Refuse(format!("{} is released as {} already", other.display(), output.display()))
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

/// Whether a file with content is there; ours are whole once they have their name.
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
        assert!(matches!(&found[2], Decision::Refuse(reason) if reason.contains("b.jpg is released as")));
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
