"""All learners by name: on the core's own arithmetic, or offline with quantisation at the end."""

from ranvier.errors import shown
from ranvier.learners.learner import Learner, Sparse, Trained
from ranvier.learners.offline import GradientRule, OfflineLearner
from ranvier.learners.online import OnlineLearner
from ranvier.parameters.config import ConfigError

__all__ = ["LEARNERS", "GradientRule", "Learner", "OfflineLearner", "OnlineLearner", "Sparse", "Trained", "learner"]


#: Name -> learner; a new one gets a line here and recipes in the files of `ranvier.recipes`.
LEARNERS: dict[str, Learner] = {
    "online": OnlineLearner("golden"),
    "eventprop": OfflineLearner("eventprop", "EventProp", "ranvier.learners.eventprop"),
    "bptt": OfflineLearner("bptt", "BPTT", "ranvier.learners.bptt", {"torch": "offline"}),
    "online-float": OnlineLearner("float64"),
}


def learner(name: str, device: str = "golden") -> Learner:
    """The learner of a name.

    >>> import ranvier
    >>> data = ranvier.yin_yang(train=200, test=100)
    >>> trained = ranvier.learner("eventprop").train(ranvier.preset("yinyang"), data, seed=0, epochs=1)
    >>> trained.network.config.learning
    False

    Parameters
    ----------
    name : str
        A key of `LEARNERS`.
    device : str
        Device of "online", see `ranvier.device.open_device`; the other learners use none.

    Raises
    ------
    ConfigError
        If there is no such learner, or a device is given for a learner that uses none.
    """
    if not isinstance(name, str) or name not in LEARNERS:
        raise ConfigError(f"unknown learner {shown(name)}: choose one of {', '.join(LEARNERS)}")
    if device == "golden":
        return LEARNERS[name]
    if name != "online":
        raise ConfigError(f"the learner {name} trains in float: leave out the device")
    return OnlineLearner(device)
