"""A server of SavedModels on TensorFlow that speaks the REST protocol of TensorFlow Serving.

It is not TensorFlow Serving: the engine and the SavedModel are real, the loop around them is ours. What it does as the
original does, because clients and operators depend on it:

- it reads BASE/<number>/, serves the highest number, looks again every second, and keeps the old version until the
  new one is loaded;
- it opens its port only after the first version is loaded, and says again and again in its log why it has none;
- the states of versions, the status codes and the error texts; NaN and Infinity bare in JSON, both ways;
- it ignores SIGTERM.

What only tests need: `--host` is the address to listen on, a version whose directory holds a file `hold` stays LOADING
until that file is gone, and with `--end_with_stdin=true` the process ends when its stdin does. Without `--port` there
is no gRPC.
"""

import base64
import json
import os
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf import saved_model_pb2

import monitoring

FLAGS = {
    "model_name": "default",
    "model_base_path": "",
    "port": "0",
    "rest_api_port": "0",
    "end_with_stdin": "false",
    "monitoring_config_file": "",
    "host": "127.0.0.1",
    "file_system_poll_wait_seconds": "1",
}
PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<rest>/metadata|:predict)?",
    re.IGNORECASE,
)
HTTP = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503, "INTERNAL": 500}


class Refused(Exception):
    """An error with the name of its code."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def log(text):
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    print(f"{now}: I server.py] {text}", file=sys.stderr, flush=True)


class Version:
    """One numbered directory and what was loaded of it."""

    def __init__(self, number, path):
        self.number, self.path = number, path
        self.state, self.error = "START", ("OK", "")
        self.model = self.definitions = None

    def load(self, name):
        self.state = "LOADING"
        log(f"Loading servable version {{name: {name} version: {self.number}}}")
        while os.path.exists(os.path.join(self.path, "hold")):
            time.sleep(0.05)
        try:
            file = os.path.join(self.path, "saved_model.pb")
            if not os.path.exists(file):
                raise Refused(
                    "NOT_FOUND",
                    f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {self.path}. "
                    "Check that the directory exists and that you have the right permissions for accessing it.",
                )
            saved = saved_model_pb2.SavedModel()
            with open(file, "rb") as opened:
                saved.ParseFromString(opened.read())
            self.definitions = saved.meta_graphs[0].signature_def
            self.model = tf.saved_model.load(self.path)
        except Exception as error:  # Whatever a broken model raises is that model's state.
            self.error = (getattr(error, "code", "INTERNAL"), str(error))
            self.state = "END"
            log(f"Loading servable: {{name: {name} version: {self.number}}} failed: {self.error[0]}: {error}")
            return
        self.state = "AVAILABLE"
        log(f"Successfully loaded servable version {{name: {name} version: {self.number}}}")

    def unload(self):
        self.state, self.model = "END", None


class Server:
    """The versions of one model."""

    def __init__(self, name, base, pause):
        self.name, self.base, self.pause = name, base, pause
        self.versions = {}

    def watch(self, first_load):
        while True:
            found = self.look()
            if found:
                newest = max(found)
                if newest not in self.versions:
                    version = Version(newest, os.path.join(self.base, str(newest)))
                    self.versions[newest] = version
                    version.load(self.name)
                    if version.state == "AVAILABLE":
                        for other in self.versions.values():
                            if other is not version and other.state == "AVAILABLE":
                                other.unload()
                        first_load.set()
            time.sleep(self.pause)

    def look(self):
        if not os.path.isdir(self.base):
            log(
                "FileSystemStoragePathSource encountered a filesystem access error: Could not find base path "
                f"{self.base} for servable {self.name} with error NOT_FOUND: {self.base} not found"
            )
            return []
        numbers = [int(entry) for entry in os.listdir(self.base) if entry.isdigit()]
        if not numbers:
            log(
                f"No versions of servable {self.name} found under base path {self.base}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?"
            )
        return numbers

    def status(self, name, wanted):
        versions = self.versions.values() if name == self.name else []
        chosen = [version for version in versions if wanted in (None, version.number)]
        if not chosen:
            which = f"version {wanted} of model {name}" if wanted is not None else f"any versions of model {name}"
            raise Refused("NOT_FOUND", f"Could not find {which}")
        return {
            "model_version_status": [
                {
                    "version": str(version.number),
                    "state": version.state,
                    "status": {"error_code": version.error[0], "error_message": version.error[1]},
                }
                for version in sorted(chosen, key=lambda version: -version.number)
            ]
        }

    def servable(self, name, wanted, label):
        if label is not None:
            raise Refused("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
        ready = [version for version in self.versions.values() if version.state == "AVAILABLE"]
        chosen = [version for version in ready if wanted in (None, version.number)]
        if name != self.name or not chosen:
            which = f"Latest({name})" if wanted is None else f"Specific({name}, {wanted})"
            raise Refused("NOT_FOUND", f"Servable not found for request: {which}")
        return max(chosen, key=lambda version: version.number)

    def metadata(self, version):
        definitions = {
            name: MessageToDict(
                definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
            )
            for name, definition in version.definitions.items()
        }
        for definition in definitions.values():
            definition.pop("defaults", None)
        return {
            "model_spec": {"name": self.name, "signature_name": "", "version": str(version.number)},
            "metadata": {"signature_def": {"signature_def": definitions}},
        }

    def predict(self, version, body):
        request = parse(body)
        name = request.get("signature_name") or "serving_default"
        if name not in version.model.signatures:
            raise Refused("INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def')
        inputs = version.definitions[name].inputs
        if ("instances" in request) == ("inputs" in request):
            if "inputs" in request:
                text = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
            else:
                text = "Missing 'inputs' or 'instances' key"
            raise Refused("INVALID_ARGUMENT", text)
        in_rows = "instances" in request
        columns = of_rows(request["instances"], inputs) if in_rows else of_columns(request["inputs"], inputs)
        tensors = {name: tensor(values, inputs[name]) for name, values in columns.items()}
        try:
            outputs = version.model.signatures[name](**tensors)
        except tf.errors.OpError as error:
            code = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).upper()
            raise Refused(code, error.message) from error
        values = {name: as_json(name, output) for name, output in outputs.items()}
        only = next(iter(values.values())) if len(values) == 1 else None
        if not in_rows:
            return {"outputs": values if only is None else only}
        if only is not None:
            return {"predictions": only}
        return {"predictions": [dict(zip(values, row)) for row in zip(*values.values())]}


def parse(body):
    def constant(word):
        return float(word.replace("Infinity", "inf"))

    try:
        request = json.loads(body, parse_constant=constant)
    except ValueError as error:
        offset = getattr(error, "pos", 0)
        raise Refused("INVALID_ARGUMENT", f"JSON Parse error: Invalid value. at offset: {offset}") from error
    if not isinstance(request, dict):
        raise Refused("INVALID_ARGUMENT", "JSON Value: not formatted correctly; expecting an object")
    return request


def of_rows(rows, inputs):
    if not isinstance(rows, list) or not rows:
        raise Refused("INVALID_ARGUMENT", "Request data format error: 'instances' is no list, or is empty")
    named = isinstance(rows[0], dict) and "b64" not in rows[0]
    if not named:
        return of_columns(rows, inputs)
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) != set(inputs):
            raise Refused(
                "INVALID_ARGUMENT",
                f"Failed to process element: {index} of 'instances' list. Error: INVALID_ARGUMENT: "
                f"the inputs are {sorted(inputs)}",
            )
    return {name: [row[name] for row in rows] for name in inputs}


def of_columns(values, inputs):
    if isinstance(values, dict) and "b64" not in values:
        if set(values) != set(inputs):
            raise Refused("INVALID_ARGUMENT", f"the inputs are {sorted(inputs)}, the request has {sorted(values)}")
        return values
    if len(inputs) != 1:
        raise Refused("INVALID_ARGUMENT", f"the model has several inputs, which need their names: {sorted(inputs)}")
    return {next(iter(inputs)): values}


def tensor(values, info):
    dtype = tf.dtypes.as_dtype(info.dtype)

    def element(value):
        if isinstance(value, list):
            return [element(inner) for inner in value]
        if dtype == tf.string:
            if isinstance(value, dict):
                return base64.b64decode(value["b64"])
            if isinstance(value, str):
                return value.encode()
        elif isinstance(value, (int, float)) and not isinstance(value, dict):
            return value
        kind = {str: "String", bool: "Bool", dict: "Object", type(None): "Null"}.get(type(value), "Number")
        raise Refused(
            "INVALID_ARGUMENT",
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            f"JSON Value: {json.dumps(value)} Type: {kind} is not of expected type: {dtype.name}",
        )

    try:
        return tf.constant(element(values), dtype=dtype)
    except (ValueError, TypeError) as error:
        raise Refused("INVALID_ARGUMENT", f"Encountered list at unexpected size: {error}") from error


def as_json(name, output):
    array = output.numpy()
    if output.dtype != tf.string:
        return array.tolist()

    def text(value):
        if isinstance(value, list):
            return [text(inner) for inner in value]
        if name.endswith("_bytes"):
            return {"b64": base64.b64encode(value).decode()}
        return value.decode(errors="replace")

    return text(numpy.asarray(array).tolist())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "model-server", ""

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def answer(self, body):
        if self.path == "/monitoring/prometheus/metrics" and self.server.monitored:
            self.send(200, "text/plain", self.server.monitoring.text().encode())
            return
        method = "predict" if self.path.lower().endswith(":predict") else ""
        with monitoring.Watch(self.server.monitoring, method) as watch:
            try:
                status, value = 200, self.route(body)
            except Refused as error:
                watch.code = error.code
                status, value = HTTP.get(error.code, 500), {"error": str(error)}
        self.send(status, "application/json", json.dumps(value, indent=4, ensure_ascii=False).encode())

    def send(self, status, kind, written):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def route(self, body):
        models = self.server.models
        path = self.path.split("?")[0]
        parts = PATH.fullmatch(path)
        wanted_method = "POST" if parts and (parts["rest"] or "").startswith(":") else "GET"
        if not parts or self.command != wanted_method:
            raise Refused("INVALID_ARGUMENT", f"Malformed request: {self.command} {path}")
        name, version = unquote(parts["name"]), parts["version"] and int(parts["version"])
        if not parts["rest"]:
            return models.status(name, version)
        servable = models.servable(name, version, parts["label"])
        if parts["rest"].lower() == "/metadata":
            return models.metadata(servable)
        return models.predict(servable, body)

    def log_message(self, *_):
        """The original does not log requests."""


def flags(arguments):
    values = dict(FLAGS)
    for argument in arguments:
        name, _, value = argument.lstrip("-").partition("=")
        if name in values:
            values[name] = value
        else:
            # As the original does, it goes on.
            print(f"unknown argument: {argument}", file=sys.stderr, flush=True)
    return values


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    given = flags(sys.argv[1:])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if given["end_with_stdin"] == "true":
        threading.Thread(target=end_with_stdin, daemon=True).start()
    models = Server(given["model_name"], given["model_base_path"], float(given["file_system_poll_wait_seconds"]))
    first_load = threading.Event()
    threading.Thread(target=models.watch, args=[first_load], daemon=True).start()
    first_load.wait()
    if given["port"] != "0":
        import remote_calls  # It takes a while to import, and few need it.

        calls = remote_calls.serve(f"{given['host']}:{given['port']}", models, Refused)  # noqa: F841 it must live
        log(f"Running gRPC ModelServer at {given['host']}:{given['port']} ...")
    server = ThreadingHTTPServer((given["host"], int(given["rest_api_port"])), Handler)
    server.daemon_threads = True
    server.models = models
    server.monitoring = monitoring.Monitoring(given["model_name"])
    server.monitored = monitoring.enabled(given["monitoring_config_file"])
    log(f"Exporting HTTP/REST API at:{given['host']}:{server.server_port} ...")
    server.serve_forever()


if __name__ == "__main__":
    main()
