//! What TensorFlow Serving writes when it finds no model, or cannot load one (`file_system_storage_path_source.cc`,
//! `basic_manager.cc`, `retrier.cc`, 2.16 to 2.20).

/// What the server does not find.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::diagnosis) enum Missing<'a> {
    /// A directory whose name is a number, under the base path.
    Version { model: &'a str, path: &'a str },
    /// The base path.
    Path { model: &'a str, path: &'a str },
    /// A file system of the scheme of the base path, where that is told.
    Scheme {
        scheme: &'a str,
        model: Option<&'a str>,
        path: &'a str,
    },
}

impl<'a> Missing<'a> {
    /// The base path.
    pub(in crate::diagnosis) fn path(&self) -> &'a str {
        match self {
            Self::Version { path, .. } | Self::Path { path, .. } | Self::Scheme { path, .. } => path,
        }
    }

    /// The model, where it is told.
    pub(in crate::diagnosis) fn model(&self) -> Option<&'a str> {
        match self {
            Self::Version { model, .. } | Self::Path { model, .. } => Some(model),
            Self::Scheme { model, .. } => *model,
        }
    }
}

/// What a line says is missing, and the part that says so.
pub(in crate::diagnosis) fn missing(text: &str) -> Option<(Missing<'_>, &str)> {
    if let Some((_, scheme)) = text.split_once("File system scheme '") {
        let (scheme, _) = scheme.split_once('\'')?;
        let of_path = from(text, "Could not find base path ");
        let said = of_path.or_else(|| from(text, "File system scheme "))?;
        let (model, path) = of_path.and_then(base_path).unzip();
        let path = path.unwrap_or_default();
        return Some((Missing::Scheme { scheme, model, path }, said));
    }
    if let Some(said) = from(text, "No versions of servable ") {
        // `. Did you forget to name your leaf directory as a number (eg. '/1/')?`
        let said = said.split(". Did you").next().unwrap_or(said);
        let (model, path) = said
            .strip_prefix("No versions of servable ")?
            .split_once(" found under base path ")?;
        return Some((Missing::Version { model, path }, said));
    }
    if let Some(said) = from(text, "Unable to find a numerical version path for servable ") {
        let (model, path) = said
            .strip_prefix("Unable to find a numerical version path for servable ")?
            .split_once(" at: ")?;
        return Some((Missing::Version { model, path }, said));
    }
    let said = from(text, "Could not find base path ")?;
    let (model, path) = base_path(said)?;
    Some((Missing::Path { model, path }, said))
}

/// Model and path of `Could not find base path PATH for servable MODEL[ with error …]`.
fn base_path(said: &str) -> Option<(&str, &str)> {
    let (path, rest) = said
        .strip_prefix("Could not find base path ")?
        .split_once(" for servable ")?;
    let model = rest.split_once(" with error ").map_or(rest, |(model, _)| model);
    Some((model, path))
}

/// Whether a line says that a version of a model was found.
pub(in crate::diagnosis) fn is_found(text: &str, model: &str) -> bool {
    let version = format!("{{name: {model} version: ");
    text.contains(&version) && !text.contains("Unable to find")
}

/// A model that was found and could not be loaded.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::diagnosis) struct Failed<'a> {
    /// The model.
    pub(in crate::diagnosis) model: &'a str,
    /// Its version.
    pub(in crate::diagnosis) version: &'a str,
    /// Why, in TensorFlow's words.
    pub(in crate::diagnosis) error: &'a str,
}

/// What a line says could not be loaded: `Loading servable: {name: m version: 1} failed: ERROR`.
pub(in crate::diagnosis) fn failed(text: &str) -> Option<Failed<'_>> {
    let (_, rest) = text.split_once("Loading servable: {name: ")?;
    let (model, rest) = rest.split_once(" version: ")?;
    let (version, error) = rest.split_once("} failed: ")?;
    Some(Failed {
        model,
        version,
        error,
    })
}

