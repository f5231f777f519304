"""Which claim about a unit the hardware in a folder breaks, as JSON: ``refute.py HARDWARE UNIT``."""

import importlib
import json
import sys
from pathlib import Path

from faults import use_hardware


def main(hardware: Path, unit: str) -> None:
    use_hardware(hardware)  # before anything imports `ranvier.hw`
    claims = (proof.refuted() for proof in importlib.import_module(unit).PROOFS.values())
    print(json.dumps({"refuted": next(filter(None, claims), None)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
