import math


def circle(radius):
    if radius < 0:
        raise ValueError("negative size")
    return round(math.pi * radius * radius, 3)


def square(side):
    if side < 0:
        raise ValueError("negative size")
    return round(side * side, 3)


def rectangle(width, height):
    if width < 0 or height < 0:
        raise ValueError("negative size")
    return round(width * height, 3)
