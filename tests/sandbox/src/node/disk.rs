//! Where the kubelet keeps its files: on a disk, as everywhere. Of a file system in memory it cannot tell how full it is,
//! and then evicts nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};

/// Outlives a restart of the machine, and is never in memory by itself.
const PARENT: &str = "/var/tmp";

/// What the kubelet can measure: ext2 to ext4, XFS, Btrfs (`statfs(2)`).
const KNOWN: [u64; 3] = [0xEF53, 0x5846_5342, 0x9123_683E];

/// A directory that the sweeper removes.
#[derive(Debug)]
pub(crate) enum Disk {
    /// On a disk.
    Measured(PathBuf),
    /// In the state directory, where there is no disk that the kubelet knows.
    Unmeasured(PathBuf),
}

impl Disk {
    /// Makes a directory of this name, which nobody else has.
    pub(crate) fn prepare(name: &str, state: &Path) -> Result<Self> {
        let type_ = rustix::fs::statfs(PARENT).map(|found| found.f_type);
        let is_known = type_.is_ok_and(|type_| u64::try_from(type_).is_ok_and(|it| KNOWN.contains(&it)));
        if !is_known {
            return Ok(Self::Unmeasured(state.join("kubelet")));
        }
        let directory = Path::new(PARENT).join(name);
        fs::create_dir(&directory).context(format!("cannot create {}", directory.display()))?;
        Ok(Self::Measured(directory))
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        match self {
            Self::Measured(directory) | Self::Unmeasured(directory) => directory,
        }
    }

    /// Whether the kubelet can tell how full it is.
    pub(crate) fn is_measured(&self) -> bool {
        matches!(self, Self::Measured(_))
    }

    /// A shell script that removes it.
    pub(crate) fn removing(&self) -> String {
        format!("rm -rf -- '{}'\n", self.directory().display())
    }
}
