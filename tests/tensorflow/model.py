"""Writes a small SavedModel as BASE/VERSION: three signatures, of floats, of strings, and of what has no root.

    model.py BASE VERSION...
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf


class Small(tf.Module):
    """y = 2 + version * (x1 + x2 + x3) / 2, the length of a text, and a square root."""

    def __init__(self, version):
        super().__init__()
        self.weights = tf.Variable([[0.5 * version]] * 3)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def sum(self, x):
        return {"y": tf.linalg.matmul(x, self.weights)[:, 0] + 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def text(self, text):
        return {"length": tf.strings.length(text), "text_bytes": text}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def root(self, x):
        return {"root": tf.sqrt(x)}


def main(base, versions):
    for version in versions:
        model = Small(int(version))
        signatures = {"serving_default": model.sum, "text": model.text, "root": model.root}
        # A server that polls the directory must not see half a model.
        unfinished = os.path.join(base, ".writing-" + version)
        tf.saved_model.save(model, unfinished, signatures=signatures)
        os.rename(unfinished, os.path.join(base, version))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
