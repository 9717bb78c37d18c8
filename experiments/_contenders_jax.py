"""The contenders that are JAX programs: the limit, hadax, and what one would write without it.

Every one is compiled as a user compiles it, by `jax.jit`, and each call is waited for. A donated
one overwrites its input, so it runs on its own output; the others make a new array in each call.
"""

import functools
import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import hadax
from experiments._contenders import ASYNC_DISPATCH, Prepared
from experiments._workloads import Job, bit_reversal

COMPILATIONS = 3


def transform(
    job: Job, *, implementation: Any, donate: bool, power_of_two: bool = False
) -> Prepared:
    """`hadax.fwht` by one backend."""
    if power_of_two:
        job = job.at_power_of_two()
    norm = "backward" if job.workload == "integers" else "ortho"
    fwht = functools.partial(hadax.fwht, norm=norm, implementation=implementation)
    return _prepared(fwht, job, donate, comparable=not power_of_two)


def bare(job: Job, *, donate: bool) -> Prepared:
    """`hadax.fwht` as it comes."""
    return _prepared(hadax.fwht, job, donate, comparable=False)


def rotation(job: Job, *, donate: bool) -> Prepared:
    """One block of the randomized rotation, a pytree that is an argument of the program."""
    _configure(job)
    operator = hadax.randomized_hadamard(jax.random.key(0), job.n, 1)
    return _prepared(lambda x, operator: operator(x), job, donate, operator)


def fftbr(job: Job, *, donate: bool, implementation: Any = None) -> Prepared:
    """`hadax.fftbr` by one backend, or by the first that serves."""
    return _prepared(functools.partial(hadax.fftbr, implementation=implementation), job, donate)


def gather_fft(job: Job) -> Prepared:
    """Undo the order, then `jnp.fft.fft`."""
    order = bit_reversal(job.n)
    return _prepared(lambda x: jnp.fft.fft(x[:, order], norm="ortho"), job, False)


def fft_alone(job: Job) -> Prepared:
    """`jnp.fft.fft` of what is in natural order: another map, for comparison."""
    return _prepared(functools.partial(jnp.fft.fft, norm="ortho"), job, False, comparable=False)


def add_one(job: Job, *, donate: bool) -> Prepared:
    """x + 1: what reading and writing once takes."""
    return _prepared(lambda x: x + jnp.ones((), x.dtype), job, donate, comparable=False)


def textbook(job: Job, *, donate: bool) -> Prepared:
    """The radix-2 butterfly, a reshape and a stack a stage: what everybody writes first."""

    def fwht(x: jax.Array) -> jax.Array:
        shape, h = x.shape, 1
        while h < shape[-1]:
            pairs = x.reshape(shape[0], -1, 2, h)
            a, b = pairs[:, :, 0], pairs[:, :, 1]
            x = jnp.stack([a + b, a - b], axis=2)
            h *= 2
        x = x.reshape(shape)
        return x if job.workload == "integers" else x * jnp.asarray(shape[-1] ** -0.5, x.dtype)

    return _prepared(fwht, job, donate)


def _prepared(
    function: Callable[..., jax.Array],
    job: Job,
    donate: bool,
    *arguments: object,
    comparable: bool = True,
) -> Prepared:
    """Compile it a few times, from the trace on, then once more by a call, as a user does."""
    _configure(job)
    x = jnp.array(job.input())
    donated_arguments = (0,) if donate else ()
    seconds = []
    for _ in range(COMPILATIONS):
        began = time.perf_counter()
        anew = jax.jit(lambda *args: function(*args), donate_argnums=donated_arguments)
        compiled = anew.lower(x, *arguments).compile()
        seconds.append(time.perf_counter() - began)
    memory = compiled.memory_analysis()
    run = jax.jit(function, donate_argnums=donated_arguments)
    first = np.asarray(run(jnp.array(x), *arguments))

    def donated(calls: int) -> None:
        nonlocal x
        for _ in range(calls):
            x = run(x, *arguments).block_until_ready()

    def fresh(calls: int) -> None:
        for _ in range(calls):
            run(x, *arguments).block_until_ready()

    return Prepared(
        donated if donate else fresh,
        (lambda: first) if comparable else None,
        tuple(seconds),
        memory.temp_size_in_bytes if memory is not None else None,
    )


def _configure(job: Job) -> None:
    """Set JAX up before its first array: then it reads how to dispatch, and no variable for it."""
    jax.config.update("jax_cpu_enable_async_dispatch", ASYNC_DISPATCH in os.environ)
    jax.config.update("jax_enable_x64", job.dtype in ("float64", "complex128"))
