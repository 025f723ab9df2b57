//! What TensorFlow Serving writes when it finds no model (`file_system_storage_path_source.cc`, 2.16 to 2.20).

/// What the server does not find.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::diagnosis) enum Missing<'a> {
    /// A directory whose name is a number, under the base path.
    Version { model: &'a str, path: &'a str },
    /// The base path.
    Path { model: &'a str, path: &'a str },
    /// A file system of the scheme of the base path, where that is told.
    Scheme { scheme: &'a str, path: &'a str },
}

impl<'a> Missing<'a> {
    /// The base path.
    pub(in crate::diagnosis) fn path(&self) -> &'a str {
        match self {
            Self::Version { path, .. } | Self::Path { path, .. } | Self::Scheme { path, .. } => path,
        }
    }
}

/// What a line says is missing, and the part that says so.
pub(in crate::diagnosis) fn missing(text: &str) -> Option<(Missing<'_>, &str)> {
    if let Some((_, scheme)) = text.split_once("File system scheme '") {
        let (scheme, _) = scheme.split_once('\'')?;
        let said = from(text, "Could not find base path ").or_else(|| from(text, "File system scheme "))?;
        let path = said
            .strip_prefix("Could not find base path ")
            .and_then(|rest| rest.split(' ').next());
        return Some((
            Missing::Scheme {
                scheme,
                path: path.unwrap_or_default(),
            },
            said,
        ));
    }
    if let Some(said) = from(text, "No versions of servable ") {
        // `. Did you forget to name your leaf directory as a number (eg. '/1/')?`
        let said = said.split(". Did you").next().unwrap_or(said);
        let (model, path) = said
            .strip_prefix("No versions of servable ")?
            .split_once(" found under base path ")?;
        return Some((Missing::Version { model, path }, said));
    }
    let said = from(text, "Could not find base path ")?;
    let (path, rest) = said
        .strip_prefix("Could not find base path ")?
        .split_once(" for servable ")?;
    let model = rest.split_once(" with error ").map_or(rest, |(model, _)| model);
    Some((Missing::Path { model, path }, said))
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
    use super::{above_version, missing};

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
        assert_eq!(read(&line), Some(Scheme { scheme, path }));
        assert_eq!(
            read("File system scheme 's3' not implemented"),
            Some(Scheme { scheme, path: "" })
        );
        assert_eq!(
            read("Successfully loaded servable version {name: m version: 1}"),
            None
        );
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
