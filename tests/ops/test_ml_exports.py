"""Models that scikit-learn, LightGBM and XGBoost trained and their converters wrote."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from wasmkiln.engine.runner import Runner
from wasmkiln.host import default_host
from wasmkiln.ir.const import Const
from wasmkiln.ir.dtype import F32
from wasmkiln.onnx.load import load
from wasmkiln.options import CompileOptions

from tests.shared import SHARED, needs_shared

from .check import Array, check_model

OPSETS = {"": 18, "ai.onnx.ml": 3}

sklearn = pytest.importorskip("sklearn", reason="needs scikit-learn")
skl2onnx = pytest.importorskip("skl2onnx", reason="needs skl2onnx")

from sklearn import (  # noqa: E402
    ensemble,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
)
from sklearn.compose import make_column_transformer  # noqa: E402
from sklearn.datasets import load_iris  # noqa: E402
from sklearn.impute import SimpleImputer  # noqa: E402

IRIS, SPECIES = load_iris(return_X_y=True)
X = IRIS.astype("f4")
KINDS = {
    "three": SPECIES,
    "two": (SPECIES == 1).astype(int),
    "names": np.array(list("abc"))[SPECIES],
}


def asked() -> Array:
    """Flowers, moved so that few features equal a threshold."""
    rng = np.random.default_rng(0)
    x: Array = (X[rng.permutation(len(X))[:37]] + rng.normal(0, 0.2, (37, 4))).astype("f4")
    return x


def exported(model: Any, x: Array = X, **options: Any) -> onnx.ModelProto:
    if hasattr(model, "predict_proba") or hasattr(model, "decision_function"):
        options = {"options": {id(model): {"zipmap": False, **options}}}
    return skl2onnx.to_onnx(model, x[:1], target_opset=OPSETS, **options)


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic regression": linear_model.LogisticRegression,
    "random forest": lambda: ensemble.RandomForestClassifier(7, random_state=0),
    "extra trees": lambda: ensemble.ExtraTreesClassifier(7, random_state=0),
    "gradient boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=5),
    "boosted stumps": lambda: ensemble.AdaBoostClassifier(n_estimators=5),
    "network": lambda: neural_network.MLPClassifier((5,), max_iter=20, random_state=0),
    "neighbours": neighbors.KNeighborsClassifier,
    "naive Bayes": naive_bayes.GaussianNB,
    "scaled": lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression()
    ),
    "imputed, normalized": lambda: pipeline.make_pipeline(
        SimpleImputer(), preprocessing.MinMaxScaler(), preprocessing.Normalizer("l1"),
        ensemble.RandomForestClassifier(5, random_state=0),
    ),
    "binned": lambda: pipeline.make_pipeline(
        preprocessing.KBinsDiscretizer(3, encode="onehot-dense"),
        linear_model.LogisticRegression(),
    ),
    "binarized": lambda: pipeline.make_pipeline(
        preprocessing.Binarizer(threshold=2.0), linear_model.LogisticRegression()
    ),
    "columns": lambda: pipeline.make_pipeline(
        make_column_transformer(
            (pipeline.make_pipeline(SimpleImputer(), preprocessing.StandardScaler()), [0, 1, 2]),
            (preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), [3]),
        ),
        linear_model.LogisticRegression(),
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in CLASSIFIERS for kind in ("two", "three")]
    + [("logistic regression", "names"), ("random forest", "names"), ("network", "names")],
)
def test_classifiers(name: str, kind: str) -> None:
    model = CLASSIFIERS[name]().fit(X, KINDS[kind])
    check_model(exported(model), {"X": asked()})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf", "sigmoid"])
@pytest.mark.parametrize("probability", [False, True])
@pytest.mark.parametrize("kind", ["two", "three"])
def test_support_vector_classifiers(kind: str, probability: bool, kernel: str) -> None:
    model = svm.SVC(kernel=kernel, probability=probability, random_state=0).fit(X, KINDS[kind])
    check_model(exported(model), {"X": asked()}, rtol=1e-4, atol=1e-4)


REGRESSORS: dict[str, Callable[[], Any]] = {
    "linear": linear_model.LinearRegression,
    "forest": lambda: ensemble.RandomForestRegressor(7, random_state=0),
    "extra trees": lambda: ensemble.ExtraTreesRegressor(7, random_state=0),
    "gradient boosting": lambda: ensemble.GradientBoostingRegressor(n_estimators=5),
    "network": lambda: neural_network.MLPRegressor(
        hidden_layer_sizes=(5,), max_iter=20, random_state=0
    ),
    "neighbours": neighbors.KNeighborsRegressor,
    **{k: lambda k=k: svm.SVR(kernel=k) for k in ("linear", "poly", "rbf", "sigmoid")},  # type: ignore[misc]
    "nu": svm.NuSVR,
    "isolation forest": lambda: ensemble.IsolationForest(n_estimators=7, random_state=0),
    "one class": lambda: svm.OneClassSVM(gamma=0.3),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name: str) -> None:
    model = REGRESSORS[name]().fit(X, SPECIES)
    made = skl2onnx.to_onnx(model, X[:1], target_opset=OPSETS)
    check_model(made, {"X": asked()}, rtol=1e-4, atol=2e-5)


def test_many_targets() -> None:
    model = ensemble.RandomForestRegressor(5, random_state=0).fit(X, X[:, ::-1])
    check_model(skl2onnx.to_onnx(model, X[:1], target_opset=OPSETS), {"X": asked()})


def test_categories_that_are_strings() -> None:
    from skl2onnx.common.data_types import StringTensorType

    cats = np.array([["a", "x"], ["b", "y"], ["c", "x"]], object)[SPECIES]
    model = pipeline.make_pipeline(
        preprocessing.OneHotEncoder(handle_unknown="ignore"), linear_model.LogisticRegression()
    ).fit(cats, KINDS["names"])
    made = skl2onnx.convert_sklearn(
        model, initial_types=[("X", StringTensorType([None, 2]))], target_opset=OPSETS,
        options={"zipmap": False},
    )  # fmt: skip
    check_model(made, {"X": np.array([["a", "y"], ["q", "x"], ["c", ""]], object)})


@pytest.mark.parametrize("kind", ["three", "names"])
def test_probabilities_as_maps(kind: str) -> None:
    model = ensemble.RandomForestClassifier(5, random_state=0).fit(X, KINDS[kind])
    made = skl2onnx.to_onnx(model, X[:1], target_opset=OPSETS).SerializeToString()
    x = asked()
    label, maps = onnxruntime.InferenceSession(made).run(None, {"X": x})
    runner = Runner(load(made), CompileOptions(), default_host())
    results: Any = list(runner.run({"X": Const(F32, x.shape, x.tobytes())}).values())
    texts = kind == "names"
    assert list(results[0].texts() if texts else results[0].values()) == label.tolist()
    for ours, theirs in zip(results[1].items, maps, strict=True):
        assert dict(ours.items) == pytest.approx(theirs, abs=1e-6)
    runner.release()


def converter(module: str, function: str) -> Any:
    pytest.importorskip(module, reason=f"needs {module}")
    tools = pytest.importorskip("onnxmltools", reason="needs onnxmltools")
    return importlib.import_module(module), getattr(tools, function)


def floats() -> Any:
    types = importlib.import_module("onnxmltools.convert.common.data_types")
    return [("X", types.FloatTensorType([None, 4]))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["three", "two", "regression", "forest"])
def test_lightgbm(kind: str) -> None:
    lightgbm, convert = converter("lightgbm", "convert_lightgbm")
    made: Any = {"n_estimators": 5, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}
    if kind == "forest":
        made |= {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}
    is_class = kind in KINDS
    model = (lightgbm.LGBMClassifier if is_class else lightgbm.LGBMRegressor)(**made)
    x = with_gaps(X)
    model.fit(x, KINDS.get(kind, SPECIES))
    more = {"zipmap": False} if is_class else {}
    check_model(
        convert(model, initial_types=floats(), target_opset=15, **more), {"X": with_gaps(asked())}
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["three", "two", "regression", "forest"])
def test_xgboost(kind: str) -> None:
    xgboost, convert = converter("xgboost", "convert_xgboost")
    classes = {"forest": "XGBRFRegressor", "regression": "XGBRegressor"}
    model = getattr(xgboost, classes.get(kind, "XGBClassifier"))(n_estimators=5, n_jobs=1)
    model.fit(with_gaps(X), KINDS.get(kind, SPECIES))
    made = convert(model, initial_types=floats(), target_opset=15)
    check_model(made, {"X": with_gaps(asked())})


def with_gaps(x: Array) -> Array:
    """Some features missing."""
    x = x.copy()
    x[::5, 1] = x[1::7, 2] = np.nan
    return x


@needs_shared
def test_what_follows_the_texts_of_a_real_pipeline() -> None:
    """Everything behind the two TfIdfVectorizers, from random counts of words."""
    whole = onnx.load(SHARED / "models" / "sklearn-pipeline-tfidf.onnx")
    names = [n.op_type for n in whole.graph.node]
    tail = whole.graph.node[names.index("TfIdfVectorizer") + 2 : -1]
    rng = np.random.default_rng(0)
    sizes = {i.name: i.dims[-1] for i in whole.graph.initializer if i.name.startswith("idfcst")}
    feeds = {
        "output": rng.poisson(0.05, (5, sizes["idfcst"])).astype("f4"),
        "output1": rng.poisson(0.05, (5, sizes["idfcst1"])).astype("f4"),
    }
    given = [onnx.helper.make_tensor_value_info(n, 1, x.shape) for n, x in feeds.items()]
    results = [onnx.ValueInfoProto(name=n) for n in ("probabilities", "output_label")]
    del whole.graph.node[:], whole.graph.input[:], whole.graph.output[:]
    whole.graph.node.extend(tail)
    whole.graph.input.extend(given)
    whole.graph.output.extend(results)
    check_model(whole, feeds, rtol=1e-4)
