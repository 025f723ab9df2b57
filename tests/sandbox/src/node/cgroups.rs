//! Control groups, and the settings of the kernel that a kubelet changes: both lie outside every namespace.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";
/// What a kubelet sets at its start (`pkg/kubelet/cm/container_manager_linux.go`, 1.37).
const SETTINGS: [&str; 5] = [
    "vm/overcommit_memory",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

/// The control groups of one node.
#[derive(Clone, Debug)]
pub(crate) struct Cgroups {
    name: String,
}

impl Cgroups {
    /// One group of the given name in every hierarchy.
    pub(crate) fn create(name: &str) -> Result<Self> {
        for hierarchy in hierarchies()? {
            let directory = hierarchy.join(name);
            let what = || format!("cannot create {}", directory.display());
            fs::create_dir_all(&directory).context(what())?;
            // A new group of this controller (version 1) has no cores and no memory.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let from = hierarchy.join(file);
                if from.is_file() {
                    let text = fs::read_to_string(&from).context(what())?;
                    fs::write(directory.join(file), text.trim()).context(what())?;
                }
            }
            // Version 2: not verified on a machine of ours.
            let control = hierarchy.join("cgroup.subtree_control");
            if hierarchy == Path::new(ROOT) && control.is_file() {
                for file in [control, directory.join("cgroup.subtree_control")] {
                    fs::write(file, "+cpuset +cpu +io +memory +pids").context(what())?;
                }
            }
        }
        Ok(Self {
            name: name.to_owned(),
        })
    }

    /// The path of the group in each hierarchy, as `cgroupRoot` of a kubelet wants it.
    pub(crate) fn path(&self) -> String {
        format!("/{}", self.name)
    }
}

fn hierarchies() -> Result<Vec<PathBuf>> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let entries = fs::read_dir(root).context(format!("cannot list {ROOT}"))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        // Links such as `cpu` of `cpu,cpuacct` would be the same hierarchy twice.
        .filter(|path| path.is_dir() && !path.is_symlink())
        .collect();
    found.sort();
    Ok(found)
}

/// A shell script that removes the groups of that name and writes the settings as they are now.
///
/// A group can be removed a moment after its last process has ended, so it tries again.
pub(crate) fn restoring(name: &str) -> String {
    let mut script = format!(
        r#"n=0
while [ "$n" -lt 100 ]; do
    left=""
    for group in {ROOT}/{name} {ROOT}/*/{name}; do
        if [ -d "$group" ]; then
            find "$group" -depth -type d -exec rmdir {{}} + 2>/dev/null || left="$group"
        fi
    done
    [ -z "$left" ] && break
    sleep 0.05
    n=$((n + 1))
done
"#
    );
    for setting in SETTINGS {
        if let Ok(value) = fs::read_to_string(format!("/proc/sys/{setting}")) {
            script += "echo ";
            script += value.trim();
            script += " > /proc/sys/";
            script += setting;
            script += "\n";
        }
    }
    script
}
