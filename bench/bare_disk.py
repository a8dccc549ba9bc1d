"""A bare endpoint for comparison: writes each chunk in plaintext and syncs it. In: PUT /{seq}. Out: 204.

Run as `python -m bench.bare_disk FOLDER PORT`. No session, no digest, no sealing, no database: the least that could
acknowledge a chunk after it is on disk.
"""

import os
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def make_app(folder: Path) -> Starlette:
    """The application; chunks lie in `folder` under their numbers."""

    async def put(request: Request) -> Response:
        data = await request.body()
        descriptor = os.open(
            folder / str(int(request.path_params["seq"])), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return Response(status_code=204)

    async def live(_request: Request) -> Response:
        return Response()

    return Starlette(routes=[Route("/live", live), Route("/{seq:int}", put, methods=["PUT"])])


if __name__ == "__main__":
    uvicorn.run(
        make_app(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False
    )
