"""The gRPC port, with the original's own protocol: Predict and GetModelStatus."""

from concurrent import futures

import grpc
import numpy
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

STATES = get_model_status_pb2.ModelVersionStatus.State


class Calls:
    def __init__(self, models, refused):
        self.models, self.refused = models, refused

    def Predict(self, request, context):
        spec = request.model_spec
        wanted = spec.version.value if spec.HasField("version") else None
        try:
            version = self.models.servable(spec.name, wanted, spec.version_label or None)
            name = spec.signature_name or "serving_default"
            if name not in version.model.signatures:
                raise self.refused(
                    "INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def'
                )
            inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
            outputs = version.model.signatures[name](**inputs)
        except self.refused as error:
            context.abort(grpc.StatusCode[error.code], str(error))
        answer = predict_pb2.PredictResponse()
        for key, value in outputs.items():
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(numpy.asarray(value)))
        return answer

    def GetModelStatus(self, request, context):
        spec = request.model_spec
        wanted = spec.version.value if spec.HasField("version") else None
        try:
            found = self.models.status(spec.name, wanted)["model_version_status"]
        except self.refused as error:
            context.abort(grpc.StatusCode[error.code], str(error))
        answer = get_model_status_pb2.GetModelStatusResponse()
        for version in found:
            status = answer.model_version_status.add()
            status.version, status.state = int(version["version"]), STATES.Value(version["state"])
        return answer


def serve(address, models, refused):
    """Opens the port; the server lives as long as the value."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    calls = Calls(models, refused)
    add = prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server
    # The services have more methods than we have: those answer UNIMPLEMENTED.
    add(complete(calls, prediction_service_pb2_grpc.PredictionServiceServicer), server)
    add = model_service_pb2_grpc.add_ModelServiceServicer_to_server
    add(complete(calls, model_service_pb2_grpc.ModelServiceServicer), server)
    server.add_insecure_port(address)
    server.start()
    return server


def complete(calls, service):
    """The given calls, and for every other one of the service its own answer."""
    servicer = service()
    for name in ("Predict", "GetModelStatus"):
        if hasattr(servicer, name):
            setattr(servicer, name, getattr(calls, name))
    return servicer
