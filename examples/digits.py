"""A network of one hidden layer that reads handwritten digits; run, it learns to."""

import functools

import numpy as np

import symgrad as sg

X = sg.data("X", ("N", 64))
y = sg.data("y", ("N",), dtype=int)
decay = sg.data("decay", (), assume=sg.positive)
W1 = sg.param("W1", (64, 48))
b1 = sg.param("b1", (48,))
W2 = sg.param("W2", (48, 10))
b2 = sg.param("b2", (10,))

h = np.tanh(X @ W1 + b1)
z = h @ W2 + b2
logp = sg.log_softmax(z, axis=1)
loss = -np.mean(logp[sg.arange("N"), y]) + decay * (np.sum(W1**2) + np.sum(W2**2))


def start(rng):
    """Parameters to begin with."""
    weights = {"W1": (64, 48), "W2": (48, 10)}
    found = {n: rng.normal(size=shape) / np.sqrt(shape[0]) for n, shape in weights.items()}
    return found | {"b1": np.zeros(48), "b2": np.zeros(10)}


def by_lbfgs(module, data, params, told):
    """All rows at once, by SciPy's L-BFGS."""
    from scipy.optimize import minimize

    fun, x0, unpack = sg.scipy_objective(module, {**data, **params})
    best = minimize(fun, x0, jac=True, method="L-BFGS-B", options={"maxiter": 200},
                    callback=lambda v: told(fun(v)[0]))  # fmt: skip
    return unpack(best.x)


def by_batches(module, data, params, told, epochs=40, rows=64, rate=0.5):
    """Some rows at a time, in another order in each epoch; what is learned slows down."""
    rng, params = np.random.default_rng(1), {n: p.copy() for n, p in params.items()}
    speed = {n: np.zeros_like(p) for n, p in params.items()}
    count = len(data["y"])
    for epoch in range(epochs):
        order, step = rng.permutation(count), rate * (1 - epoch / epochs)
        for k in range(0, count - rows + 1, rows):
            batch = order[k : k + rows]
            given = {"X": data["X"][batch], "y": data["y"][batch], "decay": data["decay"]}
            value, g = module.loss_and_gradients(**given, **params)
            for name in params:
                speed[name] = 0.9 * speed[name] - 0.1 * step * getattr(g, name)
                params[name] += speed[name]
            told(value)
    return params


def accuracy(module, params, images, labels):
    """How many of the digits are read."""
    found = module.forward(X=images, **params)
    return float(np.mean(found.logp.argmax(axis=1) == labels))


def digits():
    """Images and labels to learn from, and others to be tested with."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order] / 16 - 0.3, labels[order]
    return (images[:1400], labels[:1400]), (images[1400:], labels[1400:])


def train(module, way, progress):
    """The parameters that a way of learning finds, the losses on the way, and how well it reads."""
    (images, labels), test = digits()
    losses = []

    def told(value):
        losses.append(float(value))
        progress(losses)

    data = {"X": images, "y": labels, "decay": 1e-4}
    params = way(module, data, start(np.random.default_rng(0)), told)
    return params, losses, accuracy(module, params, *test)


def main():
    """Both ways, with a bar of progress; the losses as a picture."""
    from rich.progress import Progress

    module = sg.derive(loss, names={"h": h, "z": z, "logp": logp, "loss": loss}).compile()
    curves = {}
    for way, steps in ((by_lbfgs, 200), (by_batches, 40 * 21)):
        with Progress() as bar:
            task = bar.add_task(way.__name__, total=steps)
            shown = functools.partial(bar.update, task)
            _, losses, read = train(module, way, lambda seen, f=shown: f(completed=len(seen)))
            bar.update(task, completed=steps)
        curves[way.__name__] = losses
        print(f"{way.__name__}: {read:.1%} of the digits are read, loss {losses[-1]:.4f}")
    picture(curves)


def picture(curves):
    """The losses step by step, in digits.png; matplotlib draws it, where it is installed."""
    try:
        from matplotlib import pyplot
    except ImportError:
        print("no picture: matplotlib is not installed")
        return
    for name, losses in curves.items():
        pyplot.semilogy(losses, label=name)
    pyplot.xlabel("step")
    pyplot.ylabel("loss")
    pyplot.legend()
    pyplot.savefig("digits.png")
    print("the losses are in digits.png")


if __name__ == "__main__":
    main()
