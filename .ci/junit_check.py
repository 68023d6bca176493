#!/usr/bin/env python3
"""Reads JUnit files with junitparser, and checks that what they say adds up.

    python3 -m pip install junitparser lxml
    python3 .ci/junit_check.py target/tmp/junit/*.xml

For every suite the counts in its attributes must be those of its cases, every case needs a name, a class
and a time, and no two cases of a file may share name and class (a reader would drop the second).

With lxml at hand, a file whose name ends in `.strict.xml` must also follow the schemas beside the tests.
"""

import collections
import pathlib
import sys

from junitparser import Error, Failure, JUnitXml, Skipped

try:
    from lxml import etree
except ImportError:
    etree = None

SCHEMAS = pathlib.Path(__file__).parent.parent / "readiness-report" / "tests" / "schemas"


def problems(path):
    """What is wrong with a file, and how many cases it has."""
    wrong = []
    document = JUnitXml.fromfile(str(path))
    total = 0
    for suite in document:
        cases = list(suite)
        total += len(cases)
        kinds = collections.Counter(type(result) for case in cases for result in case.result)
        for name, said, counted in [
            ("tests", suite.tests, len(cases)),
            ("failures", suite.failures, kinds[Failure]),
            ("errors", suite.errors, kinds[Error]),
            ("skipped", suite.skipped, kinds[Skipped]),
        ]:
            if said != counted:
                wrong.append(f"suite `{suite.name}` says {name}={said}, its cases say {counted}")
        names = collections.Counter((case.classname, case.name) for case in cases)
        wrong += [f"case {name} stands there {count} times" for name, count in names.items() if count > 1]
        for case in cases:
            if not case.name or not case.classname or case.time is None:
                wrong.append(f"case `{case.name}` lacks name, class or time")
            for result in case.result:
                if not result.message:
                    wrong.append(f"case `{case.name}` has a result without a message")
                if isinstance(result, (Error, Failure)) and not result.type:
                    wrong.append(f"case `{case.name}` has a result without a type")
    if etree is not None and path.name.endswith(".strict.xml"):
        for schema in sorted(SCHEMAS.glob("*.xsd")):
            rules = etree.XMLSchema(etree.parse(str(schema)))
            if not rules.validate(etree.parse(str(path))):
                wrong += [f"{schema.name}: line {error.line}: {error.message}" for error in rules.error_log]
    return wrong, total


def main(arguments):
    if not arguments:
        print("usage: junit_check.py FILE...", file=sys.stderr)
        return 64
    failed = False
    for argument in arguments:
        wrong, total = problems(pathlib.Path(argument))
        print(f"{'not ok' if wrong else 'ok'}  {argument}: {total} cases")
        for line in wrong:
            print(f"        {line}")
        failed |= bool(wrong)
    if etree is None:
        print("lxml is not installed: the schemas were not tried")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
