"""The routes of the image API."""

from services.api.image import data, documents, handlers, members
from services.api.routing import Route, Routes

ALL = [
    Route("GET", "/", documents.list_versions, None),
    Route("GET", "/versions", documents.list_versions_again, None),
    Route("GET", "/v2", documents.list_versions_again, None),
    Route("GET", "/v2/images", handlers.list_images, "get_images"),
    Route("POST", "/v2/images", handlers.create, "add_image"),
    Route("GET", "/v2/images/{id}", handlers.show_image, "get_image"),
    Route("PATCH", "/v2/images/{id}", handlers.change, "modify_image"),
    Route("DELETE", "/v2/images/{id}", handlers.delete, "delete_image"),
    Route("PUT", "/v2/images/{id}/file", data.upload, "upload_image"),
    Route("GET", "/v2/images/{id}/file", data.download, "download_image"),
    Route("GET", "/v2/images/{id}/tasks", handlers.list_tasks, "get_image"),
    Route("GET", "/v2/images/{id}/members", members.list_members, "get_members"),
    Route("POST", "/v2/images/{id}/members", members.add_member, "add_member"),
    Route("GET", "/v2/images/{id}/members/{member}", members.show_member, "get_member"),
    Route("PUT", "/v2/images/{id}/members/{member}", members.answer_member, "modify_member"),
    Route("DELETE", "/v2/images/{id}/members/{member}", members.remove_member, "delete_member"),
    Route("PUT", "/v2/images/{id}/tags/{tag}", handlers.add_tag, "modify_image"),
    Route("DELETE", "/v2/images/{id}/tags/{tag}", handlers.remove_tag, "modify_image"),
    Route("POST", "/v2/images/{id}/actions/deactivate", handlers.take_out_of_use, "deactivate"),
    Route("POST", "/v2/images/{id}/actions/reactivate", handlers.bring_into_use, "reactivate"),
    Route("GET", "/v2/info/import", documents.show_import, "get_image_schema"),
    *(Route("GET", f"/v2/schemas/{name}", documents.show_schema, "get_image_schema") for name in documents.SCHEMAS),
]
"""As data."""

ROUTES = Routes(ALL)
