"""One of two processes that transform an array that lies in both: `two_processes.py PORT RANK`."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from hadax import distributed
from hadax.kernels import _reference


def main(port: str, rank: int) -> None:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_num_cpu_devices", 2)
    jax.distributed.initialize(f"localhost:{port}", num_processes=2, process_id=rank)
    assert (jax.device_count(), jax.local_device_count()) == (4, 2)
    line, square = (jax.make_mesh(axes, ("b", "d")) for axes in ((1, 4), (2, 2)))
    compare(line, P("b", "d"), 192, "natural")
    compare(square, P("b", "d"), 64, "sequency")
    compare(square, P(None, ("d", "b")), 64, "dyadic")
    jax.distributed.shutdown()
    print(f"process {rank} agrees")


def compare(mesh: jax.sharding.Mesh, spec: P, n: int, order: str) -> None:
    """Hold the transform, its inverse and its gradient to the matrix on what this process has."""
    sharding = NamedSharding(mesh, spec)
    x = np.random.default_rng(0).standard_normal((4, n)).astype(np.float32)
    matrix = _reference.hadamard_matrix(n, order=order) / np.sqrt(n)
    array = jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])
    y = distributed.fwht_sharded(array, mesh, spec, order=order)
    hold(y, x @ matrix.T)
    hold(distributed.ifwht_sharded(y, mesh, spec, order=order), x)

    def loss(v):
        return jnp.sum(distributed.fwht_sharded(v, mesh, spec, order=order) ** 3)

    hold(jax.jit(jax.grad(loss))(array), 3 * (x @ matrix.T) ** 2 @ matrix)


def hold(array: jax.Array, right: np.ndarray) -> None:
    """Hold this process's part to its part of the whole."""
    assert not array.is_fully_addressable
    for shard in array.addressable_shards:
        limit = 1e-6 * np.abs(right).max()
        np.testing.assert_allclose(np.asarray(shard.data), right[shard.index], rtol=0, atol=limit)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
