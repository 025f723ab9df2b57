//! Whether what refused the pods of a target still would: its controller tries again after longer and longer pauses, and until
//! then the target shows the refusal of the last attempt.

use std::collections::BTreeMap;

use chrono::Utc;
use k8s_openapi::api::{core, node, scheduling};
use kube::Api;
use kube::core::PartialObjectMeta;

use super::budget::Budget;
use super::{fact, room};
use crate::cluster::{Ask, Cluster, Error, convert};
use crate::facts::{Fact, FoundObject, HpaFacts, Quota};
use crate::hpa::refusal::{self, Refusal};

/// What is asked for a refusal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Quotas,
    ServiceAccount(String),
    PriorityClass(String),
    RuntimeClass(String),
}

enum Answer {
    Quotas(Fact<Vec<Quota>>),
    Object(Fact<FoundObject>),
}

/// Adds the quotas of the namespace, or the object that was missing, to the facts of the HPAs whose targets were refused:
/// each is asked for once.
pub(super) async fn read(cluster: &Cluster, namespace: &str, facts: &mut [HpaFacts], budget: &Budget) {
    let mut answers: BTreeMap<Question, Answer> = BTreeMap::new();
    for facts in facts.iter_mut().filter(|facts| !facts.hpa.is_planned()) {
        let Some(question) = question(facts) else { continue };
        let answer = match answers.remove(&question) {
            Some(answer) => answer,
            None => ask(cluster, namespace, &question, budget).await,
        };
        match &answer {
            Answer::Quotas(quotas) => facts.quotas = quotas.clone(),
            Answer::Object(object) => facts.missed_object = object.clone(),
        }
        answers.insert(question, answer);
    }
}

fn question(facts: &HpaFacts) -> Option<Question> {
    let attempt = refusal::last(facts, Utc::now())?;
    match refusal::read(attempt.message) {
        Refusal::QuotaUsedUp(_) => Some(Question::Quotas),
        Refusal::ServiceAccount(name) => Some(Question::ServiceAccount(name.to_owned())),
        Refusal::PriorityClass(name) => Some(Question::PriorityClass(name.to_owned())),
        Refusal::RuntimeClass(name) => Some(Question::RuntimeClass(name.to_owned())),
        _ => None,
    }
}

async fn ask(cluster: &Cluster, namespace: &str, question: &Question, budget: &Budget) -> Answer {
    let asked = match question {
        Question::Quotas => Ask::list("resourcequotas", Some(namespace)),
        Question::ServiceAccount(name) => Ask::object("get", "serviceaccounts", namespace, name),
        Question::PriorityClass(name) => Ask::cluster_scoped("priorityclasses.scheduling.k8s.io", name),
        Question::RuntimeClass(name) => Ask::cluster_scoped("runtimeclasses.node.k8s.io", name),
    };
    if budget.left(cluster) == 0 {
        let left_out = budget.left_out(asked.subject());
        return match question {
            Question::Quotas => Answer::Quotas(Fact::NotReadable(left_out)),
            _ => Answer::Object(Fact::NotReadable(left_out)),
        };
    }
    let client = || cluster.client.clone();
    match question {
        Question::Quotas => Answer::Quotas(room::quotas(cluster, namespace).await),
        Question::ServiceAccount(name) => {
            let api: Api<core::v1::ServiceAccount> = Api::namespaced(client(), namespace);
            let object = cluster.ask(asked, api.get_metadata(name)).await;
            Answer::Object(found("ServiceAccount", &asked, object))
        }
        Question::PriorityClass(name) => {
            let api: Api<scheduling::v1::PriorityClass> = Api::all(client());
            let object = cluster.ask(asked, api.get_metadata(name)).await;
            Answer::Object(found("PriorityClass", &asked, object))
        }
        Question::RuntimeClass(name) => {
            let api: Api<node::v1::RuntimeClass> = Api::all(client());
            let object = cluster.ask(asked, api.get_metadata(name)).await;
            Answer::Object(found("RuntimeClass", &asked, object))
        }
    }
}

fn found<K>(kind: &str, ask: &Ask<'_>, object: Result<PartialObjectMeta<K>, Error>) -> Fact<FoundObject> {
    let found = object.map(|object| FoundObject {
        kind: kind.to_owned(),
        name: object.metadata.name.clone().unwrap_or_default(),
        created_at: convert::created_at(&object.metadata),
    });
    fact(ask, found)
}
