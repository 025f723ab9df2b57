//! How a model is reached: the arguments of every command that asks one.

use clap::{Args, ValueEnum};

use crate::cluster::reach::Via;

/// `--via`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ViaArg {
    /// An address of the Service, of a node or of a pod
    Service,
    /// The API server's proxy
    Proxy,
    /// A port-forward to a ready pod
    PortForward,
}

/// How the model is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Ways to the model")]
pub struct ReachArgs {
    /// Take this way only [default: the first that answers: service, proxy, port-forward]
    #[arg(long, value_enum, value_name = "WAY")]
    pub via: Option<ViaArg>,
    /// Ask this address instead of looking for one
    #[arg(long, value_name = "URL", help = "Ask this address instead of looking for one, for example http://localhost:8501", value_parser = address, conflicts_with_all = ["via", "port"])]
    pub address: Option<String>,
    /// The Service's REST port [default: 8501, else the port that looks like it]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

impl ReachArgs {
    /// The ways that may be taken.
    pub fn via(&self) -> Via {
        match self.via {
            None => Via::Any,
            Some(ViaArg::Service) => Via::Service,
            Some(ViaArg::Proxy) => Via::Proxy,
            Some(ViaArg::PortForward) => Via::PortForward,
        }
    }
}

/// `HOST[:PORT]` or `http://HOST[:PORT][/PATH]`.
fn address(text: &str) -> Result<String, String> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let parsed: http::Uri = url
        .parse()
        .map_err(|error| format!("{error}, for example http://localhost:8501"))?;
    match (parsed.scheme_str(), parsed.host()) {
        (Some("http"), Some(host)) if !host.is_empty() => Ok(url),
        (Some("https"), _) => {
            Err("only http is spoken: TensorFlow Serving's REST port has no TLS".to_owned())
        }
        _ => Err("an address is HOST:PORT or a URL, for example http://localhost:8501".to_owned()),
    }
}
