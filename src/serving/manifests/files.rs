//! The settings and files of the server, in one `ConfigMap`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{METRICS_PATH, Models, Serving};

/// Where the files are mounted.
pub(super) const DIRECTORY: &str = "/etc/tf-serving";

/// One of them. Its key is a name that an environment variable may have: the container takes the whole
/// `ConfigMap` as environment, and an older kubelet complains of every key that may not be one.
pub(super) struct File {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    text: String,
}

impl File {
    pub(super) fn path(&self) -> String {
        format!("{DIRECTORY}/{}", self.name)
    }
}

impl Serving {
    /// The server tells of requests and latency only where it is asked to.
    pub(super) fn monitoring() -> File {
        File {
            key: "MONITORING_CONFIG",
            name: "monitoring.config",
            text: format!("prometheus_config {{ enable: true, path: \"{METRICS_PATH}\" }}\n"),
        }
    }

    pub(super) fn batching_file(&self) -> Option<File> {
        let batching = self.batching.as_ref()?;
        Some(File {
            key: "BATCHING_CONFIG",
            name: "batching.config",
            text: batching.file(self.cores()),
        })
    }

    pub(super) fn models_file(&self) -> Option<File> {
        let Models::File(config) = &self.models else {
            return None;
        };
        Some(File {
            key: "MODELS_CONFIG",
            name: "models.config",
            text: config.text.clone(),
        })
    }

    pub(super) fn files(&self) -> Vec<File> {
        [Some(Self::monitoring()), self.batching_file(), self.models_file()]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The environment: of one model alone, for a file of models says the same itself.
    fn environment(&self) -> BTreeMap<&'static str, String> {
        match &self.models {
            Models::One(name) => {
                BTreeMap::from([("MODEL_NAME", name.clone()), ("MODEL_PATH", self.base_path())])
            }
            Models::File(_) => BTreeMap::new(),
        }
    }

    /// The `ConfigMap`'s data.
    pub(super) fn data(&self) -> Value {
        let mut data = json!(self.environment());
        for file in self.files() {
            data[file.key] = json!(file.text);
        }
        data
    }

    /// What the annotation of the pod template says: it changes whenever the data does.
    pub(super) fn settings(&self) -> String {
        let mut files = String::new();
        for file in self.files() {
            files.extend([file.key, "\0", &file.text, "\0"]);
        }
        let mut settings = String::new();
        for (name, value) in self.environment() {
            settings.extend([name, "=", &value, " "]);
        }
        format!("{settings}files={:016x}", fingerprint(&files))
    }
}

/// FNV-1a: the same in every release of this program, and nobody who could choose the text gains by a
/// collision.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fingerprint_is_fnv_1a() {
        // Test vectors of the FNV authors.
        assert_eq!(super::fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::fingerprint("foobar"), 0x8594_4171_f739_67e8);
    }
}
