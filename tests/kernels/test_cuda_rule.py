"""When a CUDA program runs a kernel, and when it leaves the transform to XLA; nothing is run."""

import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

import hadax
from hadax.kernels import _cuda_rule, _dispatch
from tests.kernels import gpu_targets

KERNEL = "__gpu$xla.gpu.triton"
pytestmark = pytest.mark.filterwarnings("error:The Pallas Triton backend:DeprecationWarning")


def lowered(function, *shapes, target="sm_90"):
    """The text of a CUDA program."""
    args = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in shapes]
    with gpu_targets.abstract_device(target):
        return jax.jit(function).trace(*args).lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_floats_take_the_kernel_without_a_warning(dtype):
    assert lowered(hadax.fwht, ((4, 64), dtype)).count(KERNEL) == 1


def test_gradients_signs_and_orders_take_it_too():
    def loss(x):
        return jnp.sum(jnp.sin(hadax.fwht(x)))

    assert lowered(jax.grad(loss), ((64,), "float32")).count(KERNEL) == 2
    assert lowered(jax.vmap(hadax.fwht, in_axes=1), ((64, 4), "float32")).count(KERNEL) == 1
    sequency = functools.partial(hadax.fwht, order="sequency")
    assert lowered(sequency, ((64,), "float32")).count(KERNEL) == 1
    signed = functools.partial(_dispatch.wht, side="after")
    assert lowered(signed, ((4, 64), "float32"), ((64,), "int8")).count(KERNEL) == 1


@pytest.mark.parametrize(
    ("shape", "dtype"), [((4, 8), "float32"), ((4, 64), "int32"), ((4, 64), "complex64")]
)
def test_what_no_kernel_serves_is_left_to_xla(shape, dtype):
    fwht = functools.partial(hadax.fwht, norm="backward")
    assert KERNEL not in lowered(fwht, (shape, dtype))
    word = functools.partial(fwht, implementation="triton")
    with pytest.raises(NotImplementedError, match="'triton': "):
        lowered(word, (shape, dtype))


def test_empty_and_symbolic_arrays_are_left_to_xla():
    assert KERNEL not in lowered(hadax.fwht, ((0, 64), "float32"))
    (rows,) = jax.export.symbolic_shape("rows")
    assert KERNEL not in lowered(hadax.fwht, ((rows, 64), "float32"))


def test_an_exported_program_is_portable_unless_told():
    x = jax.ShapeDtypeStruct((4, 64), jnp.float32)
    with gpu_targets.abstract_device("sm_90"):
        exported = jax.export.export(jax.jit(hadax.fwht), platforms=("cpu", "cuda"))(x)
    assert KERNEL not in exported.mlir_module()


def test_without_a_gpu_nothing_is_offered():
    assert _cuda_rule.availability("triton") == (False, "the default device is no GPU")
    text = (
        jax.jit(hadax.fwht).trace(jnp.ones((4, 64))).lower(lowering_platforms=("cuda",)).as_text()
    )
    assert KERNEL not in text


def test_pallas_is_imported_when_it_is_needed():
    code = "import sys, hadax, hadax.quantization; print('jax.experimental.pallas' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_programs_of_several_meshes_stay_possible_where_there_are_no_gpus():
    x = jax.device_put(jnp.ones((8, 64)), _rows((4,), "a"))
    y = jax.jit(hadax.fwht, out_shardings=_rows((2, 2), "ab"))(x)
    assert y.sharding.mesh.size == 4
    mesh = jax.sharding.AbstractMesh((4,), ("a",))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("a"))
    x = jax.ShapeDtypeStruct((8, 64), jnp.float32, sharding=rows)
    jax.jit(hadax.fwht).trace(x).lower(lowering_platforms=("cuda",))


def _rows(shape, names):
    """Rows spread over the first axis of a mesh."""
    mesh = jax.make_mesh(shape, tuple(names), axis_types=(jax.sharding.AxisType.Auto,) * len(shape))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(names[0]))
