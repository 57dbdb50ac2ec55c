"""Weights out to ONNX, and in from ONNX and Keras; `holdfast.nn.convert` takes torch's layers."""

from holdfast.export.keras_weights import from_keras_weights as from_keras_weights
from holdfast.export.onnx_reader import from_onnx as from_onnx
from holdfast.export.onnx_writer import to_onnx as to_onnx
