"""`python -m sandbox`: the same as the `sandbox` script."""

from __future__ import annotations

from sandbox.cli import main

if __name__ == "__main__":
    main()
