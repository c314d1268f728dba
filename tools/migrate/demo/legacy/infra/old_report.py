#!/usr/bin/env python2
# Nightly volume report.  Not run since the reporting host was switched off; kept for the numbers.
import sys

from protocol_v2 import header

for line in sys.stdin:
    print "%s %d" % (header.MAGIC, len(line))
