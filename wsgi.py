"""What gunicorn loads: `gunicorn wsgi:app`."""

from app import create_app
from orchestrator.settings import load_settings

app = create_app(load_settings())
