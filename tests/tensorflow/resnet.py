"""Writes ResNet-101 with seeded random weights as BASE/1: the size and the work of the real one, the answers of none.

    resnet.py BASE
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras


def main(base):
    keras.utils.set_random_seed(101)
    model = keras.applications.ResNet101(weights=None)
    unfinished = os.path.join(base, ".writing-1")
    model.export(unfinished, verbose=False)
    os.rename(unfinished, os.path.join(base, "1"))


if __name__ == "__main__":
    main(sys.argv[1])
