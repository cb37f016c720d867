import math


def _area(factor, *sizes):
    if min(sizes) < 0:
        raise ValueError("negative size")
    return round(factor * math.prod(sizes), 3)


def circle(radius):
    return _area(math.pi, radius, radius)


def square(side):
    return _area(1, side, side)


def rectangle(width, height):
    return _area(1, width, height)
