"""Fetching BSDS500 and verifying a copy of it.

The archive is resumed where it broke off, verified before it is unpacked, and unpacked file by file: only the images
and annotations, under names we expect, each verified again.
"""

import http.client
import logging
import os
import re
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from ..errors import UserError, listing
from ..files.folders import make_writable
from ..files.hashes import file_sha256
from .bsds500 import BSDS500_SIZES, bsds500_root, official_checksums, official_ids

logger = logging.getLogger(__name__)

BSDS500_URL = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz"
BSDS500_SHA256 = "97e49d31764f3912f0c4122707d53062ac9e783ba0f095e447a4d53c1a41af8e"
MEMBER = re.compile(r"(?:\./)?BSR/BSDS500/data/((?:images|groundTruth)/(?:train|val|test)/[\w.-]+\.(?:jpg|mat))")
CHUNK = 1 << 20


def get_bsds500(
    folder: Path, url: str = BSDS500_URL, sha256: str = BSDS500_SHA256, checksums: dict[str, str] | None = None
) -> None:
    """Download BSDS500 into ``folder/images`` and ``folder/groundTruth``.

    Parameters
    ----------
    folder : Path
        Made if need be. A complete copy is left as it is.
    url, sha256 : str
        The archive and its hash; a mirror must serve the same bytes.
    checksums : dict, optional
        Hash of each expected file; those of BSDS500 if not given.

    Raises
    ------
    UserError
        If the folder holds something else, or a hash does not agree.
    OSError
        If the connection fails; what has arrived is kept and the next call goes on from there.
    """
    checksums = checksums or official_checksums()
    if (folder / "images").exists() or (folder / "groundTruth").exists():
        problems = differences(folder, checksums)
        if problems:
            raise UserError(f"{folder}: holds an incomplete copy ({problems[0]}); remove it or choose another folder")
        logger.info(f"{folder}: complete already, nothing to do")
        return
    make_writable(folder, str(folder))
    archive = folder / "BSR_bsds500.tgz"
    if not archive.exists():
        fetch(url, archive, sha256)
    elif file_sha256(archive) != sha256:
        raise UserError(f"{archive}: not the official archive (its sha256 differs); remove it and try again")
    logger.info(f"{archive}: verified, unpacking")
    _unpack(archive, folder, checksums)
    archive.unlink()


def fetch(url: str, path: Path, sha256: str) -> None:
    """Download ``url`` to ``path``, going on from ``path.part`` if an earlier try left one, and verify it."""
    part = path.with_name(path.name + ".part")
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            resumed = response.status == 206
            _copy(response, part, append=resumed)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send, the part is whole
            raise OSError(f"{url}: the server answered {error.code} {error.reason}") from None
    except (http.client.HTTPException, ValueError) as error:
        if not url.startswith(("http://", "https://")) or isinstance(error, http.client.InvalidURL):
            raise UserError("not a web address, expected https://…", parameter="url", value=url) from None
        raise OSError(f"{url}: the answer cannot be read ({type(error).__name__}); run it again to go on") from None
    found = file_sha256(part)
    if found != sha256:
        part.unlink()
        raise UserError(f"{url}: sha256 {found}, expected {sha256}; another file, or damaged on the way; removed")
    part.replace(path)


def _copy(response, part: Path, append: bool) -> None:  # noqa: ANN001
    """Write what arrives, saying how far it is; a connection that ends early is an error, not a short file."""
    expected = response.headers.get("Content-Length")
    received = 0
    with part.open("ab" if append else "wb") as file:
        while chunk := response.read(CHUNK):
            file.write(chunk)
            received += len(chunk)
            if received // (10 * CHUNK) > (received - len(chunk)) // (10 * CHUNK):
                logger.info(f"{part.name}: {received / 1e6:.0f} MB")
    if expected and received < int(expected):
        raise OSError(f"connection ended after {received} of {expected} bytes; run the same command to go on")


def _unpack(archive: Path, folder: Path, checksums: dict[str, str]) -> None:
    """Unpack the expected files beside their final place, verify them, and move them there."""
    workplace = Path(tempfile.mkdtemp(dir=folder, prefix=".unpacking-"))
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                known = MEMBER.fullmatch(member.name)
                if known and member.isfile() and known[1] in checksums:
                    target = workplace / known[1]
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as file:
                        shutil.copyfileobj(tar.extractfile(member), file)
        problems = differences(workplace, checksums)
        if problems:
            raise UserError(f"{archive}: {problems[0]}")
        for name in ("images", "groundTruth"):
            os.replace(workplace / name, folder / name)  # noqa: PTH105
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def differences(folder: Path, checksums: dict[str, str]) -> list[str]:
    """Return one line for each way in which a folder differs from the list of checksums."""
    missing = [path for path in checksums if not (folder / path).is_file()]
    damaged = [p for p, sha256 in checksums.items() if (folder / p).is_file() and file_sha256(folder / p) != sha256]
    problems = []
    if missing:
        problems.append(f"{len(missing)} of {len(checksums)} files missing: {listing(missing, 4)}")
    if damaged:
        problems.append(
            f"{len(damaged)} of {len(checksums)} files differ from the official ones: {listing(damaged, 4)}"
        )
    return problems


def check_bsds500(folder: Path) -> str:
    """Verify every file of a BSDS500 copy; return what is there.

    Raises
    ------
    UserError
        Naming what is missing or damaged.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    found = bsds500_root(folder)
    if found is None:
        raise UserError(f"{folder}: no images and groundTruth folders with ids of BSDS500 in it; not a copy of it")
    root, truths = found
    problems = differences(
        root, {path.replace("groundTruth", truths, 1): s for path, s in official_checksums().items()}
    )
    for split in BSDS500_SIZES:
        extra = sorted({p.stem for p in (root / "images" / split).glob("*.jpg")} - official_ids(split))
        if extra:
            problems.append(f"images/{split}: {len(extra)} image(s) that are not in BSDS500: {listing(extra, 4)}")
    if problems:
        raise UserError("\n".join(f"{root}: {problem}" for problem in problems))
    sizes = ", ".join(f"{split} {size}" for split, size in BSDS500_SIZES.items())
    return f"{root}: BSDS500 complete: {sizes} images with ground truth, every file's sha256 agrees"
