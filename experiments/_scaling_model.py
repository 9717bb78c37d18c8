"""What a transform across devices costs: bytes, and seconds on machines with published numbers.

On p devices that hold a block each, an exchange (one all_to_all) sends (p - 1)/p of a block from
every device. Natural order takes two exchanges, the transposed layout one; a butterfly would send a
whole block log2(p) times. The local stages read and write the block a few times.

A machine gives the time of an exchange at the peak of its links, plus a latency for each message:
a lower bound, but for the latency, which nobody publishes and which is an assumption.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["natural", "transposed"]
EXCHANGES: dict[Layout, int] = {"natural": 2, "transposed": 1}
ITEM = 4  # bytes of a float32
POINTS_A_PASS = 15  # log2 of the longest transform that reads and writes its vector once


def sent(devices: int, block: float) -> float:
    """Bytes that each device sends to others in one exchange of blocks of `block` bytes."""
    return block * (devices - 1) / devices


def butterfly(devices: int, block: float) -> float:
    """Bytes that each device sends in a butterfly across devices."""
    return block * math.log2(devices)


def passes(log2_block: int, devices: int) -> int:
    """How often a device reads and writes its block of 2^log2_block points: once across its pieces,
    and as often as the local transform takes."""
    return (devices > 1) + -(-log2_block // POINTS_A_PASS)


@dataclass(frozen=True)
class Switched:
    """GPUs behind a switch in groups, and a network between the groups."""

    memory: float
    """Bytes a second that a device reads and writes in its memory."""
    link: float
    """Bytes a second out of a device, into the switch of its group."""
    network: float
    """Bytes a second out of a device, into the network between groups."""
    group: int
    """Devices of a group."""
    latency: float
    """Seconds a message, sent one after the other (an assumption)."""

    def exchange_seconds(self, devices: int, block: float) -> float:
        """Both ways out of a device are used at once; the slower one decides."""
        near = min(devices, self.group)
        inside = block * (near - 1) / devices / self.link
        outside = block * (devices - near) / devices / self.network
        return max(inside, outside) + self.latency * (devices - 1)


@dataclass(frozen=True)
class Torus:
    """Chips in a three-dimensional torus; slices below 4 x 4 x 4 are not closed."""

    memory: float
    """Bytes a second that a chip reads and writes in its memory."""
    link: float
    """Bytes a second over one of the six links of a chip, one way."""
    latency: float
    """Seconds a message, sent one after the other (an assumption)."""

    def exchange_seconds(self, devices: int, block: float) -> float:
        """The cut through the longest side, or the links out of a corner, decide.

        Half of what half of the chips hold has to cross the cut each way.
        """
        sides = torus_sides(devices)
        closed = 2 if min(sides) >= 4 else 1
        across = block * max(sides) / (4 * closed * self.link)
        ways_out = closed * sum(side > 1 for side in sides)
        out = sent(devices, block) / (max(1, ways_out) * self.link)
        return (max(across, out) if devices > 1 else 0.0) + self.latency * (devices - 1)


Machine: TypeAlias = Switched | Torus

# NVIDIA's system description of 8 x H200-SXM-141GB for MLPerf Inference v4.1 (18 NVLinks of the 4th
# generation, 900 GB/s both ways together; a 400 Gb/s InfiniBand card a GPU) and its data sheet of
# the H200 (4.8 TB/s of HBM3e).
H200 = Switched(memory=4.8e12, link=450e9, network=50e9, group=8, latency=2e-6)
# Google Cloud's page "TPU v5p" (docs.cloud.google.com/tpu/docs/v5p): 2765 GB/s of HBM, 1200 GB/s of
# interconnect a chip both ways together, over the six links of a 3-D torus; 1024 chips are 8x8x16.
V5P = Torus(memory=2.765e12, link=100e9, latency=2e-6)


def torus_sides(devices: int) -> tuple[int, int, int]:
    """The sides of a slice of a power of two of chips, as cubic as it can be."""
    e = devices.bit_length() - 1
    return 1 << e // 3, 1 << (e + 1) // 3, 1 << (e + 2) // 3
