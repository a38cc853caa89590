"""What Python runs first in a process of the tests: it hides a package that no run needs.

dbt imports jsonschema, which imports rfc3987_syntax where that is installed: only with the packages
for notebooks. Its import takes a second of CPU, in each process.
"""

import sys

sys.modules["rfc3987_syntax"] = None
