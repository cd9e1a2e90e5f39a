"""How a fault comes about: each script places the jobs of its scene and breaks something meanwhile.

What happens to a job's own processes is planned with the job and needs no script.
"""

from typing import TYPE_CHECKING

import redis

from quel_dagster.demo.chaos import daemons

if TYPE_CHECKING:
    from quel_dagster.demo.chaos.scene import Scene

TIMES = 5
SIXTEEN = 16
LEASES = 3


def place_all(scene: "Scene") -> None:
    """Only the jobs' own processes are struck."""
    scene.place()


def rush(scene: "Scene") -> None:
    """As many processes as there are jobs, and more, want all of them at the same moment."""
    with scene.reserving_at_once(SIXTEEN, "fashion"):
        scene.place(quietly=True)


def ring_five_times(scene: "Scene") -> None:
    """A doorbell held down: when a job is placed, while it is made, and after it has ended."""
    for number in range(scene.number):
        scene.place(1)
        scene.ring(scene.job_ids[number:], TIMES - 1)
    scene.until_rendering()
    scene.ring(scene.job_ids, TIMES)
    scene.until_final()
    scene.ring(scene.job_ids, TIMES)
    # Rings are heard in their order: once this one has been, all of the others have.
    scene.place(1)
    scene.until_final()


def cancel(scene: "Scene") -> None:
    """The customers change their minds while their pictures are made, long before these are."""
    scene.site.renderers.renders_take(LEASES * scene.site.pace.lease)
    for _ in range(scene.number):
        scene.place(1)
        job_id = scene.job_ids[-1]
        scene.until_rendering(job_id)
        scene.site.environment.queue.flag_cancel(job_id)
    scene.until_final()
    scene.site.renderers.renders_take(None)


def render_long(scene: "Scene") -> None:
    """Nothing is broken; a render takes longer than a silent attempt would count as alive."""
    scene.site.renderers.renders_take(LEASES * scene.site.pace.lease)
    scene.place()
    scene.until_final()
    scene.site.renderers.renders_take(None)


def empty_redis(scene: "Scene") -> None:
    """What was rung is forgotten: all of it at first, then what is left."""
    scene.place()
    with redis.Redis.from_url(scene.site.place.variables["QUEL_REDIS_URL"]) as client:
        client.flushall()
        scene.until_rendering()
        client.flushall()


def stop_redis(scene: "Scene") -> None:
    """Half the jobs are under way, the other half is placed when nobody can ring."""
    scene.place(scene.number // 2)
    scene.until_rendering()
    with scene.without("redis"):
        scene.place(scene.number - scene.number // 2)
        scene.wait(scene.site.pace.redis_outage)


def restart_postgres(scene: "Scene") -> None:
    """A power cut for the database."""
    scene.place()
    scene.until_rendering()
    with scene.without("postgres"):
        scene.wait(scene.site.pace.outage)


def kill_one_comfyui(scene: "Scene") -> None:
    """The other one has to make what this one had."""
    scene.place()
    scene.until_rendering()
    with scene.without("comfyui-1"):
        scene.until_final()


def kill_every_comfyui(scene: "Scene") -> None:
    """Nobody can render for a while, and what was queued is lost."""
    scene.place()
    scene.until_rendering()
    with scene.without("comfyui-1", "comfyui-2"):
        scene.wait(scene.site.pace.outage)


def two_daemons(scene: "Scene") -> None:
    """The real Dagster, which executes runs twice then."""
    with daemons.two_daemons(scene.site.place):
        scene.place()
        scene.until_final()
