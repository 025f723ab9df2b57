"""Assembles the root directory of an image with this interpreter, its packages and the server of models.

    image.py ROOT

The image has what the server needs and little else: the interpreter, its packages without headers, tests and pip,
the shared libraries that these name, and a shell for the entry point.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig

SOURCES = os.path.dirname(os.path.abspath(__file__))
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "include", "test", "tests", "idlelib", "ensurepip", "lib2to3", "pip", "turtledemo", "config-*", "*.a"
)
# libclang is for TensorFlow's builders.
PACKAGES_LEFT_OUT = shutil.ignore_patterns("__pycache__", "include", "pip", "pip-*", "clang", "libclang*")
COMMANDS = ["/bin/bash", "/bin/sleep", "/bin/cat", "/bin/ls"]
LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")

# As that of the original: the shell stays the first process, and so the server never gets SIGTERM.
ENTRYPOINT = """#!/bin/bash
tensorflow_model_server --port=8500 --rest_api_port=8501 \
--model_name=${MODEL_NAME} --model_base_path=${MODEL_BASE_PATH}/${MODEL_NAME} "$@"
"""
SERVER = """#!/bin/bash
exec /python/bin/python3 /server/server.py --host=0.0.0.0 "$@"
"""


def libraries(files):
    """The shared libraries of the system that the files name."""
    found = set()
    for file in files:
        listed = subprocess.run(["ldd", file], capture_output=True, text=True, check=False)
        found.update(LIBRARY.findall(listed.stdout))
    return found


def shared_objects(directory):
    for parent, _, names in os.walk(directory):
        for name in names:
            if ".so" in name:
                yield os.path.join(parent, name)


def copy(file, root, to=None):
    target = root + (to or file)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy2(os.path.realpath(file), target)


def write(root, path, text):
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "w") as opened:
        opened.write(text)
    os.chmod(target, 0o755)


def assemble(root, commands):
    """The interpreter, its packages, and commands of the system."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    standard = os.path.dirname(os.__file__)
    packages = sysconfig.get_path("purelib")

    def without_packages(directory, names):
        left_out = LEFT_OUT(directory, names)
        return left_out | ({"site-packages"} if directory == standard else set())

    shutil.copytree(standard, f"{root}/python/lib/{version}", ignore=without_packages)
    shutil.copytree(packages, f"{root}/packages", ignore=PACKAGES_LEFT_OUT)
    copy(sys.executable, root, "/python/bin/python3")
    objects = [*shared_objects(f"{root}/packages"), *shared_objects(f"{root}/python"), f"{root}/python/bin/python3"]
    for library in libraries([*objects, *commands]):
        # What lies in the image already is found by the objects themselves.
        if library.startswith(root + "/"):
            continue
        copy(library, root, None if library.startswith(("/lib", "/usr/lib")) else f"/python/lib/{os.path.basename(library)}")
    for command in commands:
        copy(command, root)
    os.makedirs(f"{root}/tmp", exist_ok=True)
    os.chmod(f"{root}/tmp", 0o1777)


def main(root):
    assemble(root, COMMANDS)
    for name in ["server.py", "monitoring.py", "remote_calls.py"]:
        copy(os.path.join(SOURCES, name), root, f"/server/{name}")
    write(root, "/usr/bin/tensorflow_model_server", SERVER)
    write(root, "/usr/bin/tf_serving_entrypoint.sh", ENTRYPOINT)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
