"""Cases of trimaps, outputs, ends on the way and weights."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from types import MappingProxyType

from torture.broken import data, empty_folder, hard_link, link, long_head, malicious_pickle, pipe, weights
from torture.case import Case, Maker
from torture.pictures import deep, flat, folder, png, still, trimap, trimap_values
from torture.sound_cases import matted
from torture.videos import SIZE, noise, video

CLIP = {"c.mp4": video(), "t.png": trimap()}
KEY = ("matte", "c.mp4", "--trimap", "0=t.png", "--threads", "1", "--across-cuts")
ALPHA = ("--alpha", "a.mkv")
PRECIOUS = data(b"precious")


def keyed(maker: Maker, says: str, *, code: int = 2, option: str = "--trimap", promise: int = 11) -> Case:
    """Return a case of a trimap or a mask."""
    command = ("matte", "c.mp4", option, "0=k.png", *ALPHA, "--threads", "1", "--across-cuts")
    leaves = {"a.mkv": (3, SIZE)} if code == 0 else {}
    return Case(promise, {"c.mp4": video(), "k.png": maker}, command, code, says, leaves)


def written(
    *options: str,
    says: str,
    code: int = 2,
    makes: Mapping[str, Maker] = MappingProxyType({}),
    leaves: Mapping[str, tuple[int, tuple[int, int]]] = MappingProxyType({}),
    promise: int = 10,
    **apart: object,
) -> Case:
    """Return a case of outputs."""
    return Case(promise, {**CLIP, **makes}, (*KEY, *options), code, says, leaves, **apart)


def weighed(name: str, maker: Maker, says: str, *, promise: int = 14) -> Case:
    """Return a case of weights that are refused."""
    return Case(promise, {**CLIP, name: maker}, (*KEY, *ALPHA, "--weights", name), 2, says)


TRIMAPS = {
    "trimap of another size": keyed(trimap((20, 30)), "got (20, 30)"),
    "trimap with other values": keyed(flat(77), "got 77"),
    "trimap in colour": keyed(flat((0, 128, 255), mode="RGB"), "must be grey"),
    "trimap that is a pipe": keyed(pipe, "pipe or a device", promise=17),
    "trimap that is too large": keyed(data(png((9000, 9000))), "at most 67108864 pixels", promise=17),
    "trimap that is text": keyed(data(b"hello"), "it is not one"),
    "trimap without known pixels": keyed(flat(128), "wrote a.mkv", code=0, promise=12),
    "trimap without unknown pixels": keyed(flat(255), "wrote a.mkv", code=0, promise=12),
    "trimap of background alone": keyed(flat(0), "wrote a.mkv", code=0, promise=12),
    "trimap of 16 bits with other values": keyed(deep("png", "gray16be"), "must hold only 0"),
    "mask that is empty": keyed(flat(0), "wrote a.mkv", code=0, option="--mask"),
    "mask that is full": keyed(flat(255), "wrote a.mkv", code=0, option="--mask"),
    "mask of ones": keyed(flat(1), "must mark the foreground", option="--mask"),
    "mask in colour": keyed(still("PNG"), "must be grey", option="--mask"),
    "trimap past the end": Case(11, CLIP, ("matte", "c.mp4", "--trimap", "3=t.png", *ALPHA), 2, "from 0 to 2"),
    "trimaps of a folder with a frame twice": Case(
        11,
        {"c.mp4": video(), "k": folder(["a1.png", "b1.png"])},
        ("matte", "c.mp4", "--trimaps", "k", *ALPHA),
        2,
        "must have one trimap",
    ),
    "trimaps of an empty folder": Case(
        11, {"c.mp4": video(), "k": empty_folder}, ("matte", "c.mp4", "--trimaps", "k", *ALPHA), 2, "holds none"
    ),
}

OUTPUTS = {
    "onto the input": written("--alpha", "c.mp4", "--overwrite", says="must not be the input"),
    "onto a link to the input": written(
        "--alpha", "l.mkv", "--overwrite", makes={"l.mkv": link("c.mp4")}, says="must not be the input"
    ),
    "onto another name of the input": written(
        "--alpha", "h.mkv", "--overwrite", makes={"h.mkv": hard_link("c.mp4")}, says="must not be the input"
    ),
    "onto the trimap": Case(
        10,
        {"one.png": still("PNG"), "t.png": trimap()},
        ("matte", "one.png", "--trimap", "0=t.png", "--alpha", "t.png", "--overwrite"),
        2,
        "must not be an input",
    ),
    "onto what stands there": written(*ALPHA, makes={"a.mkv": PRECIOUS}, says="must not exist yet"),
    "onto what stands there, when asked": written(
        *ALPHA, "--overwrite", makes={"a.mkv": PRECIOUS}, says="wrote a.mkv", code=0, leaves={"a.mkv": (3, SIZE)}
    ),
    "into a folder with other files": written(
        "--alpha", "d", "--overwrite", makes={"d": folder(["x.png"])}, says="must hold nothing but"
    ),
    "into a missing folder": written("--alpha", "none/a.mkv", says="there is none; make it first", promise=3),
    "below a file": written("--alpha", "t.png/a.mkv", says="t.png", promise=3),
    "over a folder": written("--alpha", "d.mkv", "--overwrite", makes={"d.mkv": empty_folder}, says="d.mkv"),
    "a name too long": written("--alpha", "n" * 300 + ".mkv", says="name too long", promise=16),
    "a suffix that is not known": written("--alpha", "a.xyz", says="a.xyz", promise=3),
    "two outputs at one place": written(*ALPHA, "--cutout", "./a.mkv", says="path of its own"),
    "into a folder that is locked": written(*ALPHA, says="must allow writing", locked=True),
    "onto a full disk": written(*ALPHA, says="a.mkv must be writable; file too large", promise=2, limit=200),
    "a cut-out onto a full disk": written("--cutout", "c.mov", says="must be writable", promise=2, limit=4000),
    "pictures onto a full disk": written("--alpha", "d", says="must be writable", promise=2, limit=60),
    "all outputs": written(
        *ALPHA,
        "--foreground",
        "f",
        "--cutout",
        "k.mov",
        "--composite",
        "o.mp4",
        "--background",
        "#00b140",
        says="wrote a.mkv, f, k.mov, o.mp4",
        code=0,
        leaves=dict.fromkeys(("a.mkv", "f", "k.mov", "o.mp4"), (3, SIZE)),
        promise=1,
    ),
    "a background that is too large": written(
        "--composite",
        "o.mp4",
        "--background",
        "b.png",
        makes={"b.png": data(png((9000, 9000)))},
        says="at most 67108864 pixels",
        promise=17,
    ),
}

LONG = {"c.mp4": noise(".mp4", keys=12, count=60), "t.png": trimap((48, 64))}


def stopped(number: int, code: int, says: str) -> Case:
    """Return a case of a run that is ended from outside while it writes."""
    return Case(2, LONG, (*KEY, *ALPHA, "--foreground", "f.mkv"), code, says, stop=number)


ENDS = {
    "interrupted": stopped(signal.SIGINT, 130, "interrupted"),
    "asked to end": stopped(signal.SIGTERM, 130, "interrupted"),
    "killed": stopped(signal.SIGKILL, -9, ""),
}

WEIGHTS = {
    "weights that are missing": Case(14, CLIP, (*KEY, *ALPHA, "--weights", "none.safetensors"), 2, "no such file"),
    "weights that are a folder": weighed("w.safetensors", empty_folder, "is a folder"),
    "weights that are a pipe": weighed("w.safetensors", pipe, "pipe or a device", promise=17),
    "weights that are empty": weighed("w.safetensors", data(b""), "is empty"),
    "weights cut short": weighed("w.safetensors", weights("cut"), "must be a whole safetensors file"),
    "weights with a head of 2^62 bytes": weighed("w.safetensors", long_head, "must be a whole safetensors file"),
    "weights of another family": weighed("w.safetensors", weights("family"), "'other'"),
    "weights with a value that is no number": weighed("w.safetensors", weights("nan"), "must be finite", promise=6),
    "weights without one tensor": weighed("w.safetensors", weights("missing"), "misses"),
    "weights with one tensor too many": weighed("w.safetensors", weights("more"), "stranger"),
    "weights of another shape": weighed("w.safetensors", weights("shape"), "must have shape"),
    "a pickle as weights": weighed("w.pth", malicious_pickle, "safetensors", promise=13),
    "a pickle named safetensors": weighed("w.safetensors", malicious_pickle, "safetensors", promise=13),
    "a pickle to be converted": Case(
        13,
        {"w.pth": malicious_pickle},
        ("weights", "convert", "w.pth", "-o", "w.safetensors"),
        2,
        "w.pth",
    ),
}

KNOWN = trimap_values(SIZE)
LAW = {"known pixels are law": matted("c.mp4", video(), promise=12)}

OTHERS = {**TRIMAPS, **OUTPUTS, **ENDS, **WEIGHTS, **LAW}
