//! The host's file: changed in one step, with what it was beside it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::edit::{Entry, Format};

/// What became of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was right as it was.
    Unchanged,
    /// There was none.
    Created,
    /// It is changed, and what it was is kept.
    Changed {
        /// Where.
        backup: PathBuf,
    },
}

/// Puts the entry into the file, and keeps what the file was before the first time.
pub(super) fn install(
    path: &Path,
    format: Format,
    name: &str,
    entry: &Entry,
) -> anyhow::Result<Outcome> {
    let path = &followed(path)?;
    let Some(before) = read(path)? else {
        let folder = path.parent().context("it has no folder")?;
        fs::create_dir_all(folder)?;
        write(path, &format.put("", name, entry)?)?;
        return Ok(Outcome::Created);
    };
    let after = format.put(&before, name, entry)?;
    if after == before {
        return Ok(Outcome::Unchanged);
    }
    let backup = backup_of(path, name);
    // The entry of an earlier time is ours: what was before it is what an undo goes back to.
    if !(format.has(&before, name)? && backup.exists()) {
        // A copy has the permissions too: such files hold secrets.
        fs::copy(path, &backup)?;
    }
    write(path, &after)?;
    Ok(Outcome::Changed { backup })
}

/// Puts the file back as it was; where it has changed since, only as far as the entry goes. False
/// when there is no such entry.
pub(super) fn undo(path: &Path, format: Format, name: &str) -> anyhow::Result<bool> {
    let path = &followed(path)?;
    let Some(now) = read(path)? else {
        return Ok(false);
    };
    if !format.has(&now, name)? {
        return Ok(false);
    }
    let backup = backup_of(path, name);
    let before = read(&backup)?;
    let earlier = before.as_deref().unwrap_or_default();
    let is_untouched = format.carry(&now, earlier, name)? == now;
    match before {
        None if is_untouched => fs::remove_file(path)?,
        Some(before) if is_untouched => write(path, &before)?,
        Some(_) | None => write(path, &format.carry(earlier, &now, name)?)?,
    }
    match fs::remove_file(backup) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(true),
    }
}

/// The file itself, where the path leads to it by links.
fn followed(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(path),
        followed => followed,
    }
}

fn backup_of(path: &Path, name: &str) -> PathBuf {
    let mut backup = path.to_path_buf();
    backup.as_mut_os_string().push(format!(".before-{name}"));
    backup
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// In one step, so that a host that reads in between finds one or the other.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().context("it has no folder")?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    match fs::metadata(path) {
        Ok(metadata) => file.as_file().set_permissions(metadata.permissions())?,
        // A new file is for its owner only, as a temporary one is.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}
