"""What a model knows: the score and its limit, in the exported graph too; pictures of nothing it was trained on."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from PIL import Image
from scipy.special import logsumexp
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from small_model import small_model
from test_export import SIZE, OneConvolution, built
from test_predict import LABELS, write_export

from sortline._core import sessions
from sortline.evaluation import strangers
from sortline.export import labels as exported_labels
from sortline.export import onnx_model
from sortline.export.classifier import Classifier
from sortline.features import familiarity, similarity
from sortline.features.familiarity import Familiarity

RNG = np.random.default_rng(0)


def flat(count, noise, width=80):
    """Return points near a subspace of 48 dimensions, float32 (count, width)."""
    span = np.random.default_rng(1).normal(size=(48, width))
    return (RNG.normal(size=(count, 48)) @ span + noise * RNG.normal(size=(count, width)) + 3).astype(np.float32)


def test_the_distance_is_what_the_principal_components_do_not_explain():
    train, others = flat(300, 0.5), flat(20, 2.0)
    known = PCA(similarity.AXES).fit(train.astype(float))
    expected = np.linalg.norm(others - known.inverse_transform(known.transform(others)), axis=1)
    assert similarity.fit(train).distance(others) == pytest.approx(expected, rel=1e-3)
    assert similarity.fit(train[:, :40]).distance(train[:, :40]) == pytest.approx(np.zeros(300), abs=0.05)


def test_out_of_fold_a_photos_distance_is_from_the_other_folds():
    train, folds = flat(200, 0.5), np.arange(200) % 4
    found = familiarity.distances(train, folds)
    for fold in range(4):
        known = PCA(similarity.AXES).fit(train[folds != fold].astype(float))
        own = train[folds == fold]
        expected = np.linalg.norm(own - known.inverse_transform(known.transform(own)), axis=1)
        assert found[folds == fold] == pytest.approx(expected, rel=1e-3)


def test_the_score_is_the_energy_less_the_scaled_distance_and_its_limit_keeps_19_of_20():
    logits, distance = 3 * RNG.normal(size=(2000, 5)), RNG.gamma(5, size=2000)
    found = familiarity.fit(logits, distance)
    energy = np.log(np.exp(logits).sum(1))
    assert found.weight == pytest.approx(0.2 * energy.std() / distance.std())
    scores = found.score(logits, distance)
    assert scores == pytest.approx(energy - found.weight * distance)
    assert (scores >= found.below).mean() == pytest.approx(0.95, abs=0.001)
    assert familiarity.fit(logits, np.zeros(2000)).weight == 0  # nothing is outside of what train spans


def test_the_exported_graph_gives_the_score():
    _, _, net = built(OneConvolution)
    reference = similarity.fit(RNG.normal(size=(50, 8)).astype(np.float32)[:, :8])
    narrow = similarity.Reference(reference.center, np.ascontiguousarray(reference.axes[:, :3]), reference.rows[:, :3])
    graph = onnx_model.network_graph(net, SIZE)
    pooled = next(node.output[0] for node in graph.graph.node if node.op_type == "ReduceMean")
    onnx_model.add_similarity(graph, narrow)
    onnx_model.add_familiarity(graph, 0.7)
    graph.graph.output.append(onnx.helper.make_tensor_value_info(pooled, onnx.TensorProto.FLOAT, None))
    x = RNG.normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)
    found, logits, features = sessions.session(graph).run(["familiarity", "logits", pooled], {"x": x})
    distance = narrow.distance(features.reshape(1, 8))
    assert distance[0] > 0.3
    assert found == pytest.approx(logsumexp(logits, axis=1) - 0.7 * distance, abs=0.02)  # the axes have 8 bits


def test_below_the_limit_it_is_nothing_the_model_knows(tmp_path):
    image = Image.new("RGB", (8, 8), (255, 40, 10))
    model = small_model()
    told = sessions.session(model).run(["familiarity"], {"image": np.asarray(image)})[0]
    assert told.shape == (1,)
    for limit, familiar in ((float(told[0]) - 0.1, True), (float(told[0]) + 0.1, False)):
        labels = LABELS | {"unknown_below": limit, "unfamiliar_below": 2.0}  # the second is for older models
        prediction = Classifier(write_export(tmp_path / str(familiar), small_model(labels), labels))(image)
        assert prediction.familiar is familiar and prediction.doubt == ("" if familiar else "nothing I know")
    assert exported_labels.Labels(task="t", classes=({"code": "a", "en": "a"},)).unknown_below is None


@pytest.mark.parametrize("kind", strangers.KINDS)
def test_strangers_are_pictures_each_its_own_and_always_the_same(kind):
    pictures = [strangers.picture(kind, number, 48) for number in range(3)]
    assert all(one.shape == (48, 48, 3) and one.dtype == np.uint8 for one in pictures)
    assert np.array_equal(pictures[0], strangers.picture(kind, 0, 48))
    assert not np.array_equal(pictures[0], pictures[1]) and not np.array_equal(pictures[1], pictures[2])


class Brightness:
    """Knows bright pictures; the train photos' scores are 0 to 1."""

    size = 24
    tells = Familiarity(weight=0.0, below=0.05)

    def seen(self, pictures):
        return np.log(pictures.mean((1, 2, 3)) / 255 + 1e-9)[:, None], np.zeros(len(pictures))

    def familiarity_out_of_fold(self):
        return np.linspace(-3, 0, 61)


def test_how_well_strangers_are_told_apart_is_counted():
    found = strangers.told_apart(Brightness())
    own, noise = np.linspace(-3, 0, 61), [strangers.picture("noise", number, 24) for number in range(strangers.EACH)]
    scores = [np.log(one.mean() / 255) for one in noise]
    expected = roc_auc_score([1] * 61 + [0] * len(scores), [*own, *scores])
    assert found["kinds"]["noise"]["auroc"] == pytest.approx(expected)
    assert found["kinds"]["noise"]["told"] == 1 and found["told"] == 1  # none is above 0
    assert found["worst"] == min(one["auroc"] for one in found["kinds"].values()) <= found["mean"]
    assert strangers.told_apart(SimpleNamespace(tells=None)) is None


def test_photos_are_compared_in_pieces_whose_memory_does_not_grow_with_their_number(monkeypatch):
    features, folds = np.random.default_rng(0).normal(size=(4000, 60)).astype(np.float32), np.arange(4000) % 2
    reference = similarity.fit(features)
    near, of_all = reference.out_of_fold(folds), reference.similarity(features[:100])
    assert of_all == pytest.approx(np.ones(100), abs=1e-5)
    monkeypatch.setattr(similarity, "PAIRS", 2**17)  # 65 rows at a time
    tracemalloc.start()
    pieces = reference.out_of_fold(folds)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pieces == pytest.approx(near, abs=1e-6) and reference.similarity(features[:100]) == pytest.approx(of_all)
    assert peak < 4e6  # all pairs of two folds are 16 MB
    assert reference.similarity(features[:0]).shape == (0,)
