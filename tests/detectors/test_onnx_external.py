import numpy as np
import pytest

from cairn.detectors.onnx_external import needs_other_files


def _model(external: bool) -> bytes:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.ones(3, np.float32), "w")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        entry = weights.external_data.add()
        entry.key, entry.value = "location", "../../etc/passwd"
    io = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3]) for n in "xy"]
    node = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", io[:1], io[1:], [weights])
    return onnx.ModelProto.SerializeToString(helper.make_model(graph))


def test_a_graph_with_its_numbers_inside_needs_nothing():
    assert not needs_other_files(_model(external=False))


def test_a_graph_that_names_a_file_is_seen():
    assert needs_other_files(_model(external=True))


def test_a_name_hidden_in_a_branch_of_a_node_is_seen():
    onnx = pytest.importorskip("onnx")
    from onnx import helper

    inner = onnx.ModelProto.FromString(_model(external=True)).graph
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    outer = helper.make_model(helper.make_graph([node], "outer", [], []))
    assert needs_other_files(outer.SerializeToString())


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\x3a\x7f\x00", b"plain text, not a graph"])
def test_what_is_no_graph_is_refused(data):
    with pytest.raises(ValueError, match="protobuf"):
        needs_other_files(data)
