//! Folders of images in object stores.

use std::path::{Component, Path};

use image_file::{Format, path_text};
use object_files::Listed;

use super::{
    Input, LeftOut,
    left_out::Unreadable,
    other_files::{has_ending_of, is_passed_over},
};
use crate::{
    objects::objects,
    session::{Session, output::one_line},
};

/// Lists the images below a folder of an object store, but for those below `except`. A folder that cannot be listed is reported.
///
/// Names tell which objects are images, because each look into one would be a request: those with the ending of an image format, and
/// those without an ending.
pub fn images_below(folder: &Path, except: Option<&Path>, session: &Session) -> (Vec<Input>, LeftOut) {
    let (mut images, mut left_out) = (Vec::new(), LeftOut::default());
    let listed = objects().list(folder, &mut |Listed { path, name }| {
        let is_excepted = except.is_some_and(|except| path.starts_with(except));
        match is_image(&name) {
            _ if is_excepted => {}
            true => images.push(Input { path, name }),
            false => {
                left_out.skipped += 1;
                session.detail(|| format!("{}: skipped", path_text(&path)));
            }
        }
    });
    if let Err(error) = listed {
        let (folder, error) = (path_text(folder), format!("cannot be listed: {}", one_line(&error.into())));
        session.failure(&folder, &error);
        left_out.unreadable.push(Unreadable { folder, error });
    }
    (images, left_out)
}

fn is_image(name: &Path) -> bool {
    let has_image_ending =
        has_ending_of(&Format::ENDINGS, name) && !has_ending_of(&Format::PREVIEW_ENDINGS, name);
    let is_plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    is_plain && !name.ancestors().any(is_of_system) && (has_image_ending || name.extension().is_none())
}

fn is_of_system(part: &Path) -> bool {
    !part.as_os_str().is_empty() && is_passed_over(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_objects_are_images() {
        for name in ["a.jpg", "2026/b.JPEG", "hash/0a1b2c", "a b.png", "x/y/z.webp"] {
            assert!(is_image(Path::new(name)), "{name}");
        }
        for name in [
            "a.txt",
            "list.csv",
            "a.thm",
            ".thumbnails/a.jpg",
            "x/@eaDir/b.jpg",
            "._a.jpg",
            "../a.jpg",
            "a.jpg.part",
        ] {
            assert!(!is_image(Path::new(name)), "{name}");
        }
    }
}
