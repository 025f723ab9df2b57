//! The pure rooms know no kube type and do no I/O.

use std::path::Path;

#[test]
fn the_pure_rooms_know_no_kube_type() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ["hpa", "diagnosis", "facts", "output"] {
        check(&source.join(room));
    }
}

fn check(path: &Path) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("the sources are there") {
            check(&entry.expect("a directory entry").path());
        }
        return;
    }
    let text = std::fs::read_to_string(path).expect("sources are text");
    for foreign in ["kube::", "k8s_openapi"] {
        assert!(!text.contains(foreign), "{} mentions {foreign}", path.display());
    }
}
