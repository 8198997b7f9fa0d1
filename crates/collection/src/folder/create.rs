//! Creating and opening of folders.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    path::Path,
    process,
    sync::{Arc, Mutex},
};

use atomic_file::WriteLock;
use burn::tensor::Device;
use index::Index;
use rusqlite::Connection;

use super::{
    CATALOGUE, Folder, QUANTISER, SEGMENTS, late_connection::LateConnection, network_drive, view::View,
};
pub use crate::catalogue::Access;
use crate::{
    catalogue::{self, settings},
    engine::{Description, shared::accepted_quantiser},
    error::{Error, Result},
    hashed_file::{hex, record_of},
};

/// Key of the SHA-256 of the quantiser's file.
const FINGERPRINT: &str = "quantiser_sha256";
/// Key of the kind of the witnesses.
const WITNESS_KIND: &str = "witness_kind";

/// Creates a collection in a new or an empty folder, with the quantisers of an index, for witnesses of a kind or for none.
pub fn create(path: &Path, quantiser: &Index, witness_kind: Option<&str>) -> Result<Folder> {
    let quantiser = accepted_quantiser(quantiser)?;
    fs::create_dir_all(path).map_err(Error::io(path))?;
    let _turn = WriteLock::acquire(&path.join(CATALOGUE), || ()).map_err(Error::io(path))?;
    require_empty(path)?;
    let segments = path.join(SEGMENTS);
    fs::create_dir_all(&segments).map_err(Error::io(&segments))?;
    let file = path.join(QUANTISER);
    quantiser.write(&file)?;
    // The catalogue comes last: a folder without one is no collection.
    make_catalogue(path, &hex(&record_of(&file)?.sha256), witness_kind)?;
    open(path, &quantiser.device())
}

/// Checks that a folder has no content but what a killed creation left: everything except the catalogue.
fn require_empty(path: &Path) -> Result<()> {
    for file in fs::read_dir(path).map_err(Error::io(path))? {
        let file = file.map_err(Error::io(path))?;
        let name = file.file_name().to_string_lossy().into_owned();
        let is_empty_folder = || fs::read_dir(file.path()).is_ok_and(|mut content| content.next().is_none());
        let is_left_over = match name.as_str() {
            QUANTISER => true,
            SEGMENTS => is_empty_folder(),
            _ => name.starts_with(".active-index-") || name.starts_with(&format!(".{CATALOGUE}.")),
        };
        if !is_left_over {
            return Err(Error::Exists(path.to_owned()));
        }
    }
    Ok(())
}

/// Writes the catalogue aside and renames it into place.
fn make_catalogue(path: &Path, fingerprint: &str, witness_kind: Option<&str>) -> Result<()> {
    let aside = path.join(format!(".{CATALOGUE}.{}", process::id()));
    // A killed creation of a process with this number may have left one.
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io(&aside)(error)),
        _ => {}
    }
    let connection = catalogue::create(&aside)?;
    let facts = [Some((FINGERPRINT, fingerprint)), witness_kind.map(|kind| (WITNESS_KIND, kind))];
    for (key, value) in facts.into_iter().flatten() {
        settings::set(&connection, key, value).map_err(Error::catalogue(&aside))?;
    }
    connection.close().map_err(|(_, error)| Error::catalogue(&aside)(error))?;
    let catalogue = path.join(CATALOGUE);
    fs::rename(&aside, &catalogue).map_err(Error::io(&catalogue))?;
    // Only Unix opens and syncs folders.
    if cfg!(unix) {
        File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::io(path))
    } else {
        Ok(())
    }
}

/// Opens the collection in a folder, with its quantiser on `device`; for reading alone where the medium allows no more.
pub fn open(path: &Path, device: &Device) -> Result<Folder> {
    let catalogue_path = path.join(CATALOGUE);
    if !catalogue_path.is_file() {
        return Err(Error::NotACollection(path.to_owned()));
    }
    let access = access(&catalogue_path)?;
    let connection = catalogue::open(&catalogue_path, access)?;
    let file = path.join(QUANTISER);
    let quantiser = Arc::new(Index::open(&file, device)?);
    let recorded = |key| settings::get(&connection, key).map_err(Error::catalogue(&catalogue_path));
    let (fingerprint, witness_kind): (Option<String>, _) = (recorded(FINGERPRINT)?, recorded(WITNESS_KIND)?);
    let description = Description {
        location: path.display().to_string(),
        d: quantiser.d(),
        factory: quantiser.factory().to_string(),
        fingerprint: fingerprint.unwrap_or_default(),
        witness_kind,
    };
    let view = Mutex::new(Arc::new(View::empty(&quantiser)?));
    let folder = Folder {
        path: path.to_owned(),
        access,
        quantiser,
        description,
        warnings: network_drive::warning(path).into_iter().collect(),
        connection: Mutex::new(connection),
        lists: LateConnection::default(),
        changes: LateConnection::default(),
        view,
        compaction: Mutex::new(None),
    };
    folder.refreshed()?;
    Ok(folder)
}

/// Access that the medium and the file's permissions allow.
fn access(catalogue: &Path) -> Result<Access> {
    match OpenOptions::new().read(true).write(true).open(catalogue) {
        Ok(_) => Ok(Access::Write),
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
            Ok(Access::Read)
        }
        Err(error) => Err(Error::io(catalogue)(error)),
    }
}

/// Opens a second connection to a folder's catalogue.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    catalogue::open(&path.join(CATALOGUE), Access::Write)
}
