"""A viewer's queue: bounded, and never missing what it does not hold."""

from orchestrator.hub.batch import Batch
from orchestrator.hub.viewer import Viewer


class Nowhere:
    """A channel that minds no leaving."""

    def leave(self, viewer: Viewer) -> None: ...


def batch(first: int, size: int = 10) -> Batch:
    return Batch(first, [b"x" * size])


def viewer(limit: int = 100) -> Viewer:
    made = Viewer(limit, Nowhere())
    made.catch_up()
    return made


def test_a_new_viewer_reads_the_log_first() -> None:
    made = Viewer(100, Nowhere())
    made.push(batch(1))
    assert made.behind
    assert not made.take()


def test_what_fits_is_handed_out_in_order() -> None:
    made, batches = viewer(), [batch(1), batch(2)]
    for each in batches:
        made.push(each)
    made.wait()  # or pytest's time-out
    assert made.take() == batches
    assert not made.take()


def test_a_queue_that_is_full_is_dropped_for_the_log() -> None:
    made = viewer(limit=25)
    for number in (1, 2, 3):
        made.push(batch(number))
    assert made.behind
    assert not made.take()
    made.push(batch(4))
    assert not made.take()
    made.catch_up()
    made.push(batch(5))
    assert [each.first for each in made.take()] == [5]


def test_taking_makes_room_again() -> None:
    made = viewer(limit=25)
    for number in range(1, 10):
        made.push(batch(number))
        made.take()
    assert not made.behind


def test_comparing_finds_what_was_never_published() -> None:
    made = viewer()
    made.cursor = 4
    made.compare(4, 4)
    assert not made.behind
    made.compare(3, 5)  # it has moved on since
    assert not made.behind
    made.compare(4, 5)
    assert made.behind


def test_comparing_finds_a_run_that_is_gone_or_another_one() -> None:
    for last in (None, 3):
        made = viewer()
        made.cursor = 4
        made.compare(4, last)
        assert made.behind
        made.wait()
