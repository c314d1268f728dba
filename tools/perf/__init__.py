"""Is this revision slower than that one?  Two gates that hold on a machine which does other work as well.

    python -m tools.perf check [--base REV]      counts and times both, fails where the newer one is slower
    python -m tools.perf record --out FILE       the figures of one revision as JSON
    python -m tools.perf compare BEFORE AFTER    two such files
    python -m tools.perf plot FILE... --out PNG  several, over their commits
    python -m tools.perf peers                   the codec beside other libraries, versions pinned

Owns nothing but the summary; docs/perf.md is the page.  This package never imports what it measures: two revisions have
to be measured in one run, and the one it would import is neither.  Modules, from top to bottom: `cli`, then one module
for each command, then the gates (`counting`, `pairing`), then `processes` and `trees`, then values (`model`).
`worker` and `workloads` are run by other processes, inside of the tree under test, and import nothing else.
"""
