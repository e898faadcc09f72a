"""Fetching, from a server on this machine that behaves badly on demand."""

import hashlib
import io
import json
import os
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cairn import fetch as module
from cairn.errors import InputError
from cairn.fetch import entry_of, fetch, read_registry

CONTENT = bytes(range(256)) * 4000  # about a megabyte


class Server:
    """Files by path; how each request is answered can be changed."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.cut_after: list[int] = []  # of the next answers: how many bytes before the line goes dead
        self.honours_ranges = True
        self.status: int | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # who asked has hung up
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        content = self.files.get(request.path)
        if self.status or content is None:
            request.send_error(self.status or 404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.honours_ranges else 0
        if start and start >= len(content):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(content) - start))
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.end_headers()
        stop = start + self.cut_after.pop(0) if self.cut_after else len(content)
        request.wfile.write(content[start:stop])
        request.wfile.flush()
        if stop < len(content):
            request.connection.close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(module, "_WAIT", 0.0)
    served = Server()
    yield served
    served.server.shutdown()
    served.server.server_close()


def entry(server, path="/points.csv", content=CONTENT, sha256=None, **more):
    server.files[path] = content
    address = server.address + path
    return entry_of(address, sha256=sha256 or hashlib.sha256(content).hexdigest(), licence="CC BY 4.0", **more)


def get(entry, to):
    return fetch(entry, to, accept_licence=True, quiet=True)


def test_a_file_comes_as_it_is_and_is_not_fetched_twice(server, tmp_path):
    wanted = entry(server)
    assert get(wanted, tmp_path / "new/folder") == tmp_path / "new/folder/points.csv"
    assert (tmp_path / "new/folder/points.csv").read_bytes() == CONTENT
    assert os.listdir(tmp_path / "new/folder") == ["points.csv"]
    get(wanted, tmp_path / "new/folder")
    assert len(server.ranges) == 1


def test_nothing_is_asked_of_the_server_before_the_licence_is_accepted(server, tmp_path):
    with pytest.raises(InputError, match=r"CC BY 4.0; read it, and say that you accept it \(--accept-licence\)"):
        fetch(entry(server), tmp_path)
    assert server.ranges == []
    assert os.listdir(tmp_path) == []


def test_a_wrong_checksum_is_one_sentence_and_leaves_nothing(server, tmp_path):
    with pytest.raises(InputError, match="has another checksum than 0000") as error:
        get(entry(server, sha256="0" * 64), tmp_path)
    assert "\n" not in str(error.value)
    assert os.listdir(tmp_path) == []


def test_a_cut_connection_goes_on_where_it_stopped(server, tmp_path):
    server.cut_after = [300_000]
    assert get(entry(server), tmp_path).read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert server.ranges[1].startswith("bytes=")
    assert 0 < int(server.ranges[1][6:-1]) <= 300_000


def test_a_line_that_stays_dead_leaves_no_file_and_the_next_call_goes_on(server, tmp_path):
    server.cut_after = [300_000, 0, 0]
    wanted = entry(server)
    with pytest.raises(InputError, match=r"broke \(.*\) after [\d,]+ bytes; the same command goes on from there"):
        get(wanted, tmp_path)
    assert not (tmp_path / "points.csv").exists()
    assert os.listdir(tmp_path) == [".points.csv.part"]
    assert get(wanted, tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1].startswith("bytes=")
    assert os.listdir(tmp_path) == ["points.csv"]


def test_a_server_that_knows_no_ranges_is_begun_again(server, tmp_path):
    server.honours_ranges = False
    server.cut_after = [300_000]
    assert get(entry(server), tmp_path).read_bytes() == CONTENT


def test_the_rest_of_another_file_does_not_pass_and_the_next_call_begins_anew(server, tmp_path):
    (tmp_path / ".points.csv.part").write_bytes(b"old" * 1000)
    wanted = entry(server)
    with pytest.raises(InputError, match="another checksum"):
        get(wanted, tmp_path)
    assert os.listdir(tmp_path) == []
    assert get(wanted, tmp_path).read_bytes() == CONTENT
    (tmp_path / "points.csv").unlink()
    (tmp_path / ".points.csv.part").write_bytes(CONTENT)  # whole already: the server has nothing more (416)
    assert get(wanted, tmp_path).read_bytes() == CONTENT


def test_no_server_and_no_file_are_one_sentence(server, tmp_path):
    wanted = entry(server)
    server.files.clear()
    with pytest.raises(InputError, match="the server says 404"):
        get(wanted, tmp_path)
    server.status = 503
    with pytest.raises(InputError, match="the server says 503"):
        get(wanted, tmp_path)
    nobody = entry_of("http://127.0.0.1:9/x.csv", sha256="0" * 64)
    with pytest.raises(InputError, match=r"the connection to 127\.0\.0\.1:9 broke"):
        get(nobody, tmp_path)
    assert os.listdir(tmp_path) == []


def test_more_than_was_promised_is_not_taken(server, tmp_path, monkeypatch):
    registry = tmp_path / "r.json"
    wanted = entry(server)
    said = {"address": wanted.address, "sha256": wanted.sha256, "licence": "CC0", "bytes": 1000}
    registry.write_text(json.dumps({"points": said}))
    with pytest.raises(InputError, match="would send 1,024,000 bytes; expected at most 1,000"):
        get(entry_of("points", registry=registry), tmp_path)
    monkeypatch.setattr(module, "free_space", lambda _: 10)
    with pytest.raises(InputError, match="needs 1,024,000 bytes"):
        get(wanted, tmp_path)
    assert os.listdir(tmp_path) == ["r.json"]


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_an_archive_becomes_a_folder_that_says_where_it_is_from(server, tmp_path):
    wanted = entry(server, "/sets/wings.zip", zipped({"a.tps": "LM=1", "pictures/a.png": "x"}))
    folder = get(wanted, tmp_path)
    assert folder == tmp_path / "wings"
    assert (folder / "pictures/a.png").read_text() == "x"
    assert json.loads((folder / ".cairn-source.json").read_text())["licence"] == "CC BY 4.0"
    assert os.listdir(tmp_path) == ["wings"]
    assert get(wanted, tmp_path) == folder
    assert len(server.ranges) == 1
    other = entry(server, "/sets/wings.zip", zipped({"b.tps": "LM=2"}))
    with pytest.raises(InputError, match="is there already and is something else"):
        get(other, tmp_path)


def test_an_archive_that_leaves_its_folder_is_refused_and_nothing_stays(server, tmp_path):
    with pytest.raises(InputError, match="would leave the folder"):
        get(entry(server, "/trap.zip", zipped({"../../evil": "x"})), tmp_path / "here")
    assert os.listdir(tmp_path / "here") == []
    assert os.listdir(tmp_path) == ["here"]


def test_a_model_file_is_not_unpacked_although_it_is_a_zip(server, tmp_path):
    assert get(entry(server, "/m.cairn", zipped({"model.json": "{}"})), tmp_path) == tmp_path / "m.cairn"


def test_a_file_of_ones_own_is_not_written_over(server, tmp_path):
    (tmp_path / "points.csv").write_text("mine")
    with pytest.raises(InputError, match="is there already and is something else"):
        get(entry(server), tmp_path)
    assert (tmp_path / "points.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "abc"}, "is no SHA-256"),
        ({"sha256": None}, "is no SHA-256"),
        ({"address": "file:///etc/passwd"}, "is no address"),
        ({"licence": " "}, "has no licence"),
        ({"bytes": -1}, "no number of bytes"),
        ({"cite": 3}, "are texts"),
    ],
)
def test_an_entry_without_address_checksum_or_licence_is_refused(change, words, tmp_path):
    good = {"address": "https://example.org/a.zip", "sha256": "0" * 64, "licence": "CC0"}
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"a": good | change}))
    with pytest.raises(InputError, match=rf"r\.json: a: .*{words}"):
        read_registry(path)
    path.write_text(json.dumps({"a": good}))
    assert read_registry(path)["a"].licence == "CC0"


def test_registries_that_are_none_and_names_that_are_not_there(tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    for text in ("{", "[]", '{"a": 1}', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(InputError, match=r"r\.json"):
            read_registry(path)
    with pytest.raises(InputError, match="there is no data 'wings'"):
        entry_of("wings")
    with pytest.raises(InputError, match="give its checksum as well"):
        entry_of("https://example.org/a.zip")
    path.write_text(json.dumps({"a": {"address": "https://e.org/a", "sha256": "0" * 64, "licence": "CC0"}}))
    monkeypatch.setenv("CAIRN_REGISTRY", str(path))
    assert entry_of("a").address == "https://e.org/a"
    with pytest.raises(InputError, match=r"the known ones are .*a"):
        entry_of("b")


def test_everything_that_cairn_knows_by_name_has_a_checksum_and_a_licence():
    for name, known in module.REGISTRY.items():
        assert known.name == name
        assert len(known.sha256) == 64
        assert known.licence
        assert known.address.startswith(("https://", "http://"))  # the checksum is what protects
        assert known.what
        assert known.bytes


def test_the_command_shows_the_licence_and_fetches_when_it_is_accepted(server, tmp_path, capsys, monkeypatch):
    from cairn.cli import main

    monkeypatch.chdir(tmp_path)
    wanted = entry(server)

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(["fetch", *arguments])
        return stop.value.code, capsys.readouterr()

    how = [wanted.address, "--sha256", wanted.sha256, "--licence", "CC BY 4.0", "--to", "data"]
    code, said = run(*how)
    assert code == 2
    assert "accept it (--accept-licence)" in said.err
    assert os.listdir(tmp_path) == []
    code, said = run(*how, "--accept-licence")
    assert code == 0
    assert "points.csv is under this licence: CC BY 4.0" in said.err
    assert said.out.strip() == os.path.join("data", "points.csv")
    code, said = run()
    assert code == 0
    assert "coco2017-labels: 17 points" in said.out
