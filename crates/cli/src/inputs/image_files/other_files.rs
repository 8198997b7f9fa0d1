//! Names of files and folders among photographs that are not the photographer's: those of systems, of storage devices, and of
//! programs that copy or catalogue files.

use std::path::Path;

/// Whole names, in lower case.
const NAMES: [&str; 50] = [
    // macOS
    ".ds_store",
    ".appledouble",
    ".appledesktop",
    ".documentrevisions-v100",
    ".fseventsd",
    ".localized",
    ".spotlight-v100",
    ".temporaryitems",
    ".trash",
    ".trashes",
    ".volumeicon.icns",
    "__macosx",
    "icon\r",
    "network trash folder",
    "temporary items",
    // Windows
    "$recycle.bin",
    "desktop.ini",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "recycler",
    "system volume information",
    "thumbs.db",
    "thumbs.db:encryptable",
    // Linux
    ".cache",
    ".directory",
    ".nomedia",
    ".thumb",
    ".thumbnail",
    ".thumbnails",
    ".thumbs",
    ".xvpics",
    "lost+found",
    // Storage devices: Synology, QNAP, Western Digital, NetApp, Buffalo
    "#recycle",
    "#snapshot",
    "@eadir",
    "@tmp",
    "@recycle",
    "@recently-snapshot",
    ".@__thumb",
    ".@upload_cache",
    ".wdmc",
    ".snapshot",
    "trashbox",
    // Catalogues and copies: Picasa, digiKam, Syncthing, git
    ".picasaoriginals",
    ".picasa.ini",
    ".dtrash",
    ".stfolder",
    ".stversions",
    ".git",
    ".svn",
];

/// Beginnings of names, in lower case: AppleDouble, temporary files of Office, Syncthing, NFS, FUSE, Samba and this program,
/// what Android keeps before it is deleted or complete, and each user's folder of deleted files.
const BEGINNINGS: [&str; 13] = [
    "._",
    "~$",
    "~syncthing~",
    ".syncthing.",
    ".~lock.",
    ".nfs0",
    ".fuse_hidden",
    ".smbdelete",
    ".active-index-",
    ".trashed-",
    ".pending-",
    ".trash-",
    ".#",
];

/// Endings of names, in lower case: downloads and copies in progress, and the previews of Lightroom.
const ENDINGS: [&str; 7] = [".part", ".partial", ".crdownload", ".download", ".!qb", ".filepart", ".lrdata"];

/// Endings of the libraries of Apple's programs, in lower case, and their folders of photographs; the others hold previews.
const LIBRARIES: [&str; 4] = ["photoslibrary", "photolibrary", "migratedphotolibrary", "aplibrary"];
const ORIGINALS: [&str; 2] = ["originals", "masters"];

/// Returns true for a file or folder that is no photograph, whatever it holds.
pub fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().to_lowercase();
    let is_in_library = path.parent().is_some_and(|folder| has_ending_of(&LIBRARIES, folder));
    is_in_library && !ORIGINALS.contains(&name.as_str()) || is_of_system(&name)
}

/// Returns true for a name, in lower case, that systems and programs give.
fn is_of_system(name: &str) -> bool {
    NAMES.contains(&name)
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Returns true if a path ends in a dot and one of these endings, in lower or upper case.
pub fn has_ending_of(endings: &[&str], path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_systems_are_passed_over_and_those_of_people_are_not() {
        let others = [
            "._IMG_1.JPG",
            "@eaDir",
            "Thumbs.db",
            "__MACOSX",
            ".DS_Store",
            "#recycle",
            ".stversions",
            "~$plan.docx",
        ];
        let more = [
            ".syncthing.a.jpg.tmp",
            ".Trash-1000",
            "a.jpg.1a2b.partial",
            "Catalog Previews.lrdata",
            "lost+found",
        ];
        for name in others.iter().chain(&more) {
            assert!(is_passed_over(Path::new(name)), "{name}");
        }
        for name in [
            "thumbs",
            "-x.jpg",
            ".hidden.jpg",
            "_a.jpg",
            "trash",
            "#1.jpg",
            "@home",
            "~a.jpg",
            "a.jpg.tmp",
            "..a",
        ] {
            assert!(!is_passed_over(Path::new(name)), "{name}");
        }
        let library = Path::new("Photos Library.photoslibrary");
        assert!(is_passed_over(&library.join("resources")) && is_passed_over(&library.join("database")));
        assert!(
            !is_passed_over(&library.join("originals"))
                && !is_passed_over(&library.join("originals/database"))
        );
    }
}
