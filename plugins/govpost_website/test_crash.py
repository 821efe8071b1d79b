"""Power cuts, full disks and crowds: every file stays whole, and a repeat completes what was begun."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from govpost import Receipt, Unavailable, Uncertain
from govpost_website import files
from govpost_website.test_common import (
    amend,
    amendment,
    confirm,
    key,
    page,
    picture,
    publish,
    tree,
    variant,
    withdraw,
)

# Kills itself before the n-th change to a name in the folder: a rename (each file's replacement), a removal, a new
# folder. The kernel says so by audit events; nothing of the plugin is replaced.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from govpost_website.test_common import *
folder, what = Path(sys.argv[1]), sys.argv[2]
left = 0
def count(event, _):
    global left
    if event in ("os.rename", "os.remove", "os.mkdir"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
def act(site):
    medium = picture(folder / "bridge.png")
    receipt = Receipt(remote_id=key(1))
    if what == "amend":
        amend(site, receipt, amendment(6, media=(medium,)))
    elif what == "withdraw":
        withdraw(site, receipt)
    else:
        publish(site, variant(5, media=(medium,)))
for n in range(1, 40):
    site = folder / f"{what}-{n}"
    if what != "first":
        shutil.copytree(folder / "before", site)
    pid = os.fork()
    if pid == 0:
        left = n
        sys.addaudithook(count)
        act(site)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
        break
"""

FULL = """
import resource, sys
from pathlib import Path
from govpost import *
from govpost_website.test_common import *
folder, limit = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    publish(folder, variant(5, text="word " * 60))
    print("done")
except PublishError as error:
    print(type(error).__name__, error)
"""


def run(script: str, *arguments: object, **options: object) -> str:
    ours = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | ours,
        **options,
    )
    return done.stdout


def assert_whole(site: Path) -> None:
    """Check that each file that is there is a complete one."""
    for path in site.rglob("*.html"):
        assert path.read_text("utf-8").rstrip().endswith("</html>"), path
    for path in [*site.rglob("*.json")]:
        json.loads(path.read_bytes())
    for path in site.glob("*.atom"):
        ET.fromstring(path.read_bytes())
    for path in (site / "media").glob("*"):
        assert path.stem in tree(site)[str(path.relative_to(site))]


def settle(site: Path, what: str, medium) -> None:
    if what == "amend":
        amend(site, Receipt(remote_id=key(1)), amendment(6, media=(medium,)))
    elif what == "withdraw":
        withdraw(site, Receipt(remote_id=key(1)))
    else:
        publish(site, variant(5, media=(medium,)))


@pytest.mark.parametrize("what", ["first", "publish", "amend", "withdraw"])
def test_a_kill_between_any_two_writes_leaves_a_whole_site_that_a_repeat_completes(tmp_path, what):
    medium = picture(tmp_path / "bridge.png")
    publish(tmp_path / "before", variant(1, media=(picture(tmp_path / "other.png", 10),)))
    publish(tmp_path / "before", variant(2))
    run(KILLED, tmp_path, what)
    killed = sorted(tmp_path.glob(f"{what}-*"), key=lambda path: int(path.name.split("-")[1]))
    assert len(killed) > 8
    for site in killed:
        assert_whole(site)
        settle(site, what, medium)
        assert not list((site / ".work").glob("*.tmp"))
    wanted = tree(killed[-1])
    assert all(tree(site) == wanted for site in killed)


def test_a_full_disk_publishes_nothing_or_says_that_it_cannot_know(tmp_path):
    publish(tmp_path / "before", variant(1))
    said = {}
    for limit in (100, 700, 2000, 3500, 10_000_000):
        site = tmp_path / str(limit)
        shutil.copytree(tmp_path / "before", site)
        said[limit] = run(FULL, site, limit)
        assert_whole(site)
        there = (site / "records" / f"{key(5)}.json").exists()
        assert there is not said[limit].startswith("Unavailable")
        publish(site, variant(5, text="word " * 60))
        assert tree(site).keys() == tree(tmp_path / str(100)).keys()
    assert said[100].startswith("Unavailable nothing was changed on the site in ")
    assert "File too large" in said[100]
    assert said[2000].startswith("Uncertain the change is on record")
    assert said[10_000_000] == "done\n"


