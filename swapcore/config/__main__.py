"""Print the JSON schema of config.yaml."""

import json

from swapcore.config import schema

print(json.dumps(schema(), indent=1))
