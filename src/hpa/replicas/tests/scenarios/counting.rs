//! How pods are counted, and what they request.

use super::super::super::Counted;
use super::super::super::fixtures::{container, cpu_facts};
use super::End::{Counts, Fails, Requests};
use super::given::{aged, init, memory, of, only, phase, pod_level, sampled, terminating, with_pods};
use super::{Row, row};

pub(super) fn pod_rows() -> Vec<Row> {
    let a = || container("c1", &[("cpu", "100m")]);
    let b = || container("c2", &[("cpu", "50m")]);
    let bare = || container("c2", &[]);
    let two = || cpu_facts(2, 60, &[500, 500]);
    vec![
        row("47", memory(), Counts(Counted::Yes)),
        row(
            "48",
            with_pods(two(), &[0], |pod| pod.conditions.clear()),
            Counts(Counted::Unready),
        ),
        row("49a", aged(60, "True", 30, 0, 30), Counts(Counted::Yes)),
        row("49b", aged(60, "True", 30, 0, 60), Counts(Counted::Unready)),
        row("50", aged(3600, "False", 3594, 0, 30), Counts(Counted::Unready)),
        row("51", aged(300, "True", 180, 120, 60), Counts(Counted::Yes)),
        row("52", aged(300, "False", 240, 0, 30), Counts(Counted::Yes)),
        row("53a", aged(300, "False", 290, 0, 30), Counts(Counted::Yes)),
        row("53b", aged(300, "False", 291, 0, 30), Counts(Counted::Unready)),
        row(
            "54a",
            sampled(phase(two(), &[0], "Pending"), &[1]),
            Counts(Counted::Unready),
        ),
        row(
            "54b",
            terminating(phase(two(), &[0], "Pending"), &[0]),
            Counts(Counted::Ignored),
        ),
        row("54c", phase(two(), &[0], "Failed"), Counts(Counted::Ignored)),
        row("55", of(&[a(), b()]), Requests(150)),
        row("56", pod_level(of(&[a(), b()]), "800m"), Requests(800)),
        row(
            "57a",
            of(&[a(), bare()]),
            Fails("missing request for cpu in container c2 of Pod pod-0"),
        ),
        row("57b", pod_level(of(&[a(), bare()]), "800m"), Requests(800)),
        row(
            "58",
            only(pod_level(of(&[a(), b()]), "800m"), "c1"),
            Requests(100),
        ),
        row("59a", of(&[a(), init(false)]), Requests(100)),
        row("59b", of(&[a(), init(true)]), Requests(150)),
        row(
            "60",
            only(
                with_pods(cpu_facts(2, 60, &[10, 10]), &[1], |pod| {
                    drop(pod.containers.pop());
                }),
                "c2",
            ),
            Fails("container c2 not found in Pod pod-1"),
        ),
    ]
}
