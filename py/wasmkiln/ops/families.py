"""Which file registers which operators, so that a model loads only the families that it uses.

Importing is what a first visit to the page waits for. A test compares this with what each file
registers. Operators of a domain other than ONNX's own carry its name in front.
"""

from __future__ import annotations

__all__ = ["FAMILIES", "family_of"]

FAMILIES = {
    "activation": (
        "Celu Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Relu Selu Shrink Sigmoid "
        "Softplus Softsign Swish ThresholdedRelu com.microsoft.BiasGelu com.microsoft.FastGelu "
        "com.microsoft.Gelu com.microsoft.QuickGelu"
    ),
    "argreduce": "ArgMax ArgMin wasmkiln.ArgReduce",
    "attention": "Attention",
    "bottleneck": "wasmkiln.Bottleneck",
    "cast": "BitCast Cast CastLike wasmkiln.Reinterpret",
    "cast_string": "wasmkiln.CastStrings",
    "compress": "Compress wasmkiln.CompressBounded wasmkiln.FirstTo",
    "concat": "Concat Split",
    "constant": "Constant ConstantOfShape Range",
    "control": "If",
    "conv": "Conv",
    "conv_packed": "wasmkiln.ConvPacked wasmkiln.Depthwise",
    "conv_transpose": "ConvTranspose wasmkiln.Col2ImPacked",
    "cumulative": "CumProd CumSum wasmkiln.Running",
    "einsum": "Einsum",
    "elementwise": (
        "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr "
        "BitwiseXor Ceil Cos Cosh Div Equal Erf Exp Floor Greater GreaterOrEqual IsInf IsNaN Less "
        "LessOrEqual Log Max Mean Min Mod Mul Neg Not Or Pow Reciprocal Round Sign Sin Sinh Sqrt "
        "Sub Sum Tan Tanh Where Xor"
    ),
    "forest": "wasmkiln.Forest",
    "fused_attention": "wasmkiln.FusedAttention",
    "gather": "Gather GatherElements GatherND wasmkiln.Take",
    "gated": "CausalConvWithState SwiGLU",
    "grid": "GridSample",
    "image_decoder": "ImageDecoder",
    "integer": "wasmkiln.IntegerConv wasmkiln.IntegerProduct",
    "legacy": "Affine Crop ImageScaler ParametricSoftplus ScaledTanh",
    "host": "wasmkiln.Trim",
    "loop": "Loop Scan",
    "loss": "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    "lrn": "LRN wasmkiln.LocalNorm",
    "map": "wasmkiln.Map",
    "mask": "EyeLike OneHot Trilu",
    "matmul": "Gemm MatMul wasmkiln.Dot wasmkiln.Product",
    "ml_encode": (
        "ai.onnx.ml.CategoryMapper ai.onnx.ml.LabelEncoder ai.onnx.ml.OneHotEncoder wasmkiln.Hot"
    ),
    "ml_features": "ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.FeatureVectorizer",
    "ml_keys": "wasmkiln.KeyIndex wasmkiln.TextIndex",
    "ml_linear": "ai.onnx.ml.LinearClassifier ai.onnx.ml.LinearRegressor",
    "ml_map": "ai.onnx.ml.CastMap ai.onnx.ml.DictVectorizer ai.onnx.ml.ZipMap",
    "ml_scale": ("ai.onnx.ml.Binarizer ai.onnx.ml.Imputer ai.onnx.ml.Normalizer ai.onnx.ml.Scaler"),
    "ml_svm": "ai.onnx.ml.SVMClassifier ai.onnx.ml.SVMRegressor",
    "ml_tree": "ai.onnx.ml.TreeEnsembleRegressor",
    "ml_tree_classifier": "ai.onnx.ml.TreeEnsembleClassifier",
    "ml_tree_ensemble": "ai.onnx.ml.TreeEnsemble",
    "movement": "Transpose wasmkiln.ExpandTo wasmkiln.Iota wasmkiln.StridedSlice wasmkiln.View",
    "nms": "NonMaxSuppression wasmkiln.NonMaxBounded",
    "nonzero": "NonZero wasmkiln.NonZeroBounded",
    "norm": (
        "BatchNormalization GroupNormalization InstanceNormalization LayerNormalization "
        "LpNormalization MeanVarianceNormalization RMSNormalization"
    ),
    "optional": "Optional OptionalGetElement OptionalHasElement",
    "packed": "wasmkiln.GemmPacked wasmkiln.PackPanels",
    "pad": "CenterCropPad Pad wasmkiln.PadConst",
    "pool": (
        "AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool wasmkiln.Pool "
        "wasmkiln.PoolIndex"
    ),
    "quant": "DequantizeLinear DynamicQuantizeLinear QuantizeLinear",
    "quant_contrib": (
        "com.microsoft.DequantizeLinear com.microsoft.QLinearAdd com.microsoft.QLinearConcat "
        "com.microsoft.QLinearGlobalAveragePool com.microsoft.QLinearLeakyRelu "
        "com.microsoft.QLinearMul com.microsoft.QLinearSigmoid com.microsoft.QuantizeLinear"
    ),
    "quant_linear": "ConvInteger MatMulInteger QLinearConv QLinearMatMul",
    "rearrange": "DepthToSpace Expand SpaceToDepth Tile",
    "recurrent": "wasmkiln.Recurrent",
    "reduce": (
        "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
        "ReduceSum ReduceSumSquare wasmkiln.Reduce"
    ),
    "resample": "wasmkiln.Resample",
    "reshape": "Dropout Flatten Identity Reshape Squeeze Unsqueeze",
    "resize": "Resize Upsample",
    "rnn": "GRU LSTM RNN",
    "rotary": "RotaryEmbedding",
    "row_norm": "wasmkiln.RowNorm",
    "scatter": "Scatter ScatterElements ScatterND",
    "sequence": (
        "ConcatFromSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase "
        "SequenceInsert SequenceLength SequenceMap SplitToSequence"
    ),
    "sequence_lengths": "ReverseSequence TensorScatter",
    "shape": "Shape Size",
    "slice": "Slice",
    "sort": "TopK wasmkiln.BestK",
    "softmax": "Hardmax LogSoftmax Softmax wasmkiln.RowSoftmax",
    "string": "RegexFullMatch StringConcat StringNormalizer StringSplit",
    "svm_steps": "wasmkiln.Coupling wasmkiln.Distance",
    "tfidf": "TfIdfVectorizer",
    "tokenizer": "com.microsoft.Tokenizer",
    "unique": "Unique",
    "window": "BlackmanWindow HammingWindow HannWindow",
    "winograd": "wasmkiln.Winograd",
}

_FAMILY_OF = {title: family for family, titles in FAMILIES.items() for title in titles.split()}


def family_of(domain: str, op_type: str) -> str | None:
    """The module in this package that registers an operator; None if none does."""
    return _FAMILY_OF.get(f"{domain}.{op_type}" if domain else op_type)
