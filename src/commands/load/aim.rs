//! What is loaded: an address, or what a name leads to, by the way that a load may take.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper::body::Bytes;

use super::address::Address;
use super::forwards::Forwards;
use super::{files, tls};
use crate::Error;
use crate::cli::{GlobalArgs, LoadArgs, ViaArg};
use crate::cluster::reach::{self, Backend, Via, Way};
use crate::cluster::{Cluster, DEFAULT_DEADLINE};
use crate::commands::print::say;
use crate::commands::served::{self, Served, Sought};
use crate::load::report::Target;
use crate::serving::request;

/// What is loaded.
pub(super) struct Aim {
    /// Where requests go and what they say.
    pub(super) address: Arc<Address>,
    /// The same for the report.
    pub(super) target: Target,
    /// In a few words.
    pub(super) title: String,
    /// Whose it is, where that is a reason to ask before.
    pub(super) foreign: Option<String>,
    /// What the name led to; none where an address was given.
    pub(super) named: Option<Named>,
}

/// What a name led to.
pub(super) struct Named {
    served: Served,
    body: Bytes,
}

impl Named {
    /// The cluster; none where an address was given beside the name.
    pub(super) fn cluster(&self) -> Option<&Cluster> {
        self.served.cluster.as_ref()
    }

    /// The Service or the Deployment; none where an address was given beside the name.
    pub(super) fn target(&self) -> Option<&reach::Target> {
        self.served.reach.target.as_ref()
    }

    /// The URL at which pods of the cluster ask, and whose Service that is.
    ///
    /// # Errors
    /// The name leads to no Service.
    pub(super) fn inside(&self) -> Result<(String, &reach::Target), Error> {
        let Some(target) = self.target() else {
            return Err(Error::Usage(
                "a load in the cluster needs the name of a Service, and no --address".to_owned(),
            ));
        };
        let Backend::Service(front) = &target.backend else {
            return Err(Error::Usage(format!(
                "{} has no Service of its own, so nothing spreads requests over its pods inside the cluster; make one, or leave \
                 --distributed out",
                target.title()
            )));
        };
        let host = match &front.cluster_ip {
            Some(address) if address.contains(':') => format!("[{address}]"),
            Some(address) => address.clone(),
            None => format!("{}.{}.svc", target.name, target.namespace),
        };
        let path = self.served.predict_path();
        Ok((format!("http://{host}:{}{path}", front.port), target))
    }

    /// From where the address of this load can be asked, in words.
    pub(super) fn who_reaches_it(&self) -> String {
        match &self.served.reach.way {
            Way::PortForward { .. } => match self.target().map(|target| &target.backend) {
                Some(Backend::Service(_)) => "no address of it was reached from here: HOST is the Service's name inside the cluster, so run the file \
                     in a pod, or let `--distributed` do so"
                    .to_owned(),
                _ => "no address of it was reached from here: HOST needs `kubectl port-forward` beside Locust".to_owned(),
            },
            way => format!("HOST is {way}, as reached from this machine; another may not reach it"),
        }
    }

    /// Sends one request: what the model cannot understand makes no load. The exit code where it does not.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn try_once(&self) -> Result<Option<u8>, Error> {
        let reply = self.served.predict(&self.body).await?;
        // What an overloaded server answers is for the report to tell.
        if !(400..500).contains(&reply.status) || reply.status == 429 {
            return Ok(None);
        }
        let code = self.served.refused(&reply, &self.body).await;
        anstream::eprintln!("the model refused the first request, so no load was made");
        Ok(Some(code))
    }
}

/// Finds it. The inner error is an exit code: what was wrong has been told.
///
/// # Errors
/// The command line is not understood, or nothing answers.
pub(super) async fn take(global: &GlobalArgs, args: &LoadArgs) -> Result<Result<Aim, u8>, Error> {
    match (&args.url, &args.name) {
        (Some(url), _) => at_url(args, url).await.map(Ok),
        (None, Some(name)) => at_name(global, args, name).await,
        (None, None) => Err(Error::Usage("name what to load, or give its --url".to_owned())),
    }
}

async fn at_url(args: &LoadArgs, text: &str) -> Result<Aim, Error> {
    let body = files::body(args.filename.as_deref())?;
    let url: Uri = text
        .parse()
        .map_err(|error| Error::Usage(format!("--url {text}: {error}")))?;
    let address = Address::prepare(&url, &args.headers, body, || {
        tls::connector(args.ca_file.as_deref())
    })
    .await?;
    Ok(Aim {
        target: target(&address, url.to_string(), "this machine, directly".to_owned()),
        foreign: of_others(&address, &url),
        title: url.to_string(),
        address,
        named: None,
    })
}

/// An address of another machine is somebody's.
fn of_others(address: &Address, url: &Uri) -> Option<String> {
    let host = url.host().unwrap_or_default();
    (!address.is_loopback()).then(|| format!("{host} is not this machine"))
}

