"""Assembles the root directory of an image with this interpreter and stock Locust.

    image.py ROOT
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tensorflow"))
from image import assemble, write  # noqa: E402, the one that is beside the server of models

LOCUST = """#!/bin/bash
exec /python/bin/python3 -m locust "$@"
"""

if __name__ == "__main__":
    root = os.path.abspath(sys.argv[1])
    assemble(root, ["/bin/bash"])
    write(root, "/usr/bin/locust", LOCUST)
