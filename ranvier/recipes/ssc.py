"""Spiking Speech Commands: the recipe of SHD for half as many epochs, as there is ten times as much to learn in each."""

from ranvier.recipes.registry import register
from ranvier.recipes.shd import CORE, ONLINE

register(
    "ssc",
    why="Spiking Speech Commands: the core of shd with an output for each of their 35 words.",
    core=CORE.replace(outputs=35),
    recipes={"online": ONLINE.replace(epochs=10)},
)
