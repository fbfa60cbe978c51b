"""Facts of the TensorFlow Lite schema: operator codes, tensor types, options by slot number."""

from __future__ import annotations

from typing import Any

# Builtin operator code -> name.
BUILTIN_OPERATORS: tuple[str, ...] = tuple(
    """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
    EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D
    LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1
    RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS
    SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
    BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE
    UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT
    LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG
    PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE
    EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD
    REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV
    REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU
    SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE
    RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE
    NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
    BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D
    IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL
    CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS
    RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE
    RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
    UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD
    STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP
    STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE
    STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE
    STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE
    STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT
    STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT
    STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA
    STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE
    STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW
    STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
    """.split()
)

# TensorType code -> edgekit's dtype; the codes that are absent have no use in integer networks.
TENSOR_TYPES: dict[int, str] = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16",
    9: "int8", 10: "float64", 12: "uint64", 13: "resource", 15: "uint32", 16: "uint16", 17: "int4",
}  # fmt: skip

PADDING = ("SAME", "VALID")
ACTIVATION = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
WEIGHTS_FORMAT = ("DEFAULT", "SHUFFLED4x16INT8")
PAD_MODE = ("REFLECT", "SYMMETRIC")

# An option: (name, slot, kind, default); kind is a scalar type, "text", "array" (of int32) or the
# tuple of an enumeration's names.
Option = tuple[str, int, Any, Any]

_ACTIVATION_0: tuple[Option, ...] = (("fused_activation_function", 0, ACTIVATION, 0),)
_BLOCK: tuple[Option, ...] = (("block_size", 0, "int32", 0),)
_POOL: tuple[Option, ...] = (
    ("padding", 0, PADDING, 0),
    ("stride_w", 1, "int32", 0),
    ("stride_h", 2, "int32", 0),
    ("filter_width", 3, "int32", 0),
    ("filter_height", 4, "int32", 0),
    ("fused_activation_function", 5, ACTIVATION, 0),
)
_REDUCE: tuple[Option, ...] = (("keep_dims", 0, "bool", False),)

OPTIONS: dict[str, tuple[Option, ...]] = {
    "ADD": _ACTIVATION_0,
    "SUB": _ACTIVATION_0,
    "MUL": _ACTIVATION_0,
    "DIV": _ACTIVATION_0,
    "L2_NORMALIZATION": _ACTIVATION_0,
    "L2_POOL_2D": _POOL,
    "AVERAGE_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "CONV_2D": (
        ("padding", 0, PADDING, 0),
        ("stride_w", 1, "int32", 0),
        ("stride_h", 2, "int32", 0),
        ("fused_activation_function", 3, ACTIVATION, 0),
        ("dilation_w_factor", 4, "int32", 1),
        ("dilation_h_factor", 5, "int32", 1),
    ),
    "DEPTHWISE_CONV_2D": (
        ("padding", 0, PADDING, 0),
        ("stride_w", 1, "int32", 0),
        ("stride_h", 2, "int32", 0),
        ("depth_multiplier", 3, "int32", 0),
        ("fused_activation_function", 4, ACTIVATION, 0),
        ("dilation_w_factor", 5, "int32", 1),
        ("dilation_h_factor", 6, "int32", 1),
    ),
    "TRANSPOSE_CONV": (
        ("padding", 0, PADDING, 0),
        ("stride_w", 1, "int32", 0),
        ("stride_h", 2, "int32", 0),
        ("fused_activation_function", 3, ACTIVATION, 0),
    ),
    "FULLY_CONNECTED": (
        ("fused_activation_function", 0, ACTIVATION, 0),
        ("weights_format", 1, WEIGHTS_FORMAT, 0),
        ("keep_num_dims", 2, "bool", False),
    ),
    "CONCATENATION": (
        ("axis", 0, "int32", 0),
        ("fused_activation_function", 1, ACTIVATION, 0),
    ),
    "SOFTMAX": (("beta", 0, "float32", 0.0),),
    "LEAKY_RELU": (("alpha", 0, "float32", 0.0),),
    "GELU": (("approximate", 0, "bool", False),),
    "RESHAPE": (("new_shape", 0, "array", ()),),
    "SQUEEZE": (("squeeze_dims", 0, "array", ()),),
    "SPLIT": (("num_splits", 0, "int32", 0),),
    "SPLIT_V": (("num_splits", 0, "int32", 0),),
    "STRIDED_SLICE": (
        ("begin_mask", 0, "int32", 0),
        ("end_mask", 1, "int32", 0),
        ("ellipsis_mask", 2, "int32", 0),
        ("new_axis_mask", 3, "int32", 0),
        ("shrink_axis_mask", 4, "int32", 0),
        ("offset", 5, "bool", False),
    ),
    "RESIZE_BILINEAR": (
        ("align_corners", 2, "bool", False),
        ("half_pixel_centers", 3, "bool", False),
    ),
    "RESIZE_NEAREST_NEIGHBOR": (
        ("align_corners", 0, "bool", False),
        ("half_pixel_centers", 1, "bool", False),
    ),
    "MEAN": _REDUCE,
    "SUM": _REDUCE,
    "REDUCE_MAX": _REDUCE,
    "REDUCE_MIN": _REDUCE,
    "REDUCE_PROD": _REDUCE,
    "REDUCE_ALL": _REDUCE,
    "SPACE_TO_DEPTH": _BLOCK,
    "DEPTH_TO_SPACE": _BLOCK,
    "GATHER": (("axis", 0, "int32", 0), ("batch_dims", 1, "int32", 0)),
    "PACK": (("values_count", 0, "int32", 0), ("axis", 1, "int32", 0)),
    "UNPACK": (("num", 0, "int32", 0), ("axis", 1, "int32", 0)),
    "CUMSUM": (("exclusive", 0, "bool", False), ("reverse", 1, "bool", False)),
    "BATCH_MATMUL": (("adj_x", 0, "bool", False), ("adj_y", 1, "bool", False)),
    "SVDF": (("rank", 0, "int32", 0), ("fused_activation_function", 1, ACTIVATION, 0)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        ("fused_activation_function", 0, ACTIVATION, 0),
        ("cell_clip", 1, "float32", 0.0),
        ("proj_clip", 2, "float32", 0.0),
        ("time_major", 3, "bool", False),
    ),
    "MIRROR_PAD": (("mode", 0, PAD_MODE, 0),),
    "IF": (("then_subgraph_index", 0, "int32", 0), ("else_subgraph_index", 1, "int32", 0)),
    "WHILE": (("cond_subgraph_index", 0, "int32", 0), ("body_subgraph_index", 1, "int32", 0)),
    "CALL_ONCE": (("init_subgraph_index", 0, "int32", 0),),
    "VAR_HANDLE": (("container", 0, "text", ""), ("shared_name", 1, "text", "")),
}
