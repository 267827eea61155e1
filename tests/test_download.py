"""Getting the data set, against a local server that breaks off, resumes and lies."""

import hashlib
import io
import tarfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from contourbench.bench.cli.main import main
from contourbench.bench.datasets.download import get_bsds500
from contourbench.bench.errors import UserError

FILES = {"images/test/1.jpg": b"picture" * 5000, "groundTruth/test/1.mat": b"contours" * 4000}
CHECKSUMS = {path: hashlib.sha256(data).hexdigest() for path, data in FILES.items()}


def archive(extra=()):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in [(f"BSR/BSDS500/data/{path}", data) for path, data in FILES.items()] + list(extra):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    """Serves one file; ``cut`` bytes at the first request, then ranges."""

    def __init__(self, server, *args):
        self.state = server
        super().__init__(*args)

    def do_GET(self):
        data, state = self.state["data"], self.state
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        state["starts"].append(start)
        if self.path != "/BSR.tgz":
            return self.send_error(404)
        if start >= len(data):
            return self.send_error(416)
        self.send_response(206 if start and state["ranges"] else 200)
        rest = data[start:] if state["ranges"] else data
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: state.pop("cut", len(rest))])

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    state = {"data": archive(), "starts": [], "ranges": True}
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state))
    thread = Thread(target=http.serve_forever)
    thread.start()
    state["url"] = f"http://127.0.0.1:{http.server_port}/BSR.tgz"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def get(folder, server):
    get_bsds500(folder, server["url"], hashlib.sha256(server["data"]).hexdigest(), CHECKSUMS)


def assert_complete(folder):
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found == FILES


def test_download(tmp_path, server, caplog):
    caplog.set_level("INFO", "contourbench")
    get(tmp_path / "data", server)
    assert_complete(tmp_path / "data")
    get(tmp_path / "data", server)
    assert "complete already, nothing to do" in caplog.text
    assert server["starts"] == [0]


@pytest.mark.parametrize("ranges", [True, False])
def test_goes_on_where_it_broke_off(tmp_path, server, ranges):
    server["cut"], server["ranges"] = 100, ranges
    with pytest.raises(OSError, match="connection ended after 100 of"):
        get(tmp_path, server)
    get(tmp_path, server)
    assert server["starts"] == [0, 100]
    assert_complete(tmp_path)


def test_another_file_is_refused_before_unpacking(tmp_path, server):
    with pytest.raises(UserError, match=r"sha256 .*, expected 0000"):
        get_bsds500(tmp_path, server["url"], "0000", CHECKSUMS)
    assert list(tmp_path.iterdir()) == []


def test_members_outside_the_tree_are_not_unpacked(tmp_path, server):
    evil = [("../evil.jpg", b"x"), ("BSR/BSDS500/data/images/test/../../../../evil.jpg", b"x"), ("/tmp/evil.jpg", b"x")]
    server["data"] = archive([*evil, ("BSR/bench/benchmarks.m", b"code")])
    get(tmp_path / "in" / "data", server)
    assert_complete(tmp_path / "in" / "data")
    assert not list(tmp_path.rglob("evil*"))


def test_archive_without_a_file(tmp_path, server):
    more = {**CHECKSUMS, "images/test/2.jpg": "0"}
    with pytest.raises(UserError, match=r"1 of 3 files missing: images/test/2.jpg"):
        get_bsds500(tmp_path, server["url"], hashlib.sha256(server["data"]).hexdigest(), more)
    assert not (tmp_path / "images").exists()


def test_an_incomplete_copy_is_not_touched(tmp_path, server):
    (tmp_path / "images" / "test").mkdir(parents=True)
    (tmp_path / "images" / "test" / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(UserError, match="holds an incomplete copy"):
        get(tmp_path, server)
    assert (tmp_path / "images" / "test" / "mine.jpg").read_bytes() == b"mine"


def test_command(tmp_path, server, capsys):
    """The command insists on the official archive, and says when it cannot be had."""
    assert main(["data", "get", "bsds500", str(tmp_path / "a"), "--url", server["url"]]) == 2
    assert "expected 97e49d31" in capsys.readouterr().err
    assert main(["data", "get", "bsds500", str(tmp_path / "b"), "--url", server["url"] + "x"]) == 1
    assert "answered 404" in capsys.readouterr().err
