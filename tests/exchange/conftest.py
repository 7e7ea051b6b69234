from __future__ import annotations

import sys
from pathlib import Path

# The hand-made calls and tokens of the service's own tests serve here too.
sys.path.append(str(Path(__file__).parents[1] / "cds"))
