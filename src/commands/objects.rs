//! How the commands that write tell what they wrote.

use std::io::Write as _;

use serde_json::{Value, json};

use super::diff;
use crate::Error;
use crate::cli::{ApplyArgs, DryRun, ObjectFormat};
use crate::cluster::apply::{Applied, ApplyOptions};
use crate::output::escape;
use crate::serving::manifest::Manifest;

/// The options of the apply.
pub(super) fn options(args: &ApplyArgs) -> ApplyOptions {
    ApplyOptions {
        field_manager: args.field_manager.clone(),
        force: args.force_conflicts,
        dry_run: args.dry_run == DryRun::Server,
    }
}

/// `--dry-run=client`: the manifests, or a line for each.
pub(super) fn print_manifests(args: &ApplyArgs, manifests: &[Manifest]) -> Result<(), Error> {
    let mut out = anstream::stdout();
    if let Some(format) = args.output {
        let values: Vec<Value> = manifests
            .iter()
            .map(|manifest| manifest.value().clone())
            .collect();
        out.write_all(render(format, &values)?.as_bytes())?;
        return Ok(());
    }
    for manifest in manifests {
        writeln!(out, "{} created (dry run)", manifest.resource_name())?;
    }
    Ok(())
}

/// Tells of every apply as it happens, and keeps the objects for `-o`.
pub(super) struct Report {
    format: Option<ObjectFormat>,
    suffix: &'static str,
    objects: Vec<Value>,
}

impl Report {
    /// Starts with nothing applied.
    pub(super) fn new(args: &ApplyArgs) -> Self {
        let suffix = if args.dry_run == DryRun::Server {
            " (server dry run)"
        } else {
            ""
        };
        Self {
            format: args.output,
            suffix,
            objects: Vec::new(),
        }
    }

    /// Whether standard output is for objects alone.
    pub(super) fn is_structured(&self) -> bool {
        self.format.is_some()
    }

    /// One object was applied.
    pub(super) fn applied(&mut self, manifest: &Manifest, applied: &Applied) -> Result<(), Error> {
        self.objects.push(applied.object.clone());
        if self.format.is_none() {
            let name = manifest.resource_name();
            if !self.suffix.is_empty() {
                let changes = diff::diff(&name, applied.before.as_ref(), &applied.object)?;
                write!(anstream::stdout(), "{changes}")?;
            }
            writeln!(anstream::stdout(), "{name} {}{}", applied.outcome, self.suffix)?;
        }
        Ok(())
    }

    /// All objects were applied.
    pub(super) fn finish(&self) -> Result<(), Error> {
        if let Some(format) = self.format {
            anstream::stdout().write_all(render(format, &self.objects)?.as_bytes())?;
        }
        Ok(())
    }

    /// Prints lines that are the command's result; with `-o` they are talk.
    pub(super) fn lines(&self, lines: &[String]) -> Result<(), Error> {
        for line in lines.iter().map(|line| escape::line(line)) {
            if self.format.is_none() {
                writeln!(anstream::stdout(), "{line}")?;
            } else {
                writeln!(anstream::stderr(), "{line}")?;
            }
        }
        Ok(())
    }
}

fn render(format: ObjectFormat, objects: &[Value]) -> Result<String, Error> {
    let unprintable = |error: String| Error::Output(std::io::Error::other(error));
    match format {
        ObjectFormat::Yaml => {
            let documents: Result<Vec<String>, _> = objects.iter().map(serde_saphyr::to_string).collect();
            Ok(documents
                .map_err(|error| unprintable(error.to_string()))?
                .join("---\n"))
        }
        ObjectFormat::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": objects});
            let value = if let [single] = objects { single } else { &list };
            let text = serde_json::to_string_pretty(value).map_err(|error| unprintable(error.to_string()))?;
            Ok(format!("{text}\n"))
        }
    }
}
