//! How to call a served model, and what is still missing for it.

use super::REST_PORT;

/// What the Service offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The namespace.
    pub namespace: String,
    /// The Service.
    pub service: String,
    /// `spec.type`.
    pub service_type: String,
    /// The addresses of the load balancer: IP or host name.
    pub addresses: Vec<String>,
    /// The node port of the REST port, where there is one.
    pub node_port: Option<i32>,
}

/// The lines that tell how to call the model, without a line about what does not work yet being left out.
pub fn how_to_call(endpoint: &Endpoint, model_name: &str) -> Vec<String> {
    let Endpoint { namespace, service, service_type, addresses, node_port } = endpoint;
    let path = format!("v1/models/{model_name}:predict");
    let mut lines = Vec::new();
    if let Some(address) = addresses.first() {
        let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
        lines.push(format!("call     curl -d @request.json http://{host}:{REST_PORT}/{path}"));
        return lines;
    }
    if service_type == "LoadBalancer" {
        lines.push(format!(
            "note     service/{service} has no address yet (EXTERNAL-IP <pending>): nothing in this cluster has given it one so far"
        ));
        lines.push(
            "         minikube: `minikube tunnel`; kind: cloud-provider-kind; own machines: MetalLB; a cloud: wait a minute"
                .to_owned(),
        );
    }
    if let Some(port) = node_port.filter(|_| service_type == "NodePort") {
        lines.push(format!("call     curl -d @request.json http://NODE-ADDRESS:{port}/{path}"));
    }
    lines.push(format!(
        "call     kubectl port-forward -n {namespace} service/{service} {REST_PORT}:{REST_PORT}"
    ));
    lines.push(format!("         curl -d @request.json http://localhost:{REST_PORT}/{path}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(service_type: &str, addresses: &[&str], node_port: Option<i32>) -> String {
        let endpoint = Endpoint {
            namespace: "tf-serving".to_owned(),
            service: "image-classifier".to_owned(),
            service_type: service_type.to_owned(),
            addresses: addresses.iter().map(|&address| address.to_owned()).collect(),
            node_port,
        };
        how_to_call(&endpoint, "image_classifier").join("\n")
    }

    #[test]
    fn every_type_of_service() {
        insta::assert_snapshot!("load_balancer", endpoint("LoadBalancer", &["10.101.25.178"], Some(31055)));
        insta::assert_snapshot!("load_balancer_pending", endpoint("LoadBalancer", &[], Some(31055)));
        insta::assert_snapshot!("node_port", endpoint("NodePort", &[], Some(31055)));
        insta::assert_snapshot!("cluster_ip", endpoint("ClusterIP", &[], None));
        assert!(endpoint("LoadBalancer", &["2001:db8::1"], None).contains("http://[2001:db8::1]:8501/"));
    }
}
