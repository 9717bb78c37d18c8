"""The contenders of ours: programs of `hadax.qmc`, compiled by `jax.jit`, each call waited for."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments._contenders import Prepared
from experiments._integrands import integrand
from experiments._qmc_workloads import NOISE, TOLERANCES, QmcJob, vector, weight
from hadax import qmc


def points(job: QmcJob) -> Prepared:
    """Points of a sequence that is randomised; it is an argument of the program."""
    _configure()
    key = jax.random.key(0)
    if job.workload == "lattice":
        sequence = qmc.random_shift(key, qmc.lattice(vector(job.d)))
    elif job.workload == "sobol":
        sequence = _scrambled(key, qmc.sobol(job.d))
    else:
        sequence = qmc.permute_digits(key, qmc.halton(job.d))
    return _prepared(lambda sequence: sequence(job.n), sequence)


def owen(job: QmcJob, *, hash: Any) -> Prepared:
    """A scrambled net; its randomness is an argument of the program."""
    _configure()
    net = qmc.sobol(job.d)
    return _prepared(
        lambda key, net: qmc.nested_scramble(key, net, hash=hash)(job.n), jax.random.key(0), net
    )


def column(job: QmcJob) -> Prepared:
    """A column of a kernel's matrix on points that are arguments, as words."""
    _configure()
    kernel, points = _kernel(job), _points(job)
    prepared = _prepared(lambda kernel, x: kernel(x, x[:1]), kernel, points.words(job.n))
    return _with_output(prepared, lambda: np.asarray(kernel(points.words(job.n), points.words(1))))


def solve(job: QmcJob) -> Prepared:
    """A solution by two transforms."""
    _configure()
    matrix = qmc.Gram(jnp.array(job.eigenvalues(), float), job.is_lattice)
    y = jnp.array(job.right_hand_side(), float)
    prepared = _prepared(lambda matrix, y: matrix.solve(y), matrix, y)
    return _with_output(prepared, lambda: np.asarray(matrix.solve(y)))


def step(job: QmcJob) -> Prepared:
    """The likelihood, its gradient and a step, from the same place in every call."""
    _configure()
    points, y = _points(job), jnp.array(job.values(), float)
    make = qmc.shift_invariant_kernel if job.is_lattice else qmc.digital_kernel
    optimizer = optax.rprop(0.1)

    def loss(logs: dict[str, jax.Array], points: Any, y: jax.Array) -> jax.Array:
        kernel = make(job.d, scale=jnp.exp(logs["scale"]), weights=jnp.exp(logs["weights"]))
        return qmc.regression_loss(kernel, points, y, noise=NOISE)

    def step(logs: Any, state: Any, points: Any, y: jax.Array) -> Any:
        value, gradient = jax.value_and_grad(loss)(logs, points, y)
        updates, state = optimizer.update(gradient, state, logs)
        return optax.apply_updates(logs, updates), state, value

    logs = {"scale": jnp.zeros(()), "weights": jnp.full(job.d, float(np.log(weight(job.d))))}
    arguments = (logs, optimizer.init(logs), points, y)
    return _with_output(
        _prepared(step, *arguments), lambda: np.asarray(jax.jit(step)(*arguments)[2])
    )


def cubature(job: QmcJob) -> Prepared:
    """A cubature with the usual settings, called again and again: it keeps its programs."""
    _configure()
    key = jax.random.key(0)
    if job.is_lattice:
        points: Any = qmc.random_shift(key, qmc.lattice(qmc.cbc(job.d, job.n, n_min=2**8)))
    else:
        points = _scrambled(key, qmc.sobol(job.d))
    adaptive = job.workload.startswith("cubature")
    integrate: Any = qmc.adaptive_cubature if adaptive else qmc.bayesian_cubature
    function, tolerance = integrand("keister", job.d).function, TOLERANCES[job.workload]

    def loop(calls: int) -> None:
        for _ in range(calls):
            integrate(function, points, abs_tol=tolerance, n_max=job.n)

    def output() -> np.ndarray:
        found = integrate(function, points, abs_tol=tolerance, n_max=job.n)
        return np.asarray(found.integral)

    return _with_output(Prepared(loop), output)


def _scrambled(key: jax.Array, net: qmc.DigitalNet) -> qmc.DigitalNet:
    """A net scrambled linearly and shifted, by keys of their own."""
    key_scramble, key_shift = jax.random.split(key)
    return qmc.digital_shift(key_shift, qmc.linear_scramble(key_scramble, net))


def _points(job: QmcJob) -> Any:
    """The points of columns and fits."""
    if job.is_lattice:
        return qmc.lattice(vector(job.d))
    return qmc.sobol(job.d)


def _kernel(job: QmcJob) -> Any:
    """The kernel of order 2."""
    make = qmc.shift_invariant_kernel if job.is_lattice else qmc.digital_kernel
    return make(job.d, weights=weight(job.d))


def _prepared(function: Callable[..., Any], *arguments: Any) -> Prepared:
    """Compile it, and time that."""
    began = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - began
    memory = compiled.memory_analysis()
    run = jax.jit(function)

    def loop(calls: int) -> None:
        for _ in range(calls):
            jax.block_until_ready(run(*arguments))

    return Prepared(
        loop,
        compile_seconds=(seconds,),
        temp_bytes=memory.temp_size_in_bytes if memory is not None else None,
    )


def _with_output(prepared: Prepared, output: Callable[[], np.ndarray]) -> Prepared:
    """The same, with what it computes as one row."""
    return Prepared(
        prepared.loop,
        lambda: np.atleast_1d(output())[None],
        prepared.compile_seconds,
        prepared.temp_bytes,
    )


def _configure() -> None:
    """Before the first array: wait in the thread that calls."""
    jax.config.update("jax_cpu_enable_async_dispatch", False)
