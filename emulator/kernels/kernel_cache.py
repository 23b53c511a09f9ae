"""Where compiled kernels are kept between processes: in the user's cache, each by what it is made of (`kernel_key`).

Numba's own cache recompiles a function when its file has changed, but not when a constant or a function that it took
in from another file has.
"""

import functools
from pathlib import Path
from typing import Any

from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _Cache, _CacheLocator

from twinbar.emulator.kernels.kernel_key import kernel_key
from twinbar.emulator.kernels.kernel_notice import NOTICE
from twinbar.hw.user_cache import user_cache, writable_folder


@functools.cache
def kernel_folder() -> Path:
    """Return the folder of compiled kernels; a temporary one, with a warning, where the user's cache cannot be written.

    ``NUMBA_CACHE_DIR`` chooses another place than the user's cache.
    """
    chosen = config.CACHE_DIR  # type: ignore[attr-defined]
    folder = Path(chosen).absolute() / "twinbar" if chosen else user_cache() / "kernels"
    return writable_folder(folder, "compiled kernels")


class _KernelLocator(_CacheLocator):
    """Tells Numba where a kernel is kept, and by what."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._py_file = ""
        self._module = ""

    def from_function(self, py_func: Any, py_file: str) -> "_KernelLocator":  # type: ignore[override]
        """Serve for this kernel: Numba asks its locators in turn, of which there is one."""
        self._py_file, self._module = py_file, py_func.__module__
        self.ensure_cache_path()
        return self

    def get_cache_path(self) -> str:
        return str(kernel_folder() / self.get_suitable_cache_subpath(self._py_file))

    def get_source_stamp(self) -> str:
        return self._key

    def get_disambiguator(self) -> str:
        # Numba's own, a line number, changes with every line above.
        return self._module


class _KernelFiles(FunctionCache):
    """The files of one kernel."""

    def __init__(self, function: Any, key: str) -> None:
        # Numba asks the class for its locators.
        locators = {"_locator_classes": [_KernelLocator(key)]}
        self._impl_class = type("Implementation", (CompileResultCacheImpl,), locators)  # type: ignore[assignment]
        super().__init__(function)

    def index(self) -> dict[Any, str]:
        """Return the files that are kept, by signature and processor."""
        return self._cache_file._load_index()


class KernelCache(_Cache):
    """The cache of one kernel.

    What the kernel is made of is looked up when it is first needed: when the kernel is defined, the functions and
    constants that it names may not be there yet.

    Parameters
    ----------
    compiled
        Numba's dispatcher or C callback.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._enabled = True

    @functools.cached_property
    def _files(self) -> _KernelFiles:
        return _KernelFiles(self._compiled.__wrapped__, kernel_key(self._compiled))

    @property
    def cache_path(self) -> str:
        """Folder of the kernel's files."""
        return str(self._files.cache_path)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled for a signature, or None."""
        found = self._files.load_overload(sig, target_context) if self._enabled else None
        if found is None:
            NOTICE.begin()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature."""
        if self._enabled:
            self._files.save_overload(sig, data)
        NOTICE.count()

    def signatures(self) -> list[Any]:
        """Return the argument types for which the kernel is kept, as it is now."""
        return [key[0] for key in self._files.index()]

    def enable(self) -> None:
        """Look for kernels, and keep them."""
        self._enabled = True

    def disable(self) -> None:
        """Neither look for kernels nor keep them."""
        self._enabled = False

    def flush(self) -> None:
        """Forget what was kept."""
        self._files.flush()