def test_a_folder_that_cannot_be_written_is_unavailable_and_says_why(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable, match="Not a directory"):
        publish(tmp_path / "file" / "site", variant())


def test_a_read_only_folder_is_unavailable_and_says_why(tmp_path):
    site = tmp_path / "site"
    publish(site, variant(1))
    for path in [site, *site.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    script = "import sys\nfrom pathlib import Path\nfrom govpost_website.test_common import *\n" + (
        "try:\n publish(Path(sys.argv[1]), variant(2))\nexcept Exception as error:\n print(type(error).__name__, error)"
    )
    if os.geteuid() == 0:
        # Root may write anywhere, so a user without rights tries it, from a folder that he may enter.
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(folder.stat().st_mode | 0o055)
        script = f"import os, govpost_website.test_common\nos.setgroups([])\nos.setuid(65534)\n{script}"
    said = run(script, site)
    for path in [site, *site.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert said.startswith("Unavailable nothing was changed on the site in "), said
    assert "Permission denied" in said


def test_a_list_that_cannot_be_written_leaves_the_post_uncertain_until_a_repeat(tmp_path):
    publish(tmp_path, variant(1))
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").mkdir()
    with pytest.raises(Uncertain, match="not on every page yet"):
        publish(tmp_path, variant(2))
    assert confirm(tmp_path, variant(2)) is not None
    (tmp_path / "index.html").rmdir()
    publish(tmp_path, variant(2))
    assert "Notice 2" in (tmp_path / "index.html").read_text("utf-8")


def test_a_withdrawal_that_could_not_finish_is_finished_by_the_next_call(tmp_path):
    receipt = publish(tmp_path, variant(1))
    (tmp_path / "feed.atom").unlink()
    (tmp_path / "feed.atom").mkdir()
    with pytest.raises(Uncertain):
        withdraw(tmp_path, receipt)
    assert "Withdrawn" in page(tmp_path, receipt)
    (tmp_path / "feed.atom").rmdir()
    publish(tmp_path, variant(2))
    assert "Withdrawn: Notice 1" in (tmp_path / "feed.atom").read_text("utf-8")
    assert not (tmp_path / "records" / f"{key(1)}.json").exists()


def test_what_a_dead_writer_left_is_cleared_away(tmp_path):
    publish(tmp_path, variant(1))
    (tmp_path / ".work" / "abc.tmp").write_bytes(b"half a page")
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / ("0" * 64 + ".png")).write_bytes(b"of a post that never was")
    (tmp_path / "media" / "logo.png").write_bytes(b"the agency's own")
    publish(tmp_path, variant(2))
    assert not (tmp_path / ".work" / "abc.tmp").exists()
    assert [path.name for path in (tmp_path / "media").iterdir()] == ["logo.png"]


def test_threads_and_processes_write_one_after_the_other(tmp_path):
    script = "import sys\nfrom pathlib import Path\nfrom govpost_website.test_common import *\n" + (
        "for n in range(10, 15): publish(Path(sys.argv[1]), variant(n))"
    )
    threads = [threading.Thread(target=run, args=(script, tmp_path))]
    threads += [threading.Thread(target=publish, args=(tmp_path, variant(n))) for n in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index = (tmp_path / "index.html").read_text("utf-8")
    assert all(f"Notice {n}<" in index for n in [*range(1, 6), *range(10, 15)])


def test_a_writer_that_never_ends_is_not_waited_for_for_ever(tmp_path):
    with files.locked(tmp_path), pytest.raises(TimeoutError, match="another process"):  # noqa: SIM117
        with files.locked(tmp_path, patience=0.05):
            pass
