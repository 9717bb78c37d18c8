"""The convolutional code with generators 133 and 171 (in octal), and its soft decoder."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax._typing import Array

_GENERATORS = np.array([0o133, 0o171])
_MEMORY = 6
_STATES = 1 << _MEMORY

# A register has the newest bit of the message on top, and under it the state: the six before. The
# state to which it leads is the register without its last bit, so that two registers lead to each.
_REGISTERS = np.arange(2 * _STATES)
_SIGNS = 1 - 2 * (np.bitwise_count(_REGISTERS[:, None] & _GENERATORS) % 2).astype(np.int8)


def generator(n: int) -> np.ndarray:
    """What each of n bits adds to a code word, which ends in state zero: (n, 2 (n + 6))."""
    impulse = _GENERATORS >> np.arange(_MEMORY, -1, -1)[:, None] & 1
    rows = np.zeros((n, n + _MEMORY, 2), np.int8)
    for q in range(n):
        rows[q, q : q + len(impulse)] = impulse
    return rows.reshape(n, -1)


def decoded(received: Array) -> Array:
    """The message (n,) whose code word, as signs, correlates best with 2 (n + 6) numbers."""
    signs = jnp.asarray(_SIGNS, received.dtype).reshape(_STATES, 2, 2)

    def forward(metric: Array, pair: Array) -> tuple[Array, Array]:
        before = jnp.tile(metric.reshape(-1, 2), (2, 1))
        reached = before + signs[..., 0] * pair[0] + signs[..., 1] * pair[1]
        return jnp.max(reached, axis=1), reached[:, 1] > reached[:, 0]

    def backward(state: Array, second: Array) -> tuple[Array, Array]:
        before = (2 * state + second[state].astype(jnp.int32)) % _STATES
        return before, state >> (_MEMORY - 1)

    start = jnp.full(_STATES, -jnp.inf, received.dtype).at[0].set(0)
    _, seconds = lax.scan(forward, start, received.reshape(-1, 2))
    _, message = lax.scan(backward, jnp.int32(0), seconds, reverse=True)
    return message[:-_MEMORY]
