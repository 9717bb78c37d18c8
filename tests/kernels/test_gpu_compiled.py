"""The GPU kernels as machine code, compiled where there is no GPU: spills, and traffic of four."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hadax import testing
from tests.kernels import gpu_targets

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    gpu_targets.missing() is not None, reason=str(gpu_targets.missing())
)
GENERATIONS = ("sm_80", "sm_90", "sm_100")
LENGTHS = ("64", "512", "4096", "8192")
MORE = (
    "16",
    "128",
    "1024",
    "2048",
    "16384",
    "32768",
    "65536",
    "192",
    "576",
    "1536",
    "3584",
    "4608",
)
MORE += ("5120", "9216", "14336", "18432", "20480", "24576", "28672")


def compile_in_a_process(*arguments: str) -> Any:
    """What tests/kernels/gpu_compile.py prints."""
    environment = os.environ | {
        "PATH": gpu_targets.search_path(),
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_COMPILATION_CACHE": "0",
    }
    command = [sys.executable, "-m", "tests.kernels.gpu_compile", *arguments]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("target", "lengths"),
    [
        *((target, LENGTHS) for target in GENERATIONS),
        *(
            pytest.param(target, LENGTHS + MORE, marks=pytest.mark.slow)
            for target in gpu_targets.TARGETS
        ),
    ],
)
def test_nothing_spills(target, lengths):
    found = compile_in_a_process("spills", target, *lengths)
    assert len(found) == 3 * len(lengths)
    spilled = {
        case: kernels for case, kernels in found.items() if any(k["spilled"] for k in kernels)
    }
    assert spilled == {}


@pytest.mark.parametrize("target", GENERATIONS)
def test_no_fused_kernel_spills(target):
    found = compile_in_a_process("fused", target)
    assert {case: [k["spilled"] for k in kernels] for case, kernels in found.items()} == {
        case: [0] for case in found
    }


@pytest.fixture(scope="module")
def programs():
    return compile_in_a_process("placements", "sm_90")


@pytest.mark.parametrize(
    ("placement", "kernels"),
    [
        ("auto", 1),
        ("auto, two axes", 2),
        ("auto, gradient", 2),
        ("auto, replicated", 1),
        ("manual", 1),
        ("partly manual", 0),  # XLA computes it
        ("auto, quantized", 1),
        ("auto, Mosaic", 1),
        ("manual, Mosaic", 1),
        ("explicit, quantized", 1),
        ("explicit", 1),
        ("explicit, vmap", 1),
    ],
)
def test_four_gpus_transform_their_own_rows(programs, placement, kernels):
    text = programs[placement]
    testing.assert_no_collectives(text)
    found = re.findall(r'custom_call_target="(?:__gpu\$xla\.gpu\.triton|mosaic_gpu\w*)"', text)
    assert len(found) == kernels
