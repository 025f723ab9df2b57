//! `--locustfile`.

use http::Uri;
use http::header::{HOST, USER_AGENT};

use super::address::OUR_NAME;
use super::aim::Aim;
use crate::Error;
use crate::commands::print::print;
use crate::load::{Plan, locustfile};

/// Prints the load as a file for Locust.
///
/// # Errors
/// It is one that Locust cannot make.
pub(super) fn write(plan: &Plan, aim: &Aim) -> Result<(), Error> {
    let address = &aim.address;
    let url = &aim.target.url;
    let url: Uri = url
        .parse()
        .map_err(|error| Error::Usage(format!("{url}: {error}")))?;
    let scheme = url.scheme_str().unwrap_or("http");
    let authority = url.authority().map_or("", |authority| authority.as_str());
    // What Locust says by itself is left to it.
    let own = |name: &http::HeaderName, value: &str| {
        (name == HOST && value == authority) || (name == USER_AGENT && value == OUR_NAME)
    };
    let headers: Vec<(String, String)> = address
        .headers()
        .iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(value.as_bytes())))
        .filter(|(name, value)| !own(name, value))
        .map(|(name, value)| (name.to_string(), value.into_owned()))
        .collect();
    let requests = locustfile::Requests {
        host: &format!("{scheme}://{authority}"),
        path: &address.path().to_string(),
        method: address.method().as_str(),
        headers: &headers,
        body: address.body(),
    };
    let file = locustfile::of(plan, &requests).map_err(|why| Error::Usage(why.to_string()))?;
    print(&file)
}
