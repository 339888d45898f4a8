"""``python -m schedtui_tui`` is ``schedtui``."""

import sys

from schedtui_tui.cli import main

sys.exit(main())
