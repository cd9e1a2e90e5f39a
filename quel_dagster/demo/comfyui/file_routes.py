"""Files over HTTP: uploads come in, saved pictures go out.

Where they lie is `folders`' part.
"""

from aiohttp import web

from quel_dagster.demo.comfyui.folders import KINDS, Folders, OutsideFolder, Upload, annotation
from quel_dagster.demo.comfyui.server import SERVER
from quel_dagster.demo.comfyui.wire import trouble


async def view(request: web.Request) -> web.StreamResponse:
    """`GET /view`: a file by `filename`, `type` and `subfolder`."""
    given = request.query.get("filename")
    if given is None:
        return web.Response(status=404)
    name, annotated = annotation(given)
    kind = annotated or request.query.get("type", "output")
    if not name or name.startswith("/") or ".." in name or kind not in KINDS:
        return web.Response(status=400)
    try:
        folder = request.app[SERVER].folders.path(kind, request.query.get("subfolder", ""))
    except OutsideFolder:
        return web.Response(status=403)
    # Folders in the name are ignored, as on the real server.
    path = folder / name.rpartition("/")[2]
    if not path.is_file():
        return web.Response(status=404)
    return web.FileResponse(path, headers={"Content-Disposition": f'filename="{path.name}"'})


async def upload_image(request: web.Request) -> web.Response:
    """`POST /upload/image`: keep a file; the name it got may differ from the one it was sent with.

    Nothing looks into the file: one that is no picture fails when it is loaded.
    """
    form = await request.post()
    image = form.get("image")
    if image is None:
        return web.Response(status=400)
    if not isinstance(image, web.FileField):
        raise trouble()
    upload = Upload(
        data=image.file.read(),
        name=image.filename,
        kind=str(form.get("type", "input")),
        subfolder=str(form.get("subfolder", "")),
        overwrite=form.get("overwrite") in ("true", "1"),
    )
    return _store(request.app[SERVER].folders, upload)


def _store(folders: Folders, upload: Upload) -> web.Response:
    try:
        name = folders.store(upload)
    except OutsideFolder:
        return web.Response(status=400)
    except (KeyError, OSError) as error:
        raise trouble() from error
    return web.json_response({"name": name, "subfolder": upload.subfolder, "type": upload.kind})


ROUTES = (
    web.get("/view", view),
    web.post("/upload/image", upload_image),
)
"""Also under `/api`."""
