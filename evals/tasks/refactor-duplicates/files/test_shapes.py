import unittest

import shapes


class TestShapes(unittest.TestCase):
    def test_areas(self):
        self.assertEqual((shapes.circle(1), shapes.square(1.5), shapes.rectangle(2, 3)), (3.142, 2.25, 6))

    def test_zero(self):
        self.assertEqual(shapes.circle(0), 0)

    def test_negative(self):
        for call in (lambda: shapes.circle(-1), lambda: shapes.square(-1), lambda: shapes.rectangle(1, -1)):
            with self.assertRaises(ValueError):
                call()
