"""flask-sse as its documentation shows it."""

import os

from flask import Flask
from flask_sse import sse  # type: ignore[import-not-found,import-untyped,unused-ignore]  # only `make bench` has it

app = Flask(__name__)
app.config["REDIS_URL"] = os.environ["REDIS_URL"]
app.register_blueprint(sse, url_prefix="/stream")
