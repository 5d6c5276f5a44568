"""The ground floor: where the course lies. Standard library only, for whoever runs before pip."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # a checkout, or somebody's site-packages
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # torch without gigabytes of CUDA
