"""Jars by their Maven coordinates, each pinned by its digest: fetched once, checked at every use."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.embedded.files import MissingError, cache_folder, sha256_of

COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
FETCH_S = 300.0
REMEDY = "Install mvn, or name the base address of a Maven repository in DUKAO_MAVEN_URL."


@dataclass(frozen=True, slots=True)
class Jars:
    """What is wanted: a name with its version, (group, artifact, version) each, and the file of digests."""

    name: str
    coordinates: tuple[tuple[str, str, str], ...]
    digests: Path

    def find(self) -> Path:
        """Return the folder of the jars, fetched if they are not there; every digest is checked."""
        place = self.cached()
        if place is not None:
            return place
        wanted, place = self.listed(), self._place()
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache_folder()) as made:
            fetched = Path(made) / "jars"
            self._fetch(fetched, wanted)
            bad = wrong(fetched, wanted)
            if bad:
                raise MissingError(f"Jars of {self.name} are missing or altered: {', '.join(bad)}.", REMEDY)
            _replace(place, fetched, wanted)
        return place

    def cached(self) -> Path | None:
        """Return the folder of the jars if all are there and unaltered."""
        place = self._place()
        return place if place.exists() and not wrong(place, self.listed()) else None

    def class_path(self) -> str:
        """Return the jars as Java is told of them, fetched if they are not there."""
        folder = self.find()
        return os.pathsep.join(str(folder / jar) for jar in self.listed())

    def listed(self) -> dict[str, str]:
        """Return the digests of the jars by their path in a Maven repository."""
        lines = self.digests.read_text("ascii").splitlines()
        return {path: digest for digest, path in (line.split() for line in lines)}

    def _place(self) -> Path:
        return cache_folder() / self.name

    def _fetch(self, place: Path, wanted: dict[str, str]) -> None:
        maven, base = shutil.which("mvn"), os.environ.get("DUKAO_MAVEN_URL")
        if maven is None and not base:
            raise MissingError(f"The jars of {self.name} are not here.", REMEDY)
        if maven is None or not _by_maven(maven, self._pom(), place):
            if not base:
                raise MissingError(f"mvn did not bring the jars of {self.name}.", REMEDY)
            _by_address(base, place, wanted)

    def _pom(self) -> str:
        wanted = "".join(
            f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></dependency>"
            for group, artifact, version in self.coordinates
        )
        return (
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
            "<groupId>dukao</groupId><artifactId>jars</artifactId><version>1</version>"
            f"<packaging>pom</packaging><dependencies>{wanted}</dependencies></project>"
        )


def wrong(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Return the jars that are missing or whose digest is another."""
    return [
        path
        for path, digest in wanted.items()
        if not (folder / path).is_file() or sha256_of(folder / path) != digest
    ]


def _by_maven(maven: str, pom: str, place: Path) -> bool:
    """Let mvn resolve with the settings it has; tell whether it could."""
    file = place.parent / "pom.xml"
    file.write_text(pom, "ascii")
    options = [f"-DoutputDirectory={place}", "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true"]
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(file), COPY_GOAL, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=FETCH_S,
        check=False,
    )
    return done.returncode == 0


def _by_address(base: str, place: Path, wanted: dict[str, str]) -> None:
    with httpx.Client(follow_redirects=True, timeout=FETCH_S) as client:
        for path in wanted:
            answer = client.get(f"{base.rstrip('/')}/{path}")
            if not answer.is_success:
                raise MissingError(f"DUKAO_MAVEN_URL answers {answer.status_code} for {path}.", REMEDY)
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(answer.content)


def _replace(place: Path, fetched: Path, wanted: dict[str, str]) -> None:
    """Put the listed jars in place, readable by every account, and nothing else."""
    clean = fetched.with_name("clean")
    for path in wanted:
        (clean / path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copyfile(fetched / path, clean / path)
        (clean / path).chmod(0o644)
    clean.chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)
    clean.rename(place)
