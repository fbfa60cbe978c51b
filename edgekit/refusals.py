"""What a user is told of an operator that edgekit does not have: the nearest one it has, and a way out.

The nearest one is read from the registry: an operator that says it can stand in (`Op.instead`), else the one
whose name of the same source format is most alike. `NO_WAY` has what no operator can stand in for.
"""

from __future__ import annotations

import difflib
import fnmatch
import inspect
import re
from collections.abc import Collection, Mapping

from edgekit.errors import EdgekitError
from edgekit.op import Op, onnx_ops, tflite_ops

# Patterns of source names -> why there is none like them, and what to do.
NO_WAY: Mapping[str, str] = {
    "UNIQUE WHERE Unique NonZero Compress aten.nonzero.* aten.unique* aten.masked_select.*":
        "the size of its result depends on the numbers, and memory is planned before they are known: end the "
        "model before it and do the rest in the firmware",
    "NON_MAX_SUPPRESSION_* NonMaxSuppression CUSTOM:TFLite_Detection_PostProcess torchvision.nms.* RoiAlign MaxRoiPool":
        "end the model at its boxes and scores, and select among them in the firmware",
    "RANDOM_* MULTINOMIAL Random* Multinomial Bernoulli aten.rand* aten.normal* aten.bernoulli* aten.multinomial*":
        "an inference is a function of its inputs: export the model in evaluation mode, or make the random numbers an input",
    "HASHTABLE* LSH_PROJECTION SKIP_GRAM CONCAT_EMBEDDINGS String* RegexFullMatch TfIdfVectorizer SequenceMap":
        "texts and tables of texts are none of a network's integers: turn them to numbers in the firmware, and begin the model behind it",
    "RFFT2D IMAG REAL COMPLEX_ABS DFT STFT aten.*fft* aten.view_as_real.*":
        "complex numbers have no integer form here: let [preprocess.<input>] make the spectrum before the model's input",
    "Loop Scan SequenceAt SequenceInsert":
        "a static program has as many steps as there are layers: unroll the loop when exporting, or export one step and call it",
    "SCATTER_ND SEGMENT_SUM UNSORTED_SEGMENT_* SPARSE_TO_DENSE DENSIFY EMBEDDING_LOOKUP_SPARSE aten.index_put* aten.scatter*":
        "write to computed places in the firmware, or say it with one-hot masks: a product and a sum",
    "CUSTOM:Flex*":
        "convert without SELECT_TF_OPS: only TensorFlow itself has this operator",
    "com.microsoft::QLinear*":
        "export the quantization as QuantizeLinear and DequantizeLinear pairs (QuantFormat.QDQ)",
}  # fmt: skip
_LISTED = 4


def unsupported(op: str, where: str, form: str, also: Collection[str] = ()) -> EdgekitError:
    """The refusal (EK201) of a source operator at `where`; `form` is its graph's format, "tflite" or "onnx";
    `also` names others that are refused."""
    found = op or "an operator without a name"
    if also:
        rest = ", ".join(sorted(also)[:_LISTED]) + (", ..." if len(also) > _LISTED else "")
        found += f"; not supported either: {rest}"
    return EdgekitError(
        "EK201", f"operator {op or '(unnamed)'} is not supported", where=where, found=found,
        help=f"{way_out(op, form)}; `edgekit ops` lists what is supported, --plugin adds an operator of your own",
    )  # fmt: skip


def way_out(op: str, form: str) -> str:
    """What to do about a source operator of that format that is not supported."""
    for patterns, advice in NO_WAY.items():
        if any(fnmatch.fnmatchcase(op, pattern) for pattern in patterns.split()):
            return advice
    known = _known(op, form)
    for name, stands_in in known.items():
        for pattern, advice in stands_in.instead.items():
            if fnmatch.fnmatchcase(op, pattern):
                return f"the nearest supported one is {name}: {advice}"
    alike = difflib.get_close_matches(_plain(op), [_plain(name) for name in known], 1)
    near = [name for name in known if [_plain(name)] == alike]
    if near:
        return f"the nearest supported one by name is {near[0]} ({_summary(known[near[0]])})"
    return "no supported operator is like it: replace this layer in the source model"


def _known(op: str, form: str) -> dict[str, type[Op]]:
    """The supported names of the format; torch's are read into ONNX's vocabulary."""
    if op.startswith("aten."):
        from edgekit.frontends.pt2_vocabulary import BECOMES

        onnx = onnx_ops()
        found = {f"aten.{name}": becomes[:1] for name, becomes in BECOMES.items()}
        return {name: onnx[op] for name, ops in found.items() for op in ops if op in onnx}
    return tflite_ops() if form == "tflite" else onnx_ops()


def _plain(name: str) -> str:
    """A name without what tells formats and versions apart."""
    name = re.sub(r"^(aten\.|CUSTOM:|.*::)|\.[A-Za-z_]+$|_V\d$", "", name)
    return name.replace("_", "").lower()


def _summary(op: type[Op]) -> str:
    doc = inspect.getdoc(inspect.getmodule(op)) or op.name
    return doc.split("\n", 1)[0].rstrip(".")
