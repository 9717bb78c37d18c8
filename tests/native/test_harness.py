"""The kernels in a program of their own, under sanitizers: overruns, undefined behaviour, races.

The small set, for the plainest instruction set, always runs; the large one is slow to compile.
"""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "hadax/kernels"
FLAGS = ["-std=c++17", "-g1", "-Wno-psabi", f"-I{KERNELS}", "-pthread"]
# As setup.py has them: width of a vector, what the processor must have, what the compiler is told.
X86 = {
    "sse2": (16, "sse2", []),
    "avx2": (32, "avx2", ["-mavx2", "-mfma"]),
    "avx512": (
        64,
        "avx512dq",
        ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma"],
    ),
}
IS_X86 = platform.machine().lower() in ("x86_64", "amd64")
INSTRUCTION_SETS = X86 if IS_X86 else {"simd128": (16, None, [])}
PLAINEST = next(iter(INSTRUCTION_SETS))
SKIPPED = 77


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def compiler() -> str:
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if found is None:
        pytest.skip("there is no C++ compiler")
    return found


def compile_with(sanitizer: str, folder: Path) -> list[str]:
    """The command that compiles with a sanitizer, if it is there and starts on this machine."""
    command = [compiler(), f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", *FLAGS]
    empty = folder / "empty.cc"
    empty.write_text("int main() {}\n")
    for step in ([*command, empty, "-o", folder / "empty"], [folder / "empty"]):
        outcome = run(*step)
        if outcome.returncode != 0:
            pytest.skip(f"-fsanitize={sanitizer} does not work here: {outcome.stderr[-300:]}")
    return command


def build(isa: str, sanitizer: str, folder: Path, optimization: str = "-O1") -> Path:
    command = [*compile_with(sanitizer, folder), optimization]
    width, needs, flags = INSTRUCTION_SETS[isa]
    command += [f"-DHADAX_ISA={isa}"]
    walsh, fourier, main = (folder / name for name in ("walsh.o", "fourier.o", "main.o"))
    program = folder / "harness"
    needed = [f'-DHADAX_NEEDS="{needs}"'] if needs else []
    wide = [f"-DHADAX_VECTOR_BYTES={width}", *flags]
    for step in (
        [*command, *wide, "-c", KERNELS / "native/kernels.cc", "-o", walsh],
        [*command, *wide, "-c", KERNELS / "native/fourier.cc", "-o", fourier],
        [*command, *needed, "-c", Path(__file__).with_name("harness.cc"), "-o", main],
        [*command, walsh, fourier, main, "-o", program],
    ):
        outcome = run(*step)
        assert outcome.returncode == 0, outcome.stderr
    return program


def cases_that_hold(program: Path, size: str) -> int:
    """Run all cases of a size: the results are right, and the sanitizer has nothing to say."""
    outcome = run(program, size)
    if outcome.returncode == SKIPPED:
        pytest.skip(outcome.stdout.strip())
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert outcome.stderr == ""
    ok, cases, _ = outcome.stdout.splitlines()[-1].split()
    assert ok == "ok"
    return int(cases)


def test_the_plainest_instruction_set(tmp_path):
    """Not optimized: it runs for seconds longer, and compiles in less than half of the time."""
    program = build(PLAINEST, "address,undefined", tmp_path, "-O0")
    assert cases_that_hold(program, "small") >= 2000


@pytest.mark.slow
@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
def test_memory_and_behaviour(isa, tmp_path):
    assert cases_that_hold(build(isa, "address,undefined", tmp_path), "large") >= 5000


@pytest.mark.slow
def test_threads(tmp_path):
    """How rows are shared is the same source for every instruction set."""
    assert cases_that_hold(build(PLAINEST, "thread", tmp_path), "small") >= 2000
