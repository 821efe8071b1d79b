"""The story that the demo tells: each step is a command of govpost, run as a person of the city would."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from govpost import workspace
from govpost.demo import city
from govpost.demo.receiver import Board
from govpost.demo.watching import Watcher
from govpost.errors import Refused
from govpost.store import deliveries, posts
from govpost.times import utcnow

KEY = "RIVERTON_HUB_KEY"
FIRST = (
    "boil-water-notice",
    "main-street-closure",
    "council-meeting",
    "library-hours",
    "storm-guide",
    "aviso-de-agua",
)

Run = Callable[[list[str]], int]
Say = Callable[[str], None]


@dataclass(kw_only=True)
class Story:
    """Tells and does. `run` carries out one command line, `say` prints a paragraph, `head` a heading."""

    root: Path
    run: Run
    say: Say
    head: Say

    def tell(self) -> None:
        """Tell the whole story."""
        os.environ[KEY] = secrets.token_hex(16)
        with Board(os.environ[KEY]) as board:
            city.build(self.root, board.address, utcnow())
            mend = city.without_description(self.root, "job-fair")
            self.begin()
            self.take_in()
            for path, whole in mend.items():
                path.write_text(whole, encoding="utf-8")
            self.fix()
            self.review()
            self.publish()
            self.settle(board)
            self.correct()
            self.end()

    def do(self, person: str, *words: str, refused: bool = False) -> None:
        """Run one command as a person; it must end as the story expects."""
        self.say(f"\n$ govpost --as {person} {shlex.join(words)}")
        code = self.run(["-C", str(self.root), "--as", person, *words])
        if refused != (code == 1) or code not in (0, 1):
            raise Refused(
                f"the demo went wrong at: govpost {shlex.join(words)}", f"look around in {self.root}"
            )

    def path(self, slug: str) -> str:
        """Return a draft's place in the workspace, as an editor would type it."""
        file = city.draft(self.root, slug)
        return str((file.parent if file.name == "post.md" else file).relative_to(self.root))

    def approve(self, slug: str, person: str = "ben", *, refused: bool = False) -> None:
        """Approve a post by the digest of what was read."""
        space = workspace.open_workspace(self.root)
        with space.store.read() as conn:
            digest = posts.find(conn, slug).digest
        space.store.close()
        self.do(person, "review", "approve", slug, "--digest", digest[:16], "--yes", refused=refused)

    def begin(self) -> None:
        """Start the pilots."""
        self.head("1. The City of Riverton starts its two channels")
        self.say("Ben is an admin. Each channel is a pilot: it starts only with a complete charter.")
        self.do("ben", "pilot", "start", "website")
        self.do("ben", "pilot", "start", "hub")

    def take_in(self) -> None:
        """Take the posts in; one is blocked."""
        self.head("2. Ana, an author, takes her posts in")
        self.say("Every post is checked against the city's policy, for every channel it goes to.")
        self.do("ana", "post", "add", *(self.path(slug) for slug in FIRST))
        self.say("\nOne more, with a picture. Its description is missing, so it is blocked:")
        self.do("ana", "post", "add", self.path("job-fair"), refused=True)

    def fix(self) -> None:
        """Fix the blocked post and look at what would go out."""
        self.head("3. Ana describes the picture, and the post passes")
        self.do("ana", "post", "add", self.path("job-fair"))
        self.say("\nThis is just what would go out, channel by channel:")
        self.do("ana", "post", "preview", "main-street-closure")

    def review(self) -> None:
        """A second person approves."""
        self.head("4. Nobody approves their own words")
        self.approve("job-fair", "ana", refused=True)
        self.say("\nBen reads each post as it will go out, and approves exactly that. The first in full:")
        self.do("ben", "review", "show", "boil-water-notice")
        self.do("ben", "review", "approve", "boil-water-notice", "--yes")
        self.say("\nThe others he has read the same way; each approval names the digest of what he read.")
        for slug in (*FIRST[1:], "job-fair"):
            self.approve(slug)
        self.say("\nThe planner has given each a time: the website at once, the hub three an hour.")
        self.do("ben", "queue", "list")

    def publish(self) -> None:
        """Run the daemon, with the hub's bad day."""
        self.head("5. The daemon publishes what is due")
        self.say("The county's hub has a bad day: it answers 503 first, and later drops a connection.")
        self.work()
        self.say("\nWhat is planned for later stays planned:")
        self.do("ben", "queue", "list")

    def work(self) -> None:
        """Run the daemon until nothing is due."""
        self.say("\n$ govpost daemon --until-idle")
        space = workspace.open_workspace(self.root)
        try:
            Watcher(space, self.say).run()
        finally:
            space.store.close()

    def settle(self, board: Board) -> None:
        """Settle the uncertain delivery."""
        self.head("6. One answer was lost: is it public or not?")
        self.say("govpost does not guess and does not send it twice. It asks:")
        self.do("ben", "status", refused=True)
        space = workspace.open_workspace(self.root)
        with space.store.read() as conn:
            open_ones = [row.id for row in deliveries.in_state(conn, "uncertain")]
        space.store.close()
        self.say("\nBen looks at the county's board. The notice hangs there, so he says where:")
        for key in open_ones:
            self.do("ben", "delivery", "resolve", key, "--live", board.url(key))

    def correct(self) -> None:
        """Lift the notice and correct an error."""
        self.head("7. The water is safe again, and the library made a mistake")
        self.do("ana", "post", "add", self.path("boil-water-lifted"), self.path("library-hours-correction"))
        self.approve("boil-water-lifted")
        self.approve("library-hours-correction")
        self.work()

    def end(self) -> None:
        """Show the outcomes and the record."""
        self.head("8. What came of it")
        self.do("ben", "delivery", "list")
        self.do("ben", "pilot", "report")
        self.say("\nEvery step above is in the record, in order, and nobody changed it since:")
        self.do("ben", "audit", "verify")
        self.say(f"\nThe city's news site: {self.root / 'public' / 'index.html'}")
        self.say(f"The workspace, to look around in: govpost -C {self.root} --as ben status")
