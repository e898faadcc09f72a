import json
import subprocess
import sys

HEAVY = ("torch", "numba", "onnxruntime", "sklearn", "skimage", "matplotlib", "cv2", "ray", "starlette", "scipy")


def _loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


def test_importing_cairn_loads_nothing_heavy():
    assert not _loaded_after("import cairn") & set(HEAVY)


def test_the_core_types_load_nothing_heavy():
    code = "import cairn; cairn.Skeleton, cairn.Landmarks, cairn.Dataset, cairn.Image, cairn.Model, cairn.MeanShape"
    assert not _loaded_after(code) & set(HEAVY)


def test_the_command_line_loads_nothing_heavy():
    assert not _loaded_after("import cairn.cli") & set(HEAVY)


def test_training_is_not_loaded_to_detect():
    assert "torch" not in _loaded_after(
        "import cairn; cairn.load, cairn.train, cairn.evaluate, cairn.read, cairn.write"
    )


def test_everything_public_is_there():
    import cairn

    for name in cairn.__all__:
        assert getattr(cairn, name) is not None
    assert set(cairn.__all__) <= set(dir(cairn))


def test_a_typing_error_is_an_attribute_error():
    run = subprocess.run([sys.executable, "-c", "import cairn; cairn.laod"], capture_output=True, text=True)
    assert "module 'cairn' has no attribute 'laod'" in run.stderr