/// Whether a line says that a version of a model is served.
pub(in crate::diagnosis) fn is_loaded(text: &str, failed: &Failed<'_>) -> bool {
    let version = format!("{{name: {} version: {}}}", failed.model, failed.version);
    text.contains("Successfully loaded servable version ") && text.contains(&version)
}

/// The text from its first `start` on: what is before tells time and place in the program.
fn from<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.get(text.find(start)?..)
}

/// The directory above a path that ends in a number.
pub(in crate::diagnosis) fn above_version(path: &str) -> Option<&str> {
    let (parent, last) = path.trim_end_matches('/').rsplit_once('/')?;
    let number = !last.is_empty() && last.chars().all(|it| it.is_ascii_digit());
    (number && !parent.is_empty()).then_some(parent)
}

#[cfg(test)]
mod tests {
    use super::Missing::{self, Path, Scheme, Version};
    use super::{Failed, above_version, failed, is_found, is_loaded, missing};

    fn read(text: &str) -> Option<Missing<'_>> {
        missing(text).map(|(found, _)| found)
    }

    #[test]
    fn the_servers_words_are_understood() {
        let said = missing(
            "2026-11-24 09:59:59.1: W a/b.cc:268] No versions of servable m found under base path /models/m. \
             Did you forget to name your leaf directory as a number (eg. '/1/')?",
        );
        let (model, path) = ("m", "/models/m");
        let words = "No versions of servable m found under base path /models/m";
        assert_eq!(said, Some((Version { model, path }, words)));
        let path = "s3://b/m/1/";
        assert_eq!(
            read("No versions of servable m found under base path s3://b/m/1/"),
            Some(Version { model, path })
        );
        let error = "E a/b.cc:362] FileSystemStoragePathSource encountered a filesystem access error: ";
        let path = "/mnt/m";
        for rest in ["", " with error NOT_FOUND: /mnt/m not found"] {
            let line = format!("{error}Could not find base path /mnt/m for servable m{rest}");
            assert_eq!(read(&line), Some(Path { model, path }));
        }
        let line = format!(
            "{error}Could not find base path s3://b/m for servable m with error UNIMPLEMENTED: \
             File system scheme 's3' not implemented (file: 's3://b/m')"
        );
        let (scheme, path) = ("s3", "s3://b/m");
        let model = Some(model);
        assert_eq!(read(&line), Some(Scheme { scheme, model, path }));
        assert_eq!(
            read("File system scheme 's3' not implemented"),
            Some(Scheme {
                scheme,
                model: None,
                path: ""
            })
        );
        assert_eq!(
            read("Successfully loaded servable version {name: m version: 1}"),
            None
        );
    }

    #[test]
    fn a_failed_load_is_told_from_a_good_one() {
        let line = "E tensorflow_serving/util/retrier.cc:37] Loading servable: {name: m version: 2} failed: Not found: \
                    Op type not registered";
        let found = failed(line);
        let error = "Not found: Op type not registered";
        let (model, version) = ("m", "2");
        assert_eq!(
            found,
            Some(Failed {
                model,
                version,
                error
            })
        );
        let found = found.into_iter().next();
        let loaded = |text: &str| found.as_ref().is_some_and(|found| is_loaded(text, found));
        assert!(loaded(
            "Successfully loaded servable version {name: m version: 2}"
        ));
        assert!(!loaded(
            "Successfully loaded servable version {name: m version: 1}"
        ));
        assert!(!loaded(line));
        let reserved = "Successfully reserved resources to load servable {name: m version: 2}";
        assert!(is_found(reserved, "m") && !is_found(reserved, "mm") && failed(reserved).is_none());
    }

    #[test]
    fn a_version_at_the_end_of_a_path_is_seen() {
        assert_eq!(above_version("/models/m/1/"), Some("/models/m"));
        assert_eq!(above_version("gs://b/m/20240101"), Some("gs://b/m"));
        for path in ["/models/m", "/1", "1", "", "/models/v1"] {
            assert_eq!(above_version(path), None, "{path}");
        }
    }
}
