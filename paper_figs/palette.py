"""The colour of every method and input: the same in all figures, and told apart by everyone.

The colours are those of Okabe and Ito, with grey and a brown.
"""

from typing import Any, Final

BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
GREEN: Final = "#009E73"
PURPLE: Final = "#CC79A7"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
BLACK: Final = "#000000"
GREY: Final = "#767676"
BROWN: Final = "#8B5A2B"

INPUTS: Final = {
    "e1": BLUE,
    "two": VERMILION,
    "plane4": ORANGE,
    "flat": GREEN,
    "power": SKY,
    "random": PURPLE,
    # Larger subspaces have the colour of the plane, independent indices one of their own.
    "flat8": ORANGE,
    "flat16": ORANGE,
    "ind3": BROWN,
    "ind4": BROWN,
    "ind6": BROWN,
    "ind8": BROWN,
}
INPUT_LABELS: Final = {
    "e1": r"$e_1$",
    "two": r"$(e_1+e_2)/\sqrt{2}$",
    "plane4": "plane of 4",
    "flat": "flat",
    "power": r"$\propto 1/j$",
    "random": "random",
    "flat8": "subspace of 8",
    "flat16": "subspace of 16",
    "ind3": "3 independent",
    "ind4": "4 independent",
    "ind6": "6 independent",
    "ind8": "8 independent",
}
INPUT_MARKERS: Final = {
    "e1": "o",
    "two": "s",
    "plane4": "P",
    "flat": "^",
    "power": "v",
    "random": "D",
    "flat8": "X",
    "flat16": "*",
    "ind3": "<",
    "ind4": ">",
    "ind6": "h",
    "ind8": "d",
}
SENT: Final = {
    "pair": BLUE,
    "edge": VERMILION,
    "golden": ORANGE,
    "geometric": GREEN,
    "random": PURPLE,
}
SENT_LABELS: Final = {
    "pair": "(.8, .6, 0, ...)",
    "edge": r"edge of $\pi/4$",
    "golden": "golden angle",
    "geometric": r"$\propto 2^{-j}$",
    "random": "random",
}
SENT_MARKERS: Final = {"pair": "o", "edge": "s", "golden": "P", "geometric": "^", "random": "D"}
CODECS: Final = {"1 block": ORANGE, "2 blocks": SKY, "3 blocks": GREEN, "stochastic": GREY}
CODEC_LABELS: Final = {
    "1 block": "EDEN, 1 block",
    "2 blocks": "EDEN, 2 blocks",
    "3 blocks": "EDEN, 3 blocks",
    "stochastic": "no rotation, stochastic rounding",
}
CODEC_MARKERS: Final = {"1 block": "o", "2 blocks": "s", "3 blocks": "^", "stochastic": "X"}
ROTATIONS: Final = {"none": BLACK, "one block": ORANGE, "two blocks": SKY, "haar": GREY}
ROTATION_LABELS: Final = {
    "none": "no rotation",
    "one block": "one block",
    "two blocks": "two blocks",
    "haar": "Haar",
}
ROTATION_MARKERS: Final = {"none": "X", "one block": "o", "two blocks": "s", "haar": "^"}
ROTATION_KINDS: Final = {
    **ROTATIONS,
    "three blocks": GREEN,
    "two blocks permuted": BLUE,
    "klt": VERMILION,
    "learned": PURPLE,
    "none clipped": BROWN,
}
ROTATION_KIND_LABELS: Final = {
    **ROTATION_LABELS,
    "three blocks": "three blocks",
    "two blocks permuted": "two, permuted",
    "klt": "principal axes",
    "learned": "learned (SpinQuant)",
    "none clipped": "no rotation, clipped",
}
ROTATION_KIND_MARKERS: Final = {
    **ROTATION_MARKERS,
    "three blocks": "v",
    "two blocks permuted": "D",
    "klt": "P",
    "learned": "*",
    "none clipped": "x",
}
METHODS: Final = {
    "rtn": BLACK,
    "gptq": GREY,
    "smoothquant": BROWN,
    "awq": PURPLE,
    "quarot rtn": ORANGE,
    "quarot": VERMILION,
    "spinquant rtn": SKY,
    "spinquant": BLUE,
    "flatquant": GREEN,
}
METHOD_LABELS: Final = {
    "rtn": "to nearest",
    "gptq": "GPTQ",
    "smoothquant": "SmoothQuant",
    "awq": "AWQ",
    "quarot rtn": "QuaRot, to nearest",
    "quarot": "QuaRot, GPTQ",
    "spinquant rtn": "SpinQuant, to nearest",
    "spinquant": "SpinQuant, GPTQ",
    "flatquant": "FlatQuant",
}
METHOD_MARKERS: Final = {
    "rtn": "X",
    "gptq": "P",
    "smoothquant": "v",
    "awq": "^",
    "quarot rtn": "o",
    "quarot": "s",
    "spinquant rtn": "d",
    "spinquant": "D",
    "flatquant": "*",
}
FEATURES: Final = {
    "gaussian": BLACK,
    "orf": GREY,
    "fastfood": GREEN,
    "sorf1": ORANGE,
    "sorf2": SKY,
    "sorf3": BLUE,
}
FEATURE_LABELS: Final = {
    "gaussian": "Gaussian",
    "orf": "ORF",
    "fastfood": "Fastfood",
    "sorf1": "SORF, k = 1",
    "sorf2": "k = 2",
    "sorf3": "k = 3",
}
FEATURE_MARKERS: Final = {
    "gaussian": "X",
    "orf": "^",
    "fastfood": "v",
    "sorf1": "o",
    "sorf2": "s",
    "sorf3": "D",
}
GROUPS: Final = {
    "D16": VERMILION,
    "Z2^4": GREEN,
    "W4": ORANGE,
    "DCT-II": BLUE,
    "D4 x D4": SKY,
    "S4 wr S4": PURPLE,
    "S16": BROWN,
    "reversal": BLACK,
    "2 x C4": GREY,
}
GROUP_MARKERS: Final = {
    "D16": "s",
    "Z2^4": "^",
    "W4": "v",
    "DCT-II": "o",
    "D4 x D4": "D",
    "S4 wr S4": "P",
    "S16": "*",
    "reversal": "X",
    "2 x C4": "p",
}
TRANSFORMS: Final = {
    "KLT": BLACK,
    "separable KLT": GREY,
    "DCT-II": BLUE,
    "real DFT": VERMILION,
    "WHT": GREEN,
    "Haar": ORANGE,
    "DCT-IV": SKY,
}
TRANSFORM_LABELS: Final = {
    "KLT": "KLT",
    "separable KLT": "KLT of rows and columns",
    "DCT-II": "DCT-II",
    "real DFT": "real Fourier",
    "WHT": "Walsh-Hadamard",
    "Haar": "Haar",
    "DCT-IV": "DCT-IV",
}
TRANSFORM_MARKERS: Final = {
    "KLT": "X",
    "separable KLT": "*",
    "DCT-II": "o",
    "real DFT": "s",
    "WHT": "^",
    "Haar": "v",
    "DCT-IV": "D",
}
BASES: Final = {
    "Fourier": PURPLE,
    "real Fourier": TRANSFORMS["real DFT"],
    "Walsh-Hadamard": TRANSFORMS["WHT"],
    "Haar": TRANSFORMS["Haar"],
    "Helmert": SKY,
    "tensor": BROWN,
    "wreath": BLACK,
    # A cosine and a sine transform of one type have one colour: the latter is drawn dashed.
    "DCT-I": GREY,
    "DCT-II": TRANSFORMS["DCT-II"],
    "DCT-III": PURPLE,
    "DCT-IV": TRANSFORMS["DCT-IV"],
    "DST-I": GREY,
    "DST-II": TRANSFORMS["DCT-II"],
    "DST-III": PURPLE,
    "DST-IV": TRANSFORMS["DCT-IV"],
}
BASIS_MARKERS: Final = {
    "Fourier": "o",
    "real Fourier": "s",
    "Walsh-Hadamard": "^",
    "Haar": "v",
    "Helmert": "D",
    "tensor": "P",
    "wreath": "X",
    "DCT-I": "s",
    "DCT-II": "o",
    "DCT-III": "^",
    "DCT-IV": "D",
    "DST-I": "s",
    "DST-II": "o",
    "DST-III": "^",
    "DST-IV": "D",
}
RACERS: Final = {
    "hadax native": BLUE,
    "hadax xla": VERMILION,
    "fht-cpu": GREEN,
    "ffht-unofficial": SKY,
    "pyfwht": ORANGE,
    "torch": PURPLE,
    "textbook JAX": GREY,
    "qmcpy": BLACK,
}
RACER_MARKERS: Final = {
    "hadax native": "o",
    "hadax xla": "s",
    "fht-cpu": "^",
    "ffht-unofficial": "v",
    "pyfwht": "P",
    "torch": "X",
    "textbook JAX": "D",
    "qmcpy": "*",
}
RANDOMIZATIONS: Final = {
    "iid": BLACK,
    "lattice": GREEN,
    "shift": GREY,
    "linear": SKY,
    "nested": BLUE,
    # Interlaced nets are drawn dashed.
    "interlaced linear": ORANGE,
    "interlaced nested": VERMILION,
}
RANDOMIZATION_LABELS: Final = {
    "iid": "independent",
    "lattice": "lattice, shifted",
    "shift": "Sobol, digital shift",
    "linear": "Sobol, linear scramble",
    "nested": "Sobol, nested scramble",
    "interlaced linear": "interlaced, linear scramble",
    "interlaced nested": "interlaced, nested scramble",
}
RANDOMIZATION_STYLES: Final[dict[str, Any]] = {
    "iid": "-",
    "lattice": "-",
    "shift": "-",
    "linear": "-",
    "nested": "-",
    "interlaced linear": "--",
    "interlaced nested": "--",
}
INTEGRAND_LABELS: Final = {
    "keister": "Keister",
    "oscillatory": "oscillatory",
    "product peak": "product peak",
    "corner peak": "corner peak",
    "gaussian": "Gaussian",
    "continuous": "continuous",
    "discontinuous": "discontinuous",
    "asian": "Asian option",
    "asian, controlled": "option, controlled",
}
CUBATURES: Final = {
    "adaptive lattice": GREEN,
    "adaptive net": BLUE,
    "Bayesian lattice": ORANGE,
    "Bayesian lattice, not widened": BROWN,
    "Bayesian net": VERMILION,
}
CUBATURE_MARKERS: Final = {
    "adaptive lattice": "o",
    "adaptive net": "s",
    "Bayesian lattice": "^",
    "Bayesian lattice, not widened": "v",
    "Bayesian net": "D",
}
DECODERS: Final = {"nso 1": SKY, "nso 3": BLUE, "nso 5": GREEN, "coded": VERMILION}
DECODER_LABELS: Final = {
    "nso 1": "bits once, 21 values",
    "nso 3": "bits three times, 63",
    "nso 5": "bits five times, 105",
    "coded": "convolutional code, 60",
}
DECODER_MARKERS: Final = {"nso 1": "o", "nso 3": "s", "nso 5": "^", "coded": "D"}
BINS: Final = {64: ORANGE, 256: SKY, 512: BLUE}
BIN_MARKERS: Final = {64: "o", 256: "s", 512: "^"}
MESHES: Final = {"1x2": BLUE, "1x4": VERMILION, "2x2": GREEN}
MESH_LABELS: Final = {
    "1x2": "2 devices",
    "1x4": "4 devices",
    "2x2": "2 processes of 2 devices",
}
MESH_MARKERS: Final = {"1x2": "o", "1x4": "s", "2x2": "^"}
MACHINES: Final = {"H200": PURPLE, "TPU v5p": ORANGE}
BOUND: Final = BLACK
GUIDE: Final = GREY
