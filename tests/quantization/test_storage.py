"""Files of quantized tensors: bit for bit, and no broken one goes unseen."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from hadax.quantization import Codebook, FloatFormat, IntFormat, ScaleSpec, lloyd_max, storage
from hadax.quantization import quantize as quantize_eagerly

quantize = jax.jit(quantize_eagerly, static_argnums=(1, 2))
X = jax.random.normal(jax.random.key(0), (2, 8, 12))


def everything():
    """One of each."""
    return {
        "int": quantize(X, IntFormat(3, symmetric=False), ScaleSpec(-2, 4, dtype="float16")),
        "short": quantize(X, IntFormat(4), ScaleSpec(-2, 3)),
        "float": quantize(X[0], FloatFormat("e4m3"), ScaleSpec(None, dtype="e8m0")),
        "layers.0.lloyd": quantize(X[0].astype("bfloat16"), lloyd_max(5), ScaleSpec(dtype="e4m3")),
        "array": X,
        "half": X.astype("bfloat16"),
        "number": jnp.int8(-3),
        "flags": np.array([True, False]),
        "none": jnp.zeros((0, 3)),
    }


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.safetensors"
    storage.save(path, everything())
    return path


def test_it_comes_back_bit_for_bit(path):
    loaded, expected = storage.load(path), everything()
    assert loaded.keys() == expected.keys()
    assert jax.tree.structure(loaded) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(loaded), jax.tree.leaves(expected), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    np.testing.assert_array_equal(loaded["float"].dequantize(), expected["float"].dequantize())


def test_doubles_need_64_bits(tmp_path):
    path = tmp_path / "doubles"
    with jax.enable_x64(True):
        packed = quantize(jnp.asarray(np.linspace(-1, 1, 8)), IntFormat(8))
        storage.save(path, {"packed": packed})
        np.testing.assert_array_equal(storage.load(path)["packed"].scales, packed.scales)
    with pytest.raises(ValueError, match=r"packed\.scales in .* is float64\. Load it within jax"):
        storage.load(path)


@pytest.mark.parametrize(
    "spec", [ScaleSpec(-2), ScaleSpec(-2, block=32, dtype="float16")], ids=["channel", "group"]
)
def test_four_bits_are_below_five_on_disk(spec, tmp_path):
    kernel = jax.random.normal(jax.random.key(0), (576, 576))
    packed = quantize(kernel, IntFormat(4), spec)
    storage.save(tmp_path / "kernel", {"kernel": packed})
    bits = 8 * (tmp_path / "kernel").stat().st_size / kernel.size
    assert packed.bits_per_weight <= bits < 5.0


def test_a_write_that_fails_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        storage.save(path, {"array": X})
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"whole file that `save` wrote, but .* cannot be read"):
        storage.load(path)


def test_every_flipped_bit_is_seen(path):
    """A bit in each of 60 places: of the header, the codes, the scales, the arrays."""
    whole = path.read_bytes()
    for place in np.linspace(8, len(whole) - 1, 60, dtype=int).tolist():
        flipped = bytearray(whole)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match="whole file that `save` wrote"):
            storage.load(path)


def retold(path, change):
    """The file with its tensors and its header changed, under a digest that is right again."""
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["hadax"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(header, tensors)
    text = json.dumps(header)
    save_file(tensors, path, {"hadax": text, "sha256": storage._digest(text, tensors)})


def assign(entry, *keys):
    """A change of the header: the last of the keys is the new value."""
    *path, last, value = (entry, *keys)

    def change(header, tensors):
        place = header["entries"]
        for key in path:
            place = place[key]
        place[last] = value

    return change


def tensor(name, make):
    """A change of one tensor."""

    def change(header, tensors):
        tensors[name] = np.ascontiguousarray(make(tensors[name]))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header, tensors: header.update(version=2), "of version 2, where 1 is known"),
        (lambda header, tensors: header.pop("entries"), "cannot be used .*entries"),
        (lambda header, tensors: tensors.pop("array"), "cannot be used .*array"),
        (lambda header, tensors: tensors.update(more=np.ones(2)), "does not describe more"),
        (assign("int", "format", "kind", "posit"), "cannot be used .*posit"),
        (assign("int", "format", "bits", 1), "`bits` must be at least 2"),
        (assign("int", "format", "bits", 4), "has 5 bytes for 12 codes of 4 bits"),
        (assign("int", "format", "symmetric", True), "has zero points, with the format"),
        (assign("int", "n", 13), "has scales of shape"),
        (assign("int", "n", 0), "for 0 entries a row"),
        (assign("int", "of", "int8"), "of a quantized array of int8"),
        (assign("int", "dtypes", ".scales", "bfloat16"), "as bfloat16, which is kept as float16"),
        (assign("float", "format", "name", "e3m4"), "`name` must be one of"),
        (assign("layers.0.lloyd", "format", "levels", [0.0] * 32), "finite and increasing"),
        (assign("layers.0.lloyd", "format", "levels", [*map(float, range(17))]), "of 17 levels"),
        (tensor("int.scales", lambda a: a[:, :, :5]), "has scales of shape"),
        (assign("short", "padding", [2, 0]), "has scales of shape"),
        (assign("short", "padding", [4, 0]), "has scales of shape"),
        (assign("short", "padding", [0, 0, 0, 0]), "has scales of shape"),
        (assign("short", "padding", [1.5, 0]), "cannot be used"),
        (assign("int", "padding", [8, 0]), "has scales of shape"),
        (tensor("int.scales", lambda a: 0 * a), "a scale that is not finite and positive"),
        (tensor("int.zeros", lambda a: a + 8), "has a zero point .*, beyond 3 bits"),
        (tensor("int.zeros", lambda a: a[0]), "has zero points"),
        (tensor("int.codes", lambda a: a[..., :4]), "has 4 bytes for 12 codes of 3 bits"),
        (tensor("float.codes", lambda a: a | 0x7F), "has a code that is no number of Float"),
    ],
)
def test_what_is_wrong_under_a_right_digest_is_refused(path, change, message):
    retold(path, change)
    with pytest.raises(ValueError, match=message) as error:
        storage.load(path)
    assert "whole file that `save` wrote" in str(error.value)


def test_another_file_is_refused(path):
    save_file({"array": np.ones(3)}, path)
    with pytest.raises(ValueError, match="has no metadata of hadax"):
        storage.load(path)
    path.write_text("spam" * 100)
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        storage.load(path)
    with pytest.raises(FileNotFoundError, match="`path` must be an existing file, but"):
        storage.load(path.with_name("other"))


@pytest.mark.usefixtures("without_shape_checks")
def test_what_cannot_be_stored_is_refused(tmp_path):
    packed = quantize(X, Codebook((-1.0, 1.0)))
    for tensors, kind, message in [
        ([packed], TypeError, "`tensors` must be a dict of QTensors .* but is a list"),
        ({"a": {"b": X}}, TypeError, "`tensors` must hold QTensors and arrays, but a is a dict"),
        ({"key": jax.random.key(0)}, TypeError, "but key is key<fry>"),
        ({"a": packed, "a.codes": X}, ValueError, r"distinct names, but a\.codes"),
        ({"a": quantize(X / 0, IntFormat(4))}, ValueError, "but a has a scale that is not finite"),
    ]:
        with pytest.raises(kind, match=message):
            storage.save(tmp_path / "file", tensors)
    for path in (tmp_path, tmp_path / "none" / "file"):
        with pytest.raises(FileNotFoundError, match="`path` must be a file in an existing folder"):
            storage.save(path, {"a": packed})
    assert not any(tmp_path.iterdir())


@pytest.mark.usefixtures("without_shape_checks")
def test_other_orders_of_bytes_and_integers_of_numpy(tmp_path):
    path = tmp_path / "some.safetensors"
    bits = np.arange(4, 5)[0]
    storage.save(path, {"w": np.arange(3, dtype=">f4"), "q": quantize(X, IntFormat(bits))})
    found = storage.load(path)
    np.testing.assert_array_equal(found["w"], [0, 1, 2])
    assert found["q"].format == IntFormat(4)
