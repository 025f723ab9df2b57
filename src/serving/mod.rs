//! TensorFlow Serving: names, manifests, model status. `manifests` is pure.