async fn at_name(global: &GlobalArgs, args: &LoadArgs, name: &str) -> Result<Result<Aim, u8>, Error> {
    let served = served::find(
        global,
        &Sought {
            name,
            model: &args.model,
            reach: &args.reach,
            via: via(args)?,
            timeout: timeout(global.request_timeout),
            timeout_flag: "--request-timeout",
        },
    )
    .await?;
    let body = match body(args, &served).await? {
        Ok(body) => body,
        Err(code) => return Ok(Err(code)),
    };
    let path = served.predict_path();
    let (address, target) = match &served.reach.way {
        Way::Direct { url, .. } => {
            let url: Uri = format!("{}{path}", url.trim_end_matches('/'))
                .parse()
                .map_err(|error| Error::Usage(format!("{url}{path}: {error}")))?;
            let tls = || tls::connector(args.ca_file.as_deref());
            let address = Address::prepare(&url, &args.headers, Some(body.clone()), tls).await?;
            let target = target(&address, url.to_string(), measured_from(&served));
            (address, target)
        }
        Way::PortForward { namespace, port, .. } => {
            let forwards = forwards(&served, namespace, *port).await?;
            let address = Address::forwarded(forwards, &path, &args.headers, Some(body.clone()))?;
            let target = target(&address, inner_url(&served, *port, &path), measured_from(&served));
            (address, target)
        }
        Way::Proxy(_) => return Err(proxy_refused()),
    };
    for way in &served.reach.passed_over {
        say(&format!("not      {way}"));
    }
    Ok(Ok(Aim {
        title: title(&served, &target.url),
        foreign: foreign(&served, &address, &target.url),
        address,
        target,
        named: Some(Named { served, body }),
    }))
}

fn timeout(given: Option<Duration>) -> Duration {
    given
        .filter(|timeout| !timeout.is_zero())
        .unwrap_or(DEFAULT_DEADLINE)
}

fn via(args: &LoadArgs) -> Result<Via, Error> {
    match args.reach.via {
        Some(ViaArg::Proxy) => Err(proxy_refused()),
        None => Ok(Via::AnyButProxy),
        Some(_) => Ok(args.reach.via()),
    }
}

fn proxy_refused() -> Error {
    Error::Usage(
        "the API server's proxy is no benchmark: every request would pass the API server, which others need too; \
         leave --via out, or take `--via port-forward`"
            .to_owned(),
    )
}

/// The body of every request, or an exit code.
async fn body(args: &LoadArgs, served: &Served) -> Result<Result<Bytes, u8>, Error> {
    if args.example {
        return Ok(served.example().await?.map(|example| {
            say(&example.of);
            Bytes::from(example.request)
        }));
    }
    let Some(text) = files::body(args.filename.as_deref())? else {
        return Err(Error::Usage(
            "give the request with `-f request.json`, or let `--example` make one from the model's signature"
                .to_owned(),
        ));
    };
    request::prepare(&text, args.model.signature.as_deref())
        .map(|body| Ok(Bytes::from(body)))
        .map_err(|why| Error::Usage(format!("cannot send the request: {why}; nothing was sent")))
}

async fn forwards(served: &Served, namespace: &str, port: u16) -> Result<Forwards, Error> {
    let (Some(cluster), Some(target)) = (&served.cluster, &served.reach.target) else {
        return Err(Error::Usage("a port-forward needs a cluster".to_owned()));
    };
    let pods = target.ready_pod_names(cluster).await.map_err(Error::Incomplete)?;
    Ok(Forwards::new(cluster.clone(), namespace.to_owned(), port, pods))
}

/// As a pod of the cluster would call it.
fn inner_url(served: &Served, port: u16, path: &str) -> String {
    match &served.reach.target {
        Some(reach::Target {
            namespace,
            name,
            backend: Backend::Service(front),
            ..
        }) => format!("http://{name}.{namespace}.svc:{}{path}", front.port),
        _ => format!("http://localhost:{port}{path}"),
    }
}

fn measured_from(served: &Served) -> String {
    let alone = served
        .reach
        .target
        .as_ref()
        .is_some_and(|target| target.backend == Backend::Pods);
    match &served.reach.way {
        Way::PortForward { .. } => {
            "this machine, through port-forwards to the ready pods: the API server and a kubelet are part of every latency"
                .to_owned()
        }
        way if alone => format!("this machine, through {way}: one pod alone, those that come later get nothing"),
        way => format!("this machine, through {way}"),
    }
}

fn title(served: &Served, url: &str) -> String {
    match &served.reach.target {
        Some(target) => format!("{}, model {}", target.title(), served.model),
        None => url.to_owned(),
    }
}

/// What `up` did not make is asked for.
fn foreign(served: &Served, address: &Address, url: &str) -> Option<String> {
    let Some(target) = &served.reach.target else {
        return of_others(address, &url.parse().ok()?);
    };
    let cluster = served.cluster.as_ref().map(Cluster::server).unwrap_or_default();
    let why = target.foreign.as_ref()?;
    Some(format!(
        "{} of {cluster} may be somebody's: {why}",
        target.title()
    ))
}

fn target(address: &Address, url: String, measured_from: String) -> Target {
    Target {
        url,
        method: address.method().to_string(),
        body_bytes: address.body_bytes(),
        measured_from,
    }
}
