"""python3 test_tasks.py"""

import unittest

from tasks import add, clear, finish, show


class TasksTest(unittest.TestCase):
    def setUp(self):
        self.tasks = add(add([], " milk "), "bread")

    def test_shows_what_was_added(self):
        self.assertEqual(show(self.tasks), "  1 [ ] milk\n  2 [ ] bread")

    def test_counts_from_one(self):
        self.assertEqual([task["done"] for task in finish(self.tasks, 1)], [True, False])

    def test_clears_only_what_is_done(self):
        self.assertEqual(show(clear(finish(self.tasks, 1))), "  1 [ ] bread")

    def test_refuses_a_task_that_is_not_there(self):
        with self.assertRaisesRegex(ValueError, "there is no task 3"):
            finish(self.tasks, 3)


if __name__ == "__main__":
    unittest.main()
