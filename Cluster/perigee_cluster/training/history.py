"""What the firmware knows of prediction from history, learned from pairs of frames of training places: profiles of
weights, the decisions that say a prediction, and tables for what predictions leave. Suffixes: P profiles, L levels
(0 the low band), C classes of components."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perigee_cluster.training.config import HistoryConfig
from perigee_cluster.training.pairs import HistoryPair
from perigee_cluster.training.profiles import Profile
from perigee_cluster.training.safetensors import Tensors, pack, parse
from perigee_codec import Model, Part, Reference, Stream, Trainer

PROFILES, LEVELS, CLASSES, ONE = 8, 10, 6, 16
CELLS, UNTRAINED = 1_240, 2_097_152 << 10
log = logging.getLogger("train")


@dataclass(frozen=True)
class Example:
    """A frame and the reference that its place's decoded history makes."""

    stream: Stream
    samples: NDArray[np.uint16]
    reference: Reference
    decoded: NDArray[np.uint16]


def fit_history(
    pairs: list[HistoryPair], tensors: Tensors, profiles: list[Profile], config: HistoryConfig
) -> dict[str, NDArray[np.generic]]:
    """All tensors `history/…`, for the plain model in `tensors`."""
    weights = np.repeat(np.linspace(ONE, 2, PROFILES).astype(np.uint8), LEVELS * CLASSES)
    known = dict(tensors) | _blank(tensors, weights.reshape(PROFILES, LEVELS, CLASSES))
    examples = list(_examples(pairs, Model.parse(pack(known)), profiles, config))
    log.info("history: %d pairs, %d examples", len(pairs), len(examples))
    products, squares = zip(*(_moments(example) for example in examples), strict=True)
    known |= _blank(tensors, _profiles(np.stack(products), np.stack(squares), config.seed))
    model = Model.parse(pack(known))
    examples = list(_examples(pairs, model, profiles, config))
    trainer = Trainer(predicted_by=model)
    random = np.random.default_rng(config.seed)
    for index in range(config.passes):
        for number in random.permutation(len(examples)):
            example = examples[number]
            budget = int(example.samples.nbytes / np.exp(random.uniform(*np.log(config.ratios))))
            trainer.adapt(example.stream, example.samples, max(budget, 8), reference=example.reference)
        log.info("history: pass %d of %d", index + 1, config.passes)
    return parse(trainer.tensors())


def _blank(tensors: Tensors, weights: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    """Tensors of prediction before its own tables are learned: those of plain tiles."""
    blank: dict[str, NDArray[np.generic]] = {
        f"history/{name}": values for name, values in tensors.items() if name.startswith("tokens/")
    }
    return blank | {"history/weights": weights, "history/cells": np.full(CELLS, UNTRAINED, np.uint32)}


def _examples(
    pairs: list[HistoryPair], model: Model, profiles: list[Profile], config: HistoryConfig
) -> Iterator[Example]:
    """Every pair whole, and `config.crops` windows of it; its history is coded at a ratio of `config.memory`."""
    random = np.random.default_rng(config.seed)
    streams: dict[tuple[tuple[str, ...], tuple[int, ...]], Stream] = {}
    for pair in pairs:
        name = "sentinel-2-l1c" if len(pair.bands) == 13 else "sentinel-2-l2a"
        profile = next(profile for profile in profiles if profile["name"] == name)
        for samples, earlier in _windows(pair, config, random):
            key = (pair.bands, samples.shape)
            if key not in streams:
                streams[key] = Stream(model, profile, samples.shape, bands=pair.bands, nodata="none")
            stream = streams[key]
            budget = int(earlier.nbytes / random.choice(config.memory))
            decoded = stream.decode(stream.encode(earlier, [budget]))
            yield Example(stream, samples, stream.reference([Part(stream, decoded)]), decoded)


def _windows(
    pair: HistoryPair, config: HistoryConfig, random: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    yield pair.samples, pair.earlier
    rows, columns = pair.samples.shape[1:]
    side = config.crop
    for _ in range(config.crops if min(rows, columns) > side else 0):
        row, column = int(random.integers(0, rows - side + 1)), int(random.integers(0, columns - side + 1))
        window = np.s_[:, row : row + side, column : column + side]
        yield np.ascontiguousarray(pair.samples[window]), np.ascontiguousarray(pair.earlier[window])


def _moments(example: Example) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Products of coefficients with those of the reference, and the reference's squares, [L, C], in shares of the
    frame's energy at its level, so that every frame has a say."""
    current, choice = example.stream.forward(example.samples, budget=example.samples.nbytes // 300)
    known, _ = example.stream.forward(example.decoded, choice=choice)
    product, square = np.zeros((LEVELS, CLASSES)), np.zeros((LEVELS, CLASSES))
    rows, columns = current.shape[1:]
    level = 0
    energy = np.zeros(LEVELS)
    while max(rows, columns) > 1 and level < LEVELS - 1:
        level += 1
        low_rows, low_columns = (rows + 1) // 2, (columns + 1) // 2
        inside = np.zeros((rows, columns), np.bool_)
        inside[:low_rows, :low_columns] = True
        for component in range(len(current)):
            mine = current[component, :rows, :columns][~inside].astype(np.float64)
            its = known[component, :rows, :columns][~inside].astype(np.float64)
            place = (level, _component_class(component))
            product[place] += mine @ its
            square[place] += its @ its
            energy[level] += mine @ mine
        rows, columns = low_rows, low_columns
    for component in range(len(current)):
        mine = current[component, :rows, :columns].ravel().astype(np.float64)
        its = known[component, :rows, :columns].ravel().astype(np.float64)
        product[0, _component_class(component)] += mine @ its
        square[0, _component_class(component)] += its @ its
        energy[0] += mine @ mine
    share = 1 / np.maximum(energy, 1e-9)[:, None]
    return product * share, square * share


def _component_class(component: int) -> int:
    return (0, 1, 2, 3, 3, 4, 4, 4)[component] if component < 8 else 5


def _profiles(products: NDArray[np.float64], squares: NDArray[np.float64], seed: int) -> NDArray[np.uint8]:
    """PROFILES vectors of weights [P, L, C] in sixteenths: k-means by the energy that a weight takes off."""
    random = np.random.default_rng(seed)
    best, best_gain = np.zeros((PROFILES, LEVELS, CLASSES)), -np.inf
    common = products.sum(0) / np.maximum(squares.sum(0), 1e-12)
    for _ in range(20):
        start = random.choice(len(products), PROFILES, replace=len(products) < PROFILES)
        weights = np.clip(products[start] / np.maximum(squares[start], 1e-12), 0, 1)
        gain = -np.inf
        for _ in range(50):
            gains = (2 * weights[None] * products[:, None] - weights[None] ** 2 * squares[:, None]).sum((2, 3))
            nearest = gains.argmax(1)
            total = float(gains.max(1).sum())
            if total <= gain + 1e-9:
                break
            gain = total
            for profile in range(PROFILES):
                mine = nearest == profile
                if not mine.any():
                    continue
                # a weak pull towards what all frames have in common, where a profile has seen little
                pull = 0.02 * squares.mean(0)
                top = products[mine].sum(0) + pull * common
                weights[profile] = np.clip(top / np.maximum(squares[mine].sum(0) + pull, 1e-12), 0, 1)
        if gain > best_gain:
            # the first one is what a tile does whose octets say nothing: it suits most frames
            best, best_gain = weights[np.argsort(-gains.sum(0), kind="stable")], gain
    return np.round(best * ONE).astype(np.uint8)
