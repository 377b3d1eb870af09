"""OrtDevice, and the check that what is asked for is the CPU."""

from __future__ import annotations

from ..errors import InvalidInputError, UnsupportedOptionError

__all__ = ["OrtDevice", "check_cpu"]

_TYPES = {"cpu": 0, "cuda": 1, "gpu": 1, "webgpu": 1, "dml": 1, "cann": 3, "npu": 3}
_VENDORS = {"cuda": 0x10DE, "dml": 0x1414, "cann": 0x19E5}


class OrtDevice:
    """A device by name. Only "cpu" can hold values here."""

    def __init__(self, name: str, device_id: int = 0, vendor_id: int = -1) -> None:
        if name not in _TYPES:
            raise InvalidInputError(f"Unsupported device type: {name}")
        self._name = name
        self._id = device_id
        self._vendor = vendor_id if vendor_id >= 0 else _VENDORS.get(name, 0)

    @staticmethod
    def make(ort_device_name: str, device_id: int, vendor_id: int = -1) -> OrtDevice:
        """The device; InvalidInputError for names that onnxruntime doesn't know."""
        return OrtDevice(ort_device_name, device_id, vendor_id)

    def device_id(self) -> int:
        """The number given."""
        return self._id

    def device_type(self) -> int:
        """onnxruntime's number for the kind: 0 is the CPU, 1 a GPU, 3 an NPU."""
        return _TYPES[self._name]

    def device_vendor_id(self) -> int:
        """The vendor's PCI number, 0 for the CPU."""
        return self._vendor

    def device_mem_type(self) -> int:
        """0: memory of the default kind."""
        return 0


def check_cpu(name: str) -> None:
    """UnsupportedOptionError for devices but the CPU, InvalidInputError for names of none."""
    OrtDevice(name)
    if name != "cpu":
        raise UnsupportedOptionError(f"values can't be on device '{name}': there is only 'cpu'")
