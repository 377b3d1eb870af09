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
    "affine_grid": "AffineGrid",
    "argreduce": "ArgMax ArgMin wasmkiln.ArgReduce",
    "attention": "Attention",
    "batch_norm": "BatchNormalization",
    "blockwise": (
        "com.microsoft.GatherBlockQuantized com.microsoft.MatMulBnb4 com.microsoft.MatMulNBits "
        "wasmkiln.NBitsProduct"
    ),
    "bottleneck": "wasmkiln.Bottleneck",
    "cast": "BitCast Cast CastLike wasmkiln.Reinterpret",
    "cast_string": "wasmkiln.CastStrings",
    "col2im": "Col2Im",
    "compress": "Compress wasmkiln.CompressBounded wasmkiln.FirstTo",
    "concat": "Concat Split wasmkiln.Join",
    "constant": "Constant ConstantOfShape Range",
    "contrib": (
        "com.microsoft.BiasAdd com.microsoft.BiasSoftmax com.microsoft.BiasSplitGelu "
        "com.microsoft.CDist com.microsoft.ComplexMul com.microsoft.ComplexMulConj "
        "com.microsoft.ConvTransposeWithDynamicPads com.microsoft.ExpandDims "
        "com.microsoft.GatherND com.microsoft.GridSample com.microsoft.IsAllFinite "
        "com.microsoft.NhwcMaxPool com.microsoft.Pad com.microsoft.Range com.microsoft.Trilu "
        "com.microsoft.UnfoldTensor"
    ),
    "contrib_attention": "com.microsoft.Attention com.microsoft.MultiHeadAttention",
    "contrib_image": "com.microsoft.CropAndResize",
    "contrib_norm": (
        "SimplifiedLayerNormalization com.microsoft.EmbedLayerNormalization "
        "com.microsoft.LayerNormalization com.microsoft.SimplifiedLayerNormalization "
        "com.microsoft.SkipLayerNormalization com.microsoft.SkipSimplifiedLayerNormalization"
    ),
    "contrib_product": (
        "com.microsoft.FusedConv com.microsoft.FusedGemm com.microsoft.FusedMatMul "
        "com.microsoft.TransposeMatMul"
    ),
    "control": "If",
    "conv": "Conv",
    "conv_packed": "wasmkiln.ConvPacked wasmkiln.Depthwise",
    "conv_transpose": "ConvTranspose wasmkiln.Col2ImPacked",
    "cumulative": "CumProd CumSum wasmkiln.Running",
    "deform": "DeformConv",
    "det": "Det",
    "dropout": "Dropout",
    "einsum": "Einsum",
    "elementwise": (
        "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr "
        "BitwiseXor Ceil Cos Cosh Div Equal Erf Exp Floor Greater GreaterOrEqual IsInf IsNaN Less "
        "LessOrEqual Log Max Mean Min Mod Mul Neg Not Or Pow Reciprocal Round Sign Sin Sinh Sqrt "
        "Sub Sum Tan Tanh Where Xor"
    ),
    "fft": "wasmkiln.Fft",
    "flex_attention": "ai.onnx.preview.FlexAttention",
    "forest": "wasmkiln.Forest",
    "fused_attention": "wasmkiln.FusedAttention",
    "gated": "CausalConvWithState SwiGLU",
    "gather": "Gather GatherElements GatherND wasmkiln.Take",
    "grid": "GridSample",
    "group_norm": ("GroupNormalization com.microsoft.GroupNorm com.microsoft.SkipGroupNorm"),
    "grouped_attention": "com.microsoft.GroupQueryAttention",
    "host": "wasmkiln.Trim",
    "image_decoder": "ImageDecoder",
    "integer": "wasmkiln.IntegerConv wasmkiln.IntegerProduct",
    "inverse": "com.microsoft.Inverse",
    "legacy": (
        "Affine ConstantFill Crop DynamicSlice GivenTensorFill ImageScaler ParametricSoftplus "
        "Scale ScaledTanh"
    ),
    "linear_attention": "LinearAttention wasmkiln.LinearRecurrence",
    "loop": "Loop Scan",
    "loss": "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    "lrn": "LRN wasmkiln.LocalNorm",
    "map": "wasmkiln.Map",
    "mask": "EyeLike OneHot Trilu",
    "matmul": "Gemm MatMul wasmkiln.Dot wasmkiln.Product",
    "mel": "MelWeightMatrix",
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
        "InstanceNormalization LayerNormalization LpNormalization MeanVarianceNormalization "
        "RMSNormalization"
    ),
    "optimizers": (
        "ai.onnx.preview.training.Adagrad ai.onnx.preview.training.Adam "
        "ai.onnx.preview.training.Momentum"
    ),
    "optional": "Optional OptionalGetElement OptionalHasElement",
    "packed": "wasmkiln.GemmPacked wasmkiln.PackPanels",
    "pad": "CenterCropPad Pad wasmkiln.PadConst",
    "pool": (
        "AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool wasmkiln.Pool "
        "wasmkiln.PoolIndex"
    ),
    "quant": "DequantizeLinear DynamicQuantizeLinear QuantizeLinear",
    "quant_attention": "com.microsoft.QAttention com.microsoft.QEmbedLayerNormalization",
    "quant_contrib": (
        "com.microsoft.DequantizeLinear com.microsoft.QLinearAdd com.microsoft.QLinearConcat "
        "com.microsoft.QLinearLeakyRelu com.microsoft.QLinearMul com.microsoft.QLinearSigmoid "
        "com.microsoft.QLinearSoftmax com.microsoft.QLinearWhere com.microsoft.QuantizeLinear"
    ),
    "quant_linear": "ConvInteger MatMulInteger QLinearConv QLinearMatMul",
    "quant_pool": (
        "com.microsoft.QLinearAveragePool com.microsoft.QLinearGlobalAveragePool "
        "com.microsoft.QLinearReduceMean"
    ),
    "quant_product": (
        "com.microsoft.DynamicQuantizeLSTM com.microsoft.DynamicQuantizeMatMul "
        "com.microsoft.MatMulInteger16 com.microsoft.MatMulIntegerToFloat com.microsoft.QGemm "
        "com.microsoft.QLinearConv"
    ),
    "random": (
        "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike "
        "wasmkiln.Draw"
    ),
    "rearrange": "DepthToSpace Expand SpaceToDepth Tile",
    "recurrent": "wasmkiln.Recurrent",
    "reduce": (
        "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
        "ReduceSum ReduceSumSquare wasmkiln.Reduce"
    ),
    "resample": "wasmkiln.Resample",
    "reshape": "Flatten Identity Reshape Squeeze Unsqueeze",
    "resize": "Resize Upsample",
    "rnn": "GRU LSTM RNN",
    "roi": "MaxRoiPool RoiAlign",
    "rotary": "RotaryEmbedding com.microsoft.RotaryEmbedding",
    "row_norm": "wasmkiln.RowNorm",
    "scatter": "Scatter ScatterElements ScatterND",
    "sequence": (
        "ConcatFromSequence SequenceAt SequenceConstruct SequenceEmpty SequenceErase "
        "SequenceInsert SequenceLength SequenceMap SplitToSequence"
    ),
    "sequence_lengths": "ReverseSequence TensorScatter",
    "shape": "Shape Size",
    "signal": "DFT STFT",
    "slice": "Slice",
    "softmax": "Hardmax LogSoftmax Softmax wasmkiln.RowSoftmax",
    "sort": "TopK wasmkiln.BestK",
    "string": "RegexFullMatch StringConcat StringNormalizer StringSplit",
    "svm_steps": "wasmkiln.Coupling wasmkiln.Distance",
    "tfidf": "TfIdfVectorizer",
    "tokenizer": "com.microsoft.Tokenizer",
    "unique": "Unique",
    "unpool": "MaxUnpool",
    "window": "BlackmanWindow HammingWindow HannWindow",
    "winograd": "wasmkiln.Winograd wasmkiln.WinogradFilters",
}

_FAMILY_OF = {title: family for family, titles in FAMILIES.items() for title in titles.split()}


def family_of(domain: str, op_type: str) -> str | None:
    """The module in this package that registers an operator; None if none does."""
    return _FAMILY_OF.get(f"{domain}.{op_type}" if domain else op_type)
