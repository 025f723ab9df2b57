//! The names in a `--model_config_file`, a text of `model_server_config.proto` (2.16 to 2.20).

/// The models' names, in their order. Only a model has a field `name`.
pub fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let without_comments: Vec<&str> = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .collect();
    let text = without_comments.join(" ");
    let mut rest = text.as_str();
    while let Some(start) = rest.find("name") {
        let starts_a_word = !rest[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        rest = &rest[start + "name".len()..];
        let Some(value) = rest.trim_start().strip_prefix(':').map(str::trim_start) else {
            continue;
        };
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let name = value[1..].split(quote).next().unwrap_or_default();
        if starts_a_word && !name.is_empty() {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn every_model_is_named() {
        let text = "model_config_list {\n  config { name: 'a' base_path: '/models/name' model_platform: \"tensorflow\" }\n\
            # name: 'c'\n  config {\n    name : \"b\"\n    version_labels { key: 'stable' value: 1 } }\n}\n";
        assert_eq!(names(text), ["a", "b"]);
        assert!(names("model_name: 'x' name").is_empty());
    }
}
