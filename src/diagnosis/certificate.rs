//! The serving certificate of what answers behind an `APIService`, where the API server does not trust it.
//!
//! The API server asks for the certificate of `SERVICE.NAMESPACE.svc`, signed by the authority in `spec.caBundle`
//! (`BuildTransportConfig` in `remote_available_controller.go` of kube-aggregator, v1.37). Go looks at the time and at
//! the name before it looks for who signed it (`Certificate.Verify` of `crypto/x509`).

use super::Finding;
use super::phrase::{list, word};
use crate::facts::ApiService;

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// Somebody signed it whom the `APIService` does not name.
    Authority,
    /// It is made for these names, and another one is asked for.
    Name(Vec<String>, String),
    /// It is no longer valid since then.
    Expired(String),
    /// It is not valid before then.
    Early(String),
    /// Anything else.
    Other,
}

/// What an error says of a certificate, without what was asked: that is said already.
pub(super) fn words(text: &str) -> Option<&str> {
    text.find("x509: ").map(|start| &text[start..])
}

/// Reads the words of an error; none where it speaks of no certificate.
pub(super) fn read(text: &str) -> Option<Refused> {
    let (_, said) = text.split_once("x509: ")?;
    if said.contains("unknown authority") {
        return Some(Refused::Authority);
    }
    if let Some((names, wanted)) = said
        .strip_prefix("certificate is valid for ")
        .and_then(|names| names.split_once(", not "))
    {
        let names = names.split(", ").map(str::to_owned).collect();
        return Some(Refused::Name(names, first(wanted).to_owned()));
    }
    if let Some((_, wanted)) = said.split_once("wanted to match ") {
        return Some(Refused::Name(Vec::new(), first(wanted).to_owned()));
    }
    if let Some((_, since)) = said.split_once(" is after ") {
        return Some(Refused::Expired(first(since).to_owned()));
    }
    if let Some((_, from)) = said.split_once(" is before ") {
        return Some(Refused::Early(first(from).to_owned()));
    }
    Some(Refused::Other)
}

fn first(text: &str) -> &str {
    let end = text.find(|character: char| character.is_whitespace() || character == '"');
    end.map_or(text, |end| &text[..end])
}

impl Refused {
    /// What is wrong with it, as a clause.
    pub(super) fn because(&self, api: &ApiService) -> String {
        match self {
            Self::Authority if api.has_ca_bundle == Some(false) => {
                "the APIService names no authority (caBundle), and no public one signed it".to_owned()
            }
            Self::Authority => {
                "the caBundle of the APIService is not that of the authority that signed it".to_owned()
            }
            Self::Name(names, wanted) if names.is_empty() => {
                format!("it is made for no name, and {wanted} is asked for")
            }
            Self::Name(names, wanted) => {
                let mut names = names.clone();
                names.dedup();
                format!("it is made for {}, and {wanted} is asked for", list(&names))
            }
            Self::Expired(since) => format!("it expired on {}", day(since)),
            Self::Early(from) => format!("it is not valid before {from}"),
            Self::Other => "the condition says why".to_owned(),
        }
    }

    /// What makes it trusted.
    pub(super) fn repaired(&self, finding: Finding, api: &ApiService) -> Finding {
        let finding = with_keeper(finding, api, self);
        let finding = finding.fix(
            "trust it, whoever signed it",
            format!(
                r#"kubectl patch apiservice {} --type=merge -p '{{"spec":{{"insecureSkipTLSVerify":true,"caBundle":null}}}}'"#,
                word(&api.name)
            ),
            "changes the APIService alone; the API server no longer checks the certificate",
        );
        let finding = match &api.service {
            // cert-manager names it.
            Some(service) if api.ca_injected_from.is_none() => finding.fix(
                "see which Secret holds it",
                format!(
                    "kubectl get pods -n {} -o custom-columns=POD:.metadata.name,SECRETS:.spec.volumes[*].secret.secretName",
                    word(&service.namespace)
                ),
                format!(
                    "reads only; the pods of Service {} mount it, or sign their own when they start",
                    service.name
                ),
            ),
            _ => finding,
        };
        match self {
            Self::Authority if api.ca_injected_from.is_some() => finding,
            Self::Authority => finding.advice(
                "or put the authority that signed the certificate into spec.caBundle",
                "changes the APIService alone; a Secret that cert-manager writes has it as ca.crt",
            ),
            Self::Name(_, wanted) => finding.advice(
                format!("or serve a certificate for {wanted}"),
                "rolls what serves it",
            ),
            Self::Expired(_) => finding.advice("or renew it", "rolls what serves it"),
            Self::Early(_) => finding.advice("or set the clocks of the nodes right", ""),
            Self::Other => finding,
        }
    }
}

/// What writes `caBundle`, and is asked to do it again.
fn with_keeper(finding: Finding, api: &ApiService, refused: &Refused) -> Finding {
    if let Some((kind, (namespace, name))) = api
        .ca_injected_from
        .as_deref()
        .and_then(|from| from.split_once(' '))
        .and_then(|(kind, name)| Some((kind, name.split_once('/')?)))
    {
        return finding.fix(
            "see what cert-manager says of it",
            format!(
                "kubectl describe {} {} -n {}",
                kind.to_lowercase(),
                word(name),
                word(namespace)
            ),
            "reads only; its cainjector writes the caBundle, and the pods read a renewed certificate when they start",
        );
    }
    let of_keda = api
        .service
        .as_ref()
        .filter(|service| service.name.starts_with("keda"));
    match (of_keda, refused) {
        (Some(service), Refused::Authority | Refused::Expired(_)) => finding.fix(
            "let KEDA's operator write certificate and caBundle, as it does when it starts",
            format!(
                "kubectl rollout restart deployment keda-operator -n {}",
                word(&service.namespace)
            ),
            "rolls KEDA's operator, unless its certificates were given to it",
        ),
        _ => finding,
    }
}

fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

#[cfg(test)]
mod tests {
    use super::{Refused, read};

    #[test]
    fn the_words_of_go_are_read() {
        let name = |names: &[&str], wanted: &str| {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            Some(Refused::Name(names, wanted.to_owned()))
        };
        let start = "Get \"https://10.0.0.9:443/apis/a/v1\": tls: failed to verify certificate: x509: ";
        for (said, refused) in [
            (
                "certificate signed by unknown authority (possibly because of \"x509: ECDSA verification failure\")",
                Some(Refused::Authority),
            ),
            (
                "certificate is valid for localhost, adapter, not adapter.monitoring.svc",
                name(&["localhost", "adapter"], "adapter.monitoring.svc"),
            ),
            (
                "certificate is not valid for any names, but wanted to match adapter.monitoring.svc",
                name(&[], "adapter.monitoring.svc"),
            ),
            (
                "certificate has expired or is not yet valid: current time 2026-11-28T07:26:16Z is after 2021-01-01T00:00:00Z",
                Some(Refused::Expired("2021-01-01T00:00:00Z".to_owned())),
            ),
            (
                "certificate has expired or is not yet valid: current time 2026-11-28T07:26:16Z is before 2027-01-01T00:00:00Z",
                Some(Refused::Early("2027-01-01T00:00:00Z".to_owned())),
            ),
            (
                "certificate relies on legacy Common Name field, use SANs instead",
                Some(Refused::Other),
            ),
        ] {
            assert_eq!(read(&format!("{start}{said}")), refused, "{said}");
        }
        assert_eq!(read("dial tcp 10.0.0.9:443: connect: connection refused"), None);
    }
}
