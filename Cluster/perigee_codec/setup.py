"""The wheel holds a library of one platform and runs on any Python 3: py3-none-PLATFORM."""

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel


class LibraryDistribution(Distribution):
    """Modules and the library go to the platform's folder."""

    def has_ext_modules(self) -> bool:
        """True, for the library."""
        return True


class LibraryWheel(bdist_wheel):
    """No extension module, so no Python version and no ABI in the tag."""

    def get_tag(self) -> tuple[str, str, str]:
        """Python, ABI, platform."""
        return "py3", "none", super().get_tag()[2]


setup(distclass=LibraryDistribution, cmdclass={"bdist_wheel": LibraryWheel})
