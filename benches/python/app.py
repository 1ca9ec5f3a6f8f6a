"""One small application: without a limiter, with the original traffik, and with slowapi."""

from fastapi import Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse
from slowapi import Limiter
from slowapi.util import get_remote_address
from traffik import HTTPThrottle
from traffik.backends.inmemory import InMemoryBackend

RATE = "1000000000/hour"

backend = InMemoryBackend(namespace="benches")
app = FastAPI(lifespan=backend.lifespan)
throttle = HTTPThrottle(uid="benches", rate=RATE, backend=backend)
limiter = Limiter(key_func=get_remote_address)
app.state.limiter = limiter


@app.get("/bare")
async def without_limiter():
    return PlainTextResponse("hello")


@app.get("/traffik", dependencies=[Depends(throttle)])
async def with_traffik():
    return PlainTextResponse("hello")


@app.get("/slowapi")
@limiter.limit(RATE)
async def with_slowapi(request: Request):
    return PlainTextResponse("hello")
