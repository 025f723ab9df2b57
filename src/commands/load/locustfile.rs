//! `--locustfile`.

use http::Uri;

use super::aim::Aim;
use crate::Error;
use crate::commands::print::{print, say};
use crate::load::{Plan, locustfile};

/// Prints the load as a file for Locust, and says where it can be run.
///
/// # Errors
/// It is one that Locust cannot make.
pub(super) fn write(plan: &Plan, aim: &Aim) -> Result<(), Error> {
    let file = of(plan, aim, &aim.target.url)?;
    if let Some(named) = &aim.named {
        say(&named.who_reaches_it());
    }
    print(&file)
}

/// The file, for Locust that asks at this URL.
///
/// # Errors
/// It is one that Locust cannot make.
pub(super) fn of(plan: &Plan, aim: &Aim, url: &str) -> Result<String, Error> {
    let address = &aim.address;
    let url: Uri = url
        .parse()
        .map_err(|error| Error::Usage(format!("{url}: {error}")))?;
    let scheme = url.scheme_str().unwrap_or("http");
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let requests = locustfile::Requests {
        host: &format!("{scheme}://{authority}"),
        path: &address.path().to_string(),
        method: address.method().as_str(),
        headers: &address.own_headers(),
        body: address.body(),
    };
    locustfile::of(plan, &requests).map_err(|why| Error::Usage(why.to_string()))
}
