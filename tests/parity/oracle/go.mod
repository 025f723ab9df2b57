// Marks the root of the oracle. It is built with the pinned Kubernetes module of the test cluster:
//   go build -modfile=../../sandbox/components/kubernetes-1.37/go.mod
module tfserve.dev/parity/oracle

go 1.26.0
