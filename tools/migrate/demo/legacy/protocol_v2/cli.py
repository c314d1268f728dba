"""pv2-dump: prints what a message says.  Reads hexadecimal on stdin."""

import argparse
import sys

from protocol_v2 import ProtocolError, __version__, parse_message


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="pv2-dump", description=__doc__)
    parser.add_argument("--version", action="version", version=f"pv2-dump {__version__}")
    parser.parse_args(argv)
    try:
        message = parse_message(bytes.fromhex(sys.stdin.read()))
    except ProtocolError as error:
        print(f"pv2-dump: {error}", file=sys.stderr)
        return 1
    print(f"{message.header.relay_domain.name} #{message.header.sequence}")
    for trade in message.trades():
        print(f"  trade {trade.instrument} {trade.price}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
