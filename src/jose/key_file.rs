//! The encryption key in a file beside an embedded database.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use super::JoseError;
use crate::model::{EncryptionKey, Random, Secret};

/// Reads the key from the file at `path`; makes one there where there is none and `may_make`.
pub fn read_key_file(
    path: &Path,
    may_make: bool,
    random: &dyn Random,
) -> Result<EncryptionKey, JoseError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            EncryptionKey::parse(&Secret::new(text)).map_err(|_| JoseError::KeyFile(path.into()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && may_make => {
            make(path, random).map_err(|_| JoseError::KeyFile(path.into()))?;
            read_key_file(path, false, random)
        }
        Err(_) => Err(JoseError::KeyFile(path.into())),
    }
}

/// Writes a new key to a file of its own and gives it its name when it is whole, so that of two
/// processes that start at once both read the key of one.
fn make(path: &Path, random: &dyn Random) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    // For its owner's eyes only, as tempfile makes every file.
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    writeln!(
        file,
        "{}",
        EncryptionKey::generate(random).encode().expose()
    )?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => Err(refused.error),
        Ok(_) | Err(_) => Ok(()),
    }
}
