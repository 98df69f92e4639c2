"""The routes of the image API."""

from services.api.image import handlers
from services.api.routing import Route, Routes

ALL = [
    Route("GET", "/", handlers.list_versions, None),
    Route("GET", "/versions", handlers.list_versions_again, None),
    Route("GET", "/v2", handlers.list_versions_again, None),
    Route("GET", "/v2/images", handlers.list_images, "get_images"),
    Route("POST", "/v2/images", handlers.create, "add_image"),
    Route("GET", "/v2/images/{id}", handlers.show_image, "get_image"),
    Route("PATCH", "/v2/images/{id}", handlers.not_built, "modify_image"),
    Route("DELETE", "/v2/images/{id}", handlers.delete, "delete_image"),
    Route("PUT", "/v2/images/{id}/file", handlers.upload, "upload_image"),
    Route("GET", "/v2/images/{id}/file", handlers.download, "download_image"),
    Route("GET", "/v2/images/{id}/tasks", handlers.list_tasks, "get_image"),
    Route("GET", "/v2/images/{id}/members", handlers.list_members, "get_image"),
    Route("PUT", "/v2/images/{id}/tags/{tag}", handlers.not_built, "modify_image"),
    Route("DELETE", "/v2/images/{id}/tags/{tag}", handlers.not_built, "modify_image"),
    Route("GET", "/v2/schemas/image", handlers.show_schema, "get_image_schema"),
]
"""As data."""

ROUTES = Routes(ALL)
