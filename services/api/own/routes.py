"""The routes of Chronova's own API. Image bytes need no token: the signature in the URL opens them."""

from services.api.own import handlers
from services.api.routing import Route, Routes

ROUTES = Routes(
    [
        Route("GET", "/health", handlers.health, None),
        Route("GET", "/images/{id}/content", handlers.image_content, None),
        Route("PUT", "/instances/{instance}/images/{id}", handlers.upload_image, None),
    ]
)
