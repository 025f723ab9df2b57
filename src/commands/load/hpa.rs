//! Which HPA is watched.

use super::aim::Aim;
use super::watch::Watch;
use crate::Error;
use crate::cli::{GlobalArgs, LoadArgs};
use crate::cluster::{Cluster, named_hpas, reach, scaled_by};
use crate::commands::print::say;
use crate::facts::Hpa;

/// What is watched, or why nothing is.
pub(super) enum Watched {
    /// An HPA.
    Hpa(Box<Watch>),
    /// None, where one could have been expected: why.
    Nothing(String),
    /// None, and nobody asked for one.
    NotAsked,
}

/// Finds it, and begins to follow it.
///
/// # Errors
/// The one that was named cannot be read, or there are several.
pub(super) async fn watch(global: &GlobalArgs, args: &LoadArgs, aim: &Aim) -> Result<Watched, Error> {
    let connect = || -> Result<Cluster, Error> {
        let known = aim.named.as_ref().and_then(|named| named.cluster()).cloned();
        Ok(known.map_or_else(|| Cluster::connect(&global.connect_options()), Ok)?)
    };
    let watched = if let Some(name) = &args.hpa {
        let cluster = connect()?;
        let found = named_hpas(&cluster, &cluster.namespace, name).await?;
        let hpa = only(found, &format!("--hpa {name}"))?;
        Watched::Hpa(Box::new(Watch::start(&cluster, &hpa).await?))
    } else if let Some(named) = &aim.named {
        let cluster = connect()?;
        let what = named
            .target()
            .map_or_else(|| args.name.clone().unwrap_or_default(), reach::Target::title);
        let found = match named.target() {
            Some(target) => scaled_by(&cluster, target).await,
            None => named_hpas(&cluster, &cluster.namespace, &what).await,
        };
        // Without the HPA the load is still a load.
        match found {
            Ok(found) if found.is_empty() => Watched::Nothing(format!("no HPA scales {what}")),
            Ok(found) => {
                let hpa = only(found, &what)?;
                match Watch::start(&cluster, &hpa).await {
                    Ok(watch) => Watched::Hpa(Box::new(watch)),
                    Err(error) => Watched::Nothing(format!("HPA {}: {error}", hpa.name)),
                }
            }
            Err(error) => Watched::Nothing(error.to_string()),
        }
    } else {
        Watched::NotAsked
    };
    tell(args, &watched)?;
    Ok(watched)
}

fn tell(args: &LoadArgs, watched: &Watched) -> Result<(), Error> {
    let why = match watched {
        Watched::Hpa(_) => return Ok(()),
        Watched::Nothing(why) => why.as_str(),
        Watched::NotAsked => "name one with --hpa",
    };
    let flag = match (args.plan.until_max_replicas, args.plan.cool_down) {
        (true, _) => "--until-max-replicas",
        (false, Some(_)) => "--cool-down",
        (false, None) => {
            if let Watched::Nothing(why) = watched {
                say(&format!("no HPA is watched: {why}"));
            }
            return Ok(());
        }
    };
    Err(Error::Usage(format!("{flag} needs an HPA: {why}")))
}

/// The only one.
fn only(found: Vec<Hpa>, of: &str) -> Result<Hpa, Error> {
    let names: Vec<String> = found.iter().map(|hpa| hpa.name.clone()).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(hpa), None) => Ok(hpa),
        _ => Err(Error::Usage(format!(
            "{of} is scaled by {} HPAs: {}; choose the one to watch with `--hpa`, and see what they do to each other with \
             `kubectl tfserve explain-hpa`",
            names.len(),
            names.join(", ")
        ))),
    }
}
