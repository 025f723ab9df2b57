//! The answers of an API server that knows the objects of a dump and nothing else.

use http::{Response, StatusCode, Uri};
use kube::client::Body;
use serde_json::{Value, json};

use super::NOT_IN_THE_DUMP;
use super::objects::{HPAS, Known, Objects};
use super::selector::matches_fields;
use crate::cluster::observe::selected_by;

/// What a path of the API asks for.
struct Asked<'a> {
    group: &'a str,
    namespace: Option<&'a str>,
    plural: &'a str,
    name: Option<&'a str>,
}

/// Answers one request.
pub(super) fn answer(objects: &Objects, uri: &Uri) -> Response<Body> {
    if uri.path() == "/version" {
        return objects
            .version()
            .map_or_else(missing, |version| respond(StatusCode::OK, &version_info(version)));
    }
    let Some(asked) = parse(uri.path()) else {
        return missing();
    };
    match asked.name {
        Some(name) => one(objects, &asked, name),
        None => list(objects, &asked, uri.query().unwrap_or_default()),
    }
}

/// `/api/v1/…` or `/apis/GROUP/VERSION/…`, then `[namespaces/NAMESPACE/]PLURAL[/NAME]`.
fn parse(path: &str) -> Option<Asked<'_>> {
    let (group, rest) = match path.strip_prefix("/apis/") {
        Some(rest) => rest.split_once('/')?,
        None => ("", path.strip_prefix("/api/")?),
    };
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let (namespace, parts) = match parts.as_slice() {
        ["namespaces", namespace, parts @ ..] if !parts.is_empty() => (Some(*namespace), parts),
        parts => (None, parts),
    };
    let (plural, name) = match parts {
        [plural] => (*plural, None),
        [plural, name] => (*plural, Some(*name)),
        _ => return None,
    };
    Some(Asked {
        group,
        namespace,
        plural,
        name,
    })
}

fn one(objects: &Objects, asked: &Asked<'_>, name: &str) -> Response<Body> {
    match objects.one(
        asked.group,
        asked.plural,
        asked.namespace.unwrap_or_default(),
        name,
    ) {
        Known::Object(object) => respond(StatusCode::OK, object),
        Known::Absent => refuse(
            StatusCode::NOT_FOUND,
            &format!("{} \"{name}\" not found", asked.plural),
        ),
        Known::Unknown => missing(),
    }
}

/// All that is there is one page.
fn list(objects: &Objects, asked: &Asked<'_>, query: &str) -> Response<Body> {
    let parameter = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find_map(|(key, value)| (key == name).then_some(value))
            .unwrap_or_default()
    };
    let (labels, fields) = (parameter("labelSelector"), parameter("fieldSelector"));
    let matching = |items: Vec<&Value>| -> Vec<Value> {
        let items = items.into_iter();
        items
            .filter(|object| labels_match(object, &labels) && matches_fields(object, &fields))
            .cloned()
            .collect()
    };
    let whole = objects.all(asked.group, asked.plural, asked.namespace.unwrap_or_default());
    let items = match (whole, asked.namespace) {
        (Some(items), _) => matching(items),
        (None, Some(_)) => return missing(),
        // The HPAs of a dump are all that is asked about.
        (None, None) if asked.plural == HPAS => matching(objects.everywhere(asked.group, asked.plural)),
        // What is found by a field is there, whatever the namespaces hold that were not dumped.
        (None, None) => {
            let found = matching(objects.everywhere(asked.group, asked.plural));
            if found.is_empty() || fields.is_empty() {
                return missing();
            }
            found
        }
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items});
    respond(StatusCode::OK, &list)
}

fn labels_match(object: &Value, selector: &str) -> bool {
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    let labels = labels
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    selector.is_empty() || selected_by(selector, &labels)
}

fn version_info(version: &str) -> Value {
    json!({"major": "", "minor": "", "gitVersion": version, "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "", "compiler": "", "platform": ""})
}

/// The dump does not know: as little as a reader without the right.
fn missing() -> Response<Body> {
    refuse(StatusCode::FORBIDDEN, NOT_IN_THE_DUMP)
}

fn refuse(status: StatusCode, message: &str) -> Response<Body> {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
        "code": status.as_u16()});
    respond(status, &body)
}

fn respond(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string().into_bytes()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
mod tests {
    use super::{Objects, answer};
    use http::StatusCode;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    fn objects() -> Objects {
        let object = |api_version: &str, kind: &str, namespace: &str, name: &str| {
            json!({"apiVersion": api_version, "kind": kind,
                "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}}})
        };
        let items = [
            object("autoscaling/v2", "HorizontalPodAutoscaler", "a", "web"),
            object("autoscaling/v2", "HorizontalPodAutoscaler", "b", "web"),
            object("v1", "Pod", "a", "web"),
            object("v1", "Pod", "a", "cart"),
            object("metrics.k8s.io/v1beta1", "PodMetrics", "b", "web"),
        ];
        Objects::new(vec![json!({"apiVersion": "v1", "kind": "List", "items": items})]).unwrap()
    }

    async fn get(path: &str) -> (StatusCode, Value) {
        let answer = answer(&objects(), &path.parse().unwrap());
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (head.status, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn lists_are_those_of_an_api_server() {
        const PODS: &str = "/api/v1/namespaces/a/pods";
        for (path, count) in [
            (format!("{PODS}?&limit=500"), 2),
            (format!("{PODS}?labelSelector=app+in+%28web%29"), 1),
            (format!("{PODS}?fieldSelector=metadata.name%3Dcart"), 1),
            (format!("{PODS}?labelSelector=app%3Dnone"), 0),
            ("/api/v1/pods?fieldSelector=metadata.name%3Dcart".to_owned(), 1),
            ("/apis/metrics.k8s.io/v1beta1/namespaces/b/pods".to_owned(), 1),
            (
                "/apis/autoscaling/v2/horizontalpodautoscalers?limit=500".to_owned(),
                2,
            ),
        ] {
            let (status, list) = get(&path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(list["items"].as_array().unwrap().len(), count, "{path}");
        }
    }

    #[tokio::test]
    async fn what_nobody_knows_is_refused_and_what_is_gone_is_not_found() {
        for (path, status) in [
            ("/api/v1/namespaces/a/pods/web", StatusCode::OK),
            ("/api/v1/namespaces/a/pods/gone", StatusCode::NOT_FOUND),
            ("/api/v1/namespaces/b/pods/web", StatusCode::FORBIDDEN),
            ("/api/v1/namespaces/b/pods", StatusCode::FORBIDDEN),
            ("/api/v1/pods", StatusCode::FORBIDDEN),
            (
                "/api/v1/pods?fieldSelector=metadata.name%3Dgone",
                StatusCode::FORBIDDEN,
            ),
            ("/api/v1/namespaces/a/pods/web/log", StatusCode::FORBIDDEN),
            ("/apis/apps/v1", StatusCode::FORBIDDEN),
            ("/version", StatusCode::FORBIDDEN),
        ] {
            assert_eq!(get(path).await.0, status, "{path}");
        }
    }
}
