"""How much text quantization methods get to see, and how long they learn on it."""

from dataclasses import dataclass
from typing import Any

from experiments._methods import LEARNED, Method
from experiments._settings import check_settings

# Those that look at nothing but the model.
_BLIND = ("rtn", "quarot rtn")


@dataclass(frozen=True)
class Calibration:
    """What one method gets to see, and how long it learns."""

    windows: int = 0
    time: int = 0
    steps: int = 0
    batch: int = 0
    rate: float = 0.0

    @classmethod
    def of(cls, trial: Any) -> "Calibration":
        """Return what a trial's fields say."""
        return cls(
            trial.calibration_windows, trial.calibration_time, trial.steps, trial.batch, trial.rate
        )

    def fields(self) -> dict[str, Any]:
        """Return it as the fields of a trial."""
        return {
            "calibration_windows": self.windows,
            "calibration_time": self.time,
            "steps": self.steps,
            "batch": self.batch,
            "rate": self.rate,
        }


@dataclass(frozen=True)
class Effort:
    """The settings of experiments with all methods that say what each gets to see."""

    calibration_windows: int = 64
    """Windows of text to calibrate on, after the part that models are judged by."""
    calibration_time: int = 256
    """Tokens of a calibration window."""
    steps: int = 60
    """Steps of SpinQuant."""
    batch: int = 2
    """Windows a step of SpinQuant."""
    rate: float = 0.3
    """Its longest step: on batches as small as these the 1.5 of its authors does not go down."""
    flat_windows: int = 16
    """Windows of text that FlatQuant learns on."""
    flat_steps: int = 40
    """Steps of FlatQuant in each layer."""
    flat_batch: int = 2
    """Windows a step of FlatQuant."""
    flat_rate: float = 0.02
    """Rate of its maps; its clips learn five times as fast."""

    def check(self) -> None:
        """Refuse numbers out of range, and what `check_settings` refuses."""
        counts = ("calibration_windows", "steps", "batch", "flat_windows", "flat_steps")
        ranges = dict.fromkeys((*counts, "flat_batch"), 1)
        check_settings(self, time=2, windows=1, calibration_time=2, **ranges)
        for name in ("rate", "flat_rate"):
            if not getattr(self, name) > 0:
                option = "--" + name.replace("_", "-")
                raise ValueError(f"{option} must be positive, but is {getattr(self, name)}")

    def of(self, method: Method) -> Calibration:
        """Return what a method gets to see."""
        if method in _BLIND:
            return Calibration()
        time = self.calibration_time
        if method == "flatquant":
            learning = (self.flat_steps, self.flat_batch, self.flat_rate)
            return Calibration(self.flat_windows, time, *learning)
        if method in LEARNED:
            learning = (self.steps, self.batch, self.rate)
            return Calibration(self.calibration_windows, time, *learning)
        return Calibration(self.calibration_windows, time)
