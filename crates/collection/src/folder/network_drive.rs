//! Recognition of network drives, on which SQLite's write-ahead log does not hold.

use std::path::Path;

/// Warning for a folder on a network drive.
pub fn warning(path: &Path) -> Option<String> {
    let kind = kind(path)?;
    Some(format!(
        "{}: lies on a network drive ({kind}), where processes of several machines must not use it at once; \
         one machine at a time may",
        path.display()
    ))
}

/// Name of the file system, if it is one of a network.
#[cfg(target_os = "linux")]
fn kind(path: &Path) -> Option<&'static str> {
    use std::{ffi::CString, mem::MaybeUninit, os::unix::ffi::OsStrExt};

    /// Numbers of network file systems, see `statfs(2)`.
    const NETWORKS: [(i64, &str); 8] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x5346_414f, "AFS"),
        (0x7375_7245, "Coda"),
        (0x564c, "NCP"),
        (0x0bd0_0bd0, "Lustre"),
    ];

    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path ends with a zero byte, and `statfs` fills the structure if it returns 0.
    let number = unsafe {
        if libc::statfs(path.as_ptr(), found.as_mut_ptr()) != 0 {
            return None;
        }
        found.assume_init().f_type
    };
    // The number's type and sign differ between C libraries.
    let number = number as i64 & 0xffff_ffff;
    NETWORKS.into_iter().find(|(network, _)| *network == number).map(|(_, name)| name)
}

/// File systems are told apart on Linux alone.
#[cfg(not(target_os = "linux"))]
fn kind(_path: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_folder_is_no_network_drive() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(warning(folder.path()), None);
    }
}
