//! Which proxy stands between this machine and the API server, decided as client-go does.

use hyper_util::client::proxy::matcher::Matcher;

use super::Error;

/// The proxy of a cluster: the kubeconfig's `proxy-url`, else the environment's, which `NO_PROXY` and a
/// loopback address switch off (`golang.org/x/net/http/httpproxy`). kube compares `NO_PROXY` with the proxy's
/// own address instead of the cluster's, so its answer is not used.
pub(super) fn select(
    configured: Option<&str>,
    server: &http::Uri,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<http::Uri>, Error> {
    if let Some(url) = configured.filter(|url| !url.is_empty()) {
        return parse(url).map(Some);
    }
    let variable = |upper: &str| {
        environment(upper)
            .or_else(|| environment(&upper.to_lowercase()))
            .filter(|value| !value.is_empty())
    };
    let scheme = if server.scheme_str() == Some("http") {
        "HTTP_PROXY"
    } else {
        "HTTPS_PROXY"
    };
    let Some(url) = variable(scheme).filter(|_| !is_loopback(server)) else {
        return Ok(None);
    };
    let applies = Matcher::builder()
        .all(url.as_str())
        .no(variable("NO_PROXY").unwrap_or_default())
        .build()
        .intercept(server)
        .is_some();
    if applies { parse(&url).map(Some) } else { Ok(None) }
}

fn parse(url: &str) -> Result<http::Uri, Error> {
    // A proxy without a scheme speaks HTTP; `socks5h` is what kube's `socks5` does: the proxy resolves names.
    let absolute = match url.split_once("://") {
        None => format!("http://{url}"),
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => url.to_owned(),
    };
    absolute
        .parse()
        .map_err(|error| Error::Configuration(format!("the proxy `{url}` is no URL: {error}")))
}

fn is_loopback(server: &http::Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::select;

    fn proxy(configured: Option<&str>, server: &str, environment: &[(&str, &str)]) -> Option<String> {
        let lookup = |name: &str| {
            environment
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        select(configured, &server.parse().unwrap(), lookup)
            .unwrap()
            .map(|uri| uri.to_string())
    }

    #[test]
    fn the_kubeconfig_wins_over_the_environment() {
        let environment = [("HTTPS_PROXY", "http://env:1"), ("NO_PROXY", "*")];
        assert_eq!(
            proxy(Some("socks5h://own:2"), "https://api.example", &environment).as_deref(),
            Some("socks5://own:2/")
        );
    }

    #[test]
    fn no_proxy_speaks_of_the_cluster() {
        let environment = [("https_proxy", "env:1"), ("no_proxy", ".example,10.0.0.0/8")];
        assert_eq!(proxy(None, "https://api.example", &environment), None);
        assert_eq!(proxy(None, "https://10.1.2.3:6443", &environment), None);
        assert_eq!(
            proxy(None, "https://api.test", &environment).as_deref(),
            Some("http://env:1/")
        );
    }

    #[test]
    fn loopback_needs_no_proxy() {
        let environment = [("HTTPS_PROXY", "http://env:1"), ("HTTP_PROXY", "http://env:2")];
        for server in [
            "https://127.0.0.1:6443",
            "https://localhost",
            "https://[::1]:6443",
            "http://127.0.0.1",
        ] {
            assert_eq!(proxy(None, server, &environment), None, "{server}");
        }
    }
}
