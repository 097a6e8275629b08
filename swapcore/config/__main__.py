"""Print the JSON schema of config.yaml (`schema`), or the page that lists all settings (`settings`)."""

import json
import sys

from swapcore.config.schema import schema, settings_page

PAGES = {"schema": lambda: json.dumps(schema(), indent=1) + "\n", "settings": settings_page}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in PAGES:
        sys.exit(f"expected one of {', '.join(PAGES)}, got {' '.join(sys.argv[1:]) or 'nothing'}")
    sys.stdout.write(PAGES[sys.argv[1]]())
