import builtins

import pytest

from cairn.distributed.cluster import connect
from cairn.errors import InputError


def test_without_ray_one_sentence_says_what_to_install(monkeypatch):
    true_import = builtins.__import__

    def no_ray(name, *rest):
        if name.partition(".")[0] == "ray":
            raise ImportError(name)
        return true_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_ray)
    with pytest.raises(
        InputError, match=r"Ray is not installed; install it with: pip install 'cairn-landmarks\[ray\]'"
    ):
        connect()
