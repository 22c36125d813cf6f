"""What the launcher of a flex template runs (FLEX_TEMPLATE_PYTHON_PY_FILE)."""

import sys

from pipelines.flex import main

sys.exit(main())
