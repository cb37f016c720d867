"""Checks the page without a browser: python3 test_page.py

The wiring between page and script is checked with Python alone; the arithmetic with Node.js, where it is installed.
"""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parent
PAGE = (HERE / "index.html").read_text()
APP = (HERE / "app.js").read_text()
RUN_EXAMPLES = """
const logic = require("./logic.js");
const examples = require("./examples.json");
console.log(JSON.stringify(examples.map(({ call, args }) => logic[call](...args))));
"""


class PageTest(unittest.TestCase):
    longMessage = False

    def test_script_finds_its_elements(self):
        ids = re.findall(r'\bid="([^"]+)"', PAGE)
        for wanted in re.findall(r'element\("([^"]+)"\)', APP):
            self.assertEqual(ids.count(wanted), 1, f"app.js uses #{wanted}, index.html has {ids.count(wanted)} of it")

    def test_labels_name_their_fields(self):
        for name in re.findall(r'<(?:input|select)[^>]*\bid="([^"]+)"', PAGE):
            self.assertIn(f'for="{name}"', PAGE, f"the field #{name} has no label")

    def test_linked_files_exist(self):
        for name in re.findall(r'(?:src|href)="([^"#:]+)"', PAGE):
            self.assertTrue((HERE / name).is_file(), f"index.html needs {name}")

    @unittest.skipUnless(shutil.which("node"), "Node.js is not installed")
    def test_examples(self):
        node = subprocess.run(["node", "-e", RUN_EXAMPLES], cwd=HERE, capture_output=True, text=True, check=True)
        examples = json.loads((HERE / "examples.json").read_text())
        for example, got in zip(examples, json.loads(node.stdout), strict=True):
            self.assertEqual(got, example["gives"], f"{example} gave {got}")


if __name__ == "__main__":
    unittest.main()
